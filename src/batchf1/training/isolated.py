"""Calls in a fresh process, for the price of a fork where that is safe.

It imports little: whatever it imported, each process would import again.
"""

from __future__ import annotations

import multiprocessing
import sys
from importlib import import_module
from typing import Any

from batchf1.errors import one_line, raise_input_error
from batchf1.training import keras_defaults

# A fork of a process that has imported TensorFlow, and computed nothing, is as fresh as a new one,
# and its peak memory is its own; elsewhere than on Linux forks are not safe.
METHOD = "forkserver" if sys.platform == "linux" else "spawn"


def run_in_subprocess(module: str, function: str, arguments: tuple[Any, ...], name: str) -> Any:
    """Return the result of a function, called in a process that alone imports its module.

    Arguments and result must pickle. Raises `InputError` that names the thing where the function
    raises or its process dies.
    """
    context: Any = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        # `devices` imports TensorFlow without its start-up messages
        context.set_forkserver_preload([__name__, f"{__package__}.devices", module])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sender, module, function, arguments))
    try:
        with keras_defaults.environment():  # what the process imports finds Keras' own defaults
            process.start()
            sender.close()
            result, trouble = receiver.recv()
    except EOFError:
        process.join()
        result, trouble = None, f"exit status {process.exitcode}"
    except BaseException:  # the command was interrupted
        process.terminate()
        raise
    finally:
        receiver.close()
    process.join()
    if trouble is not None:
        raise_input_error(f"the process of {name}", "must end with a result", trouble)
    return result


def _report(sender: Any, module: str, function: str, arguments: tuple[Any, ...]) -> None:
    try:
        sender.send((getattr(import_module(module), function)(*arguments), None))
    except Exception as error:  # whatever it is, the process that asked says it in one line
        sender.send((None, one_line(f"{type(error).__name__}: {error}")))

"""Environments of other frameworks, and the programs that run in them.

Each is installed from its pins, `pins/<name>.txt`: every package, so that nothing else comes along.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from batchf1.errors import check, raise_input_error
from batchf1.records.files import replacing_folder
from batchf1.records.provenance import PACKAGE
from batchf1.training import keras_defaults
from batchf1.training.backends import FOLDER as FOLDER

TIMEOUT = 300
"""Seconds for a program, which takes some ten."""
PINS = Path(__file__).with_name("pins")


class Environment(NamedTuple):
    """Purpose and size of an environment on Linux with an x86-64 processor."""

    what: str
    imports: str
    """What must be importable, or it is not whole."""
    download_mb: int
    disk_mb: int


ENVIRONMENTS = {
    "jax": Environment("Keras on JAX", "jax", 145, 570),
    "torch": Environment(
        "PyTorch for CPU, with Keras, Lightning, ignite and torchmetrics",
        "torch, lightning, ignite, torchmetrics",
        225,
        870,
    ),
    "flower": Environment("Flower", "flwr.serverapp.strategy", 65, 215),
    "mxnet": Environment("MXNet, with NumPy 1.23", "mxnet", 65, 250),
}


class Program(NamedTuple):
    """Module of this package, and the environment that it runs in."""

    module: str
    environment: str | None = None
    """None: that of batchf1 itself."""
    argument: str | None = None


PROGRAMS = {
    "keras_jax": Program("keras3", "jax", "jax"),
    "keras_torch": Program("keras3", "torch", "torch"),
    "keras_mirrored": Program("keras3", None, "mirrored"),
    "lightning": Program("in_lightning", "torch"),
    "lightning_ddp": Program("lightning_ddp", "torch"),
    "ignite": Program("pytorch_ignite", "torch"),
    "torchmetrics": Program("torchmetrics_alone", "torch"),
    "flower": Program("flower", "flower"),
    "mxnet": Program("mxnet_metric", "mxnet"),
    "scikit_learn": Program("scikit_learn"),
}
"""In the order of the table."""


def pins(name: str) -> Path:
    """Return the file with the pins of an environment."""
    return PINS / f"{name}.txt"


def cost(name: str) -> str:
    """Return the content of an environment and its size, in a line."""
    needs = ENVIRONMENTS[name]
    return f"{needs.what}: {needs.download_mb} MB to download, {needs.disk_mb} MB on disk"


def python(name: str | None, folder: Path = FOLDER) -> Path:
    """Return the interpreter of an environment, or batchf1's own."""
    return Path(sys.executable) if name is None else folder / name / "bin" / "python"


def install(name: str, folder: Path) -> None:
    """Create an environment in a folder, completely or not at all.

    Raises `InputError` for another name, where the package index does not answer, or where what it
    has cannot be imported: on Linux it serves PyTorch for CUDA alone, which does not start without
    the packages of CUDA, which the pins leave out.
    """
    check(name in ENVIRONMENTS, "environment", f"must be one of {tuple(ENVIRONMENTS)}", name)
    with replacing_folder(folder) as part:
        for command, rule in _steps(name, part):
            _run(command, name, rule)


def _steps(name: str, folder: Path) -> Iterator[tuple[list[str], str]]:
    """Yield the commands that create an environment, and the requirement of each."""
    here, requirements = str(folder / "bin" / "python"), pins(name)
    yield [sys.executable, "-m", "venv", "--without-pip", str(folder)], "cannot be made"
    pip = [sys.executable, "-m", "pip", "--python", here, "--disable-pip-version-check", "install"]
    chosen = ["--quiet", "--no-deps", "--no-compile", "--only-binary", ":all:", "--requirement"]
    yield [*pip, *chosen, str(requirements)], f"needs the package index once ({requirements.name})"
    imports = f"import {ENVIRONMENTS[name].imports}"
    yield [here, "-P", "-c", imports], f"must run `{imports}` ({_hint(name)})"


def _hint(name: str) -> str:
    if name != "torch":
        return f"pins: {name}.txt"
    return "PyTorch's wheels for CPU: name their index in PIP_EXTRA_INDEX_URL, docs/frameworks.md"


def _run(command: list[str], name: str, rule: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = _lines(done.stderr)
        errors = [line for line in lines if line.startswith("ERROR")]
        raise_input_error(f"environment {name}", rule, [*lines[-1:], *errors][-1])


def output_of(name: str, program: Program, folder: Path = FOLDER) -> dict[str, Any]:
    """Run a program in a fresh process of its environment.

    Parameters
    ----------
    name
        What messages call it.
    program
        Module, environment and argument.
    folder
        Where the environments are.

    Returns
    -------
    dict
        The message that it sent, see `programs.protocol.send`.

    Raises
    ------
    InputError
        Where it cannot be started or does not run to its end.
    """
    module = f"{__package__}.{program.module}"
    command = [str(python(program.environment, folder)), "-m", module]
    # no folder of the working directory must be taken for a framework
    quiet = {"PYTHONPATH": str(PACKAGE.parent), "PYTHONSAFEPATH": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    quiet |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    try:
        with keras_defaults.environment():
            done = subprocess.run(
                [*command, *([program.argument] if program.argument else [])],
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                env=os.environ | quiet,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        rule = "must run in its environment: snakemake --cores all frameworks"
        raise_input_error(name, rule, str(error))
    last = _lines(done.stderr if done.returncode else done.stdout)[-1]
    reason = last.removeprefix("batchf1.errors.InputError: ")
    check(done.returncode == 0, name, "must run to its end", reason)
    message: dict[str, Any] = json.loads(last)
    return message


def _lines(output: str) -> list[str]:
    return output.strip().splitlines() or ["no output"]

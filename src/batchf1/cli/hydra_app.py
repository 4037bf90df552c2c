"""Hydra's part of `batchf1 train`: jobs, folders, configs shown, completion."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from io import StringIO, TextIOBase
from pathlib import Path
from traceback import walk_tb
from typing import IO, Any, cast

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from batchf1.cli.completion import without_command
from batchf1.cli.one_run import HYDRA, CommandLine, command_line
from batchf1.config.conf import CONF
from batchf1.config.settings import Run
from batchf1.errors import InputError, check, raise_input_error
from batchf1.sweep import jobs
from batchf1.sweep.composition import reason, registered, run_of, with_variant
from batchf1.sweep.schema import last_epoch, with_metric
from batchf1.training.engines import framework_of

LOGGING = "hydra/job_logging"
TO_FILE = {LOGGING: "batchf1", "hydra.job.name": "train"}
"""Hydra's settings for a run with a folder: its log is train.log."""
NO_FILE = {"hydra.run.dir": ".", "hydra.output_subdir": "null", LOGGING: "batchf1_console"}
"""Hydra's settings for a run that writes nothing."""
HANDLERS = {"batchf1": ["console", "file"], "batchf1_console": ["console"]}
FULL_ERROR = "HYDRA_FULL_ERROR"
"""Environment variable of Hydra; with 1 it raises its errors in place of printing them."""
COMP_LINE = "COMP_LINE"
"""Environment variable with the command line to be completed."""
PLUGIN = "hydra_plugins.hydra_joblib_launcher"
_configured: list[tuple[Any, ...]] = []
"""Framework, device and threads of the jobs of this process; those of the first hold for all."""


def is_needed(parsed: argparse.Namespace) -> bool:
    """Return True if the command line has more than settings of one run."""
    options = ("multirun", "cfg", "info", "shell_completion", "hydra_help", "package", "resolve")
    of_hydra = any(text.startswith(HYDRA) for text in parsed.overrides)
    return of_hydra or any(
        getattr(parsed, name) for name in (*options, "config_dir", "config_name")
    )


def run(parsed: argparse.Namespace, action: Callable[[Run], Any]) -> None:
    """Run Hydra's application; raise what a job raises, and `InputError` for what Hydra refuses."""
    for name in ("package", "resolve"):
        good = bool(parsed.cfg) or not getattr(parsed, name)
        check(good, f"--{name}", "must be given with --cfg", getattr(parsed, name))
    folder = parsed.config_dir
    check(folder is None or folder.is_dir(), "--config-dir", "must be a folder", str(folder))
    overrides = registered(parsed.overrides, folder)
    many = parsed.multirun or "hydra.mode=MULTIRUN" in overrides
    _check_launcher(overrides)
    line = CommandLine(overrides, frozenset())
    if parsed.study is not None and not parsed.shell_completion:
        line = command_line(parsed.study, overrides, many)
        registered(line.overrides, folder)
    keeps_files = many or any(text.startswith("hydra.run.dir=") for text in overrides)
    job = Job(action, line.run_ids, many, keeps_files, trains=not parsed.settings)
    # what only shows something shows what the user has set
    shows = parsed.cfg or parsed.info or parsed.shell_completion or parsed.hydra_help
    more = [] if shows else _defaults(line.overrides, TO_FILE if keeps_files else NO_FILE)
    application = hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
    with _process([*_options(parsed), *more, *line.overrides]), _input_errors(line, parsed):
        application(job)()
    if job.error is not None:
        raise job.error


class Job:
    """Task of Hydra: build the run of a composed config, and do something with it."""

    error: Exception | None = None
    """Exception that a single run raised."""

    def __init__(
        self,
        action: Callable[[Run], Any],
        run_ids: frozenset[str],
        many: bool,
        keeps_files: bool,
        trains: bool,
    ) -> None:
        """`run_ids`: those of the runs that are allowed; empty for any."""
        self.action, self.run_ids = action, run_ids
        self.many, self.keeps_files, self.trains = many, keeps_files, trains

    def __call__(self, config: DictConfig) -> float | None:
        """Do it, and write a trained run's files if it has a folder.

        Return the error of the first strategy and metric in the last validation, for a sweeper
        that searches.
        """
        try:
            return self._do(config)
        except Exception as error:
            if self.many:  # Hydra names the job, and raises the error when all jobs are done
                raise
            self.error = error  # Hydra would print it in lines of its own
            return None

    def _do(self, config: DictConfig) -> float | None:
        state = HydraConfig.get()
        run = run_of(with_variant(config, state.runtime.choices.get("dataset")))
        good = not self.run_ids or run.run_id in self.run_ids
        check(good, "--study", "cannot be combined with settings of no run of it", run.label)
        if self.trains:
            _check_process(run)
        with _logged():
            result = self.action(run)
        if result is None:
            return None
        device, table = result
        if self.keeps_files:
            folder = Path(state.runtime.output_dir)
            overrides, choices = list(state.overrides.task), dict(state.runtime.choices)
            jobs.write(run, device, table, folder, overrides, choices)
        last = with_metric(last_epoch(table)).query("split == 'validation'")
        return float((last["value"] - last["reference_pooled"]).iloc[0])


def _check_process(run: Run) -> None:
    """Refuse a job that needs another framework, backend, device or threads than the first."""
    framework, t = framework_of(run), run.training
    key = (framework.name, framework.version(), t.backend, t.device, t.threads)
    _configured.append(key)
    rule = "must have the framework, backend, device and threads of the first job of its process"
    check(key == _configured[0], run.label, f"{rule}, {_configured[0]}", key)


def _check_launcher(overrides: Sequence[str]) -> None:
    wanted = any(text.strip("+") == "hydra/launcher=joblib" for text in overrides)
    missing = wanted and (find_spec("hydra_plugins") is None or find_spec(PLUGIN) is None)
    rule = "needs hydra-joblib-launcher: pip install 'batchf1[joblib]'"
    check(not missing, "hydra/launcher=joblib", rule)


def _options(parsed: argparse.Namespace) -> list[str]:
    """Return the options as Hydra reads them."""
    flags = ("multirun", "shell_completion", "hydra_help", "resolve")
    texts = ("cfg", "info", "package", "config_dir", "config_name")
    given = [_option(name) for name in flags if getattr(parsed, name)]
    values = {name: getattr(parsed, name) for name in texts if getattr(parsed, name) is not None}
    return given + [f"{_option(name)}={value}" for name, value in values.items()]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _defaults(overrides: Sequence[str], settings: Mapping[str, str]) -> list[str]:
    """Return overrides for the settings of Hydra that the command line does not set."""
    store = ConfigStore.instance()
    for name, handlers in HANDLERS.items():
        store.store(group=LOGGING, name=name, node=_logging(handlers))
    given = {text.lstrip("+~").partition("=")[0] for text in overrides}
    return [f"{key}={value}" for key, value in settings.items() if key not in given]


def _logging(handlers: Sequence[str]) -> dict[str, Any]:
    """Return a configuration of `logging` that writes lines as they are."""
    console = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}
    path = "${hydra.runtime.output_dir}/${hydra.job.name}.log"
    known = {"console": console, "file": {"class": "logging.FileHandler", "filename": path}}
    return {
        "version": 1,
        "formatters": {"line": {"format": "%(message)s"}},
        "handlers": {name: known[name] | {"formatter": "line"} for name in handlers},
        "root": {"level": "INFO", "handlers": list(handlers)},
        "loggers": {"tensorflow": {"level": "ERROR"}},  # it counts the models of all jobs as one's
        "disable_existing_loggers": False,
    }


class _Lines(TextIOBase):
    """Stream that logs each line."""

    def __init__(self) -> None:
        self.rest, self.log = "", logging.getLogger("batchf1")

    def write(self, text: str, /) -> int:
        """Log the lines that are complete."""
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            self.log.info("%s", line)
        return len(text)


@contextmanager
def _logged() -> Iterator[None]:
    """Log what is printed, so that Hydra's settings decide where it goes."""
    lines = _Lines()
    with redirect_stdout(cast("IO[str]", lines)):
        yield
    if lines.rest:
        lines.write("\n")


@contextmanager
def _process(arguments: Sequence[str]) -> Iterator[None]:
    """Let Hydra find its arguments and raise its errors; undo what it does to the process."""
    root = logging.getLogger()
    argv, handlers, level = sys.argv, root.handlers[:], root.level
    saved = {name: os.environ.get(name) for name in (FULL_ERROR, COMP_LINE)}
    sys.argv = ["batchf1", *arguments]
    os.environ[FULL_ERROR] = "1"
    if COMP_LINE in os.environ:
        os.environ[COMP_LINE] = without_command(os.environ[COMP_LINE])
    try:
        with _open_stream():
            yield
    finally:
        sys.argv = argv
        for handler in set(root.handlers) - set(handlers):
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _open_stream() -> Iterator[None]:
    """Keep the stream of absl's log open, which TensorFlow brings.

    `logging.config`, with which Hydra sets up its logs, closes every handler, and that of absl
    closes its stream: a standard error that was replaced before TensorFlow was imported.
    """
    absl: Any = sys.modules.get("absl.logging")
    if absl is None:
        yield
        return
    handler = absl.get_absl_handler().python_handler
    stream, handler.stream = handler.stream, sys.__stderr__  # which it does not close
    try:
        yield
    finally:
        handler.stream = stream


@contextmanager
def _input_errors(line: CommandLine, parsed: argparse.Namespace) -> Iterator[None]:
    """Raise Hydra's errors as `InputError`; end where Hydra ends the process."""
    silent = redirect_stderr(StringIO()) if parsed.package else nullcontext()
    try:
        with silent:
            yield
    except InputError:
        raise
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        frames = [frame.f_code for frame, _ in walk_tb(error.__traceback__)]
        if Job.__call__.__code__ in frames:  # what a job raises is its own
            raise
        rule = f"cannot be composed: {reason(error)}"
        raise_input_error("config", rule, " ".join(line.overrides))
    except SystemExit as ended:
        rule = "must be a part of the config"
        check(not ended.code, "--package", rule, parsed.package)

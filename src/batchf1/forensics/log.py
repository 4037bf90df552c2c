"""Parser of a pasted Keras log: its sizes, and the printed values of both splits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from batchf1.errors import check
from batchf1.metrics.averaging import Averaging

MAX_SAMPLES = 10_000_000
"""Largest data set considered where the log sets no bound."""


class SplitLog(NamedTuple):
    """Printed values of one split as text, as the digits matter; None where there is none."""

    accuracy: str | None
    naive_f1: str | None
    exact_f1: str | None


class Log(NamedTuple):
    """Parsed log.

    Attributes
    ----------
    total : int
        Number up to which the progress bar counts: steps or, if `in_samples`, samples.
    in_samples : bool
        True if the progress bar counts samples.
    train, validation : SplitLog
        Printed values.
    validation_samples : int
        Size of the validation split, if printed.
    unit_told : bool
        True if the log shows whether steps or samples are counted; else steps are assumed.
    keras : str
        The Keras version by the form of the log.
    averaging : {"per_batch", "size_weighted"}
        Rule of that version; None where the form does not determine it.
    earlier_f1 : str
        Naive training F1 of the epoch before.
    """

    total: int | None
    in_samples: bool
    train: SplitLog
    validation: SplitLog
    validation_samples: int | None = None
    unit_told: bool = False
    keras: str = "Keras 2"
    averaging: Averaging | None = None
    earlier_f1: str | None = None


NUMERAL = r"(?:\d++(?:\.\d*+|,\d++)?+|[.,]\d++)(?:[eE][+-]?\d{1,4})?+(?:\s?%)?+"
"""Pattern with possessive quantifiers, so that matching takes linear time."""
UNSEEN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\ufeff\u200b-\u200d\u2060]")
"""Terminal colours, byte order marks (also of concatenated files) and zero-width spaces."""
WRAPPED = re.compile(r"\b(?:np|numpy)\.float\d\d\(([^()\s]{1,40})\)")
HEADER = re.compile(
    r"Train (?:on|for) (\d{1,9}) (samples|steps)"
    r"(?:, validate (?:on|for) (\d{1,9}) (samples|steps))?"
)
PROGRESS = re.compile(r"(?:^|\s)(\d{1,99})/(\d{1,99})\s*+(\[|━|-\s)")
METRIC = re.compile(rf"(?<!\w)([A-Za-z_]\w*+):\s*+({NUMERAL})(?![\w.])")
VALUE = re.compile(rf"[\s:=]({NUMERAL})$")
NAMES_F1 = re.compile(r"f[-_ ]?1\D*+$", re.IGNORECASE)
TRAIN, VALIDATION = re.compile("train", re.IGNORECASE), re.compile("val|test", re.IGNORECASE)


class Printer(NamedTuple):
    """Form of a log that some Keras versions print, with their averaging and unit of progress."""

    form: str
    name: str
    averaging: Averaging | None
    counts: str | None


OLD_TF = "tf.keras of TensorFlow 1.13 to 2.1"
PRINTERS = [
    Printer(r"━|\d/\d+ - \S+ - \S+/step -", "Keras 3", "per_batch", "steps"),
    Printer(r"/sample", OLD_TF, "per_batch", "samples"),
    Printer(r"^Train (?:for|on \d+ (?:steps|samples$))", OLD_TF, "per_batch", None),
    Printer(r"/epoch - ", "tf.keras of TensorFlow 2.2 or later", "per_batch", "steps"),
    Printer(r"^\d+/\d+ - ", "tf.keras later than TensorFlow 1.13", "per_batch", None),
    Printer(r"(?<!\w)accuracy:", "Keras 2.3 or later (before, it is acc)", "per_batch", None),
    Printer(r"^Train on", "Keras 2.0 to 2.3, or tf.keras up to TensorFlow 1.12", None, None),
    Printer(r"", "Keras 2", None, None),
]
"""The first whose form matches the progress line, or the header of its `fit`, is used.

Read in the sources of Keras 2.2.4, 2.3.1 and 3.15, tf_keras 2.21 and TensorFlow 1.12 and 1.13
(`Progbar`, `ProgbarLogger`, `fit_loop`): Keras 2.2.4, which averages by size, and 2.3.1, which does
not, print alike but for the name of the accuracy.
"""


def parse(log_text: str) -> Log:
    """Parse a pasted Keras log: sizes, accuracies, naive F1 and true F1 of both splits.

    The last complete progress line with an F1 counts (one with a validation F1 before others, for
    `evaluate` prints one without), of Keras 2 or 3; `Train on ... samples` above it means that its
    bar counts samples. A true F1 stands on a line of its own that names F1 and the split (train;
    val or test), and the last one counts. Of several F1 metrics `f1_batch_mean` is taken, else the
    first. Numbers may have a decimal comma, be percentages or stand in `np.float64()`. Raises
    `InputError` for a log that has for no split both a naive and a true F1, for values outside
    [0, 1], and for a training set whose number of steps is missing while there is no validation to
    go by.
    """
    plain = WRAPPED.sub(r"\1", UNSEEN.sub("", log_text))
    lines = [line.strip() for line in re.split(r"[\r\n\x08]+", plain) if line.strip()]
    progress, earlier = _last_progress(lines)
    exact = _true_values(lines)
    train, validation = (
        SplitLog(
            _pick(progress.metrics, prefix, "acc"),
            _pick(progress.metrics, prefix, "f1"),
            exact.get(name),
        )
        for prefix, name in (("", "train"), ("val_", "validation"))
    )
    log = _sized(progress, train, validation)._replace(earlier_f1=earlier)
    _check(log, log_text)
    return log


def has_both_f1(part: SplitLog) -> bool:
    """Return True if a naive F1 and a true F1 above 0 are printed."""
    return part.naive_f1 is not None and part.exact_f1 is not None and number(part.exact_f1) > 0


def number(text: str) -> float:
    """Return the value of a printed number or percentage."""
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def half_unit(text: str) -> float:
    """Return half a unit of the last printed digit, of the value: 0.00005 for 99.75%."""
    _, _, power = text.rstrip("%").lower().partition("e")
    return float(f"0.5e{int(power or 0) - decimals_of(text)}")


def decimals_of(text: str) -> int:
    """Return the number of decimals of the printed value: 4 for 99.75%."""
    mantissa = text.rstrip("%").lower().partition("e")[0]
    return len(mantissa.partition(".")[2]) + (2 if text.endswith("%") else 0)


class _Progress(NamedTuple):
    """Complete progress line with an F1, its metrics, and the header of its `fit`."""

    line: str
    total: int | None
    metrics: dict[str, str]
    header: re.Match[str] | None


def _last_progress(lines: Sequence[str]) -> tuple[_Progress, str | None]:
    """Return the last progress line, and the naive training F1 of the similar one before."""
    header, candidates = None, [_Progress("", None, {}, None)]
    for line in lines:
        header = HEADER.search(line) or header
        bar, metrics = PROGRESS.search(line), dict(METRIC.findall(line))
        complete = bar is None or bar[1] == bar[2]
        if not complete or not any("f1" in name.lower() for name in metrics):
            continue
        if bar is None and "loss" not in metrics:
            continue  # a true F1 in the form `f1score_train: 0.9`
        candidates.append(_Progress(line, int(bar[2]) if bar else None, metrics, header))
    validated = [progress for progress in candidates if _pick(progress.metrics, "val_", "f1")]
    *before, last = validated or candidates
    same = [p for p in before if p.header is last.header and p.total == last.total]
    return last, _pick(same[-1].metrics, "", "f1") if same else None


def _sized(progress: _Progress, train: SplitLog, validation: SplitLog) -> Log:
    """Build the log with the numbers of samples or steps, and the Keras version."""
    header = progress.header
    if header and progress.total not in (None, int(header[1])):
        header = None  # of another `fit`
    shown = f"{header[0] if header else ''}\n{progress.line}"
    printer = next(p for p in PRINTERS if re.search(p.form, shown, re.MULTILINE))
    counts = header[2] if header else printer.counts
    return Log(
        int(header[1]) if header else progress.total,
        counts == "samples",
        train,
        validation,
        int(header[3]) if header and header[4] == "samples" else None,
        counts is not None,
        printer.name,
        printer.averaging,
    )


def _true_values(lines: Sequence[str]) -> dict[str, str]:
    values = {}
    for line in lines:
        value = VALUE.search(line)
        if value is None or PROGRESS.search(line) or " - " in line:
            continue
        name = line[: value.start()]
        if not NAMES_F1.search(name):
            continue
        if VALIDATION.search(name):
            values["validation"] = _plain(value[1])
        elif TRAIN.search(name):
            values["train"] = _plain(value[1])
    return values


def _plain(text: str) -> str:
    """Normalize a printed number to a decimal point and no space."""
    return text.replace(",", ".").replace(" ", "")


def _pick(metrics: dict[str, str], prefix: str, kind: str) -> str | None:
    """Return the text of the split's accuracy or naive F1."""
    named = {
        name[len(prefix) :]: _plain(text)
        for name, text in metrics.items()
        if name.startswith("val_") == bool(prefix) and kind in name.lower()
    }
    return named.get("f1_batch_mean", next(iter(named.values()), None))


def _check(log: Log, text: str) -> None:
    for part in (log.train, log.validation):
        for name, value in part._asdict().items():
            check(value is None or 0 <= number(value) <= 1, name, "must lie in [0, 1]", value)
    tied = has_both_f1(log.validation) or (has_both_f1(log.train) and log.total)
    rule = (
        "must have the naive F1 on a progress line, "
        "and the true F1 of the same split on a line of its own"
    )
    shown = text.strip()[:60] or "nothing"
    check(bool(tied), "log", rule, shown)
    for name, total in (("steps", log.total), ("validation samples", log.validation_samples)):
        good = total is None or 1 <= total <= MAX_SAMPLES
        check(good, name, f"must be a whole number from 1 to {MAX_SAMPLES}", total)

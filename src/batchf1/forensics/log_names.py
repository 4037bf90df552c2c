"""Names of metrics as people write them: which quantity, of which split and output."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

NUMERAL = r"(?:\d++(?:\.\d*+|,\d++)?+|[.,]\d++)(?:[eE][+-]?\d{1,4})?+(?:\s?%)?+"
"""Pattern with possessive quantifiers, so that matching takes linear time."""
VALUE = re.compile(rf"(?<![\w.@/+-])[+-]?+(?:{NUMERAL}|nan|inf)(?![\w/]|\.\w)")
SEPARATORS = re.compile(
    r"\s[-\u2013\u2014\u2022]+\s|[,;|\u2502\u2503{}\[\]()\t]|^[-*\u2013\u2014\u2022]+\s"
)
"""Between two metrics; dashes of three lengths, bullets, and the lines of boxes."""
NOT_OF_NAME = " \t:='\">~*|\u2502\u2503"
IN_NAME = re.compile(r"\([^()\n]{1,80}+\)(?=\s*+[:=])")
SPELLED = re.compile(r"\b([Ff])[- ]1(?![\d.])")
TOKEN = re.compile(r"[a-z]+\d*|\d+")

SPLITS = {
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval"), "validation"),
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Word of a name -> its split."""
KINDS = {
    **dict.fromkeys(("f1", "fmeasure", "fscore", "fbeta", "dice", "dsc", "sorensen"), "f1"),
    **dict.fromkeys(("precision", "prec", "pre", "ppv"), "precision"),
    **dict.fromkeys(("recall", "rec", "sensitivity", "tpr"), "recall"),
    **dict.fromkeys(("iou", "jaccard", "jacard"), "iou"),
    **dict.fromkeys(("acc", "accuracy"), "accuracy"),
    **{name: name for name in ("tp", "fp", "fn", "tn", "loss")},
}
"""Word of a name -> its quantity."""
JOINED = (
    (re.compile(r"(?<![a-z])f[ _-](measure|score|beta)(?![a-z])"), r"f\1"),
    (re.compile(r"(?<![a-z])f[ _-]1(?!\d)"), "f1"),
    (re.compile(r"(?<![a-z])io_u(?![a-z])"), "iou"),
    (re.compile(r"(dice|sorensen)(?=dice|coef|score)"), r"\1 "),
    (re.compile(r"\b(true|false)[ _-](positive|negative)s?\b"), r"\1\2"),
)
"""Two words that name one quantity."""
COUNTS = {"truepositive": "tp", "falsepositive": "fp", "falsenegative": "fn", "truenegative": "tn"}
OTHERS = {
    **dict.fromkeys(("macro", "weighted", "micro"), "an average over classes"),
    **dict.fromkeys(("mean", "avg", "average", "std", "fold", "cv"), "an average or a spread"),
    **dict.fromkeys(("best", "max", "min", "previous", "baseline"), "of another epoch"),
    **dict.fromkeys(("at", "top", "balanced", "masked", "auc"), "another metric"),
}
"""Word of a name -> why its value is not the quantity itself."""
FILLING = {
    *("get", "my", "custom", "calc", "compute", "m", "k", "keras", "tf", "metric", "metrics"),
    *("score", "value", "coef", "coefficient", "coeff", "fn", "func", "function", "binary", "own"),
    *(
        "categorical",
        "sparse",
        "batch",
        "the",
        "on",
        "of",
        "set",
        "split",
        "data",
        "dataset",
        "for",
    ),
    *("in", "is", "final", "epoch", "after", "result", "results", "class", "positive", "f"),
}
"""Words without a meaning of their own here."""
ANY_BETA, DICE = {"fmeasure", "fscore", "fbeta"}, {"dice", "dsc", "sorensen"}


class Name(NamedTuple):
    """Meaning of a name.

    Attributes
    ----------
    kind : str
        f1, precision, recall, accuracy, iou, tp, fp, fn, tn, loss; "" for anything else.
    split : {"train", "validation", "test"}, optional
        None where the name has no split.
    output : str
        Words that are left: the output of the model, or another variant of the metric.
    why_not : str
        Why the value is not the quantity itself, such as a macro average; "" if it is.
    assumed : str
        Assumption by which the name is read; "" if there is none.
    """

    kind: str
    split: str | None
    output: str
    why_not: str
    assumed: str


@lru_cache(maxsize=4096)
def name_of(text: str) -> Name:
    """Read a name such as `val_f1_m`, `f1-score`, `Test F1 Score` or `main_output_recall_1`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text[-120:]).lower()
    for pattern, joined in JOINED:
        spaced = pattern.sub(joined, spaced)
    words = TOKEN.findall(spaced)
    words = [COUNTS.get(word, word) for word in words]
    if len(words) > 1 and words[-1].isdigit() and words[-2] not in ("class", "label"):
        words.pop()  # precision_1 is the second object of that name
    split = next((SPLITS[word] for word in words if word in SPLITS), None)
    named = [word for word in words if word in KINDS]
    kinds = {KINDS[word] for word in named}
    kind = "loss" if "loss" in kinds else KINDS[named[0]] if len(kinds) == 1 else ""
    why_not = next((OTHERS[word] for word in words if word in OTHERS), "")
    if words[-2:] == ["batch", "mean"]:
        why_not = ""
    left = [w for w in words if not (w in SPLITS or w in KINDS or w in FILLING or w in OTHERS)]
    return Name(kind, split, "" if kind == "loss" else " ".join(left), why_not, _assumed(named))


def _assumed(named: list[str]) -> str:
    if ANY_BETA & {*named}:
        return "beta = 1: the name does not say it"
    return "Dice is the F1 by another name" if DICE & {*named} else ""


def split_of(name: str) -> tuple[str | None, str]:
    """Return the split that a name begins with, or None, and the rest of the name."""
    first, _, rest = name.partition("_")
    return (SPLITS[first], rest) if first in SPLITS else (None, name)


def pairs(line: str) -> list[tuple[str, str]]:
    """Return the names and values of a line, `f1: 0.5`, `val f1 = 0,5`, `'eval_f1': 50%`.

    Text between two numbers is the name of the second, from its last separator on.
    """
    line = IN_NAME.sub(_named, SPELLED.sub(r"\g<1>1", line))
    found, end = [], 0
    for value in VALUE.finditer(line):
        before = line[max(end, value.start() - 200) : value.start()].rstrip(NOT_OF_NAME)
        name = " ".join(SEPARATORS.split(before)[-1].strip(NOT_OF_NAME).split())
        if re.search(r"[A-Za-z]", name):
            found.append((name, plain(value[0])))
        end = value.end()
    return found


def _named(match: re.Match[str]) -> str:
    """Keep `F1 (train):`, drop `F1 (threshold 0.5):`."""
    return "" if re.search(r"\d", match[0]) else f" {match[0][1:-1]}"


def plain(text: str) -> str:
    """Normalize a printed number to a decimal point and no space."""
    return text.replace(",", ".").replace(" ", "")

"""Sentences of an answer: the verdict, the true F1, what to log instead, and what was read."""

from __future__ import annotations

from collections.abc import Mapping

from batchf1.forensics.log import NO_F1
from batchf1.forensics.log_values import Reading
from batchf1.forensics.verdict import Finding

VERDICTS = {
    "averaged": "{} is averaged over parts of the data: batches, if nothing else cuts it.",
    "object": "{} is the F1 of all samples together: it is not averaged.",
    "accuracy": "{} is the accuracy: a micro average over classes equals it.",
    "flat_labels": "{} is no F1: with labels of shape (n,) it is about the positives in a batch.",
    "unknown": "This log does not show whether {} is averaged over batches.",
}
REMEDIES = {
    "averaged": "Log batchf1.keras.Streaming(), Reconstructed() or EpochEnd() instead "
    "(docs/strategies.md); in another framework, F1 of the summed counts.",
    "object": "There is nothing to change.",
    "accuracy": "Log the F1 of a class, or their macro average, instead.",
    "flat_labels": "Give labels of shape (n, 1), y[:, None], and log batchf1.keras.Streaming().",
    "unknown": "Paste the lines with its precision and recall too, or the true F1 "
    "(`val f1 0.71`); or log batchf1.keras.Streaming() beside it.",
}
ORDER = ("validation", "train", "test")


def main_split(findings: Mapping[str, Finding]) -> str:
    """Return the split that the answer is about: validation if it has an F1 of an epoch."""
    logged = [split for split in ORDER if split in findings and "f1" in findings[split].read]
    return logged[0]


def headline(findings: Mapping[str, Finding], reading: Reading) -> list[str]:
    """Return the three lines: verdict, true F1, remedy."""
    split = main_split(findings)
    finding = findings[split]
    true = _true_f1(finding, reading, split)
    return [VERDICTS[finding.verdict].format(finding.name), true, REMEDIES[finding.verdict]]


def _true_f1(finding: Finding, reading: Reading, split: str) -> str:
    truth, found = reading.splits[split].truth, finding.true_f1
    if truth:
        logged = "" if finding.verdict == "object" else f"; {finding.read['f1']} is logged"
        return f"The true F1 is {truth.f1}, of line {truth.number} ({truth.source}){logged}."
    if finding.verdict == "object":
        return f"The true F1 is {finding.read['f1']}."
    if finding.verdict == "accuracy":
        return "The F1 of a class is not in this log."
    if finding.verdict == "flat_labels":
        return "The true F1 is not in this log: shuffled predictions log the same."
    least = finding.lower_bound
    if least is not None and found:
        least = min(least, found.low)  # the bound holds on average
    parts = [f"at least {least:.2f}"] if least is not None else []
    if found:
        parts.append(f"most likely {found.best:.2f} ({found.low:.2f} to {found.high:.2f})")
        parts += [f"or else about {other.best:.2f}" for other in finding.others]
    if parts:
        return f"The true F1 is {', '.join(parts)}."
    return (
        "The true F1 does not follow from it alone; with the prevalence and the batch size "
        f"`batchf1 bound --logged {finding.read['f1']} --prevalence R --batch-size B` finds it."
    )


def evidence(findings: Mapping[str, Finding], reading: Reading) -> list[str]:
    """Return the values read and the proofs of each split, then what was assumed, each once."""
    lines = []
    for split in ("train", "validation", "test"):
        if split in findings:
            lines += [_values(split, findings[split]), *_proofs(findings[split])]
    lines += passed_over(reading)
    main = main_split(findings)
    assumed = [
        text for split in (main, "test") if split in findings for text in findings[split].assumed
    ]
    lines += [f"assumed: {text}" for text in dict.fromkeys(assumed)]
    if len(reading.outputs) > 1:
        others = ", ".join(name or "the one without a name" for name in reading.outputs)
        lines.append(f"outputs with an F1: {others}; --output chooses")
    return lines


def passed_over(reading: Reading) -> list[str]:
    """Return the lines beside the epochs that name an F1 and were not taken, the last few."""
    lines = [
        line for line in reading.lines if line.kind in BESIDE and "passed over: " in line.taken
    ]
    named = [f"line {line.number}: {line.taken}" for line in lines if line.taken != NO_F1]
    return [*(["..."] if len(named) > MAX_PASSED else []), *named[-MAX_PASSED:]]


BESIDE = ("line", "block", "report", "matrix")
MAX_PASSED = 3
"""Number of lines that are named as passed over."""


def _values(split: str, finding: Finding) -> str:
    named = {**finding.read}
    true = named.pop("true_f1", None)
    shown = [f"{kind} {text}" for kind, text in named.items()]
    shown += [f"true F1 {true}"] if true else []
    return f"{split}: {', '.join(shown)}"


def _proofs(finding: Finding) -> list[str]:
    lines = [f"  {sentence}" for sentence in finding.evidence]
    if finding.lower_bound_975 is not None:
        lines.append(
            f"  In random batches the true F1 is at least {finding.lower_bound:.4f} on average, "
            f"and at least {finding.lower_bound_975:.4f} in 97.5 % of logs."
        )
    if finding.prevalence_interval is not None:
        low, best, high = finding.prevalence_interval
        lines.append(f"  Prevalence {best:.3g} ({low:.3g} to {high:.3g}).")
    if finding.batch_size:
        lines.append(
            f"  Batch size {', '.join(map(str, finding.batch_size[:5]))}, likeliest first."
        )
    return lines


def read_lines(reading: Reading) -> list[str]:
    """Return for each line its number, its kind, what was taken from it, and its beginning."""
    rows = [(str(line.number), line.kind, line.text.split("\n")[0]) for line in reading.lines]
    shown = []
    for (number, kind, text), line in zip(rows, reading.lines, strict=True):
        cut = text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."
        shown += [f"{number:>5} {kind:<10} {cut}", f"{'':>16} -> {line.taken}"]
    return shown


WIDTH = 80
"""Largest number of characters of a line that is shown."""

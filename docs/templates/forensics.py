"""What docs/forensics.md quotes of the code, and the log of Keras 2.2.4 that it shows."""

import math
from pathlib import Path

from batchf1.figures.wild_logs import of_validation
from batchf1.forensics import summary
from batchf1.forensics.log import read
from batchf1.forensics.log_keras import PRINTERS, Printer
from batchf1.forensics.sizes import SIZES, rarity
from batchf1.forensics.verdict import conclude
from batchf1.theory.search import compatible_f1
from templates.article import found_in_log
from templates.common import benchmark, claim, figure

LOG = "tests/helpers/keras224_fit.txt"
"""What Keras 2.2.4 printed."""
EXAMPLE = """\
188/188 [=====] - 1s 5ms/step - loss: 0.1400 - accuracy: 0.9639 - f1_m: 0.5267 \
- precision_m: 0.5661 - recall_m: 0.5408 - val_loss: 0.1600 - val_accuracy: 0.9663 \
- val_f1_m: 0.5174 - val_precision_m: 0.5378 - val_recall_m: 0.5407
188/188 [=====] - 1s 5ms/step - loss: 0.1100 - accuracy: 0.9749 - f1_m: 0.6395 \
- precision_m: 0.6737 - recall_m: 0.6512 - val_loss: 0.1400 - val_accuracy: 0.9762 \
- val_f1_m: 0.5973 - val_precision_m: 0.6225 - val_recall_m: 0.6151"""
"""Two epochs of batches of 32, simulated."""
TRUTH = 0.78
"""The true F1 of validation after the second."""
EACH_ONCE = {"per_batch": "each once", None: "not told"}
UP_TO = 256
"""Every batch size up to this one is tried."""


def context(root: Path) -> dict[str, object]:
    """Read what the code tries, in its own order."""
    shown = (root / LOG).read_text(encoding="utf-8").replace("=" * 30, "=" * 5).splitlines()
    best = found_in_log(root).candidates[0]
    n = best.validation.n_samples
    claim(n == 7117, "the article's validation samples are 7,117", n)
    claim(set(range(1, UP_TO + 1)) <= set(SIZES), "every size up to 256 is tried")
    reading = read(EXAMPLE)
    findings = conclude(reading)
    true_f1 = findings["validation"].true_f1
    claim(true_f1 and true_f1.low < TRUTH < true_f1.high, "the interval has the truth", true_f1)
    return {
        "example": EXAMPLE.replace(" - val_loss", "\n    - val_loss").splitlines(),
        "answer": [*summary.headline(findings, reading), "", *summary.evidence(findings, reading)],
        "truth": TRUTH,
        "bound": compatible_f1(0.47, 50, 0.014, within=0.005),
        "log": [shown[0], *shown[-3:]],
        "printers": [_cells(printer) for printer in PRINTERS],
        "up_to": UP_TO,
        "n_larger": sum(size > UP_TO for size in SIZES),
        "largest": max(SIZES),
        "rarity": {size: rarity(size) for size in (32, 64, 50, 75, 48, 47)},
        "times_less_likely": math.exp((rarity(47) - rarity(32)) / 2),
        "n_validation": n,
        **_estimates(root),
        "wild": _wild(root),
    }


def _estimates(root: Path) -> dict[str, object]:
    """Return how often estimates of simulated logs were right, by group."""
    table = benchmark(root, "logs").set_index(["by", "group"], drop=False)
    whole, many = table.loc[("all", "all")], table.loc[("positives", "5 or more")]
    claim(0.93 <= whole["covered"] <= 0.98, "95 % intervals hold in 93 to 98 %", whole["covered"])
    claim(whole["bound_above"] <= 0.025, "the bound fails in 2.5 % at most", whole["bound_above"])
    claim(many["width_median"] < 0.05, "from five positives a batch on it is narrow", many)
    return {"estimates": table.to_dict("records"), "estimated": whole, "many_positives": many}


def _wild(root: Path) -> dict[str, object]:
    """Return what the public logs prove, of validation where they have it."""
    rows = of_validation(figure(root, "wild_logs"))
    rates = rows["precision"].notna() & rows["recall"].notna()
    averaged, unknown = rows["verdict"].eq("averaged"), rows["verdict"].eq("unknown")
    above_one = rows["verdict"].eq("flat_labels").sum()
    claim(above_one == 1, "one F1 is above 1", above_one)
    shown = rows[averaged & rows["true_f1"].notna()]
    gap = 100 * (shown["true_f1"] - shown["f1"])
    claim(gap.median() < 5, "most are little too low", gap.median())
    stated = shown[shown["stated_batch_size"].notna()]
    ratio = stated["batch_size"] / stated["stated_batch_size"]
    return {
        "logs": len(rows),
        "with_rates": rates.sum(),
        "averaged_of_rates": (averaged & rates).sum(),
        "objects": (rows["verdict"].eq("object") & rates).sum(),
        "accuracy": (rows["verdict"].eq("accuracy") & rates).sum(),
        "by_iou": (averaged & ~rates).sum(),
        "unknown_of_others": (unknown & ~rates).sum(),
        "gap_median": gap.median(),
        "gap_max": gap.max(),
        "width": (shown["true_f1_high"] - shown["true_f1_low"]).median(),
        "stated": len(stated),
        "multiples": (ratio % 1 == 0).sum(),
    }


def _cells(printer: Printer) -> str:
    """Return which Keras printed a line, and how that averages."""
    return f"{printer.name} | {EACH_ONCE[printer.averaging]}"

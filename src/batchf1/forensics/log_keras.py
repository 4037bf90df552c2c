"""Version of Keras by the form of a log, with its averaging rule."""

from __future__ import annotations

import re
from typing import NamedTuple

from batchf1.metrics.averaging import Averaging


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


def printer_of(shown: str) -> Printer:
    """Return the form of a progress line below the header of its `fit`."""
    return next(p for p in PRINTERS if re.search(p.form, shown, re.MULTILINE))

"""Logs to look into: the article's, and ones of a shape that is worked out by hand."""

from functools import cache

from batchf1.forensics.answer import investigate

ARTICLE = """\
854/854 [====] - 2s 2ms/step - loss: 5.7325e-04 - acc: 1.0000 - f1: 0.5160 - val_loss: 0.0065 \
- val_acc: 0.9982 - val_f1: 0.4728
f1score_train 0.997502
f1score_test 0.93532336
"""


@cache
def article():
    return investigate(ARTICLE)


def fit_on_arrays(naive, train="", metrics="", held_out=500, unit="step"):
    """A log of Keras 2.2.4, `train` the naive training values of its epochs.

    500 validation samples with 53 true positives and 11 errors, 3,000 training samples with six
    times as many; both have the true F1 106/117.
    """
    bars = [
        f"3000/3000 [==] - 0s 9us/{unit} - loss: 0.1 - {f'f1: {value} - ' if value else ''}"
        f"{metrics}val_loss: 0.1 - val_f1: {naive}"
        for value in train.split(",")
    ]
    true = "f1score_train 0.905982905982906\n" * bool(train)
    header = f"Train on 3000 samples, validate on {held_out} samples"
    return "\n".join([header, *bars, f"{true}f1score_test 0.905982905982906"])

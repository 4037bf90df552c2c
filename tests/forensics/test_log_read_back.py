"""A log that a small generator prints is read back, whatever is printed around it."""

from hypothesis import given
from hypothesis import strategies as st

from batchf1.forensics.log import read

values = st.integers(1, 9998).map(lambda n: f"{n / 1e4:.4f}")
ORDER = ("f1", "precision", "recall", "accuracy")
names = st.fixed_dictionaries(
    {
        "f1": st.sampled_from(["f1", "f1_m", "f1_score", "f1-score", "fmeasure", "dice_coef"]),
        "precision": st.sampled_from(["precision", "precision_m", "precision_1"]),
        "recall": st.sampled_from(["recall", "recall_m", "recall_3"]),
        "accuracy": st.sampled_from(["acc", "accuracy", "binary_accuracy"]),
    }
)
epochs = st.lists(
    st.tuples(*[st.fixed_dictionaries(dict.fromkeys(ORDER, values))] * 2), min_size=1, max_size=4
)
bars = st.sampled_from(["[=====] - 2s 9ms/step", "━━━━━ 2s 9ms/step", "- 2s"])
marks = st.sampled_from(["", "# ", "> ", "#"])
noise = st.lists(
    st.sampled_from(
        [
            "Epoch 00001: val_f1 improved from 0.1 to 0.9, saving model to weights.h5",
            "2024-01-01 10:00:00,123 - INFO - hello 0.5",
            "learning rate: 0.001",
            "1/7 [>....] - ETA: 3s - loss: 0.9000 - f1: 0.1234",
            "",
        ]
    )
)


@given(names=names, epochs=epochs, bar=bars, mark=marks, noise=noise, total=st.integers(2, 9999))
def test_what_was_printed_is_read(names, epochs, bar, mark, noise, total):
    lines = []
    for number, pair in enumerate(epochs, 1):
        lines += [f"Epoch {number}/{len(epochs)}"]
        metrics = [
            f"{prefix}{names[kind]}: {row[kind]}"
            for prefix, row in zip(("", "val_"), pair, strict=True)
            for kind in ORDER
        ]
        metrics = ["loss: 0.5000", *metrics[:4], "val_loss: 0.6000", *metrics[4:]]
        lines += [f"{total}/{total} {bar} - {' - '.join(metrics)}", *noise]
    reading = read("\n".join(mark + line for line in lines))
    for index, split in enumerate(("train", "validation")):
        assert reading.splits[split].epochs == [pair[index] for pair in epochs]
        assert reading.splits[split].truth is None
        prefix = "val_" * index
        assert reading.splits[split].names == {k: prefix + names[k] for k in ORDER}
    assert reading.log.total == total


@given(text=st.text(st.sampled_from("f1val_: 0.5-[]{}()/\\\n\r\b\x1b'\",=ETAloss#>|")))
def test_no_text_breaks_the_reader(text):
    reading = read(text, None)
    assert [line.number for line in reading.lines] == sorted(line.number for line in reading.lines)

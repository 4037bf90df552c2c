"""What figures/cost.csv says of each strategy, on a processor in batches of 512."""

import pandas as pd


def smallest_cells(folder):
    """The cells of ordinary `fit` with the fewest rows, by strategy."""
    table = _of_512(folder)
    cells = table[(table["row"] == "cell") & (table["engine"] == "plain")]
    return cells[cells["n_rows"] == cells["n_rows"].min()].set_index("strategy")


def grown_bytes(folder):
    """Bytes that the peak memory grows a row, by strategy."""
    slopes = _of_512(folder).query("row == 'slope'")
    # `blocks` reaches far more rows, where it was measured
    plain = (slopes["engine"] == "plain") == (slopes["strategy"] == "epoch_end_arrays")
    return slopes[plain].set_index("strategy")["grown_bytes_per_row"]


def _of_512(folder):
    table = pd.read_csv(folder / "cost.csv")
    return table[(table["device"] == "cpu") & (table["batch_size"] == 512)]

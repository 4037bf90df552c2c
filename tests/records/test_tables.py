"""Tables: what is written is valid and whole, what is read is checked."""

import random

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pyarrow import parquet

from batchf1.errors import InputError
from batchf1.records import tables
from batchf1.sweep import schema
from helpers.tables_of_runs import rows, table


def test_a_table_comes_back_as_it_was_with_its_provenance(tmp_path):
    path = tmp_path / "deep" / "t.parquet"
    tables.write(rows(), path, schema.RUNS, {"commit": "c"})
    pd.testing.assert_frame_equal(tables.read(path, schema.RUNS), rows())
    assert tables.provenance_of(path) == {"commit": "c"}


def test_an_empty_table_is_valid(tmp_path):
    tables.write(tables.empty(schema.RUNS), tmp_path / "t.parquet", schema.RUNS, {})
    found = tables.read(tmp_path / "t.parquet", schema.RUNS)
    assert found.empty
    assert dict(found.dtypes) == dict(rows().dtypes)
    (piece,) = tables.iter_chunks(tmp_path / "t.parquet", schema.RUNS, ["f1", "split"])
    assert dict(piece.dtypes) == dict(rows()[["split", "f1"]].dtypes)


def test_a_table_is_written_and_read_piece_by_piece(tmp_path, monkeypatch):
    path, whole = tmp_path / "t.parquet", table(*({"epoch": i} for i in range(1, 8)))
    with tables.writing(path, schema.RUNS) as writer:
        for part in (whole[:3], whole[3:4], whole[4:]):
            writer.add(part)
        writer.record({"commit": "c"})
    assert tables.provenance_of(path) == {"commit": "c"}
    pd.testing.assert_frame_equal(tables.read(path, schema.RUNS), whole)
    monkeypatch.setattr(tables, "ROWS", 2)
    pieces = list(tables.iter_chunks(path, schema.RUNS))
    assert max(map(len, pieces)) <= 2
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole)
    some = pd.concat(tables.iter_chunks(path, schema.RUNS, ["f1", "epoch"]), ignore_index=True)
    pd.testing.assert_frame_equal(some, whole[["epoch", "f1"]])


def test_a_piece_with_other_columns_than_the_first_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    words = "t.parquet must have the columns of the first piece in all pieces"
    with pytest.raises(InputError, match=words), tables.writing(path, schema.RUNS) as writer:
        writer.add(rows())
        writer.add(rows(run_id="b").assign(**{"training.threshold": 0.5}))
    assert list(tmp_path.iterdir()) == []


def test_of_some_columns_all_names_and_their_own_values_are_checked(tmp_path):
    path = tmp_path / "t.parquet"
    rows(f1=1.5).to_parquet(path)
    (found,) = tables.iter_chunks(path, schema.RUNS, ["run_id", "loss"])
    assert list(found) == ["run_id", "loss"]
    with pytest.raises(InputError, match=r"t.parquet: column f1 must be 0 to 1; got \[1.5\]"):
        list(tables.iter_chunks(path, schema.RUNS, ["f1"]))
    rows().drop(columns="fp").to_parquet(path)
    with pytest.raises(InputError, match=r"every column of its schema; got none named \['fp'\]"):
        list(tables.iter_chunks(path, schema.RUNS, ["f1"]))


def test_a_table_may_say_further_settings_after_the_named_columns(tmp_path):
    more = {"training.threshold": 0.3, "model.hidden": "[4]", "strategies": '["streaming"]'}
    tables.write(rows().assign(**more), tmp_path / "t.parquet", schema.RUNS, {})
    found = tables.read(tmp_path / "t.parquet", schema.RUNS)
    pd.testing.assert_frame_equal(found, rows().assign(**more))
    for strange in ("x.training.threshold", "model.a.b", "seed.x", "trainings", "colour"):
        with pytest.raises(InputError, match="columns of its schema only"):
            tables.validate(rows().assign(**{strange: 1}), schema.RUNS, "t")


BAD = {
    "value above 1": (rows(f1=1.5), "f1"),
    "NaN": (rows(f1=np.nan), "f1"),
    "negative count": (rows(tp=-1), "tp"),
    "unknown split": (rows(split="test"), "split"),
    "more empty batches than batches": (
        rows(n_empty_batches=4),
        "must have n_empty_batches of at most n_batches",
    ),
    "missing column": (rows().drop(columns="fp"), "fp"),
    "strange column": (rows().assign(more=1), "more"),
    "wrong dtype": (rows().astype({"tp": float}), "tp"),
    "a row twice": (
        rows(split="validation"),
        "must have one row for each run_id, epoch, split, strategy; got .*valid",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_table_is_neither_written_nor_read(case, tmp_path):
    table, words = BAD[case]
    path = tmp_path / "t.parquet"
    tables.write(rows(), path, schema.RUNS, {})
    with pytest.raises(InputError, match=words) as caught:
        tables.write(table, path, schema.RUNS, {})
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    pd.testing.assert_frame_equal(tables.read(path, schema.RUNS), rows())
    table.to_parquet(path)
    with pytest.raises(InputError, match=words):
        tables.read(path, schema.RUNS)


@pytest.mark.parametrize("content", [None, b"", b"PAR1 half"])
def test_an_unreadable_or_truncated_table_is_refused(content, tmp_path):
    path = tmp_path / "t.parquet"
    if content is not None:
        path.write_bytes(content)
    for read in (lambda: tables.read(path, schema.RUNS), lambda: tables.provenance_of(path)):
        with pytest.raises(InputError, match=r"t.parquet must be a whole parquet file; got"):
            read()


def flipped(content, chance, start):
    """The content with one bit flipped in what follows `start`."""
    place, bit = chance.randrange(start, len(content)), chance.randrange(8)
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def test_a_flipped_bit_in_the_footer_is_refused_or_changes_nothing(tmp_path):
    path, chance = tmp_path / "t.parquet", random.Random(3)
    record = {"runs": ["a" * 12, "b" * 12], "fingerprint": "f" * 12, "epochs": 5}
    tables.write(rows(), path, schema.RUNS, record)
    content, n_refused = path.read_bytes(), 0
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for _ in range(75):
        path.write_bytes(flipped(content, chance, footer))
        try:
            found = tables.provenance_of(path)
            pd.testing.assert_frame_equal(tables.read(path, schema.RUNS), rows())
        except InputError as error:
            assert str(error).startswith((f"{path} must ", f"{path}: "))
            n_refused += 1
        else:
            assert found in (record, {})  # a flipped key hides the record, none changes it
    assert n_refused > 20


def test_a_record_that_was_changed_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    tables.write(rows(), path, schema.RUNS, {"fingerprint": "abc"})
    path.write_bytes(path.read_bytes().replace(b'"abc"', b'"abd"'))
    with pytest.raises(InputError, match="must be a whole parquet file; got a record that was ch"):
        tables.provenance_of(path)


@pytest.mark.parametrize(
    "read", [tables.read, lambda *given: list(tables.iter_chunks(*given))], ids=["read", "chunks"]
)
@pytest.mark.parametrize(
    ("column", "value"), [("f1", 0.25), ("seed", 1), ("frozen", True), ("study", "other")]
)
def test_rows_that_were_changed_are_refused(column, value, read, tmp_path):
    path = tmp_path / "t.parquet"
    tables.write(rows(), path, schema.RUNS, {"commit": "c"})
    with parquet.ParquetFile(path) as file:
        footer = file.metadata.metadata
    other = pyarrow.Table.from_pandas(rows().assign(**{column: value}), preserve_index=False)
    parquet.write_table(other.replace_schema_metadata(footer), path)
    assert tables.provenance_of(path) == {"commit": "c"}
    with pytest.raises(InputError, match=r"t.parquet must be .*; got rows that were changed"):
        read(path, schema.RUNS)


def test_rows_of_an_older_version_are_read_without_their_digest(tmp_path):
    path = tmp_path / "t.parquet"
    rows().to_parquet(path)
    pd.testing.assert_frame_equal(tables.read(path, schema.RUNS), rows())


def test_the_digest_of_rows_does_not_depend_on_their_chunks():
    whole, chunked = tables.RowDigest(), tables.RowDigest()
    whole.add(rows(f1=0.25))
    for start in range(2):
        chunked.add(rows(f1=0.25)[start : start + 1])
    assert whole.value() == chunked.value()
    chunked.add(rows()[:0])
    assert whole.value() == chunked.value()


def test_damaged_tables_are_removed_and_whole_ones_stay(tmp_path):
    paths = [tmp_path / f"{name}.parquet" for name in ("whole", "cut", "empty", "none")]
    for path in paths[:2]:
        tables.write(rows(), path, schema.RUNS, {})
    paths[1].write_bytes(paths[1].read_bytes()[:-1])
    paths[2].write_bytes(b"")
    assert tables.drop_damaged(paths) == paths[1:3]
    assert list(tmp_path.iterdir()) == paths[:1]


def test_a_folder_that_cannot_be_made_is_refused_in_a_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        tables.write_csv(rows(), tmp_path / "file" / "t.csv")

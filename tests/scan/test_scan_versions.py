"""Labels of shape (n,) are a note, unless the program shows that it runs with Keras 1 or 2."""

import pytest

from batchf1.scan.scanner import scan

PROGRAM = """\
from tensorflow.keras import backend as K
def f1(y, p):
    return 2 * K.sum(y * p) / K.sum(y + p)
model.compile(metrics=[f1])
model.fit(x, table["y"])
"""


def notes(tmp_path, code=PROGRAM):
    (tmp_path / "code").mkdir(exist_ok=True)
    (tmp_path / "code" / "train.py").write_text(code)
    findings = scan([str(tmp_path / "code")]).findings
    assert [one.rule for one in findings][:1] == ["BF101"]
    return len(findings) - 1


PINNED = {
    "tensorflow==2.15.0": 0,
    "tensorflow==2.15.*": 0,
    "tensorflow-gpu==1.14": 0,
    "tensorflow>=2.4,<2.16": 0,
    "tensorflow[and-cuda]<=2.15": 0,
    "tensorflow~=2.15.0": 0,
    "TensorFlow < 2.16  # Keras 2": 0,
    "keras==2.*": 0,
    "Keras==2.2.4": 0,
    "keras<3": 0,
    "numpy\nkeras~=2.3.1": 0,
    "tensorflow": 1,
    "tensorflow==2.16.1": 1,
    "tensorflow>=2.4": 1,
    "tensorflow~=2.15": 1,
    "tensorflow<2.17": 1,
    "tensorflow!=2.15": 1,
    "keras>=3": 1,
    "keras==3.0": 1,
    "tensorflow-datasets==2.1": 1,
    "keras-tuner==1.4": 1,
    "numpy<2": 1,
}


@pytest.mark.parametrize("pin", PINNED)
@pytest.mark.parametrize("form", ["requirements.txt", "pyproject.toml", "environment.yml"])
def test_a_pin_above_the_code_decides(tmp_path, pin, form):
    lines = pin.split("\n")
    if form == "pyproject.toml":
        quoted = [f'  "{line.partition("#")[0].strip()}",\n' for line in lines]
        text = f"[project]\nname = 'a'\ndependencies = [\n{''.join(quoted)}]\n"
    else:
        text = "".join(f"{'  - ' if form == 'environment.yml' else ''}{line}\n" for line in lines)
    (tmp_path / form).write_text(text)
    assert notes(tmp_path) == PINNED[pin]


def test_the_nearest_file_counts_and_none_above_the_repository(tmp_path):
    (tmp_path / "requirements.txt").write_text("tensorflow==2.15\n")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "requirements.txt").write_text("tensorflow==2.17\n")
    assert notes(tmp_path) == 1
    (tmp_path / "code" / "requirements.txt").unlink()
    (tmp_path / "code" / ".git").mkdir()
    (tmp_path / "more").mkdir()
    assert notes(tmp_path) == 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("import tf_keras", 0),
        ("from tf_keras.models import Model", 0),
        ("os.environ['TF_USE_LEGACY_KERAS'] = '1'", 0),
        ("os.environ.setdefault('TF_USE_LEGACY_KERAS', 'True')", 0),
        ("os.environ['TF_USE_LEGACY_KERAS'] = '0'", 1),
        ("import keras", 1),
    ],
)
def test_what_the_code_imports_or_sets_decides(tmp_path, line, expected):
    assert notes(tmp_path, f"{line}\n{PROGRAM}") == expected


def test_a_switch_in_another_file_of_the_scan_decides(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "setup_keras.py").write_text("environ['TF_USE_LEGACY_KERAS'] = '1'\n")
    assert notes(tmp_path) == 0

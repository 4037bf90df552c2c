"""What can be imported without TensorFlow, and how the commands answer."""

import json
import re
import subprocess
import sys
import tomllib

import numpy as np
import pytest

from batchf1.cli import main as cli
from batchf1.errors import EXTRA_OF

HEAVY = ["tensorflow", "keras", "hydra", "omegaconf", "matplotlib", "seaborn", "sklearn"]


def modules_after(statement):
    code = f"{statement}; import sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_the_command_needs_nothing_until_it_is_called():
    assert not modules_after("import batchf1.cli.main") & {*HEAVY, "numpy", "pandas"}


def test_settings_and_tables_need_no_tensorflow():
    pytest.importorskip("hydra")
    assert "tensorflow" not in modules_after("import batchf1.sweep.grid as c; c.compose()")
    assert not modules_after("import batchf1.records.tables") & set(HEAVY)


def test_expect_needs_no_tensorflow():
    rates = "--prevalence 1e-6 --precision .9 --recall .9 --n-samples 1000000000 --batch-size 32"
    ask = f"from batchf1.cli.main import main; main('expect {rates} --json'.split())"
    assert "keras" not in modules_after(
        f"import io, sys; sys.stdout, out = io.StringIO(), sys.stdout; {ask}; sys.stdout = out"
    )


def test_importing_the_package_takes_no_time_to_speak_of():
    assert not modules_after("import batchf1") & {*HEAVY, "numpy", "pandas", "scipy"}


BARE = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {lacking}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from batchf1.cli.main import main
import contextlib, io, json
found = []
for line in json.loads(sys.argv[1]):
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        status = main(line.split())
    found.append([status, out.getvalue(), errors.getvalue()])
print(json.dumps(found))
"""
ANSWERS = {
    "expect --tp 3 --fp 1 --fn 2 --tn 94 --batch-size 9 --json": '"true_f1": 0.66',
    "compare --precision .9 --recall .6 --precision .3 --recall .9 --prevalence .01 "
    "--batch-size 32": "The log puts the second ahead by 0.0374: the worse one, by 0.2700 of true",
    "forensics {log} --batch-size 50": "854 steps",
    "audit {npz} --batch-size 2 --json": '"pooled": 0.8',
}
LACKS = {"audit x.parquet": "audit: needs pyarrow", "train seed=3": "train: needs hydra"}
LACKS |= {"verify a b": "verify: needs pandas"}


def test_a_light_install_answers_or_says_what_it_lacks(repository, tmp_path):
    npz, log = tmp_path / "rows.npz", repository / "docs/article_log.txt"
    np.savez(npz, y_true=[1, 0, 1], y_pred=[0.9, 0.6, 0.7])
    lines = [line.format(log=log, npz=npz) for line in (*ANSWERS, *LACKS)]
    command = [sys.executable, "-c", BARE.format(lacking=sorted(EXTRA_OF)), json.dumps(lines)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    for said, (status, out, errors) in zip(ANSWERS.values(), found, strict=False):
        assert (status, errors) == (0, "")
        assert said in out
    for said, answer in zip(LACKS.values(), found[len(ANSWERS) :], strict=True):
        assert answer == [2, "", f"batchf1 {said}: pip install 'batchf1[workflow]'\n"]


def test_the_package_asks_for_numpy_and_scipy_alone(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    names = [re.split(r"[<>=]", part)[0] for part in project["dependencies"]]
    assert names == ["numpy", "scipy"]
    assert set(EXTRA_OF.values()) <= set(project["optional-dependencies"])


def test_a_missing_package_of_no_extra_is_a_fault(monkeypatch, capsys):
    def broken(_):
        raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")

    monkeypatch.setattr("batchf1.cli.expect.run", broken)
    arguments = "expect --tp 1 --fp 0 --fn 0 --tn 1 --batch-size 1"
    assert cli.main(arguments.split()) == 3
    assert "No module named 'nowhere'" in capsys.readouterr().err


def test_help(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["--help"])
    assert caught.value.code == 0
    assert "forensics" in capsys.readouterr().out

"""Files of tests are skipped, and named, where a package that they import is not installed."""

import subprocess
import sys

import pytest

WITHOUT = """
import sys
import pytest

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Without())
raise SystemExit(pytest.main(["-rs", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def without(package, repository, folder):
    """pytest of a folder where a package is missing: its exit status and what it prints."""
    (folder / "conftest.py").write_text((repository / "tests/conftest.py").read_text())
    options = ["-c", repository / "pyproject.toml", "--confcutdir", repository]
    code = WITHOUT.format(package=package)
    command = [sys.executable, "-c", code, *map(str, [*options, folder])]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize("module", ["from sklearn import metrics", "import helpers.reference"])
def test_files_that_need_scikit_learn_are_skipped_without_it(module, repository, tmp_path):
    (tmp_path / "test_it.py").write_text(f"{module}\n\ndef test(): assert False\n")
    status, said = without("sklearn", repository, tmp_path)
    assert status == pytest.ExitCode.NO_TESTS_COLLECTED, said
    assert "needs sklearn: pip install 'batchf1[keras]'" in said


def test_a_package_that_is_in_no_extra_is_an_error(repository, tmp_path):
    (tmp_path / "test_it.py").write_text("import nowhere\n")
    status, said = without("nowhere", repository, tmp_path)
    assert status == pytest.ExitCode.INTERRUPTED, said

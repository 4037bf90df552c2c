"""Files of tests are skipped, and named, where a package that they import is not installed."""

import subprocess
import sys

import pytest

from helpers.slow import slow

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


def without(package, *files):
    """pytest where a package is missing: its exit status and what it prints."""
    command = [sys.executable, "-c", WITHOUT.format(package=package), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.fixture
def tests(repository, tmp_path):
    """pytest's arguments for a folder with our conftest.py, and the folder."""
    (tmp_path / "conftest.py").write_text((repository / "tests/conftest.py").read_text())
    return ["-c", repository / "pyproject.toml", "--confcutdir", repository, tmp_path]


@pytest.mark.parametrize(
    "module", [slow("from sklearn import metrics"), "import helpers.reference"]
)
def test_files_that_need_scikit_learn_are_skipped_without_it(module, tests):
    (tests[-1] / "test_it.py").write_text(f"{module}\n\ndef test(): assert False\n")
    status, said = without("sklearn", *tests)
    assert status == pytest.ExitCode.NO_TESTS_COLLECTED, said
    assert "needs sklearn: pip install 'batchf1[keras]'" in said


def test_a_package_that_is_in_no_extra_is_an_error(tests):
    (tests[-1] / "test_it.py").write_text("import nowhere\n")
    status, said = without("nowhere", *tests)
    assert status == pytest.ExitCode.INTERRUPTED, said

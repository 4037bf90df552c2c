"""An archive of a study, put back into a fresh clone: figures again, and no training."""

import shutil

import pytest

from helpers.commits import commit, git
from helpers.miniature import RUNS, Copy

pytest.importorskip("rocrate")  # of `make archive`


@pytest.mark.slow
def test_a_restored_clone_trains_nothing_and_makes_the_same_figures(repository, executed, tmp_path):
    import archive

    copy = Copy.of(executed.copy.folder, tmp_path / "made")
    for name in ("paper/metadata.yaml", "pyproject.toml"):
        (copy.folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(repository / name, copy.folder / name)
    for name in archive.MADE:
        copy.write(name, name)
    copy.write(".gitignore", (repository / ".gitignore").read_text())
    commit(copy.folder)
    archive.write(copy.folder, tmp_path / "made.crate.zip")

    clone = Copy.__new__(Copy)
    clone.folder = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(copy.folder), str(clone.folder))
    restored = clone.batchf1("restore", str(tmp_path / "made.crate.zip"))
    n_cached = len(list((copy.folder / "results/mini/store").glob("[!.]*.parquet")))
    assert restored.stdout == f"1 tables and {n_cached} files of caches put back\n"
    assert (clone.folder / RUNS).read_bytes() == (copy.folder / RUNS).read_bytes()

    done = clone.snakemake()
    assert done.returncode == 0, done.stdout
    assert "Training shard" not in done.stdout
    assert "Computing the numbers behind figure mini" in done.stdout
    assert clone.figures() == copy.figures()
    assert git(clone.folder, "status", "--porcelain") == ""

    (clone.folder / RUNS).unlink()  # and from the caches alone
    before = clone.kept()
    again = clone.snakemake()
    assert again.returncode == 0, again.stdout
    assert clone.kept() == before
    assert clone.figures() == copy.figures()

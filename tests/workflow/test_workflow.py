"""The workflow end to end, in miniature: the real Snakemake on a copy of the repository."""

import json
import os
import re
import shutil
import subprocess
from html import unescape

import pandas as pd
import pytest
from snakemake.utils import available_cpu_count

from batchf1.records import provenance_of_file, report, tables
from batchf1.records.files import sha256_of
from batchf1.sweep import schema
from batchf1.sweep.grid import runs
from batchf1.training import tensorflow_log
from helpers import reference
from helpers.commits import commit, git
from helpers.miniature import FIGURES, RUNS, SMALL, STUDY

EXPERIMENT = "experiments/mini.yaml"
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]
WALK = """
<script>
const wait = () => new Promise(done => setTimeout(done, 100));
const text = () => document.querySelector("#app").innerText;
const menu = name => [...document.querySelectorAll("#app a")].find(a => a.innerText.trim() == name);
// a row of a list has the name of a figure, a button that shows it, and one that describes it
const row = name => [...document.querySelectorAll("#app tbody tr")].find(
  r => r.innerText.trim() == name);
async function walk() {
  const seen = {landing: text(), figures: {}, numbers: {}};
  for (const [list, category] of [["figures", "Figures"],
                                  ["numbers", "Numbers behind the figures"]]) {
    for (const name of FIGURES) {
      app.setView({navbarMode: "menu"}); await wait();
      menu(category).click(); await wait();
      const link = row(name).querySelectorAll("a")[0];
      if (list == "figures") { link.click(); await wait(); }
      const image = document.querySelector("#app img[src^='data:image/png']");
      const found = {link: link.href, width: image && image.naturalWidth};
      row(name).querySelectorAll("a")[1].click(); await wait();
      seen[list][name] = {text: text(), ...found};
    }
  }
  return seen;
}
window.addEventListener("load", () => wait().then(walk).then(
  seen => JSON.stringify(seen), error => JSON.stringify({error: String(error)})
).then(found => {
  document.documentElement.innerHTML = '<pre id="seen"></pre>';
  document.querySelector("#seen").textContent = found;
}));
</script>
"""


def test_the_table_holds_every_cell_as_a_training_by_hand_gives_it(inside):
    table = tables.read(inside.folder / RUNS, schema.RUNS)
    assert len(table) == 2 * 2 * 2 * 2 * 2  # engine, seed, epoch, split, strategy
    assert not table.duplicated(["engine", "seed", "epoch", "split", "strategy"]).any()
    checked = [run for run in runs(inside.folder / EXPERIMENT) if run.training.engine == "plain"]
    assert len(checked) == 2
    for run in checked:
        reference.check(table[table["run_id"] == run.run_id], reference.rows(run))


@pytest.mark.slow
def test_so_does_a_study_of_one_framework_in_several_shards(copy):
    table = tables.read(copy.folder / RUNS, schema.RUNS)
    assert len(table) == 2 * 2 * 2 * 2 * 2 * 4  # batch, prevalence, seed, epoch, split, strategy
    cells = ["batch_size", "prevalence", "seed", "epoch", "split", "strategy"]
    assert not table.duplicated(cells).any()
    for run in runs(copy.folder / EXPERIMENT):
        reference.check(table[table["run_id"] == run.run_id], reference.rows(run))


def hold_outputs(folder, figure):
    """A figure has its numbers and its pictures."""
    for kind, start in (("csv", b""), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        content = (folder / f"figures/{figure}.{kind}").read_bytes()
        assert content.startswith(start)
        assert len(content) > 100


def test_a_figure_of_a_study_has_its_numbers_and_its_pictures(small):
    hold_outputs(small.folder, "mini")


@pytest.mark.slow
def test_a_figure_of_an_experiment_file_has_its_numbers_and_its_pictures(copy):
    hold_outputs(copy.folder, "worked_example")
    table = pd.read_csv(copy.folder / "figures/worked_example.csv")
    assert table["f1"].iloc[-1] == pytest.approx(8 / 10)
    record = provenance_of_file.provenance_of(copy.folder / "figures/worked_example.csv")
    (source,) = record["sources"]
    assert source["file"] == "experiments/worked_example.yaml"
    assert source["sha256"] == sha256_of(copy.folder / source["file"])


def test_tables_say_where_they_came_from(small):
    path = next(small.folder.glob("results/mini/store/*"))
    origin = tables.provenance_of(path)
    assert origin["config"]["study"] == "mini"
    assert origin["device"] in ("CPU", "GPU")
    assert tables.provenance_of(small.folder / RUNS)["versions"]


def test_a_picture_alone_says_what_it_was_made_from(small, tmp_path):
    for kind in ("png", "pdf"):
        shutil.copy(small.folder / f"figures/mini.{kind}", tmp_path)
        (study,) = provenance_of_file.provenance_of(tmp_path / f"mini.{kind}")["sources"]
        assert (study["file"], study["study"], study["n_runs"]) == (str(RUNS), "mini", 4)
        assert study["config"]["dataset.n_samples"] == 200
        assert set(study["grid"]["training.engine"]) == {"plain", "my_framework.MyFramework"}


def test_beside_its_study_it_says_how_the_runs_were_trained(small):
    commit = git(small.folder, "rev-parse", "HEAD")
    found = provenance_of_file.provenance_of(small.folder / "figures/mini.png")
    assert {(entry["commit"], entry["dirty"]) for entry in found["trained"]} == {(commit, False)}
    assert sum(entry["n_runs"] for entry in found["trained"]) == 4


def test_the_record_of_a_csv_stands_beside_it(small):
    record = provenance_of_file.provenance_of(small.folder / "figures/mini.csv")
    (source,) = record["sources"]
    assert (source["file"], source["n_runs"]) == (str(RUNS), 4)
    assert "changed" not in record


def test_the_log_of_a_shard_has_its_own_lines_alone(small):
    if tensorflow_log.has_gpu():
        pytest.skip("has a GPU")
    logs = sorted(small.folder.glob("logs/mini/shard-*.log"))
    assert len(logs) == 2
    lines = [line for log in logs for line in log.read_text().splitlines()]
    assert len(lines) > 1
    assert all(line.startswith("shard ") for line in lines), lines


# The report, as a browser shows it


@pytest.fixture(scope="module")
def page(copy):
    """The report of the miniature workflow."""
    done = copy.snakemake("--report", "report.html")
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout
    return copy.folder / "report.html"


@pytest.fixture(scope="module")
def seen(page, tmp_path_factory):
    """What a browser shows on the report's pages when its buttons are clicked."""
    if BROWSER is None:
        pytest.skip("no chromium here, so nobody looked at the report")
    walked = page.with_name("walked.html")
    names = f"<script>const FIGURES = {json.dumps(FIGURES)};</script>"
    walked.write_text(
        page.read_text().replace("</body>\n\n</html>", f"{names}{WALK}</body></html>")
    )
    profile = tmp_path_factory.mktemp("chromium")
    options = [*QUIET, f"--user-data-dir={profile}", "--virtual-time-budget=60000", "--dump-dom"]
    command = [BROWSER, *options, walked.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    found = re.search(r'<pre id="seen">(.*)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return json.loads(unescape(found[1]))


def flat(text):
    return " ".join(text.split())


@pytest.mark.slow
def test_the_report_shows_each_figure_with_its_caption(copy, seen):
    assert "error" not in seen
    for figure in FIGURES:
        shown = seen["figures"][figure]
        assert shown["width"] > 600
        written = (copy.folder / f"results/captions/{figure}.rst").read_text()
        for line in filter(None, written.splitlines()):
            assert re.sub(r"^\*+|\*+$|\\", "", line) in flat(shown["text"]), figure


@pytest.mark.slow
def test_the_report_has_each_figures_numbers(copy, seen):
    for figure in FIGURES:
        link = seen["numbers"][figure]["link"]
        assert link.startswith("data:text/csv")
        assert f"figures/{figure}.png" in seen["numbers"][figure]["text"]


@pytest.mark.slow
def test_the_report_says_how_many_runs(copy, seen):
    shown = flat(seen["figures"]["mini"]["text"])
    assert "A point is the mean of 2 trainings" in shown
    assert "Study mini: 8 runs on CPU in keras 3." in shown


@pytest.mark.slow
def test_the_report_has_every_claim_with_its_verdict(repository, seen):
    shown = flat(seen["landing"])
    page = repository / "docs/claims.md"
    for claim in [*report.claims(page), *report.own_claims(page)]:
        plain = [re.sub(r"\[([^\]]+)\]\([^)]+\)|`", r"\1", part) for part in claim[1:3]]
        assert f"{claim.number} {plain[0]} {plain[1]}" in shown


@pytest.mark.slow
def test_the_report_is_one_file_that_asks_the_network_for_nothing(page):
    text = re.sub(r"<script>.*?</script>", "", page.read_text(), flags=re.DOTALL)
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]+', text)


# What is done again


@pytest.mark.slow
def test_what_is_made_again_is_the_same_whatever_the_commit_and_the_clock(copy):
    assert git(copy.folder, "status", "--porcelain") != ""  # the figures are new
    commit(copy.folder)
    done = copy.snakemake("--forcerun", "table", "draw")
    assert done.returncode == 0, done.stdout
    assert "Nothing to be done" not in done.stdout
    assert git(copy.folder, "status", "--porcelain") == ""


@pytest.mark.slow
def test_nothing_is_measured_unless_asked_for(copy):
    assert not (copy.folder / "figures/scaling.csv").exists()
    done = copy.snakemake("--dry-run", "measured")
    assert "figures/scaling.png" in done.stdout


@pytest.mark.slow
def test_a_study_aside_is_planned_and_made_only_by_its_name(copy):
    text = STUDY.replace("{mini:", "{beside_mini:").replace("grid:", "on_demand: true\ngrid:")
    try:
        copy.write("experiments/mini_aside.yaml", text)
        assert "Nothing to be done" in copy.snakemake("--dry-run").stdout
        said = copy.snakemake("--dry-run", "mini_aside").stdout
        assert "results/mini_aside/shards/0.parquet" in said
        assert "figures/beside_mini.png" in said
        copy.write("experiments/mini_aside.yaml", text.replace("seed:", "sead:"))
        assert "Nothing to be done" in copy.snakemake("--dry-run").stdout
        *_, said = copy.snakemake("--dry-run", "mini_aside").stdout.splitlines()
        assert said.startswith("snakemake: experiments/mini_aside.yaml: grid.sead")
    finally:
        (copy.folder / "experiments/mini_aside.yaml").unlink()


@pytest.mark.slow
def test_what_will_be_computed_is_printed_with_its_expected_seconds(copy):
    path = copy.folder / "experiments/mini_new.yaml"
    try:
        copy.write(path, STUDY.replace("{mini:", "{new_mini:"))
        lines = [line for line in copy.snakemake("--dry-run").stdout.splitlines() if "core" in line]
        (line,) = (line for line in lines if line.startswith("study "))  # mini has nothing to do
        assert re.fullmatch(r"study mini_new: 8 runs, about \d+ s on 2 cores", line)
        said = copy.snakemake("--dry-run", "--config", "warn_after=2 s").stdout
        assert f"{line}; more than warn_after, 2 s\n" in said
        *_, said = copy.snakemake("--dry-run", "--config", "warn_after=soon").stdout.splitlines()
        assert said.startswith("snakemake: --config warn_after must be a time such as 90 s, 30 min")
    finally:
        path.unlink()


WAITING = """
from batchf1.datasets.synthetic import Synthetic

class Elsewhere(Synthetic):
    name = "elsewhere"
    available = False
    how_to_get = "batchf1 fetch elsewhere, or a journey"
"""


@pytest.mark.slow
def test_a_study_without_its_files_says_in_a_line_what_it_waits_for(copy):
    text = STUDY.replace("{mini:", "{far_mini:").replace(
        "[dataset.", "[dataset=far.Elsewhere, dataset."
    )
    try:
        copy.write("far.py", WAITING)
        copy.write("experiments/mini_far.yaml", text)
        said = copy.snakemake("--dry-run").stdout
        assert "Nothing to be done" in said
        waits = "study mini_far is left out, and waits for batchf1 fetch elsewhere, or a journey"
        assert said.splitlines().count(waits) == 1
        copy.write("experiments/mini_far.yaml", text.replace("grid:", "on_demand: true\ngrid:"))
        assert "mini_far" not in copy.snakemake("--dry-run").stdout
        *_, said = copy.snakemake("--dry-run", "mini_far").stdout.splitlines()
        assert said == f"snakemake: {waits.replace('is left out, and ', '')}"
    finally:
        (copy.folder / "experiments/mini_far.yaml").unlink()
        (copy.folder / "far.py").unlink()


HANDED = """
include: "Snakefile"
handed = [os.environ[name] for name in workflow.envvars]
print("handed on:", *handed, [len(shards_of(name)) for name in STUDIES], file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((), "handed on: {cores} [{cores}]"),
        (("--mode", "subprocess"), "handed on: 5 [5]"),
        (("--config", "shards=two"), "snakemake: --config shards must be at least 1; got two"),
    ],
)
def test_all_jobs_of_a_call_deal_to_the_same_number_of_shards(copy, given, words, monkeypatch):
    monkeypatch.setenv("BATCHF1_SHARDS", "5")  # of the call that a job is of; a call makes its own
    copy.write("handed.smk", HANDED)
    done = copy.snakemake("--snakefile", "handed.smk", "--dry-run", *given, cores=1)
    assert words.format(cores=available_cpu_count()) in done.stdout


def test_every_rule_names_the_one_environment_which_the_page_says_to_activate(repository):
    rules = [path.read_text() for path in (repository / "workflow/rules").glob("*.smk")]
    n_commands = sum(text.count("    shell:\n") for text in rules)
    assert sum(text.count('"../../environment.yml"\n') for text in rules) == n_commands > 5
    page = " ".join((repository / "docs/reproduce.md").read_text().split())
    assert "runs inside this one environment, so call Snakemake without `--sdm conda`" in page


@pytest.mark.slow
def test_a_second_call_has_nothing_to_do(copy):
    assert "Nothing to be done" in copy.snakemake().stdout


@pytest.mark.slow
def test_a_comment_in_conf_reruns_nothing(copy):
    path = copy.folder / "conf/training/default.yaml"
    path.write_text(f"# a comment\n{path.read_text()}")
    assert "Nothing to be done" in copy.snakemake().stdout


def test_a_bad_study_is_refused_before_anything_runs(small):
    before = small.kept()
    small.write(EXPERIMENT, SMALL.replace("seed:", "sead:"))
    done = small.snakemake()
    small.write(EXPERIMENT, SMALL)
    assert done.returncode != 0
    *_, said = done.stdout.splitlines()
    assert said.startswith("snakemake: ")
    assert "mini.yaml: grid.sead" in said
    assert 'File "' not in done.stdout
    assert small.kept() == before


@pytest.mark.slow
def test_a_huge_study_is_refused_unless_it_is_allowed(copy):
    path = "experiments/mini.yaml"
    limits = copy.folder / "src/batchf1/config/limits.py"
    before, time = limits.read_text(), limits.stat().st_mtime
    try:
        copy.write(path, STUDY.replace("[0, 1]", "[0, 1, 2]"))
        limits.write_text(before.replace("MAX_RUNS = 10_000_000", "MAX_RUNS = 9"))
        assert "number of runs must be at most 9 (" in copy.snakemake("--dry-run").stdout
        said = copy.snakemake("--dry-run", "--printshellcmds", "--config", "huge=true").stdout
        assert said.count(" --huge") == 3  # two shards and their collection
        said = copy.snakemake("--dry-run", "--config", "huge=1").stdout
        assert "--config huge must be true or false; got 1" in said
    finally:
        limits.write_text(before)
        os.utime(limits, (time, time))  # or all would be made again
        copy.write(path, STUDY)


@pytest.mark.slow
def test_another_batch_size_reruns_only_its_runs(copy):
    before = copy.kept()
    copy.write("experiments/mini.yaml", STUDY.replace("[40, 64]", "[40, 80]"))
    done = copy.snakemake()
    assert done.returncode == 0, done.stdout
    after = copy.kept()
    assert len(before) == 8
    assert len(after) == 12
    assert {name: after[name] for name in before} == before
    table = tables.read(copy.folder / RUNS, schema.RUNS)
    assert set(table["batch_size"]) == {40, 80}

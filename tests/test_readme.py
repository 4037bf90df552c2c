"""Every number of the README stands in a committed table."""

import re
from collections import Counter

import pandas as pd
import pytest

from batchf1.figures import discrepancy, original_log
from batchf1.forensics.answer import investigate
from batchf1.metrics.counts import Counts
from batchf1.study.atlas.study import AtlasStudy
from batchf1.study.decisions.study import DecisionStudy
from batchf1.study.experiments import experiments
from batchf1.study.grid import Study
from batchf1.study.pieces import n_runs, whole
from batchf1.study.plan import plan
from batchf1.theory.expectation import expect
from batchf1.theory.limits import rare_positives


@pytest.fixture
def readme(repository):
    return " ".join((repository / "README.md").read_text().split())


def sentences(folder):
    """The findings, with their numbers from the tables."""
    batch = pd.read_csv(folder / "error_vs_batch_size.csv")
    size = pd.read_csv(folder / "error_vs_dataset_size.csv")
    theory = pd.read_csv(folder / "theory.csv")

    def cell(table, **where):
        where = {"split": "validation", "strategy": "batch_mean"} | where
        for key, value in where.items():
            table = table[table[key] == value]
        assert len(table) == 1
        return table.iloc[0]

    rare, rarer = (cell(batch, prevalence=p, batch_size=32) for p in (0.02, 0.005))
    even = cell(batch, prevalence=0.5, batch_size=32)
    yield (
        f"At batch size 32, validation F1 is logged as {rare.f1:.2f} where the truth is "
        f"{rare.true_f1:.2f} (2 % positives), {rarer.f1:.2f} for {rarer.true_f1:.2f} (0.5 %), and "
        f"{even.f1:.4f} for {even.true_f1:.4f} (50 %)."
    )
    small, large = (cell(size, batch_size=8, n_samples=n) for n in (1000, 44000))
    yield (
        "More data does not help: at batch size 8 and 5 % positives the error is "
        f"{small.error:+.2f} with 1,000 training samples and {large.error:+.2f} with 44,000."
    )
    worst = batch.groupby(["split", "strategy"])["worst_error"].max()
    counts = max(worst[split, "reconstructed"] for split in ("train", "validation"))
    assert all(worst[split, "streaming"] == 0 for split in ("train", "validation"))
    yield (
        f"F1 rebuilt from counts is off by at most {counts:.0e}, the streaming metric by nothing, "
        "in every training and validation log at 44,000 samples."
    )
    moved = batch[(batch["strategy"] == "epoch_end") & (batch["split"] == "train")]
    yield (
        "Predicting the training data again at the end of the epoch gives another number than the "
        f"epoch's own predictions, up to {moved['worst_error'].max():.2f} away: the weights moved."
    )
    residual = theory[theory["split"] == "validation"]["residual"].dropna()
    yield (
        "What the batch mean logs follows from the pooled counts and the batch size alone: over "
        f"{len(residual):,} validation passes the residuals, in units of the predicted deviation, "
        f"have mean {residual.mean():+.2f} and deviation {residual.std():.2f}."
    )

    calibration = pd.read_csv(folder / "calibration.csv")
    every = calibration[calibration["batch_size"].isna()].iloc[0]
    yield (
        f"Over {every.n_passes:,.0f} passes of 100,040 further trainings it is "
        f"{every['mean']:+.3f} and {every.deviation:.3f}"
    )

    skills = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]
    few = max(k for k in range(1, 20) if all(rare_positives(k, s, s).error < -0.05 for s in skills))
    yield (
        f"Rule of thumb: with fewer than {few} expected positives per batch (batch size x "
        "prevalence) the batch mean is off by more than 5 points"
    )
    example = expect(Counts(61, 10, 19, 210), 100)
    yield (
        f"cut at random, the same 300 samples would log {example.expected_f1:.3f}, give or take "
        f"{example.sd:.3f}"
    )


def forensics(log):
    """What the article's log tells, from its digits."""
    found = investigate(log.read_text()).candidates
    pairs = {(c.train.tp, c.train.errors) for c in found}
    sizes = sorted({c.batch_size for c in found}, key=[c.batch_size for c in found].index)
    assert len(pairs) == 1
    ((tp, errors),) = pairs
    return (
        f"only {tp} true positives and {errors} errors print the article's training F1, and that "
        f"854 batches of {sizes[0]} with {100 * found[0].train.prevalence:.1f} % positives fit best"
    )


def test_what_the_original_log_tells(repository, readme):
    assert forensics(repository / "docs/article_log.txt") in readme


def test_the_logs_are_those_of_the_tables(repository):
    text = (repository / "README.md").read_text()
    for name in ("original_log", "original_log_fashion_mnist"):
        table = pd.read_csv(repository / f"figures/{name}.csv")
        for keras in (original_log.ARTICLE, "2.2.4"):
            for line in original_log.line(table, keras).splitlines():
                assert f"    {line}\n" in text, line


def compatible(folder, name):
    """How many of the article's numbers lie where one more run would, in the worse Keras."""
    table = pd.read_csv(folder / f"{name}.csv").query("keras != 'article'")
    table = table[table["seed"] == table["seed"].min()]
    return (table["compatible"].astype(str) == "True").groupby(table["keras"]).sum().min()


def test_how_many_of_the_articles_numbers_are_compatible(repository, readme):
    folder = repository / "figures"
    for name in ("original_log", "original_log_fashion_mnist"):
        assert compatible(folder, name) == 8
    assert "the article's eight numbers all lie where one more run would (95 %)" in readme


def verdicts(folder):
    """What the table of claims says of C5, C7 and C8."""
    found = discrepancy.summary(pd.read_csv(folder / "discrepancy.csv"))
    found = found[(found["keras"] == "2.2.4") & (found["batch_size"] == 50)].set_index("cause")
    yield f"off by up to {found.loc['summed_counts', 'largest']:.1f} % in Keras 2.2.4"
    moving = found.loc[discrepancy.MOVING, "largest"]
    yield f"up to {moving:.0f} % in Keras 2.2.4, batches of 50"
    rest = found.drop(index=discrepancy.MOVING)["largest"].max()
    yield f"validation agrees to {rest:.1f} %"


def test_the_verdicts_are_those_of_the_table(repository, readme):
    for words in verdicts(repository / "figures"):
        assert words in readme, words


def test_the_findings_are_those_of_the_tables(repository, readme):
    for sentence in sentences(repository / "figures"):
        assert sentence in readme


STRATEGIES = {
    "batch_mean": "`batch_mean` | F1 function in `metrics` (the naive one) | wrong | wrong",
    "reconstructed": "`reconstructed` | log three counts, rebuild F1 in a callback (the article's "
    "C5) | exact | exact",
    "streaming": "`streaming` | stateful metric that keeps its own counts | exact | exact",
    "epoch_end": "`epoch_end`, data set | predict at the end of the epoch, count | F1 of the final "
    "weights, another quantity | exact",
    "epoch_end_arrays": "`epoch_end`, arrays | predict, scikit-learn's F1 (C4) | as above | exact",
}


def measured_costs(folder):
    """Memory in MB per million rows and relative time of each strategy; timings, so never twice."""
    table = pd.read_csv(folder / "cost.csv")
    table = table[(table["device"] == "cpu") & (table["batch_size"] == 512)]
    cells = table[(table["row"] == "cell") & (table["engine"] == "plain")]
    smallest = cells[cells["n_rows"] == cells["n_rows"].min()].set_index("strategy")
    slopes = table[table["row"] == "slope"]
    plain = slopes["engine"] == "plain"
    for name, words in STRATEGIES.items():
        time = smallest.loc[name]
        in_engine = plain if name == "epoch_end_arrays" else ~plain  # the other reaches far
        (line,) = slopes[in_engine & (slopes["strategy"] == name)].to_dict("records")
        grown = line["grown_bytes_per_row"]  # bytes a row: MB a million rows
        yield words, "yes" if time["extra_passes"] else "no", grown, time["epoch_ratio"]


def test_the_table_of_strategies(repository):
    text = (repository / "README.md").read_text()
    for words, passes, grown, ratio in measured_costs(repository / "figures"):
        start = f"| {words} | {passes} | "
        assert start in text
        cells = text[text.index(start) + len(start) :].splitlines()[0].split("|")
        memory, time = (float(cell.split()[i]) for cell, i in zip(cells, (0, 1), strict=False))
        # a slope below 0 is the noise of a few MB between processes
        assert abs(memory - max(grown, 0)) < max(1, 0.3 * memory), words
        assert time / 1.7 < ratio < 1.7 * time, words


def test_the_control_without_a_strategy(repository):
    table = pd.read_csv(repository / "figures/cost.csv")
    none = table[(table["row"] == "cell") & (table["strategy"] == "none")]
    assert none["epoch_ratio"].between(0.7, 1.4).all()  # beside none again


def test_the_verdict_on_memory(repository, readme):
    grown = {words: grown for words, _, grown, _ in measured_costs(repository / "figures")}
    assert grown[STRATEGIES["reconstructed"]] < 1
    assert grown[STRATEGIES["streaming"]] < 1
    assert grown[STRATEGIES["epoch_end"]] < 1
    assert grown[STRATEGIES["epoch_end_arrays"]] > 300
    assert "it keeps less than a byte per row, where predicting arrays takes about 400" in readme


def test_the_number_of_trainings_is_that_of_the_studies(repository, readme):
    bundled = Counter()
    for name, study in experiments(repository / "experiments").items():
        if isinstance(study, Study | DecisionStudy):
            grid = plan(repository / f"experiments/{name}.yaml").cells
            if grid[0].first.dataset.name != "fashion_mnist":
                bundled[name if study.aside else ""] += n_runs(whole(grid))
        elif isinstance(study, AtlasStudy):
            bundled[""] += len(study.tasks) * study.seeds
    assert f"trains {bundled['']:,} networks" in readme
    assert f"`snakemake --cores all large` trains {bundled['large']:,} more" in readme
    assert f"`snakemake --cores all decisions` {bundled['decisions']:,}, in 15" in readme


def test_every_file_that_the_readme_names_is_there(repository):
    text = (repository / "README.md").read_text()
    named = re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(r"`(figures/[a-z_]+\.\w+)`", text)
    assert len(named) > 5
    for path in named:
        assert (repository / path).exists(), path


def test_every_figure_that_the_claims_rest_on_is_there(repository, readme):
    for stem in re.findall(r"`figures/([a-z_]+)`", readme):
        assert (repository / f"figures/{stem}.png").exists(), stem


def test_every_claim_has_a_verdict(readme):
    for number in range(1, 11):
        assert re.search(rf"\| C{number} \|[^|]+\| (holds|fails|reproduced|not yet)", readme), (
            number
        )

"""What decisions lose: their regrets against plain loops and by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from batchf1.errors import InputError
from batchf1.figures import decisions
from batchf1.metrics.counts import Counts
from batchf1.studies.decisions import aggregate, control_regret, pairs, regret
from batchf1.studies.decisions.options import decisions as options_of
from batchf1.theory.expectation import expect
from batchf1.theory.limits import large_data
from batchf1.training.selection import best, checkpoint, early_stopping
from helpers.slow import slow
from helpers.tables_of_decisions import LOGGED, RULES, SIZES, logged, numbers, study, table

UNIT = ["dataset", "prevalence", "seed"]
COUNTS = ["tp", "fp", "fn", "tn"]
NO_CURVES = pd.DataFrame()


@pytest.fixture(autouse=True)
def no_control(monkeypatch):
    """Without a control, which trains nothing, but takes its time."""
    monkeypatch.setattr(decisions, "curves", lambda experiment: NO_CURVES)


def regrets(rows):
    options = options_of(rows)
    return regret.regrets(options, regret.values(rows, options))


def the(found, **where):
    """The one row that is so; None stands for missing."""
    for name, value in where.items():
        found = found[found[name].isna() if value is None else found[name] == value]
    assert len(found) == 1
    return found.iloc[0]


# Against loops


def f1(row, prefix=""):
    tp, fp, fn = (row[f"{prefix}{name}"] for name in COUNTS[:3])
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0.0


def stopped(patience, restore):
    return lambda v, mode: early_stopping(v, patience, restore, mode)


def asked(rows):
    """(decision, model, class weight) -> the rows that one unit chooses from, and how."""
    ends = {run: part["epoch"].max() for run, part in rows.groupby("run_id")}
    last = rows[[epoch == ends[run] for run, epoch in zip(rows.run_id, rows.epoch, strict=True)]]
    weight, plain = "training.class_weight", rows["threshold"] == 0.5
    for role in ("network", "logistic"):
        some = last[(last["role"] == role) & (last[weight] == 1)]
        yield ("threshold", role, "1"), some.sort_values("threshold"), best
    ways = {"checkpoint": checkpoint}
    for patience in (3, 5):
        ways[f"early_stopping_{patience}_best"] = stopped(patience, True)
        ways[f"early_stopping_{patience}_last"] = stopped(patience, False)
    for (name, way), w in [(item, w) for item in ways.items() for w in (1, 10)]:
        some = rows[plain & (rows["role"] == "network") & (rows[weight] == w)]
        yield (name, "network", str(w)), some.sort_values("epoch"), way
    last = last[last["threshold"] == 0.5]
    of = dict(iter(last.groupby("role")))
    yield ("class_weight", "network", ""), of["network"].sort_values(weight), best
    candidates = of["candidate"].sort_values("candidate")
    for n in (16, 32):
        yield (f"search_{n}", "candidate", ""), candidates[candidates["candidate"] < n], best
    candidates = candidates[candidates["candidate"] < 32]
    yield ("search_32_own", "candidate", ""), candidates, best
    for a, b in ((1, 1), (10, 10), (1, 10), (10, 1)):
        pair = [of["logistic"][of["logistic"][weight] == b], of["network"]]
        pair[1] = pair[1][pair[1][weight] == a]
        yield ("two_models", "network v logistic", f"{a} v {b}"), pd.concat(pair), best


def wanted(option, way, chosen):
    """What a row of `regrets` must say."""
    option = option.reset_index(drop=True)
    true = option.iloc[int(way([f1(r) for _, r in option.iterrows()], "max"))]
    test = [f1(r, "test_") for _, r in option.iterrows()]
    said = {"regret": f1(true, "test_") - f1(chosen, "test_")}
    said |= {"f1_true": f1(true, "test_"), "f1_chosen": f1(chosen, "test_")}
    said["different"] = float(true.name != chosen.name)
    said["regret_of_true"] = max(test) - said["f1_true"]
    for whose, r in {"true": true, "chosen": chosen}.items():
        predicted = r["test_tp"] + r["test_fp"]
        said[f"precision_{whose}"] = r["test_tp"] / predicted if predicted else math.nan
        said[f"recall_{whose}"] = r["test_tp"] / (r["test_tp"] + r["test_fn"])
    return said


@pytest.mark.parametrize("datasets", ["d", slow("de")])
def test_every_decision_against_plain_loops(datasets):
    rows = study(seeds=1, prevalences=(0.02,), datasets=datasets)
    found, n = regrets(rows), 0
    for unit, part in rows.groupby(UNIT):
        for names, option, way in asked(part):
            option = option.reset_index(drop=True)
            where = dict(zip([*UNIT, *regret.KEY], [*unit, *names], strict=True))
            for size, rule in [(s, r) for s in SIZES for r in RULES]:
                gone_by, cut = option[f"f1_{size}_{rule}"], {"validation_batch_size": size}
                if names[0] == "search_32_own":
                    gone_by = [r[f"f1_{r['batch_size']}_{rule}"] for _, r in option.iterrows()]
                    cut = {"validation_batch_size": None}
                chosen = option.iloc[int(way(gone_by, "max"))]
                row = the(found, **where, **cut, empty=rule, chosen_by="logged")
                said = wanted(option, way, chosen)
                assert row[list(said)].astype(float).to_dict() == pytest.approx(said, nan_ok=True)
                n += 1
            if names[0] != "threshold":
                chosen = option.iloc[int(way(option["val_loss"], "min"))]
                row = the(found, **where, validation_batch_size=None, empty="", chosen_by="loss")
                said = wanted(option, way, chosen)
                assert row[list(said)].astype(float).to_dict() == pytest.approx(said, nan_ok=True)
    assert n == len(datasets) * 20 * 6
    assert not (found["decision"].eq("threshold") & found["chosen_by"].eq("loss")).any()


# By hand


def curve(*changes, **common):
    """A threshold curve: test F1 of .5, .8 and .4 at thresholds in this order."""
    test = [(5, 5), (8, 2), (10, 30)]
    rows = [
        {"threshold": t, "test_tp": tp, "test_fp": fp, "test_fn": 10 - tp, "test_tn": 90 - fp}
        for t, (tp, fp) in zip((0.1, 0.5, 0.9), test, strict=True)
    ]
    return table(*(row | change for row, change in zip(rows, changes, strict=True)), **common)


def test_a_threshold_by_hand(tmp_path):
    good = {"tp": 9, "fn": 1}
    rows = curve(logged(0.3), good | logged(0.2), logged(0.4))
    row = the(
        numbers(tmp_path, rows), row="cell", chosen_by="logged", validation_batch_size=8, empty="0"
    )
    assert (row["decision"], row["model"], row["class_weight"]) == ("threshold", "network", "1")
    assert row["positives_per_batch"] == pytest.approx(0.8)
    said = {"regret": 0.4, "f1_true": 0.8, "f1_chosen": 0.4, "different": 1, "regret_of_true": 0}
    said |= {"precision_true": 0.8, "recall_true": 0.8, "precision_chosen": 0.25}
    assert row[[*said, "recall_chosen"]].to_dict() == pytest.approx(said | {"recall_chosen": 1})
    assert row["n_seeds"] == 1
    assert row[["regret_low", "regret_high", "largest_true"]].isna().all()


def test_the_expectation_sees_no_noise():
    """Many false alarms beside all positives, against few of either: the naive value prefers."""
    careful, bold = {"tp": 5, "fp": 0, "fn": 5, "tn": 990}, {"tp": 10, "fp": 15, "fn": 0, "tn": 975}
    rows = table(
        {"threshold": 0.5} | bold | logged(0.1), {"threshold": 0.9} | careful | logged(0.2)
    )
    found = regrets(rows)
    of = [expect(Counts(**c), 8) for c in (bold, careful)]
    assert of[0].true_f1 < of[1].true_f1
    assert of[0].expected_f1 > of[1].expected_f1
    said = {
        (by, rule): the(found, chosen_by=by, validation_batch_size=8, empty=rule)["different"]
        for by in ("logged", "expected")
        for rule in RULES
    }
    assert said == {("logged", r): 0 for r in RULES} | {
        ("expected", "0"): 1,
        ("expected", "1"): 0,
        ("expected", "skip"): 0,
    }


def candidates(*changes, **common):
    rows = [{"run_id": str(i), "role": "candidate", "candidate": i} for i in range(len(changes))]
    return table(*(row | change for row, change in zip(rows, changes, strict=True)), **common)


def test_candidates_in_their_own_batch_size(tmp_path):
    small = {"batch_size": 8, "f1_8_0": 0.4, "f1_32_0": 0.9, "tp": 9, "fn": 1}
    large = {"batch_size": 32, "f1_8_0": 0.3, "f1_32_0": 0.8}
    rows = pd.concat([candidates(small, large, seed=0), candidates(large, small, seed=1)])
    found = numbers(tmp_path, rows.reset_index(drop=True))
    own = the(found, row="cell", decision="search_32_own", empty="0", chosen_by="logged")
    assert own[["largest_true", "largest_chosen", "different"]].tolist() == [0, 1, 1]
    assert own[["validation_batch_size", "positives_per_batch"]].isna().all()
    in_bin = the(found, row="bin", decision="search_32_own", empty="0", chosen_by="logged")
    assert in_bin[["bin_low", "bin_high"]].isna().all()
    assert in_bin["largest_chosen"] == 1
    same = found[(found["decision"] == "search_32") & (found["row"] == "cell")]
    assert same["largest_chosen"].isna().all()
    one = the(same, validation_batch_size=32, empty="0", chosen_by="logged")
    assert one["different"] == 0


def test_a_bin_counts_a_seed_by_the_mean_of_its_cells(tmp_path):
    worse, better = [logged(v) for v in (0.1, 0.2)], {"tp": 9, "fn": 1}
    parts = [
        curve(worse[0], better | worse[seed], worse[1 - seed], dataset=d, prevalence=p, seed=seed)
        for d, p in (("d", 0.125), ("e", 0.2))
        for seed in (0, 1)
    ]
    found = numbers(tmp_path, pd.concat(parts, ignore_index=True))
    rows = found[(found["row"] == "bin") & (found["chosen_by"] == "logged")]
    rows = rows[rows["empty"] == "0"].sort_values("bin_low")
    assert rows["bin_low"].tolist() == [1, 3]  # 8 x .125 is in the second of two bins that touch
    assert rows["bin_high"].tolist() == [3, 10]
    assert rows["positives_per_batch"].tolist() == pytest.approx(
        [math.sqrt(1 * 1.6), math.sqrt(4 * 6.4)], abs=1e-6
    )
    assert rows["n_seeds"].tolist() == [2, 2]
    # the seed 0 takes the third, which is logged higher, the seed 1 the second
    assert rows["regret"].tolist() == pytest.approx([0.2, 0.2])
    assert rows["regret_low"].tolist() == [0, 0]
    assert rows["regret_high"].tolist() == pytest.approx([0.4, 0.4])


def test_precision_is_a_mean_where_something_is_found(tmp_path):
    nothing = {"test_tp": 0, "test_fp": 0, "test_fn": 10, "test_tn": 90}
    parts = [
        curve(logged(0.1), {"tp": 9, "fn": 1}, logged(0.9) | (nothing if seed else {}), seed=seed)
        for seed in (0, 1)
    ]
    found = numbers(tmp_path, pd.concat(parts, ignore_index=True))
    row = the(found, row="cell", chosen_by="logged", validation_batch_size=8, empty="0")
    assert (row["precision_chosen"], row["recall_chosen"], row["f1_chosen"]) == (0.25, 0.5, 0.2)


# Intervals


def test_intervals_are_those_of_resampled_seeds():
    rng = np.random.default_rng(3)
    values = rng.normal(0.1, 0.05, (2, 30))
    low, high = aggregate.interval(values)
    drawn = values[:, rng.integers(0, 30, (20_000, 30))].mean(axis=-1)
    ends = np.percentile(drawn, [2.5, 97.5], axis=-1)
    np.testing.assert_allclose([low, high], ends, atol=0.002)
    assert np.all((low < values.mean(axis=1)) & (values.mean(axis=1) < high))


def test_an_interval_depends_on_its_own_row_alone(monkeypatch):
    values = np.random.default_rng(0).random((7, 5))
    whole = aggregate.interval(values)
    monkeypatch.setattr(aggregate, "CHUNK_SIZE", 2)
    np.testing.assert_array_equal(aggregate.interval(values), whole)
    np.testing.assert_array_equal(aggregate.interval(values[3:4])[0], whole[0][3:4])


# Beside them


def test_pairs_that_theory_tells_apart():
    rng = np.random.default_rng(5)
    tp, fp = rng.integers(0, 21, (2, 3, 12))
    parts = [
        candidates(
            *(
                {"tp": int(t), "fp": int(f), "fn": 20 - int(t), "tn": 180 - int(f)}
                | {name: rng.random() for name in LOGGED}
                for t, f in zip(tp[seed], fp[seed], strict=True)
            ),
            seed=seed,
        )
        for seed in range(3)
    ]
    rows = pd.concat(parts, ignore_index=True)
    found = pairs.pairs(rows, options_of(rows))
    clear = agree = 0
    for size in SIZES:
        n = k = 0
        for _, part in rows.groupby("seed"):
            laws = [expect(Counts(*map(int, r[COUNTS])), size) for _, r in part.iterrows()]
            values = part[f"f1_{size}_0"].tolist()
            for i in range(12):
                for j in range(i):
                    gap = laws[i].expected_f1 - laws[j].expected_f1
                    if abs(gap) > 2 * math.hypot(laws[i].sd, laws[j].sd):
                        n += 1
                        k += (values[i] > values[j]) == (gap > 0)
        row = the(found, validation_batch_size=size)
        assert (row["n_pairs"], row["n_seeds"]) == (n, 3)
        assert row["agreement"] == pytest.approx(k / n)
        clear, agree = clear + n, agree + k
    every = the(found, validation_batch_size=None)
    assert (every["n_pairs"], every["agreement"]) == (clear, pytest.approx(agree / clear))
    assert 0 < agree < clear


@pytest.mark.parametrize("value", [0.1, 0.9])
def test_a_single_pair_agrees_or_does_not(value):
    rows = candidates({"tp": 9, "fp": 0, "fn": 1, "tn": 90} | logged(value), {})
    found = pairs.pairs(rows, options_of(rows))
    assert found["n_pairs"].tolist() == [1, 1, 2]
    assert found["agreement"].tolist() == [value > 0.5] * 3


def test_pairs_that_nobody_tells_apart_have_no_share():
    rows = candidates({}, {})
    found = pairs.pairs(rows, options_of(rows))
    assert found["n_pairs"].tolist() == [0, 0, 0]
    assert found["agreement"].isna().all()


RATES = {0.25: (0.2, 0.9), 0.5: (0.6, 0.6), 0.75: (0.9, 0.3)}
"""Threshold -> precision and recall of the control."""


def control(seeds):
    rows = []
    for prevalence in (0.01, 0.1):
        for seed in range(seeds):
            for threshold, (precision, recall) in RATES.items():
                positives = round(prevalence * 10**9)
                tp = round(recall * positives)
                fp = round(tp * (1 - precision) / precision)
                counts = {"tp": tp, "fp": fp, "fn": positives - tp, "tn": 10**9 - positives - fp}
                place = {"prevalence": prevalence, "seed": seed, "threshold": threshold}
                few = {name: round(count / 10**7) for name, count in counts.items()}
                values = dict.fromkeys(LOGGED, recall)
                rows.append(place | few | {f"test_{n}": c for n, c in counts.items()} | values)
    return pd.DataFrame(rows)


def test_the_control_beside_its_exact_regret(tmp_path, monkeypatch):
    monkeypatch.setattr(decisions, "curves", lambda experiment: control(2))
    found = numbers(tmp_path, curve({}, {}, {}))
    found = found[found["row"] == "control"]
    assert set(found["dataset"]) == set(found["model"]) == {"binormal"}
    assert set(found["chosen_by"]) == {"logged"}
    true = {t: 2 * p * r / (p + r) for t, (p, r) in RATES.items()}
    lost = set()
    for _, row in found.iterrows():
        zero = {"0": 0.0, "1": 1.0, "skip": math.nan}[row["empty"]]
        at = int(row["validation_batch_size"])
        assert row["positives_per_batch"] == pytest.approx(at * row["prevalence"], abs=1e-6)
        limits = {
            t: large_data(row["prevalence"], *rates, at, zero).expected_f1
            for t, rates in RATES.items()
        }
        taken = max(limits, key=limits.get)
        assert row["regret_exact"] == pytest.approx(max(true.values()) - true[taken], abs=2e-6)
        lost.add(taken)
    assert lost == {0.25, 0.5, 0.75}
    for name in ("regret", "regret_low", "regret_high"):
        assert found[name].tolist() == pytest.approx([true[0.5] - true[0.25]] * 12, abs=1e-6)


def test_the_control_goes_by_the_mean_of_its_seeds():
    curves = control(2)
    first = curves["seed"] == 0
    curves[LOGGED[0]] = 0.0
    curves.loc[first & (curves["threshold"] == 0.25), LOGGED[0]] = 0.9
    curves.loc[~first & (curves["threshold"] == 0.75), LOGGED[0]] = 0.8
    curves.loc[curves["threshold"] == 0.5, LOGGED[0]] = 0.6  # first of neither, and of both
    found = control_regret.control(curves)
    found = found[(found["validation_batch_size"] == SIZES[0]) & (found["empty"] == RULES[0])]
    low, best, _ = (2 * p * r / (p + r) for p, r in RATES.values())
    assert found["regret"].tolist() == [0, 0]
    ends = found[["regret_low", "regret_high"]].to_numpy()
    np.testing.assert_allclose(ends, [[0, best - low]] * 2)  # one seed alone: a quarter each


# What it needs


def test_a_study_with_little_has_the_decisions_that_it_can(tmp_path):
    assert numbers(tmp_path, table({})).empty
    assert numbers(tmp_path, table({}).head(0)).empty
    found = numbers(tmp_path, table({}, {"role": "logistic", "run_id": "b"}))
    assert set(found["decision"]) == {"two_models"}


def test_a_table_that_lacks_something_is_refused(tmp_path):
    rule = (
        r"runs.parquet must have the columns \['dataset', .*; got none named \['role', "
        r"'candidate'\]$"
    )
    with pytest.raises(InputError, match=rule):
        numbers(tmp_path, table({}).drop(columns=["role", "candidate"]))
    short = pd.concat([curve({}, {}, {}), curve({}, {}, {}, seed=1).head(2)], ignore_index=True)
    rule = r"^decision threshold must have as many options in each dataset, .*; got \[2, 3\]$"
    with pytest.raises(InputError, match=rule):
        numbers(tmp_path, short)
    rule = (
        r"^candidates must have training batch sizes that are validated in, \[8, 32\]; got "
        r"\[9\]$"
    )
    with pytest.raises(InputError, match=rule):
        numbers(tmp_path, candidates({"batch_size": 9}, {}))

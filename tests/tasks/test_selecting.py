import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ofclip.errors import DataError
from ofclip.tasks.selecting import BETWEEN, CRITERIA, EVERY, WITHIN, Checkpoints, scores, select

RUNS = ("a alone", "b alone", "all")
SAMPLES = (10, 20)


def table(recalls, losses=None):
    """The table "checkpoints" of three runs of two checkpoints, with recalls (6,) of street@test, the rest apart."""
    rows = []
    for i, (run, samples) in enumerate((run, samples) for run in RUNS for samples in SAMPLES):
        loss = 3 - i / 10 if losses is None else losses[i]
        for data, split, recall in (
            ("a", "val", 0.5 + i / 100), ("b", "val", 0.6), ("street", "test", recalls[i]), ("flat", "test", 0.1 * i),
            ("street", "val", 0.2 + i / 50), ("flat", "val", 0.9 - i / 50),
        ):  # fmt: skip
            own = run == "all" or run[0] == data
            role = "held out" if data in ("street", "flat") else "trained on" if own else "left out"
            rows.append((run, samples, data, split, role, loss + (data == "b"), recall))
    frame = pd.DataFrame(rows, columns=["run", "samples", "data", "split", "role", "loss", "recall"])
    return frame.sample(frac=1, random_state=0).sort_values("run", key=lambda run: run.map(RUNS.index), kind="stable")


RECALLS = (0.1, 0.4, 0.3, 0.2, 0.6, 0.5)


def test_a_table_is_read_whatever_the_order_of_its_rows():
    read = Checkpoints.of(table(RECALLS))
    assert read.runs == RUNS and read.run.tolist() == [0, 0, 1, 1, 2, 2] and read.samples.tolist() == [10, 20] * 3
    d = read.domains.index("street")
    assert read.targets[:, d].tolist() == list(RECALLS) and read.targets[:, 1 - d] == pytest.approx(0.1 * np.arange(6))
    assert read.proxies[:, d] == pytest.approx(0.2 + np.arange(6) / 50)
    assert read.losses == pytest.approx([3.0, 2.9, 3.8, 3.7, 3.1, 3.0]), "of the domains that each is trained on"
    assert read.all_losses == pytest.approx(3.5 - np.arange(6) / 10)
    assert read.recalls == pytest.approx([0.5, 0.51, 0.6, 0.6, (0.54 + 0.6) / 2, (0.55 + 0.6) / 2])


def test_damage_is_named():
    whole = table(RECALLS)
    with pytest.raises(DataError, match="no column 'loss'"):
        Checkpoints.of(whole.drop(columns="loss"))
    with pytest.raises(DataError, match="1 runs of 2 checkpoints"):
        Checkpoints.of(whole[whole["run"] == "all"])
    with pytest.raises(DataError, match="3 runs of 1, 2 checkpoints"):
        Checkpoints.of(whole[(whole["run"] != "all") | (whole["samples"] == 10)])
    with pytest.raises(DataError, match="no held-out domain was measured on 'test' and another split too"):
        Checkpoints.of(whole[~((whole["role"] == "held out") & (whole["split"] == "val"))])
    hole = (whole["run"] == "b alone") & (whole["samples"] == 20) & (whole["data"] == "flat")
    with pytest.raises(DataError, match="run 'b alone' after 20 samples was not measured on all data"):
        Checkpoints.of(whole[~hole])


def test_a_low_loss_scores_high_and_another_domain_is_never_the_target():
    read = Checkpoints.of(table(RECALLS))
    found = scores(read)
    assert list(found) == list(CRITERIA)
    assert np.array_equal(found["in-domain loss"][0, :, 0], -read.losses)
    assert np.array_equal(found["another held-out domain"][0], read.proxies[:, ::-1]), "with two, it is the other one"
    assert np.array_equal(found["all other held-out domains"], found["another held-out domain"])
    assert np.array_equal(found["the domain itself"][0], read.proxies)


def test_one_domain_has_no_other():
    whole = table(RECALLS)
    found = scores(Checkpoints.of(whole[whole["data"] != "flat"]))
    assert "another held-out domain" not in found and found["the domain itself"].shape == (1, 6, 1)


@pytest.fixture(scope="module")
def result():
    whole = table(RECALLS)
    return select(Checkpoints.of(whole[whole["data"] != "flat"]), "toy", resamples=200)


def value(result, name, question):
    return next(m for m in result.metrics if m.name == name and m.dataset == f"toy: {question}")


def test_within_a_run_by_hand(result):
    # targets (0.1, 0.4), (0.3, 0.2), (0.6, 0.5); longer training is right once and wrong twice, by 0.1 each
    assert value(result, "Spearman (longest training)", WITHIN).value == pytest.approx(-1 / 3)
    assert value(result, "Kendall (longest training)", WITHIN).value == pytest.approx(-1 / 3)
    metric = value(result, "regret (longest training)", WITHIN)
    assert metric.value == pytest.approx(0.2 / 3) and metric.n == 6 and metric.direction == "lower"
    assert metric.chance == pytest.approx((0.15 + 0.05 + 0.05) / 3) and metric.ceiling == 0
    assert metric.interval[0] == pytest.approx(0) and metric.interval[1] == pytest.approx(0.1)
    # recall of a rises, that of b is always the same: one correlation is not defined, and the choice is open
    row = result.tables["selection"].set_index(["question", "criterion"]).loc[WITHIN, "in-domain recall@10"]
    assert row["undefined"] == 1 and row["spearman"] == pytest.approx(0), "1 and -1"
    assert row["regret"] == pytest.approx((0 + 0.05 + 0.1) / 3)


def test_between_runs_by_hand(result):
    # last checkpoints: targets (0.4, 0.2, 0.5), losses (2.9, 3.7, 3.0), of all training domains (3.4, 3.2, 3.0)
    metric = value(result, "Spearman (in-domain loss)", BETWEEN)
    assert metric.value == pytest.approx(0.5) and metric.n == 3
    assert value(result, "regret (in-domain loss)", BETWEEN).value == pytest.approx(0.1)
    assert value(result, "regret (loss on all training domains)", BETWEEN).value == 0
    assert value(result, "regret (in-domain loss)", BETWEEN).chance == pytest.approx(0.5 - 1.1 / 3)
    names = [m.name for m in result.metrics if m.dataset.endswith(BETWEEN)]
    assert "regret (longest training)" not in names, "all have been trained equally long"


def test_all_checkpoints_are_one_list(result):
    read = Checkpoints.of(table(RECALLS))
    metric = value(result, "Spearman (in-domain loss)", EVERY)
    assert metric.value == pytest.approx(stats.spearmanr(-read.losses, RECALLS).statistic)
    assert value(result, "Kendall (in-domain loss)", EVERY).value == pytest.approx(
        stats.kendalltau(-read.losses, RECALLS).statistic
    )
    assert metric.interval[0] <= metric.value <= metric.interval[1] and metric.chance == 0 and metric.ceiling == 1


def test_a_perfect_criterion_has_no_regret():
    whole = table(RECALLS, losses=[1 - recall for recall in RECALLS])
    whole = whole[whole["data"] != "flat"]
    whole.loc[whole["data"] == "b", "loss"] -= 1
    found = select(Checkpoints.of(whole), "toy", resamples=50)
    for question in (WITHIN, BETWEEN, EVERY):
        assert value(found, "Spearman (loss on all training domains)", question).value == pytest.approx(1)
        metric = value(found, "regret (loss on all training domains)", question)
        assert metric.value == 0 and metric.interval == (0, 0)


def test_what_is_chosen_of_all_is_named(result):
    rows = result.tables["chosen"].set_index("criterion")
    assert rows.loc["in-domain loss"].tolist() == ["street", "a alone", 20, 0.4, 0.6]
    assert rows.loc["longest training", "samples"] == 20


def test_results_are_averaged_over_targets():
    whole = table(RECALLS)
    both = select(Checkpoints.of(whole), "toy", resamples=20)
    one = [
        select(Checkpoints.of(whole[whole["data"] != other]), "toy", resamples=20) for other in ("street", "flat")
    ]
    for name in ("regret (in-domain loss)", "Spearman (in-domain loss)"):
        for question in (WITHIN, BETWEEN, EVERY):
            mean = np.mean([value(each, name, question).value for each in one])
            assert value(both, name, question).value == pytest.approx(mean)

from __future__ import annotations

import pytest

from ofclip.errors import SettingError
from ofclip.experiments import EXPERIMENTS, TRAINING, get, jobs, trained
from ofclip.sources import names


def test_without_real_data_every_experiment_runs_on_atelier() -> None:
    assert [(job.experiment, job.source) for job in jobs({"atelier"})] == [(name, "atelier") for name in EXPERIMENTS]


def test_a_run_waits_for_the_source_of_its_weights() -> None:
    assert ("03-zero-shot", "fashion-mnist") not in {(job.experiment, job.source) for job in jobs({"fashion-mnist"})}
    runs = {(job.experiment, job.source): job.trained for job in jobs(names())}
    assert runs["03-zero-shot", "fashion-mnist"] == trained("03-zero-shot", "fashion-mnist") == "kagl"
    assert runs["04-retrieval", "atelier"] == "atelier" and runs[TRAINING, "kagl"] is None


def test_every_source_is_known_and_all_needed_weights_are_trained() -> None:
    for experiment in EXPERIMENTS.values():
        assert set(experiment.sources) <= set(names())
        assert set(filter(None, experiment.sources.values())) <= set(EXPERIMENTS[TRAINING].sources)


def test_what_is_read_is_made_before_for_the_same_sources() -> None:
    order = list(EXPERIMENTS)
    reading = [experiment for experiment in EXPERIMENTS.values() if experiment.reads]
    assert [(one.name, one.reads) for one in reading] == [("12-selection", "11-mixture")]
    for experiment in reading:
        assert order.index(experiment.reads) < order.index(experiment.name)
        assert set(experiment.sources) <= set(EXPERIMENTS[experiment.reads].sources)
    assert {job.reads for job in jobs({"atelier"}) if job.experiment == "12-selection"} == {"11-mixture"}


def test_an_unknown_experiment_gets_the_nearest() -> None:
    assert get("04-retrieval").title == "Retrieval"
    with pytest.raises(SettingError, match="did you mean '04-retrieval'"):
        get("retrieval")

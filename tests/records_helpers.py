"""A Record for tests, made by hand."""

from __future__ import annotations

from ofclip.metrics.metric import Metric
from ofclip.records import Record, Table
from ofclip.records.cost import Cost
from ofclip.records.record import Key, Made, parameters_hash


def make_metric(value: float = 0.25, name: str = "recall@1", **changes: object) -> Metric:
    fields = {
        "definition": "share of queries whose own picture comes first",
        "direction": "higher",
        "dataset": "kagl",
        "split": "test",
        "n": 40,
        "interval": (0.2, 0.3),
        "chance": 0.025,
        "ceiling": 1.0,
    }
    return Metric(name=name, value=value, **{**fields, **changes})


def make_record(**changes: object) -> Record:
    parameters = {"k": 10}
    fields = {
        "experiment": "04-retrieval",
        "source": "kagl",
        "profile": "laptop",
        "title": "Retrieval",
        "parameters": parameters,
        "metrics": [make_metric()],
        "tables": {"log": Table(columns=["step", "top"], rows=[[1, ["a", "b"]], [2, None]])},
        "notes": {"skipped": 0},
        "made": Made(
            notebook="notebooks/04-retrieval.ipynb",
            command="ofclip run 04-retrieval --source kagl --profile laptop",
            commit="0123456789abcdef",
            dirty=False,
            date="2024-01-01T00:00:00+00:00",
        ),
        "cost": Cost(device="cpu", cores=2, seconds=1.5, peak_memory_mib=100.0),
        "key": Key(notebook="n", code={}, lock="l", parameters=parameters_hash(parameters), data={"kagl@test": "d"}),
    }
    return Record(**{**fields, **changes})

from dataclasses import replace

import pandas as pd

from ofclip.metrics.metric import Metric
from ofclip.models import build_model
from ofclip.tasks.result import Result
from ofclip.tasks.start import as_start

METRICS = [Metric(name, f"share of {name}", "higher", "shop", "test", 9, 0.5, (0.4, 0.6), 0.1, 1.0) for name in "ab"]


def test_metrics_of_a_start_stand_beside_those_of_the_trained_model():
    model = build_model("ofclip-RN-8-64")
    found = as_start(Result(METRICS, {"classes": pd.DataFrame()}), model)
    assert [metric.name for metric in found.metrics] == ["a (start)", "b (start)"] and not found.tables
    first = found.metrics[0]
    assert first.definition == "share of a; by what training starts from: fresh weights, not trained at all"
    assert replace(first, name="a", definition=METRICS[0].definition) == METRICS[0]
    assert len(as_start(Result(METRICS), model, count=1).metrics) == 1


def test_a_start_with_weights_is_named():
    model = replace(build_model("ofclip-RN-8-64"), name="ViT-B-32/laion2b_s34b_b79k")
    assert as_start(Result(METRICS), model).metrics[0].definition.endswith(": ViT-B-32/laion2b_s34b_b79k")

"""The whole way on the smoke profile: draw, train, embed, evaluate; the model must beat chance out of domain."""

import pytest

from ofclip.embeddings import embed
from ofclip.models import build_model, load_model
from ofclip.profiles import load_profile
from ofclip.tasks.result import Result
from ofclip.tasks.retrieval import retrieval
from ofclip.tasks.zero_shot import classify
from ofclip.training.loop import train

#: held-out domain -> the label to classify by: colour where it is shown, else the kind of garment
LABELS = {
    "atelier/street": "colour",
    "atelier/flatlay": "colour",
    "atelier/grey": "category",
    "atelier/sketch": "category",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    settings = load_profile("smoke")
    run = settings.run("atelier")
    catalogs = [settings.load(name, run.split) for name in run.sources]
    out = tmp_path_factory.mktemp("smoke")
    trained = train(build_model(settings.architecture, seed=settings.seed), catalogs, run, out)
    model = load_model(trained.weights)
    made = {}
    for name in settings.tests("atelier"):
        catalog = settings.load(name)
        vectors = embed(model, catalog, settings.template)
        made[name] = retrieval(vectors) + classify(model, vectors, catalog, LABELS[name], [settings.template])
    return made


@pytest.mark.parametrize("domain", LABELS)
@pytest.mark.parametrize("name", ["text-to-image recall@10", "image-to-text recall@10", "accuracy@1"])
def test_a_model_trained_for_seconds_beats_chance_on_domains_it_has_never_seen(results, domain, name):
    made: Result = results[domain]
    metric = made[f"{LABELS[domain]} {name}" if name == "accuracy@1" else name]
    width = metric.interval[1] - metric.interval[0]
    assert metric.interval[0] > metric.chance + width / 2, f"{metric.value} {metric.interval}, chance {metric.chance}"

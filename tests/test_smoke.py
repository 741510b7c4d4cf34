"""The whole way on the smoke profile: draw, train, embed, evaluate; the model must beat chance out of domain."""

import pytest

from ofclip.embeddings import embed
from ofclip.models import build_model, load_model
from ofclip.profiles import load_profile
from ofclip.tasks.retrieval import retrieval
from ofclip.tasks.zero_shot import classify
from ofclip.training.loop import train

#: Half a minute of training is enough for these two; greys and sketches need the laptop profile.
DOMAINS = ("atelier/street", "atelier/flatlay")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    settings = load_profile("smoke")
    run = settings.run("atelier")
    catalogs = [settings.load(name, run.split) for name in run.sources]
    out = tmp_path_factory.mktemp("smoke")
    trained = train(build_model(settings.architecture, seed=settings.seed), catalogs, run, out)
    model = load_model(trained.weights)
    made = {}
    assert set(DOMAINS) <= set(settings.tests("atelier")) and not set(DOMAINS) & set(run.sources)
    for name in DOMAINS:
        catalog = settings.load(name)
        vectors = embed(model, catalog, settings.template)
        made[name] = retrieval(vectors) + classify(model, vectors, catalog, "colour", [settings.template])
    return made


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", ["text-to-image recall@10", "image-to-text recall@10", "colour accuracy@1"])
def test_a_model_trained_for_seconds_beats_chance_on_domains_it_has_never_seen(results, domain, name):
    metric = results[domain][name]
    width = metric.interval[1] - metric.interval[0]
    assert metric.interval[0] > metric.chance + width / 2, f"{metric.value} {metric.interval}, chance {metric.chance}"

import ir_measures
import numpy as np
import pytest
from peers import torchmetrics, trec
from torchmetrics.functional.retrieval import retrieval_hit_rate

from ofclip.errors import SettingError
from ofclip.metrics import hits
from ofclip.metrics.ranking import ranked
from ofclip.metrics.relevance import of_sets

KS = (1, 3, 10, 45)


def test_hand_made_hits():
    items = np.array([[3.0], [2.0], [1.0], [0.0]])
    found = ranked(np.array([[1.0], [-1.0], [0.5]]), items, of_sets([[1, 3], [2], []], 4))
    assert [hits.hits_at(found, k).tolist() for k in (1, 2, 9)] == [[False, False], [True, True], [True, True]]
    assert found.left_out == 1
    with pytest.raises(SettingError, match="k must be at least 1"):
        hits.hits_at(found, 0)


@pytest.mark.parametrize("k", KS)
def test_it_is_trec_evals_success_and_torchmetrics_hit_rate(untied, tied, k):
    theirs = torchmetrics(retrieval_hit_rate, untied.scores, untied.relevant, top_k=k)
    np.testing.assert_array_equal(hits.hits_at(untied.found, k), theirs)
    for case, ties in ((untied, "pessimistic"), (tied, "by index")):
        theirs = trec(ir_measures.Success @ k, case.scores, case.relevant)
        np.testing.assert_array_equal(hits.hits_at(case.found, k, ties), theirs)

import numpy as np
import pytest

from ofclip.errors import SettingError
from ofclip.tasks import evaluate
from ofclip.tasks.retrieval import retrieval
from ofclip.tasks.zero_shot import zero_shot


def test_evaluate_runs_the_named_task_with_its_settings(embeddings):
    made = embeddings(np.eye(4), np.eye(4)[[0, 1, 3, 2]])
    assert evaluate("retrieval", made, ks=(2,)).metrics == retrieval(made, ks=(2,)).metrics
    settings = {"labels": list("abcd"), "classes": list("abcd"), "class_vectors": np.eye(4)}
    assert evaluate("zero-shot", made, **settings).metrics == zero_shot(made, **settings).metrics


def test_unknown_names_come_with_the_nearest(embeddings):
    made = embeddings(np.eye(4), np.eye(4))
    with pytest.raises(SettingError, match="unknown task 'zeroshot': did you mean 'zero-shot'"):
        evaluate("zeroshot", made)
    with pytest.raises(SettingError, match="unknown setting of retrieval 'blocks': did you mean 'block'"):
        evaluate("retrieval", made, blocks=3)
    with pytest.raises(SettingError, match="zero-shot needs the setting 'classes'"):
        evaluate("zero-shot", made, labels=list("abcd"))

"""The row that a table of trained models needs: the model that training started from, measured alike."""

from __future__ import annotations

from dataclasses import replace

from ofclip.models import Model
from ofclip.tasks.result import Result

#: How the names of its metrics end.
START = " (start)"


def as_start(result: Result, model: Model, count: int | None = None) -> Result:
    """Return the metrics of a start, to stand beside those of the model trained from it; of many, the first `count`.

    Their names end in " (start)" and their definitions say which weights these are. Tables are left out.

    >>> import ofclip                                                                          # doctest: +SKIP
    >>> model = ofclip.load_profile("laptop").model()                                          # doctest: +SKIP
    >>> as_start(ofclip.evaluate("retrieval", ofclip.embed(model, catalog)), model)            # doctest: +SKIP
    """
    what = "fresh weights, not trained at all" if model.name == "untrained" else model.name
    said = f"; by what training starts from: {what}"
    kept = result.metrics[:count]
    return Result([replace(each, name=each.name + START, definition=each.definition + said) for each in kept])

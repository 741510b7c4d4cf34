"""One file per experiment family: plain functions of Embeddings that return a Result."""

from __future__ import annotations

import inspect

from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError, unknown
from ofclip.tasks.result import Result
from ofclip.tasks.retrieval import retrieval
from ofclip.tasks.zero_shot import zero_shot

TASKS = {"retrieval": retrieval, "zero-shot": zero_shot}


def evaluate(task: str, embeddings: Embeddings, **settings: object) -> Result:
    """Return the Result of the named task: "retrieval" or "zero-shot", whose functions list the settings.

    Raises SettingError for an unknown task or setting, with the nearest known name, and for a missing one.
    """
    if task not in TASKS:
        raise unknown("task", task, TASKS)
    _, *known = inspect.signature(TASKS[task]).parameters.values()
    for name in settings:
        if name not in {parameter.name for parameter in known}:
            raise unknown(f"setting of {task}", name, [parameter.name for parameter in known])
    for parameter in known:
        if parameter.default is parameter.empty and parameter.name not in settings:
            raise SettingError(f"{task} needs the setting {parameter.name!r}")
    return TASKS[task](embeddings, **settings)

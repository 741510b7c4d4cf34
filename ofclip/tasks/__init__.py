"""One file per experiment family: plain functions of Embeddings that return a Result."""

from __future__ import annotations

import importlib
import inspect

from ofclip.embeddings import Embeddings
from ofclip.errors import SettingError, unknown
from ofclip.tasks.result import Result

#: task -> module and function; imported when asked for, so that a notebook depends on its own task alone
TASKS = {
    "retrieval": ("ofclip.tasks.retrieval", "retrieval"),
    "zero-shot": ("ofclip.tasks.zero_shot", "zero_shot"),
}


def evaluate(task: str, embeddings: Embeddings, **settings: object) -> Result:
    """Return the Result of the named task: "retrieval" or "zero-shot", whose functions list the settings.

    Raises SettingError for an unknown task or setting, with the nearest known name, and for a missing one.
    """
    if task not in TASKS:
        raise unknown("task", task, TASKS)
    module, name = TASKS[task]
    function = getattr(importlib.import_module(module), name)
    _, *known = inspect.signature(function).parameters.values()
    for setting in settings:
        if setting not in {parameter.name for parameter in known}:
            raise unknown(f"setting of {task}", setting, [parameter.name for parameter in known])
    for parameter in known:
        if parameter.default is parameter.empty and parameter.name not in settings:
            raise SettingError(f"{task} needs the setting {parameter.name!r}")
    return function(embeddings, **settings)

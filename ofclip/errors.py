"""Errors that name the file, row or setting at fault and say what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class OfclipError(Exception):
    """Base of every error that is ours; the command line prints its one line and exits with 2."""


class DataError(OfclipError):
    """A file or folder of a data set is missing, damaged or not in its official layout."""


class NoPictures(DataError):
    """A data set has texts and labels here, and not one picture: `pictures=False` loads them alone."""


class SettingError(OfclipError):
    """A setting, name or combination of settings is not known or not possible."""


class VerdictError(OfclipError):
    """A verdict of the book says other than the Records it rests on."""


class CheckpointError(OfclipError):
    """Weights or a checkpoint cannot be used: damaged, or of another architecture."""


class TrainingError(OfclipError):
    """Training cannot go on, for example because its loss is not a number."""


def unknown(what: str, name: object, known: Iterable[str]) -> SettingError:
    """Return the error for a name that is not known, with the nearest known one.

    >>> str(unknown("profile", "labtop", ["smoke", "laptop"]))
    "unknown profile 'labtop': did you mean 'laptop'? Known: laptop, smoke"
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.4)
    hint = f": did you mean {near[0]!r}?" if near else "."
    return SettingError(f"unknown {what} {name!r}{hint} Known: {', '.join(names)}")

"""What readers of official files share: JSON with a line in its errors, values of the right type, faults, pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ofclip.errors import DataError, NoPictures
from ofclip.images import FileImages, Images
from ofclip.tree import Tree

#: Types of JSON values, as messages call them.
KINDS = {
    str: "text", int: "a whole number", float: "a broken number", list: "a list", dict: "an object",
    bool: "true or false",
}  # fmt: skip
#: An escape that can stand for half a character.
HALF = re.compile(r"\\u[dD][89a-fA-F]")
#: Columns that are plain text; the labels beside them may be unknown.
PLAIN = ("id", "split", "group")


class Faults:
    """What is wrong with a data set's files: `bad` raises DataError, or lists the reason with `skip_bad`.

    `left_out` always lists: it is for what official files are known to lack. `reasons` become `Catalog.skipped`.

    >>> faults = Faults(skip_bad=True)
    >>> faults.bad("a.json entry 3: lacks 'item'")
    >>> faults.reasons
    ["a.json entry 3: lacks 'item'"]
    """

    def __init__(self, skip_bad: bool = False) -> None:
        self.skip_bad = skip_bad
        self.reasons: list[str] = []

    def bad(self, reason: str) -> None:
        if not self.skip_bad:
            raise DataError(f"{reason}; mend it or use --skip-bad")
        self.reasons.append(reason)

    def left_out(self, reason: str) -> None:
        self.reasons.append(reason)


def official(tree: Tree, *names: str) -> str:
    """Return where the first of these official files lies, or the first name: reading that tells that it is missing."""
    return next((found for name in names if (found := tree.locate(name))), names[0])


def read_json(tree: Tree, name: str, faults: Faults | None = None) -> Any:
    """Return the value of a JSON file.

    Raises DataError that names file and line for what is no JSON (cut short, say), and that names the file for
    brackets nested too deep and for half a character. A key that repeats in one object is a fault, since Python
    would silently keep its last value: it raises, or with `faults` that skip it is listed and the first value stays.
    """
    text, label = tree.text(name), tree.label(name)
    repeated: list[str] = []

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        table = dict(pairs)
        if len(table) < len(pairs):
            table = {}
            for key, value in pairs:
                if key in table:
                    repeated.append(key)
                else:
                    table[key] = value
        return table

    try:
        value = json.loads(text, object_pairs_hook=members)
        if HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise DataError(f"{label} line {error.lineno}: not JSON ({error.msg}); fetch it again") from error
    except RecursionError as error:
        raise DataError(f"{label}: nested too deep to be the official file; fetch it again") from error
    except UnicodeEncodeError as error:
        escape = f"\\u{ord(error.object[error.start]):04x}"
        line = text.count("\n", 0, max(0, text.lower().find(escape))) + 1
        raise DataError(f"{label} line {line}: {escape} is half a character; fetch it again") from error
    except ValueError as error:  # a number of thousands of digits
        raise DataError(f"{label}: not JSON of a data set ({error}); fetch it again") from error
    for key in repeated:
        (faults or Faults()).bad(f"{label}: the key {shown(key)} repeats")
    return value


def expect(value: object, kind: type, where: str) -> Any:
    """Return a JSON value if it is of type `kind` (str, int, list, dict); raises DataError that begins with `where`.

    True and false are no numbers here.

    >>> expect(7, int, "a.json entry 1: index")
    7
    """
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    found = "nothing" if value is None else KINDS.get(type(value), type(value).__name__)
    raise DataError(f"{where}: expected {KINDS[kind]}, found {found}")


def field(row: Mapping[str, object], key: str, kind: type, where: str) -> Any:
    """Return one member of a JSON object; raises DataError if it is missing or of another type.

    >>> field({"index": 7}, "index", int, "a.json entry 1")
    7
    """
    if key not in row:
        raise DataError(f"{where}: lacks {key!r}")
    value = row[key]
    return value if type(value) is kind else expect(value, kind, f"{where}: {key}")


def shown(value: object) -> str:
    """Return a value as a message shows it: on one line, and cut if it is long.

    >>> shown("a" * 100)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..."
    """
    text = repr(value)
    return text if len(text) <= 60 else text[:40] + "..."


def squeeze(text: str) -> str:
    """Return a text on one line without spare spaces.

    >>> squeeze(" Red\\n dress ")
    'Red dress'
    """
    return " ".join(text.split())


def product_table(rows: Sequence[tuple], columns: Sequence[str]) -> pd.DataFrame:
    """Return rows as a product table: id, split and group are plain text, texts are tuples, the rest are labels.

    None is an unknown label.
    """
    table = pd.DataFrame(list(rows), columns=list(columns), dtype=object)
    kinds = {column: str if column in PLAIN else "string" for column in columns if column != "texts"}
    return table.astype(kinds)


def picture_places(tree: Tree, names: Sequence[str]) -> list[str | None]:
    """Return for each official picture name the file of the tree that has it, or None.

    Copies differ in the folders around the official ones; the outermost place wins, as in `Tree.locate`.
    """
    heads = {name.partition("/")[0] for name in names}
    around = {""}
    for full in tree.names:
        parts = full.split("/")
        around.update("/".join(parts[:i]) + "/" for i in range(1, len(parts)) if parts[i] in heads)
    ordered = sorted(around, key=lambda prefix: (prefix.count("/"), prefix))
    return [next((prefix + name for prefix in ordered if prefix + name in tree), None) for name in names]


def pictured(
    tree: Tree,
    names: Sequence[str],
    places: Sequence[str | None],
    rows: Sequence[str],
    faults: Faults,
    obtain: str,
) -> tuple[list[int], Images]:
    """Return the row numbers that have a picture, and their pictures under the official names.

    `places` says where the picture of each row lies (None: nowhere), `rows` what messages call it. Rows without a
    picture are listed in `faults`. Raises DataError that says how to obtain the pictures if there is none at all.
    """
    kept = [row for row, place in enumerate(places) if place is not None]
    if names and not kept:
        raise NoPictures(
            f"{tree.place}: holds none of the {len(names)} pictures, such as {names[0]}. {obtain} "
            "pictures=False reads texts and labels alone."
        )
    for row, place in enumerate(places):
        if place is None:
            faults.left_out(f"{rows[row]}: no picture {names[row]}")
    store = tree.images(place for place in places if place is not None)
    return kept, FileImages(store.parts, store.which, store.members, tuple(names[row] for row in kept))

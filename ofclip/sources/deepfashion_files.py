"""The text files of DeepFashion's category and attribute benchmark, read strictly: a row too few shifts every label.

Line 1 of a file is the number of its rows, line 2 the names of its columns, and columns are split by runs of spaces.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from ofclip.errors import DataError
from ofclip.sources.reading import Faults, shown
from ofclip.tree import Tree

#: The official categories, numbered from 1: twenty of upper, sixteen of lower and fourteen of full-body clothes.
UPPER = (
    "Anorak", "Blazer", "Blouse", "Bomber", "Button-Down", "Cardigan", "Flannel", "Halter", "Henley", "Hoodie",
    "Jacket", "Jersey", "Parka", "Peacoat", "Poncho", "Sweater", "Tank", "Tee", "Top", "Turtleneck",
)  # fmt: skip
LOWER = (
    "Capris", "Chinos", "Culottes", "Cutoffs", "Gauchos", "Jeans", "Jeggings", "Jodhpurs", "Joggers", "Leggings",
    "Sarong", "Shorts", "Skirt", "Sweatpants", "Sweatshorts", "Trunks",
)  # fmt: skip
FULL = (
    "Caftan", "Cape", "Coat", "Coverup", "Dress", "Jumpsuit", "Kaftan", "Kimono", "Nightdress", "Onesie", "Robe",
    "Romper", "Shirtdress", "Sundress",
)  # fmt: skip
CATEGORIES = UPPER + LOWER + FULL
#: Categories that were merged into Dress; the copy with 46 rows lacks them.
MERGED = ("Cape", "Nightdress", "Shirtdress", "Sundress")
#: What the types of categories mean, numbered from 1.
TYPES = ("upper", "lower", "full")
PICTURE = re.compile(r"img/([^/\s]+)/[^/\s]+\.jpg")


def read_rows(tree: Tree, name: str, header: str) -> tuple[str, str, list[tuple[int, str]]]:
    """Return what messages call a file, its first line, and number (from 1) and text of each row.

    Raises DataError for another header.
    """
    label = tree.label(name)
    count, head, *lines = (tree.text(name) + "\n").split("\n")
    if head.split() != header.split():
        raise DataError(f"{label} line 2: {shown(head.strip())} is not the header '{header}'; use the official file")
    return label, count.strip(), [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def check_count(label: str, count: str, found: int, faults: Faults) -> None:
    """A first line that says another number of rows than there are is a fault."""
    if count != str(found):
        faults.bad(f"{label} line 1: says {shown(count)} rows, {found} are there")


def read_categories(tree: Tree, name: str) -> list[tuple[str, str]]:
    """Return name and type ("upper", "lower" or "full") of the 50 categories.

    Raises DataError for any other list, since a row less or elsewhere would give pictures the wrong categories.
    """
    label, count, rows = read_rows(tree, name, "category_name category_type")
    names = [line.split()[0] for _, line in rows]
    if names == [category for category in CATEGORIES if category not in MERGED]:
        raise DataError(
            f"{label}: has 46 rows instead of 50. This is an edited copy that circulates, without {', '.join(MERGED)}: "
            "with it every category after Caftan would get the name of a later one. Use the official file"
        )
    if len(rows) != len(CATEGORIES) or count != str(len(rows)):
        raise DataError(
            f"{label}: has {len(rows)} rows and says {shown(count)}, instead of {len(CATEGORIES)}; categories are "
            "numbered by row, so use the official file"
        )
    found = []
    for (number, line), official in zip(rows, CATEGORIES, strict=True):
        kind = next(i for i, names in enumerate((UPPER, LOWER, FULL)) if official in names)
        if line.split() != [official, str(kind + 1)]:
            raise DataError(
                f"{label} row {number} (line {number + 2}): {shown(line.strip())} instead of '{official} {kind + 1}'; "
                "categories are numbered by row, so use the official file"
            )
        found.append((official, TYPES[kind]))
    return found


def read_attributes(tree: Tree, name: str, expected: int, types: int) -> list[tuple[str, int]]:
    """Return name and type (from 1) of each attribute; names may hold spaces.

    Raises DataError if there are not as many as expected, or for a row that does not end with one of the types.
    """
    label, count, rows = read_rows(tree, name, "attribute_name attribute_type")
    if len(rows) != expected or count != str(len(rows)):
        raise DataError(
            f"{label}: has {len(rows)} rows and says {shown(count)}, instead of {expected}; attributes are numbered "
            "by row, so use the official file"
        )
    found = []
    for number, line in rows:
        attribute, _, kind = line.strip().rpartition(" ")  # one row has but one space before its type
        if not attribute.strip() or kind not in map(str, range(1, types + 1)):
            raise DataError(
                f"{label} row {number} (line {number + 2}): {shown(line.strip())} does not end with a type of 1 to "
                f"{types}; use the official file"
            )
        found.append((" ".join(attribute.split()), int(kind)))
    return found


def read_pairs(
    tree: Tree, name: str, header: str, known: Sequence[str], faults: Faults
) -> tuple[str, dict[str, tuple[int, str]]]:
    """Return what messages call a file of "<picture> <value>", and row number and value of each picture.

    A wrong number of rows, and a row that is too short or long, names no picture, repeats one, or has a value that
    is not known, are faults.
    """
    label, count, rows = read_rows(tree, name, header)
    check_count(label, count, len(rows), faults)
    column, allowed = header.split()[1], set(known)
    told = ", ".join(known) if len(known) < 6 else f"{known[0]} to {known[-1]}"
    found: dict[str, tuple[int, str]] = {}
    for number, line in rows:
        parts = line.split()
        fault = ""
        if len(parts) != 2:
            fault = f"{len(parts)} of 2 columns"
        elif not PICTURE.fullmatch(parts[0]):
            fault = f"{shown(parts[0])} is no img/<item>/<picture>.jpg"
        elif parts[1] not in allowed:
            fault = f"{column} {shown(parts[1])} is none of {told}"
        elif parts[0] in found:
            fault = f"{parts[0]} repeats"
        if fault:
            faults.bad(f"{label} row {number} (line {number + 2}): {fault}")
        else:
            found[parts[0]] = number, parts[1]
    return label, found


def read_labels(tree: Tree, name: str, n: int, faults: Faults) -> tuple[str, dict[str, tuple[int, ...]]]:
    """Return what messages call a file of "<picture> <n labels>", and each picture's positive attributes, from 0.

    Labels are 1, -1 or 0 (unknown). The full file has hundreds of millions: it is read as bytes, a line at a time,
    and only the positive ones are kept. Raises DataError for another header; other damage is a fault.
    """
    label, data = tree.label(name), io.BytesIO(tree.read(name))
    count, header = (data.readline().removeprefix(b"\xef\xbb\xbf").decode("latin-1").strip() for _ in range(2))
    if header.split()[:2] != ["image_name", "attribute_labels"]:
        raise DataError(
            f"{label} line 2: {shown(header)} is not the header 'image_name attribute_labels'; use the official file"
        )
    found: dict[str, tuple[int, ...]] = {}
    same: dict[tuple[int, ...], tuple[int, ...]] = {}
    number = rows = 0
    for number, line in enumerate(data, start=1):
        end = line.find(b" ")
        picture = text(line[:end]) if end > 0 else ""
        positive = positives(line[end:], n) if end > 0 else None
        fault = ""
        if end <= 0 and not line.strip():
            continue
        rows += 1
        if not PICTURE.fullmatch(picture):
            fault = f"{shown(picture or text(line).strip())} is no img/<item>/<picture>.jpg"
        elif positive is None:
            fault = f"{len(line.split()) - 1} of {n} labels, or one that is not 1, -1 or 0"
        elif picture in found:
            fault = f"{picture} repeats"
        if fault:
            faults.bad(f"{label} row {number} (line {number + 2}): {fault}")
        else:
            assert positive is not None
            found[picture] = same.setdefault(positive, positive)
    check_count(label, count, rows, faults)
    return label, found


def positives(labels: bytes, n: int) -> tuple[int, ...] | None:
    """Return the places of the positive ones among n labels with a space before each, or None if there are not n.

    >>> positives(b"  -1  1 -1  1 0", 5)
    (1, 3)
    >>> positives(b" -1 11", 3) is None
    True
    """
    labels = labels.rstrip(b" \r\n")
    if labels.translate(None, b" -01"):
        return None
    aligned = labels[-3 * n :]
    signs, digits = aligned[1::3], aligned[2::3]
    if aligned[::3] == b" " * n and not signs.translate(None, b" -") and not digits.translate(None, b"01"):
        # two characters each, as in the official files: ten times as fast
        if b"-0" in aligned or labels[: -3 * n].strip(b" "):
            return None
        return tuple(at // 3 for at in _places(aligned, b"  1"))
    # a mark for each label: what is no label leaves something else behind
    marks = labels.replace(b" -1", b"n").replace(b" 1", b"p").replace(b" 0", b"z").translate(None, b" ")
    return None if len(marks) != n or marks.translate(None, b"npz") else tuple(_places(marks, b"p"))


def _places(marks: bytes, mark: bytes) -> list[int]:
    found = []
    at = marks.find(mark)
    while at >= 0:
        found.append(at)
        at = marks.find(mark, at + 1)
    return found


def text(data: bytes) -> str:
    """Return bytes of one line as text: utf-8 or, failing that, latin-1."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_lines(tree: Tree, name: str, rows: Sequence | None = None) -> tuple[str, list[str]]:
    """Return what messages call a file without count and header, and its lines.

    Raises DataError if `rows` are given and it has another number: such files are joined line by line.
    """
    label, lines = tree.label(name), tree.text(name).rstrip("\n").split("\n")
    if rows is not None and len(lines) != len(rows):
        raise DataError(f"{label}: has {len(lines)} lines, the list of pictures {len(rows)}; use the official file")
    return label, lines

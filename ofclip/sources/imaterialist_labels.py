"""The label map of iMaterialist Fashion 2018: 228 labels in 8 tasks, and what captions call them."""

from __future__ import annotations

import csv

import pandas as pd

from ofclip.errors import DataError
from ofclip.files import digest
from ofclip.text.attributes import singular
from ofclip.tree import Tree

LABEL_MAP = "iMat_fashion_2018_label_map_228.csv"
#: Checksum of the authors' file, whose lines end in carriage return and line feed.
MD5 = "57bd2325816f165565cb6dbadf8f9a5c"
#: Hash of the values of its rows, whatever ends the lines.
CONTENT = "1c56515a66d1a808"
COLUMNS = ["labelId", "taskId", "labelName", "taskName"]
#: Number of labels per task in the official label map.
TASKS = {
    "category": 105, "color": 21, "gender": 3, "material": 34, "neckline": 11, "pattern": 28, "sleeve": 5, "style": 21,
}  # fmt: skip
#: Where a caption says another word than the label in lower case and, for a category, in the singular (our choice).
PHRASES = {
    "Female": "women's",
    "Male": "men's",
    "Neutral": "unisex",
    "Multi Color": "multicolor",
    "Long Sleeved": "long sleeve",
    "Puff Sleeves": "puff sleeve",
    "Short Sleeves": "short sleeve",
    "Backless Dresses": "backless",
    "Shoulder Drapes": "draped shoulder",
    "Square Necked": "square neck",
    "Turtlenecks": "turtleneck",
    "U-Necks": "u-neck",
    "V-Necks": "v-neck",
    "Fringe": "fringed",
    "Hearts": "heart print",
    "Pin Stripes": "pinstriped",
    "Ruffles": "ruffled",
    "Sequins": "sequined",
    "Stripes": "striped",
    "Bandeaus": "bandeau",
    "Spaghetti Straps": "spaghetti strap",
    "Vintage Retro": "vintage",
    "Maternity": "maternity wear",
}


def read_label_map(tree: Tree, name: str) -> pd.DataFrame:
    """Return name and task of each label, indexed by label id, from file `name` of a tree.

    Raises DataError unless the file has the official 228 labels: one more or less would shift the meaning of the
    labels of every picture. The end of the lines may differ.
    """
    file = tree.label(name)
    try:
        header, *rows = csv.reader(tree.text(name).split("\n"), strict=True)
    except (csv.Error, ValueError) as error:
        raise DataError(f"{file}: not a readable CSV file ({error}); fetch it again") from error
    if header != COLUMNS:
        raise DataError(f"{file}: must start with {','.join(COLUMNS)}; use the official file")
    rows = [row for row in rows if row]
    for number, row in enumerate(rows, start=1):
        if len(row) != 4 or row[0] != str(number) or not row[2].strip() or row[3] not in TASKS:
            raise DataError(
                f"{file} row {number} (line {number + 1}): {','.join(row)!r} is not {number}, task id, name, task; "
                "use the official file"
            )
    table = pd.DataFrame(rows, columns=["id", "number", "name", "task"], dtype=object)
    counts = table["task"].value_counts().to_dict()
    for task, count in TASKS.items():
        if counts.get(task, 0) != count:
            raise DataError(
                f"{file}: {counts.get(task, 0)} labels of task {task} instead of {count}; use the official file"
            )
    if digest(*(value for row in rows for value in row)) != CONTENT:
        raise DataError(f"{file}: a name or task differs from the official file; use that one")
    return table.astype({"id": int}).set_index("id")[["name", "task"]]


def phrase(name: str, task: str) -> str:
    """Return what a caption calls a label.

    >>> phrase("Casual Dresses", "category"), phrase("V-Necks", "neckline"), phrase("Skinny Jeans", "category")
    ('casual dress', 'v-neck', 'skinny jeans')
    """
    if name in PHRASES:
        return PHRASES[name]
    return singular(name.lower()) if task == "category" else name.lower()


def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the members of a JSON object (as `object_pairs_hook`); raises ValueError for a key that repeats.

    >>> members([("id", 1), ("name", "dress")])
    {'id': 1, 'name': 'dress'}
    """
    item = dict(pairs)
    if len(item) < len(pairs):
        raise ValueError(f"a key repeats in the object with {', '.join(item)}")
    return item

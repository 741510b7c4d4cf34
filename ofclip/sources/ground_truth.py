"""Ground truth of product search: frozen queries and the ids of what answers them, or the same from columns.

The tasks, the names of their files and what a product consists of are those of the evaluation of
marqo-ai/marqo-FashionCLIP (its configs/*.json and eval.py, 2024).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ofclip.catalog import Catalog
from ofclip.errors import DataError, SettingError, unknown
from ofclip.files import digest
from ofclip.sources.base import data_root, find_place
from ofclip.sources.reading import expect, read_json, shown, squeeze
from ofclip.tree import Tree

#: The column that stands for a product's own text.
TEXT = "text"
#: What a product is made of: its picture alone, or its picture and its text.
PICTURE, PRODUCT = ("image",), ("image", TEXT)
#: Marqo's files hold at most so many texts, drawn at random from all distinct ones.
QUERIES = 2000

OBTAIN = (
    "Clone https://github.com/marqo-ai/marqo-FashionCLIP into marqo-FashionCLIP/ under the data root, or put the files "
    "of its data/<set>/gt_query_doc/ into marqo-<set>/, unpacked or zipped."
)


@dataclass(frozen=True)
class Task:
    """One kind of query: values of `column` ask for products that consist of `fields`."""

    name: str
    column: str
    fields: tuple[str, ...] = PRODUCT

    @property
    def file(self) -> str:
        """The official name of its ground truth.

        >>> Task("color-to-product", "color").file
        'ground_truth_color-image+text.json'
        """
        return f"ground_truth_{self.column}-{'+'.join(self.fields)}.json"


@dataclass(frozen=True)
class Benchmark:
    """The tasks of one catalogue: Marqo's `folder` for it ("" if it is none of theirs), and what we call a column."""

    folder: str
    tasks: tuple[Task, ...]
    columns: Mapping[str, str] = field(default_factory=dict)


def _tasks(text: bool = True, **columns: str) -> tuple[Task, ...]:
    """Return Marqo's tasks by the column that each asks for, text to image first."""
    names = {"sub": "sub-category", "fine": "fine-category"}
    own = tuple(Task(f"{names.get(kind, kind)}-to-product", column) for kind, column in columns.items())
    return (Task("text-to-image", TEXT, PICTURE), *own) if text else own


_KAGL = _tasks(
    category="category1", sub="category2", fine="category3", color="baseColour", season="season", usage="usage"
)
BENCHMARKS = {
    "atelier": Benchmark("", _tasks(category="category", sub="type", color="colour")),  # our choice: its own columns
    "kagl": Benchmark(
        "KAGL", _KAGL, {"category1": "masterCategory", "category2": "subCategory", "category3": "articleType"}
    ),
    "hub/kagl": Benchmark("KAGL", _KAGL),
    "hub/atlas": Benchmark("Atlas", _tasks(sub="sub-category")),
    "hub/deepfashion-inshop": Benchmark(
        "DeepFashion-InShop", _tasks(category="category2", sub="category3", color="color")
    ),
    "hub/deepfashion-multimodal": Benchmark("DeepFashion-Multimodal", _tasks(category="category2")),
    "hub/fashion200k": Benchmark("Fashion200k", _tasks(category="category1", sub="category2", fine="category3")),
    "hub/imaterialist": Benchmark(
        "iMaterialist",
        tuple(Task(f"{column}-to-image", column, PICTURE) for column in ("category", "style", "neckline")),
    ),
    "hub/polyvore": Benchmark("Polyvore", _tasks(category="category")),
}


@dataclass(frozen=True)
class GroundTruth:
    """Distinct queries, and for each the distinct ids of the products that answer it.

    `name` says where they are from: "frozen" with Marqo's folder, or "columns" with the catalogue's name. Raises
    DataError for a query or an id that repeats, and for no query at all.
    """

    name: str
    task: Task
    queries: tuple[str, ...]
    relevant: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        where = f"ground truth {self.name}"
        if not self.queries:
            raise DataError(f"{where}: holds no query; {OBTAIN}")
        if len(set(self.queries)) < len(self.queries):
            again = next(query for i, query in enumerate(self.queries) if query in self.queries[:i])
            raise DataError(f"{where}: the query {shown(again)} repeats; mend it")
        for query, ids in zip(self.queries, self.relevant, strict=True):
            if len(set(ids)) < len(ids):
                raise DataError(f"{where}: the query {shown(query)} names a product twice; mend it")

    @property
    def fingerprint(self) -> str:
        """Hash of the task, the queries and the ids."""
        return digest(self.task.file, self.queries, self.relevant)


def benchmark(name: str) -> Benchmark:
    """Return the tasks of a catalogue ("kagl", "atelier/street", "hub/atlas"); SettingError if none are known."""
    for known in (name, name.partition("/")[0]):
        if known in BENCHMARKS:
            return BENCHMARKS[known]
    raise unknown("benchmark of product search", name, BENCHMARKS)


def find(name: str, root: Path | None = None) -> Path | None:
    """Return the folder or archive of a catalogue's frozen ground truth under the data root, or None."""
    folder = benchmark(name).folder
    if not folder:
        return None
    root = data_root(root)
    return find_place(root, f"marqo-{folder.lower()}", f"marqo-FashionCLIP/data/{folder}")


def files(name: str, root: Path | None = None) -> list[Path]:
    """Return the files that hold a catalogue's frozen ground truth, sorted: what a build has to watch."""
    place = find(name, root)
    if place is None or place.is_file():
        return [place] if place else []
    return sorted(path for path in place.rglob("ground_truth*") if path.is_file())


def load(name: str, catalog: Catalog, root: Path | None = None) -> list[GroundTruth]:
    """Return the ground truth of each task of the catalogue `name`: frozen where it is found, else from columns.

    Where a benchmark of Marqo's is found, a task whose file lacks there is left out, as none was printed for it. Raises
    DataError for a damaged file.
    """
    place = find(name, root)
    if place is None:
        return rebuild(name, catalog)
    tree = Tree(place)
    found = [(task, where) for task in benchmark(name).tasks if (where := tree.locate(task.file))]
    if not found:
        raise DataError(f"{place}: holds no {benchmark(name).tasks[0].file}. {OBTAIN}")
    return [read(tree, where, task, f"frozen {benchmark(name).folder}") for task, where in found]


def read(tree: Tree, name: str, task: Task, origin: str) -> GroundTruth:
    """Read one official file: an object of query -> object of id -> 1 (relevant) or 0 (not).

    Queries keep their text to the letter. Raises DataError for another structure, a query that is empty, and a query or
    an id that repeats.
    """
    label = tree.label(name)
    queries, relevant = [], []
    for query, documents in expect(read_json(tree, name), dict, label).items():
        where = f"{label}: query {shown(query)}"
        if not squeeze(query):
            raise DataError(f"{where}: is empty; fetch it again")
        for identity, grade in expect(documents, dict, where).items():
            if expect(grade, int, f"{where}, id {shown(identity)}") not in (0, 1):
                raise DataError(f"{where}, id {shown(identity)}: expected 0 or 1, found {grade}; fetch it again")
        queries.append(query)
        relevant.append(tuple(identity for identity, grade in documents.items() if grade))
    return GroundTruth(origin, task, tuple(queries), tuple(relevant))


def rebuild(name: str, catalog: Catalog, limit: int = QUERIES, seed: int = 0) -> list[GroundTruth]:
    """Return the ground truth that a catalogue's own columns imply, for each task whose column has values.

    Each distinct value is a query, and the products that carry it answer it; spare spaces do not count. Of more than
    `limit` texts so many are drawn at random, as in the frozen files, whose draw is not published. For KAGL's other
    columns this gives just what the frozen files hold. Raises SettingError for a limit below 1, and DataError if
    there is no value at all.
    """
    if limit < 1:
        raise SettingError(f"limit={limit} queries of product search: ask for 1 or more")
    known = benchmark(name)
    made = []
    for task in known.tasks:
        column = known.columns.get(task.column, task.column)
        values = catalog.captions if task.column == TEXT else catalog.label(column).tolist()
        answers = _answers(values, catalog.products["id"])
        queries = sorted(answers)
        if task.column == TEXT and len(queries) > limit:
            drawn = np.random.default_rng(seed).choice(len(queries), limit, replace=False)
            queries = [queries[place] for place in np.sort(drawn)]
        if queries:
            relevant = tuple(tuple(answers[query]) for query in queries)
            made.append(GroundTruth(f"columns {catalog.name}", task, tuple(queries), relevant))
    if not made:
        columns = ", ".join(known.columns.get(task.column, task.column) for task in known.tasks)
        raise DataError(f"{catalog.name}: no product has a value of {columns}, so there is nothing to ask for")
    return made


def _answers(values: Iterable[object], ids: Sequence[str]) -> dict[str, list[str]]:
    answers: dict[str, list[str]] = {}
    for value, identity in zip(values, ids, strict=True):
        if isinstance(value, str) and squeeze(value):
            answers.setdefault(squeeze(value), []).append(identity)
    return answers

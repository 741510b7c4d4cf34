"""Record: the JSON file that holds metrics and what produced them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from ofclip.errors import OfclipError, unknown
from ofclip.experiments import ROOT
from ofclip.files import atomic, digest
from ofclip.metrics.metric import Metric
from ofclip.records.cost import Cost

if TYPE_CHECKING:
    import pandas as pd


class Strict(BaseModel):
    """A model that refuses fields it does not know."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Table(Strict):
    """A table of JSON values: column names, and rows of one value per column."""

    columns: list[str]
    rows: list[list[JsonValue]]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Table:
        """Return a data frame's columns and rows, without its index; missing values become null."""
        columns = [frame[column].tolist() for column in frame.columns]
        rows = [[plain(value) for value in row] for row in zip(*columns, strict=True)]
        return cls(columns=[str(column) for column in frame.columns], rows=rows)

    def frame(self) -> pd.DataFrame:
        """Return the table as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.rows, columns=self.columns)


class Made(Strict):
    """How a Record came about: what to run, and from which state of the repository."""

    notebook: str | None
    command: str
    commit: str | None
    dirty: bool
    date: str


class Key(Strict):
    """What the numbers depend on, as hashes: where one differs from today's, the Record is stale.

    `notebook` is the hash of the code cells (prose may change); `code` maps each file of the package that
    the notebook reaches to its hash; `data` maps "source@split", with the options of loading as in
    "kagl@test?size=168x224", to the Catalog's fingerprint; `weights` maps a model's name to its fingerprint, and
    `records` the "experiment/source" of a Record that was read to that of its numbers.
    """

    notebook: str | None
    code: dict[str, str]
    lock: str | None
    parameters: str
    data: dict[str, str] = {}
    weights: dict[str, str] = {}
    records: dict[str, str] = {}


class Record(Strict):
    """Metrics, tables and notes of one run, with everything needed to walk them back to their sources."""

    format: Literal[1] = Field(1, alias="schema")
    experiment: str
    source: str
    profile: str
    title: str
    parameters: dict[str, JsonValue]
    metrics: list[Metric]
    tables: dict[str, Table]
    notes: dict[str, JsonValue]
    made: Made
    cost: Cost
    key: Key

    @property
    def id(self) -> str:
        """Short hash of the key: two Records of one id were made from the same things."""
        return digest(self.key.model_dump_json())

    @property
    def name(self) -> str:
        """Which Record this is, "experiment/source"."""
        return f"{self.experiment}/{self.source}"

    @property
    def fingerprint(self) -> str:
        """Hash of metrics and tables, whenever and wherever they were made: what another run may read of them."""
        return digest(self.model_dump_json(include={"metrics", "tables"}))

    @property
    def sources(self) -> set[str]:
        """Names of the sources whose code the numbers depend on."""
        return {name.partition("@")[0].partition("/")[0] for name in (self.source, *self.key.data)}

    def __getitem__(self, name: str) -> Metric:
        """Return the first metric of that name; raises SettingError with the nearest known one."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        names = {metric.name for metric in self.metrics}
        raise unknown(f"metric of {self.experiment}/{self.source}", name, names)

    def table(self, name: str) -> pd.DataFrame:
        """Return a table as a data frame; raises SettingError with the nearest known name."""
        if name not in self.tables:
            raise unknown(f"table of {self.experiment}/{self.source}", name, self.tables)
        return self.tables[name].frame()

    def dumps(self) -> str:
        """Return the Record as JSON text."""
        return self.model_dump_json(indent=1, by_alias=True) + "\n"

    def save(self, path: str | Path) -> None:
        """Write the Record as JSON, whole or not at all."""
        with atomic(path) as temporary:
            temporary.write_text(self.dumps(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Record:
        """Read a Record; raises OfclipError that names a file that is missing, damaged or no Record."""
        try:
            return cls.model_validate_json(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise OfclipError(f"{path}: no such Record; `ofclip records list` shows them all") from None
        except UnicodeDecodeError:
            raise OfclipError(f"{path}: not a Record (not text)") from None
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            reason = f"{place}: {first['msg']}" if place else first["msg"]
            raise OfclipError(f"{path}: not a Record ({reason}); make it again") from None


def find(root: Path = ROOT, folders: Iterable[str] = ("work", "results")) -> list[Path]:
    """Return the paths of all Records, `<folder>/<profile>/<experiment>/<source>.json`.

    Those of runs by hand (`<source>.interactive.json`) are left out, and so are changed runs; see `find_mine`.
    """
    paths = [path for folder in folders for path in sorted((root / folder).glob("*/*/*.json"))]
    return [path for path in paths if "." not in path.stem]


def plain(value: object) -> Any:
    """Return a cell, setting or note as a JSON value: NumPy scalars and arrays unwrapped, missing as None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None if str(value) in ("<NA>", "NaT") else str(value)


def text(value: JsonValue) -> str:
    """Return a JSON value on one line, strings as they are."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def parameters_hash(parameters: dict[str, JsonValue]) -> str:
    """Return the hash of resolved parameters, whatever their order."""
    return digest(json.dumps(parameters, sort_keys=True))

"""Numbers printed by others: the CSV files of `results/reported` as tables of models against metrics."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ofclip.book.markup import GENERATED, dropdown, table, write


def fragments(root: Path) -> None:
    """Write `book/_generated/reported-<name>.md` for each `results/reported/<name>.csv`, values as printed.

    The columns are dataset, model, metric, value. A column "task" gives a table to each task and data set,
    of which the averages are shown first and the others folded away.
    """
    for path in sorted((root / "results" / "reported").glob("*.csv")):
        frame = pd.read_csv(path, dtype=str)
        folder = root / GENERATED / "reported" / path.stem
        if "task" not in frame:
            frame["metric"] = frame["dataset"] + ", " + frame["metric"].str.replace("_", " ")
            text = _table(frame, folder / "all.csv", root, "As printed.")
        else:
            blocks: dict[str, list[str]] = {"average": [], "single": []}
            for place, ((task, name), part) in enumerate(frame.groupby(["task", "dataset"], sort=False)):
                block = _table(part, folder / f"{place}.csv", root, f"{name}: {task}.")
                blocks["average" if name == "Average" else "single"].append(block)
            single = dropdown("Each data set on its own", "\n\n".join(blocks["single"]))
            text = "\n\n".join([*blocks["average"], single])
        write(root / GENERATED / f"reported-{path.stem}.md", text + "\n")


def _table(frame: pd.DataFrame, path: Path, root: Path, caption: str) -> str:
    wide = frame.pivot(index="model", columns="metric", values="value")
    wide = wide.loc[frame["model"].unique(), frame["metric"].unique()]
    return table(wide.reset_index().fillna(""), path, root, caption)

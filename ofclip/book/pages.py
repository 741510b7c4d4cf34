"""What is generated for each Record: tables, figures, where they came from, and the notebook's page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ofclip import sources
from ofclip.book import interactive, notebooks, tables
from ofclip.book.launch import button
from ofclip.book.markup import GENERATED, ROWS, download, dropdown, escape, figure, small, table, write
from ofclip.book.provenance import inputs, line
from ofclip.figures import FIGURES, save
from ofclip.files import atomic
from ofclip.records import Record, stale
from ofclip.records.publish import csv

#: Tables that a figure shows better: offered as CSV only.
DRAWN = {
    "checkpoints", "confusion", "forgotten", "grounding", "interpolation", "lengths", "log", "matrix", "measured",
    "ranks", "reliability", "selection",
}

CAPTIONS = {
    "accumulation": "Gradients through micro-batches against those of the full batch, relative.",
    "asked": "Each query: how many products answer it, the share of the first ten that do, and the first one's rank.",
    "attributes": "Each attribute value on its own.",
    "captions": "Captions: how many, how long, and how much each says about the product.",
    "choices": "Each question: how many pictures it could be asked of, ties, and how often the right caption won.",
    "chosen": "What each criterion takes among all checkpoints, and what it reaches.",
    "class_sizes": "Each class: how many of its products were trained on, and how well it is known.",
    "classes": "Each class on its own.",
    "combinations": "Rare pairs against common ones, how many there are, and how well the two could be matched.",
    "cost": "What training took, start-up and validation left out.",
    "definitions": "Every definition on the same ranks; without a k it is not cut.",
    "domains": "The data sets and their splits.",
    "duplicates": "Products that share a caption or a picture with another.",
    "effects": "Each way to run the checkpoint: value, change, its interval, and queries gained and lost.",
    "ensembles": "Accuracy with a single prompt and with an ensemble, on the same pictures.",
    "false_negatives": "Samples of a batch that meet a false negative: the share, and how many each meets.",
    "families": "The attribute families, and what always giving the most frequent values reaches.",
    "frequencies": "Plain scores by how many products of the training split show the pair; nothing is matched here.",
    "gender_rows": "Products that take part, and those left out since their gender is another or not known.",
    "gender_shares": "Neutral queries for a class: women's share of it, of those found first, and who leads.",
    "ground truth": "The queries, and how much of what they ask for is in the gallery.",
    "knee": "The knee of the curve: the alpha furthest above the chord, on validation data.",
    "labels": "The most frequent values of each label.",
    "leaks": "Products of the test data that the training data hold already.",
    "parts": "Each part on its own: mean scores of every kind of map.",
    "prompts": "Each way to ask, and what it changes against the test prompt.",
    "queries": "Example queries: the rank of the own product, and the products found first.",
    "query_lengths": "Recall by the number of words of the query.",
    "rows": "Pictures that were evaluated, and those left out because they have no label.",
    "scenes": "Each way to show the same products, and what it changes against the first of its kind.",
    "shots": "Few-shot probes: training pictures, classes that are short of k, and the spread over draws.",
    "splits": "Products by split.",
    "strength": "The regularisation of each probe, chosen by accuracy on held-out folds.",
    "sweep": "Each run: its settings, what it reached, and what it cost.",
    "ties": "The own product under each rule for equal scores.",
    "training": "Runs whose texts were treated otherwise, asked in three ways, against the first run.",
    "variants": "Other weights of picture and text, and the query with and without its template.",
    "ways": "What each way of fine-tuning gains and loses, on test data.",
    "wording": "Accuracy and recall by the gender that is named, and what naming it changes.",
}

PICTURES = {
    "01-data": "What the pictures look like, evenly spaced over each data set.",
    "08-grounding": "Drawings, what was asked, and every kind of heat map; the white outline is the exact mask.",
    "04-retrieval": "Queries (left, with the own picture) and what they find; the own product is framed.",
}

BANNERS = {
    "drawings": "Drawings (Atelier), not photographs. These numbers show a mechanism in a world whose truth "
    "is known; they do not say how large an effect is on real pictures.",
    "photographs": "Photographs of real products.",
}


@dataclass(frozen=True)
class Shown:
    """A Record that the book shows, its executed notebook, and its published twin where there is one."""

    record: Record
    path: Path  # below the root, as is `published_path`
    notebook: dict
    published: Record | None
    published_path: Path

    @property
    def title(self) -> str:
        """The name of the source, short enough for a heading."""
        return sources.get(self.record.source).title.partition(",")[0].partition(" (")[0]

    @property
    def pictures(self) -> str:
        """What the source's pictures are: "drawings" or "photographs"."""
        return sources.get(self.record.source).pictures


def section(shown: Shown, root: Path) -> str:
    """Write one Record's files below `book/_generated` and return its section of the chapter as Markdown."""
    record = shown.record
    note = f"{provenance(shown)}\n\n{inputs(record)}"
    top = "\n\n".join(filter(None, (banner(shown), button(record.experiment), note)))
    write(
        root / GENERATED / record.experiment / f"{record.source}.ipynb",
        notebooks.page(shown.notebook, f"Notebook: {shown.title}", top),
    )
    parts = [f"## {shown.title}", banner(shown)]
    for blocks in (_pictures, _figures, interactive.blocks, _metrics, _tables):
        for block in blocks(shown, root):
            parts += [block, note]
    return "\n\n".join([*parts, *_small_print(shown, root)]) + "\n"


def banner(shown: Shown) -> str:
    """Return the line that says what kind of pictures the numbers come from."""
    return small(f"kind {shown.pictures}", BANNERS[shown.pictures])


def provenance(shown: Shown) -> str:
    """Return the small line under a table or figure, with a link to the executed notebook."""
    record = shown.record
    return line(record, shown.path, f"{{doc}}`notebook </{GENERATED}/{record.experiment}/{record.source}>`")


def _path(shown: Shown, root: Path, name: str) -> Path:
    return root / GENERATED / shown.record.experiment / f"{shown.record.source}.{name}"


def _pictures(shown: Shown, root: Path) -> Iterator[str]:
    for place, picture in enumerate(notebooks.pictures(shown.notebook), 1):
        path = _path(shown, root, f"picture-{place}.png")
        with atomic(path) as temporary:
            temporary.write_bytes(picture)
        yield figure(path, root, PICTURES.get(shown.record.experiment, shown.record.title))


def _figures(shown: Shown, root: Path) -> Iterator[str]:
    for name, draw, caption in FIGURES.get(shown.record.experiment, []):
        yield figure(save(draw(shown.record), _path(shown, root, f"{name}.svg")), root, caption)


def _metrics(shown: Shown, root: Path) -> Iterator[str]:
    """Yield the table of metrics, parted into one tab per data set where it would be long."""
    frame, title = tables.metrics(shown.record, shown.published), shown.record.title
    if frame.empty:
        return
    parts = list(frame.groupby("data", sort=False))
    if len(parts) == 1 or len(frame) <= ROWS:
        whole = frame if len(parts) > 1 else frame.drop(columns="data")
        caption = f"{title}." if len(parts) > 1 else f"{title}: {parts[0][0]}."
        yield table(whole, _path(shown, root, "metrics-1.csv"), root, caption, fold=False)
        return
    tabs = []
    for place, (name, part) in enumerate(parts, 1):
        path = _path(shown, root, f"metrics-{place}.csv")
        block = table(part.drop(columns="data"), path, root, f"{title}: {name}.", fold=False)
        tabs.append(f"::::{{tab-item}} {escape(name)}\n{block}\n::::")
    yield ":::::{tab-set}\n" + "\n".join(tabs) + "\n:::::"


def _tables(shown: Shown, root: Path) -> Iterator[str]:
    for name, content in shown.record.tables.items():
        if name not in DRAWN and content.rows:
            path, caption = _path(shown, root, f"{name}.shown.csv"), CAPTIONS.get(name, f"{name}.")
            yield table(tables.plain(content), path, root, caption)


def _small_print(shown: Shown, root: Path) -> Iterator[str]:
    """Yield what ends a section: the published Record, meanings of the metrics, settings, tables as CSV."""
    record = shown.record
    if shown.published:
        relation = _relation(shown, shown.published, root)
        yield small("provenance", f"Published: {download(shown.published_path)}, {relation}.")
    meanings = dict.fromkeys((metric.name, metric.direction, metric.definition) for metric in record.metrics)
    if meanings:
        items = [f"{escape(name)} ({way} is better)\n: {escape(text)}" for name, way, text in meanings]
        yield dropdown("What each number means", "\n\n".join(items))
    values = {"parameters": record.parameters, "notes": record.notes}
    settings = json.dumps(values, indent=2, ensure_ascii=False)
    yield dropdown("Settings and notes of this run", f"```json\n{settings}\n```")
    links = []
    for name, content in record.tables.items():
        path = _path(shown, root, f"{name}.csv")
        write(path, csv(content))
        links.append(download(path.relative_to(root), name))
    if links:
        yield small("provenance", f"Tables as CSV: {' · '.join(links)}")


def _relation(shown: Shown, published: Record, root: Path) -> str:
    """Say how the published Record came about, compared with this run's."""
    if published.id == shown.record.id:
        return "made from the same code, parameters, data and weights"
    reasons = stale(published, root, folder=(root / shown.published_path).parent.parent)
    if reasons:
        more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        return f"made from other code or settings than this checkout's ({escape(reasons[0])}{more})"
    return "made from the same code, with other parameters, data or weights"

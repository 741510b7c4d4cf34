"""Drawings of the pages that explain: the method, and how to read an interval. No result is in them."""

from __future__ import annotations

from pathlib import Path

from ofclip.book.markup import GENERATED, figure, write
from ofclip.figures import method, save

#: fragment -> the drawing and its caption, which is its alternative text too
DRAWINGS = {
    "method-contrastive": (
        method.contrastive,
        "Contrastive training: a batch of pictures and a batch of texts become vectors, and each picture is to be "
        "like its own text, on the diagonal of the table of cosines, and unlike all others.",
    ),
    "method-zero-shot": (
        method.zero_shot,
        "Two uses of the vectors, without further training: a picture gets the class whose prompt lies nearest; a "
        "text finds the pictures that lie nearest, best first. Lengths of bars are made up.",
    ),
    "method-mixture": (
        method.mixture,
        "The mixture in Atelier: four domains differ in what pictures look like and in how much texts say, one model "
        "learns from all of them, and four more domains are held out to ask what this is worth elsewhere.",
    ),
    "reading": (
        method.reading,
        "Five made-up values with interval, chance and ceiling: the first three lie above chance, the third near its "
        "ceiling, and the intervals of the last two hold chance.",
    ),
}


def fragments(root: Path) -> None:
    """Write `book/_generated/<name>.md` and its drawing for each of DRAWINGS; prose calls it `fig-<name>`."""
    folder = root / GENERATED
    for name, (draw, caption) in DRAWINGS.items():
        path = save(draw(), folder / "drawings" / f"{name}.svg")
        write(folder / f"{name}.md", figure(path, root, caption, f"fig-{name}") + "\n")

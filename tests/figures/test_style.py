from __future__ import annotations

from pathlib import Path

import matplotlib
import pytest

from ofclip import figures
from ofclip.errors import SettingError
from ofclip.figures.style import STYLE, Drawing, styled


@styled
def draw(text: str = "5 $ or 6 $") -> Drawing:
    figure = Drawing(figsize=(2, 2), layout="constrained")
    figure.add_subplot(title=text).plot([0, 1], [0, 1])
    return figure


@pytest.mark.parametrize("name", ["figure.svg", "figure.png"])
def test_the_same_figure_gives_the_same_bytes(tmp_path: Path, name: str) -> None:
    first = figures.save(draw(), tmp_path / name).read_bytes()
    with matplotlib.rc_context({"font.size": 20, "svg.hashsalt": None}):
        assert figures.save(draw(), tmp_path / name).read_bytes() == first
    assert figures.save(draw("other"), tmp_path / name).read_bytes() != first
    assert b"dc:date" not in first


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = figures.save(draw(), tmp_path / "figure.svg")
    before = path.read_bytes()
    broken = draw()
    broken.axes[0].lines[0].draw = None
    with pytest.raises(TypeError):
        figures.save(broken, path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="unknown figure format 'sgv': did you mean 'svg'"):
        figures.save(draw(), tmp_path / "figure.sgv")
    assert not list(tmp_path.iterdir())


def test_style_is_not_left_behind() -> None:
    before = {name: matplotlib.rcParams[name] for name in STYLE}
    draw()
    assert {name: matplotlib.rcParams[name] for name in STYLE} == before


def test_a_notebook_shows_charts_as_svg_and_pictures_as_png() -> None:
    chart, photo = draw(), draw()
    photo.pictures = True
    assert chart._repr_mimebundle_()["image/svg+xml"].startswith("<?xml")
    assert photo._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")

from __future__ import annotations

import pytest

from ofclip.figures import save
from ofclip.figures.method import SHOWN, contrastive, mixture, reading, zero_shot
from ofclip.sources.atelier import HELD_OUT, TRAINING


def words(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_a_batch_pairs_each_picture_with_its_own_text():
    figure = contrastive()
    signs = [text for text in words(figure) if text in ("+", "\N{MINUS SIGN}")]
    assert signs.count("+") == len(SHOWN) and len(signs) == len(SHOWN) ** 2
    assert [f"a photo of a {kind}" in words(figure) for kind in SHOWN] == [True] * len(SHOWN)
    assert len(figure.axes[0].images) == len(SHOWN)


def test_the_two_uses_are_drawn_with_one_answer_and_its_ranks():
    shown = words(zero_shot())
    assert shown.count("answer") == 1 and shown.count("right") == 2 and "rank 5" in shown


def test_every_domain_of_the_mixture_is_shown():
    figure = mixture()
    shown = "\n".join(words(figure))
    assert all(f"{domain}:" in shown for domain in TRAINING) and all(domain in shown for domain in HELD_OUT)
    assert len(figure.axes[0].images) == len(TRAINING) + len(HELD_OUT)


def test_the_rows_of_the_example_are_what_the_page_says_of_them():
    axes = reading().axes[0]
    spans = [tuple(path.vertices[:, 0]) for part in axes.collections for path in part.get_paths()]
    marks = [line.get_xdata()[0] for line in axes.lines]
    rows = list(zip(spans, marks[::3], marks[1::3], marks[2::3], strict=True))
    above = [low > chance for (low, _), _, chance, _ in rows]
    assert above == [True, True, True, False, False], "the first three beat guessing"
    assert rows[0][0][0] <= rows[1][1] <= rows[0][0][1] and rows[1][0][0] <= rows[0][1] <= rows[1][0][1]
    assert rows[2][1] < rows[0][1] and rows[2][1] / rows[2][3] > rows[0][1] / rows[0][3]
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["first", "second", "third", "fourth", "fifth"]
    assert len(reading([(0.5, 0.4, 0.6, 0.1, 1.0)]).axes[0].get_yticklabels()) == 1


@pytest.mark.parametrize("draw", [contrastive, zero_shot, mixture, reading])
def test_equal_drawings_are_equal_files(draw, tmp_path):
    first, second = (save(draw(), tmp_path / f"{place}.svg").read_bytes() for place in "ab")
    assert first == second and len(first) < 200_000

from __future__ import annotations

from records_helpers import make_metric, make_record

from ofclip import figures
from ofclip.figures import against
from ofclip.figures.against import ROWS


def texts(drawing: figures.Drawing) -> list[str]:
    return [label.get_text() for axes in drawing.axes for label in axes.get_yticklabels()]


def test_both_runs_stand_in_a_row_with_their_intervals() -> None:
    name = "text-to-image recall@10"
    book = make_record(metrics=[make_metric(0.25, name), make_metric(0.1, "only theirs")])
    mine = make_record(metrics=[make_metric(0.5, name, interval=(0.4, 0.6)), make_metric(0.1, "only mine")])
    drawing = against(mine, book)
    [axes] = drawing.axes
    assert texts(drawing) == [f"{name} · kagl"]
    assert [line.get_xdata()[0] for line in axes.lines] == [0.5, 0.25]
    bars = [line.get_segments()[0][:, 0].tolist() for line in axes.collections]
    assert bars == [[0.4, 0.6], [0.2, 0.3]]
    assert [text.get_text() for text in drawing.legends[0].texts] == ["your run", "the book's run"]


def test_shares_and_other_numbers_have_panels_of_their_own() -> None:
    metrics = [make_metric(40.0, "median rank", interval=(30, 50)), make_metric(0.3, "share")]
    drawing = against(make_record(metrics=metrics), make_record(metrics=metrics))
    assert [len(axes.lines) for axes in drawing.axes] == [2, 2] and texts(drawing)[0].startswith("share")


def test_no_more_rows_than_fit() -> None:
    record = make_record(metrics=[make_metric(0.3, f"metric {i}") for i in range(50)])
    assert len(texts(against(record, record))) == ROWS


def test_nothing_in_common_is_said() -> None:
    drawing = against(make_record(metrics=[]), make_record())
    assert "no metric in common" in drawing.axes[0].texts[0].get_text()
    assert b"<svg" in drawing._repr_mimebundle_()["image/svg+xml"].encode()

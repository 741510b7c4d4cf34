from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from ofclip.cli import main
from ofclip.models.known import MODELS


def ofclip(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_models_are_listed_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "finetuned_clip.pt").touch()
    result = ofclip("models", "--folder", tmp_path)
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line for line in result.output.splitlines()}
    assert set(MODELS) < set(lines)
    columns = [lines["name"].index(f" {name}  ") + 1 for name in ("here", "load")]
    assert [lines[name][columns[0] :].split()[0] for name in ("openfashionclip", "fashionclip-1")] == ["yes", "no"]
    assert lines["openfashionclip"][columns[1] :].split()[0] == str(tmp_path / "finetuned_clip.pt")
    assert "hf-hub:Marqo/marqo-fashionCLIP" in lines["marqo-fashionclip"]


def test_one_model_is_shown_in_full(tmp_path: Path) -> None:
    shown = ofclip("models", "--folder", tmp_path, "show", "fashionclip-2").output
    assert "\nhere          no\n" in shown and "terms         MIT" in shown and "hidden_act" in shown
    result = ofclip("models", "show", "fashionclip")
    assert result.exit_code == 2 and "did you mean 'fashionclip-2'" in result.stderr

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ofclip import models
from ofclip.cli.options import Group
from ofclip.cli.weights import destinations, interpolate
from ofclip.errors import SettingError

SMALL = "ofclip-RN-8-64"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("weights")
    return tuple(models.save_model(models.build_model(SMALL, seed=i), folder / f"{i}.safetensors") for i in (1, 2))


def run(*words: object) -> Result:
    group = Group("ofclip", commands={"interpolate": interpolate}, params=[click.Option(["--debug"], is_flag=True)])
    return CliRunner().invoke(group, ["interpolate", *map(str, words)])


def test_weights_are_written_under_the_given_name(two: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "new" / "mixed.safetensors"
    result = run(*two, "--alpha", 0.4, "--out", out)
    assert result.exit_code == 0 and result.output.splitlines() == [str(out)]
    mixed, start, end = (models.load_model(path) for path in (out, *two))
    assert mixed.notes["interpolation"] == {"alpha": 0.4, "start": start.fingerprint, "end": end.fingerprint}
    weights = [model.clip.text_projection.detach().double() for model in (start, end, mixed)]
    assert (0.6 * weights[0] + 0.4 * weights[1] - weights[2]).abs().max() < 1e-7


def test_several_alphas_write_several_files(two: tuple[Path, Path], tmp_path: Path) -> None:
    result = run(*two, "--alpha", 0, "--alpha", 1, "--out", tmp_path / "mixed.safetensors")
    assert [Path(line).name for line in result.output.splitlines()] == ["mixed-0.safetensors", "mixed-1.safetensors"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mixed-0.safetensors", "mixed-1.safetensors"]
    for number, path in enumerate(two):
        found = models.load_model(tmp_path / f"mixed-{number}.safetensors")
        assert found.fingerprint == models.load_model(path).fingerprint


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--alpha", "1.5", "--out", "x.safetensors"], "--alpha 1.5: must be between 0, which gives A"),
        (["--alpha", "0.5", "--out", "x.pt"], "name it x.safetensors"),
        (["--alpha", "0.5", "--alpha", "0.50", "--out", "x.safetensors"], "one is named twice"),
    ],
)
def test_wrong_words_are_told_in_one_line(two: tuple[Path, Path], words: list[str], message: str) -> None:
    result = run(*two, *words)
    assert result.exit_code == 2 and message in result.stderr and result.stderr.count("\n") == 1


def test_an_input_is_never_written_over(two: tuple[Path, Path]) -> None:
    before = two[0].read_bytes()
    result = run(*two, "--alpha", 0.5, "--out", two[0])
    assert result.exit_code == 2 and "one of the two to read" in result.stderr and two[0].read_bytes() == before


def test_missing_and_foreign_weights_are_told(two: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "mixed.safetensors"
    assert "no such weights file" in run(two[0], tmp_path / "none.safetensors", "--alpha", 0.5, "--out", out).stderr
    other = models.save_model(models.build_model("ofclip-RN-16-64"), tmp_path / "other.safetensors")
    result = run(two[0], other, "--alpha", 0.5, "--out", out)
    assert result.exit_code == 2 and "one architecture" in result.stderr and not out.exists()


def test_names_of_close_alphas_do_not_collide() -> None:
    assert [path.name for path in destinations(Path("a/b.safetensors"), (0.1, 0.15, 1))] == [
        "b-0.1.safetensors", "b-0.15.safetensors", "b-1.safetensors"
    ]  # fmt: skip
    with pytest.raises(SettingError):
        destinations(Path("b.safetensors"), (float("nan"),))

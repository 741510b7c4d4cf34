"""The page "Add your own data set", its commands run as they stand, on a shop of a few products."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ofclip.cli import main
from ofclip.experiments import ROOT

PAGE = (ROOT / "book" / "own-data.md").read_text(encoding="utf-8")
#: What makes a command of the page small.
SMALL = {
    "example-data": ["--products", "60"],
    "train": ["--profile", "smoke", "-s", "samples=128", "-s", "batch=32", "-s", "evaluations=0"],
}


def blocks(language: str) -> list[str]:
    """Return the fenced code of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def commands() -> Iterator[list[str]]:
    for block in blocks("sh"):
        for line in block.splitlines():
            words = shlex.split(line)
            assert words.pop(0) == "ofclip"
            yield words


def ofclip(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """What each command of the page gave, by its line; those that need photographs are left out."""
    folder = tmp_path_factory.mktemp("own")
    results = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in commands():
            if "kagl" not in words:
                results[shlex.join(words)] = ofclip(*words, *SMALL.get(words[0], []))
        for block in blocks("python"):
            *lines, last = block.splitlines()
            space: dict[str, object] = {}
            exec("\n".join(lines), space)
            hits = results["python"] = eval(last, space)
            results["shown"] = hits._repr_html_()
        results["page"] = (folder / "found.html").read_text(encoding="utf-8")
    return results


def test_every_command_of_the_page_ends_well(done: dict[str, Result]) -> None:
    assert len(done) == 9
    for line, result in done.items():
        if isinstance(result, Result):
            assert result.exit_code == 0, f"{line}: {result.output}"


def test_three_commands_give_a_model_a_table_and_a_search(done: dict[str, Result]) -> None:
    train, evaluate, search = (
        next(result for line, result in done.items() if line.startswith(word))
        for word in ("train", "evaluate retrieval", "search")
    )
    assert train.stdout == "runs/shop/weights.safetensors\n"
    assert "folder:shop@test" in evaluate.stdout and "text-to-image recall@10" in evaluate.stdout
    lines = search.stdout.splitlines()
    assert lines[0].split() == ["rank", "id", "score", "caption"] and len(lines) == 12
    assert lines[-1] == "pictures: found.html"
    ids = [line.split()[1] for line in lines[1:-1]]
    assert done["page"].count("<figure") == 10 and all(name in done["page"] for name in ids)


def test_a_notebook_shows_what_is_found(done: dict[str, Result]) -> None:
    assert len(done["python"]) == 5 and done["shown"].count("data:image/jpeg") == 5


def test_the_example_table_of_the_page_has_the_columns_that_it_explains() -> None:
    header = blocks("text")[0].splitlines()[0].split(",")
    explained = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert header[:3] == explained[:3] == ["id", "image", "text"] and explained[3:] == ["split", "group"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The words that name a shop and untrained weights, and the folder."""
    from ofclip.models import build_model, save_model
    from ofclip.sources.example import write_example

    folder = tmp_path_factory.mktemp("shop")
    save_model(build_model("ofclip-RN-8-64"), folder / "w.safetensors")
    return f"folder:{write_example(folder / 'shop', products=30)}", folder


def test_json_has_all_that_was_asked_and_found(shop: tuple[str, Path]) -> None:
    source, folder = shop
    words = ["search", "red shoes", "--source", source, "--weights", folder / "w.safetensors", "--top", 3, "--json"]
    result = ofclip(*words, "--html", folder / "found.html")
    found = json.loads(result.stdout)
    assert found["query"] == "red shoes" and found["template"] == "a photo of a {}" and found["source"] == source
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
    assert all(Path(hit["picture"]).is_file() for hit in found["hits"])
    assert result.stderr == f"pictures: {folder / 'found.html'}\n"


def test_damaged_pictures_are_left_out_on_demand(shop: tuple[str, Path]) -> None:
    source, folder = shop
    words = ["search", "red shoes", "--source", source, "--weights", folder / "w.safetensors", "--top", 99]
    path = next(Path(source.removeprefix("folder:")).rglob("*.jpg"))
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:100])
        refused = ofclip(*words)
        assert refused.exit_code == 2 and path.name in refused.stderr
        rest = ofclip(*words, "--skip-bad")
        assert rest.exit_code == 0 and len(rest.stdout.splitlines()) == 30 and path.stem not in rest.stdout.split()
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["search", " ", "--source", "SHOP", "--weights", "w"], "search needs a query that is not empty"),
        (["search", "a", "--source", "SHOP", "--weights", "w", "--top", "0"], "needs k of 1 or more"),
        (["search", "a", "--source", "SHOP", "--weights", "w", "--template", "x"], "must contain {} exactly once"),
        (["search", "a", "--source", "SHOP", "--weights", "w", "--html", "found"], "name it found.html"),
        (["search", "a", "--source", "folder:nowhere", "--weights", "w"], "nowhere: not found; name a folder"),
        (["search", "a", "--source", "SHOP", "--weights", "w", "--split", "tets"], "did you mean 'test'"),
        (["search", "a", "--source", "SHOP", "--weights", "no.safetensors"], "no.safetensors"),
        (["train", "--source", "folder:nowhere", "--out", "o"], "nowhere: not found; name a folder"),
        (["train", "--source", "SHOP", "--watch", "retrieval:folder:a@val", "--out", "o"], "a: not found; name a"),
        (["evaluate", "zero-shot", "--source", "SHOP", "--weights", "w", "--label", "typ"], "did you mean 'type'"),
        (["shards", "write", "folder:nowhere", "--out", "o"], "nowhere: not found; name a folder"),
        (["example-data", "SHOP"], "is there already; name a new folder"),
        (["example-data", "new", "--products", "0"], "ask for 1 or more"),
    ],
)
def test_a_wrong_word_is_one_line_and_exit_code_2(
    shop: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    place = shop[0].removeprefix("folder:") if words[0] == "example-data" else shop[0]
    result = ofclip(*(place if word == "SHOP" else word for word in words))
    assert result.exit_code == 2 and result.stderr.startswith("ofclip: ") and result.stderr.count("\n") == 1
    assert message in result.stderr, result.stderr
    assert not list(tmp_path.iterdir())


def test_data_without_labels_cannot_be_classified(shop: tuple[str, Path], tmp_path: Path) -> None:
    _, folder = shop
    (folder / "shop" / "bare.csv").write_text("id,image,text\n" + "".join(
        f"{i},pictures/phrases-0-{i}.jpg,a dress\n" for i in range(30)
    ))  # fmt: skip
    words = ["evaluate", "zero-shot", "--source", f"folder:{folder / 'shop' / 'bare.csv'}", "--weights", "w"]
    assert "has no label to classify by; add a column" in ofclip(*words).stderr

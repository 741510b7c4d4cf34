from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fixtures import imaterialist
from idx import write_idx
from records_helpers import make_metric, make_record

from ofclip import profiles
from ofclip.cli import leave_out, main, weight_of
from ofclip.errors import OfclipError, SettingError
from ofclip.fetch import FetchReport, Outcome
from ofclip.sources import Source, fetching, get


def ofclip(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_help_is_instant_and_names_the_commands() -> None:
    code = (
        "import sys; from ofclip.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(sorted({'torch', 'pandas', 'numpy', 'papermill', 'pydantic'} & sys.modules.keys()))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for command in ("sources", "shards", "train", "evaluate", "run", "records"):
        assert f"\n  {command}" in out
    assert out.endswith("[]\n"), "a heavy library is imported before a command is chosen"


def test_sources_are_listed_with_what_is_there(tmp_path: Path) -> None:
    write_idx(tmp_path, 0)
    lines = {line.split()[0]: line.split() for line in ofclip("sources", "--data", tmp_path).output.splitlines()}
    assert lines["atelier"][1:] == ["drawings", "yes"]
    assert lines["fashion-mnist"][1:3] == ["photographs", "yes"] and lines["kagl"][2] == "no"
    assert lines["kagl"][3:5] == ["train", "37,400,"]


def test_products_are_counted_on_demand(tmp_path: Path) -> None:
    write_idx(tmp_path, 0)
    imaterialist.write(tmp_path)
    folder = tmp_path / "deepfashion-multimodal"
    folder.mkdir()
    (folder / "captions.json").write_text("{")
    result = ofclip("sources", "--count", "--data", tmp_path)
    lines = {line.split()[0]: " ".join(line.split()[2:]) for line in result.stdout.splitlines()}
    assert lines["fashion-mnist"] == "train 20, test 20 train 60,000, test 10,000"
    assert lines["imaterialist"].startswith("train 5, validation 2, test 2 train 1,012,947,")
    assert lines["deepfashion-multimodal"].startswith("cannot be read")
    assert lines["kagl"].startswith("no train 37,400") and lines["atelier"] == "yes"
    assert result.stderr.startswith("ofclip: ") and "captions.json" in result.stderr and result.exit_code == 0


def test_a_part_of_a_data_set_is_not_the_data_set(tmp_path: Path) -> None:
    imaterialist.write(tmp_path)
    for path in (tmp_path / "imaterialist").glob("*.json"):
        path.unlink()
    for words in (["sources"], ["sources", "--count"]):
        assert "photographs  label map only  train 1,012,947" in ofclip(*words, "--data", tmp_path).output


def test_a_source_has_a_card() -> None:
    output = ofclip("sources", "show", "kagl").output
    assert "articleType" in output and "licence" in output and "obtain" in output


def test_a_card_shows_all_that_is_known() -> None:
    lines = ofclip("sources", "show", "imaterialist").output.splitlines()
    fields = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert fields == [
        "name", "title", "summary", "pictures", "splits", "expected", "text", "labels", "fields", "licence", "obtain",
        "fetch", "md5", "defects", "home", "citation",
    ]  # fmt: skip
    assert "expected  train 1,012,947, validation 9,897, test 39,706" in lines
    assert "fetch     ofclip sources fetch imaterialist" in lines
    assert "md5       57bd2325816f165565cb6dbadf8f9a5c  iMat_fashion_2018_label_map_228.csv" in lines
    assert "          images[].url: where the picture is fetched from" in lines
    assert "fetch " not in ofclip("sources", "show", "kagl").output


def test_fetch_passes_its_options_on_and_prints_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imaterialist.write(tmp_path)
    asked = []

    def fetch_files(jobs: list, folder: Path, **options: object) -> FetchReport:
        asked.append((len(jobs), folder, options))
        outcomes = [Outcome(*job, "dead", "HTTP 404") for job in jobs[:2]]
        return FetchReport(tuple(outcomes), folder / "fetch-imaterialist.csv", len(jobs) - 2)

    monkeypatch.setattr(fetching, "fetch_files", fetch_files)
    words = ["--per-second", 5, "--workers", 2, "--limit", 2, "--data", tmp_path]
    result = ofclip("sources", "fetch", "imaterialist", *words)
    assert asked == [
        (9, tmp_path / "imaterialist",
         {"name": "imaterialist", "pictures": True, "per_second": 5.0, "workers": 2, "limit": 2}),
    ]  # fmt: skip
    assert result.output.splitlines() == [
        "imaterialist: fetched 0, there 0, dead 2 (HTTP 404 2), wrong checksum 0, not a picture 0; 7 not tried yet",
        f"imaterialist: report: {tmp_path / 'imaterialist' / 'fetch-imaterialist.csv'}",
    ]
    ofclip("sources", "fetch", "imaterialist", "--data", tmp_path)
    assert asked[1][2] == {"name": "imaterialist", "pictures": True}


def test_a_part_is_fetched_with_the_options_that_its_source_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(root: Path, report: Callable[[str], object], *, part: str = "") -> None:
        report(f"{part} came to {root}")

    def registered(name: str) -> Source:
        return replace(get("kagl"), name="shop", parts=("shoes",), fetch=fetch)

    monkeypatch.setattr("ofclip.sources.get", registered)
    done = ofclip("sources", "fetch", "shop/shoes", "--data", tmp_path)
    assert done.output == f"shop/shoes: shoes came to {tmp_path}\n"
    result = ofclip("sources", "fetch", "shop/shoes", "--per-second", 3, "--data", tmp_path)
    assert result.exit_code == 2 and "shop: is fetched as a whole, without --per-second" in result.stderr
    assert "unknown part of shop 'hats'" in ofclip("sources", "fetch", "shop/hats").stderr


def test_check_tells_what_is_wrong_and_lists_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    imaterialist.write(tmp_path)
    whole = ofclip("sources", "check", "imaterialist", "--data", tmp_path, "--jobs", 1)
    assert "train 4" in whole.output and "test 2" in whole.output and (tmp_path / "work/check").is_dir()
    path = tmp_path / "imaterialist" / "train" / "1.jpg"
    path.write_bytes(path.read_bytes()[:-50])
    monkeypatch.setattr("ofclip.sources.available", lambda data: ["imaterialist"])  # all, but for what is drawn
    broken = ofclip("sources", "check", "--data", tmp_path, "--jobs", 1)
    assert broken.exit_code == 1 and "train/1.jpg" in broken.output
    assert ",train,train/1," in (tmp_path / "work/check/imaterialist.csv").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sources", "show", "kgl"], "unknown source 'kgl': did you mean 'kagl'"),
        (["sources", "check", "kgl"], "unknown source 'kgl': did you mean 'kagl'"),
        (["sources", "check", "kagl"], "kagl: not found under"),
        (["sources", "check", "--out", "list.csv"], "--out takes the list of one source"),
        (["sources", "fetch", "kgl"], "unknown source 'kgl': did you mean 'kagl'"),
        (["sources", "fetch", "kagl"], "kagl: cannot be fetched. Download"),
        (["sources", "fetch", "imaterialist"], "imaterialist: not found under"),
        (["sources", "fetch", "imaterialist/1"], "unknown part of imaterialist '1'"),
        (["evaluate", "retrival", "--weights", "w", "--source", "kagl"], "did you mean 'retrieval'"),
        (["evaluate", "retrieval", "--weights", "w", "--source", "kagl"], "kagl: not found under"),
        (["evaluate", "retrieval", "--weights", "w", "--source", "kagl", "--label", "x"], "takes no --label"),
        (["evaluate", "zero-shot", "--weights", "w", "--source", "fashion-mnist", "--label", "clas"], "'class'"),
        (["evaluate", "retrieval", "--weights", "no.safetensors", "--source", "fashion-mnist"], "no.safetensors"),
        (["train", "--source", "kagl=much", "--out", "o"], "must be a positive number"),
        (["train", "--source", "kagl", "--profile", "labtop", "--out", "o"], "did you mean 'laptop'"),
        (["train", "--source", "kagl", "--out", "o", "-s", "bach=2"], "did you mean 'batch'"),
        (["run", "04-retrieval", "--profile", "labtop"], "did you mean 'laptop'"),
        (["run", "nothing-like-it"], "unknown experiment"),
        (["records", "show", "no.json"], "no.json: no such Record"),
    ],
)
def test_a_wrong_name_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    write_idx(tmp_path, 0)
    monkeypatch.setenv("OFCLIP_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    result = ofclip(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith("ofclip: ") and result.stderr.count("\n") == 1
    assert message in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["fashion-mnist"]


def test_debug_shows_where_an_error_comes_from() -> None:
    assert isinstance(ofclip("--debug", "sources", "show", "kgl").exception, OfclipError)


def test_the_weight_of_a_source() -> None:
    assert weight_of("kagl") == ("kagl", 1.0) and weight_of("atelier/street=0.5") == ("atelier/street", 0.5)
    for text in ("kagl=0", "kagl=-1", "kagl=inf", "kagl=nan"):
        with pytest.raises(SettingError):
            weight_of(text)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from ofclip.models import build_model, save_model

    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_model(build_model(profiles.load_profile("smoke").architecture), path)
    return path


@pytest.mark.parametrize("task", ["retrieval", "zero-shot"])
def test_evaluate_prints_the_record(tmp_path: Path, weights: Path, task: str) -> None:
    write_idx(tmp_path, 0)
    words = ["evaluate", task, "--weights", weights, "--source", "fashion-mnist", "--split", "test"]
    words += ["--data", tmp_path, *(["--label", "class"] if task == "zero-shot" else [])]
    result = ofclip(*words, "--json")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    name = {"retrieval": "text-to-image recall@1", "zero-shot": "class accuracy@1"}[task]
    assert {"n": 20, "dataset": "fashion-mnist"}.items() <= next(
        metric for metric in record["metrics"] if metric["name"] == name
    ).items()
    assert record["key"]["data"].keys() == {"fashion-mnist@test"} and len(record["key"]["weights"]) == 1
    assert f"ofclip/tasks/{task.replace('-', '_')}.py" in record["key"]["code"]
    assert name in ofclip(*words).output


def test_train_writes_weights_that_evaluate_reads(tmp_path: Path) -> None:
    write_idx(tmp_path, 0)
    out = tmp_path / "out"
    settings = ["-s", "samples=32", "-s", "batch=8", "-s", "evaluations=0"]
    result = ofclip(
        "train", "--source", "fashion-mnist", "--profile", "smoke", "--out", out, "--data", tmp_path, *settings
    )
    assert result.exit_code == 0, result.output
    path = result.output.splitlines()[-1]
    assert Path(path).parent == out
    words = ["evaluate", "retrieval", "--weights", path, "--source", "fashion-mnist", "--data", tmp_path]
    assert ofclip(*words).exit_code == 0


def test_records_are_shown_and_checked(tmp_path: Path) -> None:
    mine, book = tmp_path / "work/laptop/04-retrieval/kagl.json", tmp_path / "book.json"
    make_record(notes={"skipped": 1}).save(book)
    changed = make_record(metrics=[make_metric(0.5)])
    changed.save(mine)
    assert json.loads(ofclip("records", "show", book, "--json").output)["notes"] == {"skipped": 1}
    assert "recall@1" in ofclip("records", "show", book).output
    checked = ofclip("records", "check", mine)
    assert checked.exit_code == 1
    assert "lock changed" in checked.stdout and "make it again: ofclip run 04-retrieval" in checked.stdout
    assert checked.stderr == "1 stale\n"


def test_training_can_leave_out_what_a_benchmark_holds(capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np
    import pandas as pd

    from ofclip.catalog import Catalog
    from ofclip.images import ArrayImages

    pictures = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    ids = list("abcde")
    table = pd.DataFrame({"id": ids, "split": "train", "group": ids, "texts": [("x",)] * 5})
    whole = Catalog("shop", table, ArrayImages(pictures, "shop"))
    [kept] = leave_out([whole], whole.take([1, 3]))
    assert kept.products["id"].tolist() == ["a", "c", "e"]
    assert capsys.readouterr().err == "shop: 2 pictures are in shop too, left out\n"

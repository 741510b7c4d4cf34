from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from records_helpers import make_record

from ofclip.errors import OfclipError
from ofclip.experiments import ROOT
from ofclip.records.codecheck import SPECIFICATION, codecheck, content


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "CITATION.cff", tmp_path)
    folder = tmp_path / "results" / "laptop" / "04-retrieval"
    for source in ("atelier", "kagl"):
        make_record(source=source).save(folder / f"{source}.json")
    for name in ("atelier.ranks.csv", "atelier.intervals.svg", "kagl.ranks.csv", "notes.txt"):
        (folder / name).touch()
    make_record(experiment="seeds").save(tmp_path / "results" / "laptop" / "seeds" / "atelier.json")
    return tmp_path


def check(path: Path) -> dict:
    """Return the content if it keeps to what the specification, version 1.0, demands of authors."""
    text = path.read_bytes().decode("utf-8")  # MUST be UTF-8
    lines = text.splitlines()
    assert path.name == "codecheck.yml" and lines[:2] == ["%YAML 1.1", "---"]
    found = yaml.safe_load(text)
    assert found["version"] == SPECIFICATION
    assert isinstance(found["manifest"], list) and found["manifest"]
    for item in found["manifest"]:
        assert set(item) <= {"file", "comment"} and isinstance(item["comment"], str)
        assert not Path(item["file"]).is_absolute() and (path.parent / item["file"]).is_file()
    assert found["paper"]["title"] and all(author["name"] for author in found["paper"]["authors"])
    # those are the codechecker's to write; a placeholder would look like a certificate
    assert not {"codechecker", "report", "certificate", "check_time", "summary"} & found.keys()
    return found


def test_the_manifest_lists_what_was_published(root: Path) -> None:
    found = check(codecheck("laptop", root))
    folder = "results/laptop/04-retrieval"
    assert [item["file"] for item in found["manifest"]] == [
        f"{folder}/atelier.json",
        f"{folder}/atelier.ranks.csv",
        f"{folder}/atelier.intervals.svg",
        f"{folder}/kagl.json",
        f"{folder}/kagl.ranks.csv",
    ]
    first = found["manifest"][0]["comment"]
    assert "`ofclip run 04-retrieval --source kagl --profile laptop`" in first and "2 s on cpu, 2 cores" in first
    assert "draws Atelier" in found["source"] and "KAGL" in found["source"]
    assert "repository" not in found


def test_authors_and_address_are_those_of_the_citation(root: Path) -> None:
    (root / "CITATION.cff").write_text(
        "title: T\nrepository-code: https://example.org/t\nauthors:\n"
        "- {given-names: Ada, name-particle: von, family-names: L, orcid: 'https://orcid.org/0000-0002-1825-0097'}\n"
        "- {name: Others}\n"
    )
    found = check(codecheck("laptop", root))
    assert found["paper"]["authors"] == [{"name": "Ada von L", "ORCID": "0000-0002-1825-0097"}, {"name": "Others"}]
    assert found["repository"] == "https://example.org/t"


def test_nothing_published_and_a_damaged_citation_are_errors(root: Path) -> None:
    with pytest.raises(OfclipError, match="no Records in results/gpu"):
        codecheck("gpu", root)
    for text in ("- a list", "{", "title: T"):
        (root / "CITATION.cff").write_text(text)
        with pytest.raises(OfclipError, match="CITATION.cff: names no title"):
            codecheck("laptop", root)
    (root / "CITATION.cff").unlink()
    with pytest.raises(OfclipError, match="CITATION.cff is missing"):
        codecheck("laptop", root)
    assert not (root / "codecheck.yml").exists()


def test_the_committed_file_is_that_of_the_committed_records() -> None:
    assert check(ROOT / "codecheck.yml") == content("laptop"), "`ofclip records codecheck` writes it anew"

"""pyproject.toml, the two locks and environment.yml describe one environment."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: What decides numbers, and that with what only tests need.
LOCKS = {name: (ROOT / name).read_text() for name in ("requirements.txt", "requirements-test.txt")}
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
EXTRAS = [text for extra in PROJECT["optional-dependencies"].values() for text in extra]
PEERS = {canonicalize_name(Requirement(text).name) for text in PROJECT["optional-dependencies"]["peers"]}
DIRECT = {canonicalize_name(need.name): need for need in map(Requirement, PROJECT["dependencies"] + EXTRAS)}
TESTS_ONLY = {
    canonicalize_name(Requirement(text).name)
    for extra in ("test", "peers", "log")
    for text in PROJECT["optional-dependencies"][extra]
}


def locked(python: str, lock: str = "requirements-test.txt") -> dict[str, str]:
    """Return name -> version of a lock for one version of Python on Linux."""
    place = {"python_full_version": f"{python}.0", "python_version": python, "sys_platform": "linux"}
    lines = re.findall(r"^([A-Za-z0-9][^\s#]*==.*?)\s*\\?$", LOCKS[lock], re.MULTILINE)
    needs = [need for need in map(Requirement, lines) if need.marker is None or need.marker.evaluate(place)]
    return {canonicalize_name(need.name): str(need.specifier).removeprefix("==") for need in needs}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_holds_every_direct_dependency_at_a_version_that_fits(python: str) -> None:
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{python}.0")
    versions = locked(python)
    assert DIRECT.keys() <= versions.keys()
    wrong = {name: versions[name] for name, need in DIRECT.items() if not need.specifier.contains(versions[name])}
    assert not wrong
    runs = locked(python, "requirements.txt")
    assert DIRECT.keys() - TESTS_ONLY <= runs.keys()
    assert runs.items() <= versions.items(), "both locks hold the same versions"
    assert not {"pytest", "wandb", "fashion-clip"} & runs.keys(), "a change of these makes no Record stale"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_file_in_a_lock_has_a_hash_and_none_an_address(lock: str) -> None:
    entries = re.split(r"^(?=[A-Za-z0-9][^\s#]*==)", LOCKS[lock], flags=re.MULTILINE)[1:]
    assert len(entries) > 100
    assert not [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry]
    assert not re.search(r"https?:|--index|--find-links|@ file", LOCKS[lock])


def test_conda_gets_the_direct_dependencies_at_the_versions_of_the_lock() -> None:
    python = next(text.removeprefix("python=") for text in CONDA["dependencies"] if str(text).startswith("python="))
    *pins, package = next(entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict))
    versions = locked(python)
    # uv installs what the Makefile asks for; conda brings its own installer, which cannot leave out what peers ask for
    assert sorted(pins) == sorted(f"{name}=={versions[name]}" for name in DIRECT.keys() - PEERS - {"uv"})
    assert package == "-e ." and CONDA["name"] == PROJECT["name"]


def test_ci_runs_the_two_commands() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    lines = script.read_text().splitlines()
    assert lines == ["#!/usr/bin/env bash", "set -e", "make test", "OFCLIP_DATA=../shared/data make book"]

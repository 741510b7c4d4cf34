"""The files for GitHub, Binder and containers fit the Makefile, the command line and each other; none is run here."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from ofclip.book.launch import SETTING
from ofclip.cli import main
from ofclip.experiments import EXPERIMENTS, ROOT
from ofclip.profiles import load_profile

WORKFLOWS = {path.stem: path for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}
CONTENT = {name: yaml.safe_load(path.read_text(encoding="utf-8")) for name, path in WORKFLOWS.items()}
TARGETS = set(re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def steps(name: str) -> Iterator[dict]:
    for job in CONTENT[name]["jobs"].values():
        yield from job["steps"]


def scripts(name: str) -> list[str]:
    return [step["run"] for step in steps(name) if "run" in step]


def check_command(words: list[str]) -> None:
    """Fail unless the Makefile has the target, or the command line takes the words."""
    if words[0] == "make":
        assert set(words[1:]) <= TARGETS
        return
    assert Path(words[0]).name == "ofclip"
    command: click.Command = main
    while isinstance(command, click.Group):
        words = words[1:]
        command = command.commands[words[0]]
    values = command.make_context(words[0], words[1:]).params
    load_profile(values["profile"])
    assert values.get("experiment", "02-training") in EXPERIMENTS


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_command_exists_and_every_script_is_sound(name: str) -> None:
    assert scripts(name)
    for script in scripts(name):
        plain = re.sub(r"\$\{\{.*?\}\}", "x", script)
        assert subprocess.run(["bash", "-n"], input=plain, capture_output=True, text=True).stderr == ""
        if "\n" not in script:
            check_command(shlex.split(script))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_are_bounded_and_may_do_no_more_than_they_need(name: str) -> None:
    content = CONTENT[name]
    assert content["permissions"]["contents"] == "read"
    assert all(job["timeout-minutes"] <= 150 and job["runs-on"] for job in content["jobs"].values())
    for step in steps(name):
        assert ("run" in step) != ("uses" in step)
        assert "uses" not in step or re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


def test_there_is_one_for_tests_one_for_the_book_and_one_each_week() -> None:
    # YAML reads the key `on` as true
    assert CONTENT.keys() == {"tests", "book", "weekly"}
    assert {"push", "pull_request"} <= CONTENT["tests"][True].keys()
    assert CONTENT["weekly"][True]["schedule"]
    assert scripts("tests") == ["make cover"]


@pytest.mark.parametrize("name", ["book", "weekly"])
def test_the_reproduction_check_follows_the_book(name: str) -> None:
    order = [script for script in scripts(name) if "\n" not in script]
    assert order.index("make book") < order.index(".venv/bin/ofclip records reproduce --profile laptop")


def test_pages_get_what_was_built_and_links_only_to_what_is_public() -> None:
    [upload] = [step for step in steps("book") if "upload-pages" in step.get("uses", "")]
    assert upload["with"]["path"] == "book/_build/html"
    [build] = [step for step in steps("book") if step.get("run") == "make book"]
    assert "private" in build["env"][SETTING]
    assert {"pages", "id-token"} == CONTENT["book"]["jobs"]["deploy"]["permissions"].keys()


def test_a_weekly_failure_opens_one_issue() -> None:
    assert CONTENT["weekly"]["permissions"]["issues"] == "write"
    [step] = [step for step in steps("weekly") if "gh issue" in step.get("run", "")]
    assert step["if"] == "failure()" and list(steps("weekly"))[-1] == step
    assert "gh issue list" in step["run"] and "gh issue create" in step["run"] and "gh issue comment" in step["run"]


@pytest.mark.parametrize(("there", "did"), [("", "create"), ("17", "comment 17")])
def test_the_issue_is_opened_once_and_then_added_to(tmp_path: Path, there: str, did: str) -> None:
    [step] = [step for step in steps("weekly") if "gh issue" in step.get("run", "")]
    (tmp_path / "gh").write_text(f'#!/bin/bash\n[ "$2" = list ] && echo "{there}" || echo "$2 $3" >> did\n')
    (tmp_path / "git").write_text("#!/bin/bash\necho 0123abc\n")
    for tool in ("gh", "git"):
        (tmp_path / tool).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "RUN": "https://example.org/1"}
    subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "did").read_text().startswith(did)


def test_binder_trains_what_the_notebooks_read() -> None:
    script = ROOT / "postBuild"
    assert script.stat().st_mode & 0o111
    *_, command = script.read_text(encoding="utf-8").splitlines()
    check_command(shlex.split(command))
    # a folder or a Dockerfile of Binder's would hide environment.yml
    assert not any((ROOT / name).exists() for name in ("binder", ".binder", "Dockerfile"))


def test_the_container_needs_what_make_needs() -> None:
    text = re.sub(r"\\\n", " ", (ROOT / "Containerfile").read_text(encoding="utf-8"))
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    assert [word for word, _ in lines] == ["FROM", "RUN", "WORKDIR", "COPY", "RUN", "CMD"]
    assert re.fullmatch(r"python:3\.1[123]-slim", lines[0][1])
    assert {"git", "make"} <= set(lines[1][1].split())
    check_command(shlex.split(lines[4][1]))
    check_command(yaml.safe_load(lines[5][1]))
    for name in (ROOT / ".dockerignore").read_text(encoding="utf-8").split():
        assert not subprocess.run(["git", "ls-files", name], cwd=ROOT, capture_output=True, text=True).stdout


def test_slurms_profile_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from snakemake.cli import get_profile_dir

    monkeypatch.chdir(ROOT)
    _, path = get_profile_dir("slurm")
    assert path.resolve() == ROOT / "profiles" / "slurm" / "config.yaml"

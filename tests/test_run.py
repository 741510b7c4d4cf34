from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from checkout import write_notebook
from joblib import cpu_count

from ofclip.errors import SettingError
from ofclip.experiments import threads
from ofclip.profiles import parse
from ofclip.records import Record, find_mine
from ofclip.run import NotebookError, command, run_notebook

MAKE = """
from pathlib import Path
from ofclip.records import Recorder
recorder = Recorder("toy", source=source, profile=profile, parameters={"k": k}, root=Path.cwd())
"""


def outputs(root: Path) -> set[str]:
    return {path.name for path in (root / "work/laptop/toy").iterdir()}


def test_notebook_and_record_appear_and_are_the_same_bytes_again(tmp_path: Path) -> None:
    write_notebook(tmp_path, "toy", MAKE, "import os\nprint(os.environ['OFCLIP_DATA'], k)", "recorder.finish();")
    executed = tmp_path / "work/laptop/toy/kagl.ipynb"
    path = run_notebook("toy", "kagl", "laptop", data=tmp_path, root=tmp_path)
    first = executed.read_bytes()
    assert path == tmp_path / "work/laptop/toy/kagl.json"
    record = Record.load(path)
    assert record.made.command == "ofclip run toy --source kagl --profile laptop"
    assert (record.source, record.parameters) == ("kagl", {"k": 10})
    assert f"{tmp_path} 10" in first.decode()
    run_notebook("toy", "kagl", "laptop", data=tmp_path, root=tmp_path)
    assert executed.read_bytes() == first
    assert outputs(tmp_path) == {"kagl.ipynb", "kagl.json"}


def test_a_run_takes_as_many_threads_whoever_starts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = "import os\nprint('threads', os.environ['OMP_NUM_THREADS'])"
    write_notebook(tmp_path, "toy", MAKE, shown, "recorder.finish();")
    executed = tmp_path / "work/laptop/toy/kagl.ipynb"
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    run_notebook("toy", "kagl", "laptop", root=tmp_path)
    assert f"threads {threads('toy', cpu_count())}\\n" in executed.read_text()
    assert "OMP_NUM_THREADS" not in os.environ
    monkeypatch.setenv("OMP_NUM_THREADS", "7")  # as the Snakefile does, which knows how many cores it may use
    run_notebook("toy", "kagl", "laptop", root=tmp_path)
    assert "threads 7\\n" in executed.read_text()


def test_a_run_with_changed_parameters_is_ones_own_and_stands_against_the_books(tmp_path: Path) -> None:
    write_notebook(tmp_path, "toy", MAKE, "record = recorder.finish()")
    book = run_notebook("toy", "kagl", "laptop", root=tmp_path)
    before = book.read_bytes()
    path = run_notebook("toy", "kagl", "laptop", {"k": 3}, root=tmp_path)
    assert path == tmp_path / "results/mine/laptop/toy/kagl.k=3.json" and book.read_bytes() == before
    assert {each.name for each in path.parent.iterdir()} == {"kagl.k=3.ipynb", "kagl.k=3.json"}
    assert outputs(tmp_path) == {"kagl.ipynb", "kagl.json"} and find_mine(tmp_path) == [path]
    record = Record.load(path)
    assert record.parameters == {"k": 3}
    assert record.made.command == "ofclip run toy --source kagl --profile laptop -p k=3"
    *_, title, table, figure = nbformat.read(path.with_suffix(".ipynb"), 4).cells
    assert title.source.startswith("## Your run against the book's run")
    assert 'Record.load("work/laptop/toy/kagl.json")' in table.source
    assert "<td>k</td><td>3</td><td>10</td>" in table.outputs[0].data["text/html"]
    assert "svg" in figure.outputs[0].data["image/svg+xml"]
    published = tmp_path / "results/laptop/toy/kagl.json"
    published.parent.mkdir(parents=True)
    published.write_bytes(before)
    run_notebook("toy", "kagl", "laptop", {"k": 3}, root=tmp_path)
    assert 'Record.load("results/laptop/toy/kagl.json")' in path.with_suffix(".ipynb").read_text().replace("\\", "")


def test_a_run_of_ones_own_needs_no_run_of_the_book(tmp_path: Path) -> None:
    write_notebook(tmp_path, "toy", MAKE, "record = recorder.finish()")
    path = run_notebook("toy", "kagl", "laptop", root=tmp_path, mine=True)
    assert path == tmp_path / "results/mine/laptop/toy/kagl.edited.json"
    assert Record.load(path).made.command == "ofclip run toy --source kagl --profile laptop --mine"
    assert "The book has no run" in nbformat.read(path.with_suffix(".ipynb"), 4).cells[-1].source
    assert not (tmp_path / "work/laptop/toy").exists()


def test_a_failing_cell_leaves_the_old_record_and_what_it_did(tmp_path: Path) -> None:
    write_notebook(tmp_path, "toy", MAKE, "recorder.finish();", "raise ValueError('first\\nsecond')")
    folder = tmp_path / "work/laptop/toy"
    folder.mkdir(parents=True)
    (folder / "kagl.json").write_text("old")
    with pytest.raises(NotebookError, match=r"stopped in cell \[5\]: ValueError: first second; .*kagl.failed.ipynb"):
        run_notebook("toy", "kagl", "laptop", root=tmp_path)
    assert outputs(tmp_path) == {"kagl.failed.ipynb", "kagl.json"}
    assert (folder / "kagl.json").read_text() == "old"
    assert "first" in (folder / "kagl.failed.ipynb").read_text()


def test_a_kernel_that_dies_is_reported(tmp_path: Path) -> None:
    write_notebook(tmp_path, "toy", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(NotebookError, match="its kernel died"):
        run_notebook("toy", "kagl", "laptop", root=tmp_path)
    assert outputs(tmp_path) == {"kagl.failed.ipynb"}


def test_a_notebook_that_records_nothing_is_an_error(tmp_path: Path) -> None:
    write_notebook(tmp_path, "toy", "1 + 1")
    with pytest.raises(NotebookError, match="wrote no Record"):
        run_notebook("toy", "kagl", "laptop", root=tmp_path)


def test_unknown_names_get_the_nearest(tmp_path: Path) -> None:
    path = write_notebook(tmp_path, "toy")
    with pytest.raises(SettingError, match="did you mean 'toy'"):
        run_notebook("toys", "kagl", "laptop", root=tmp_path)
    with pytest.raises(SettingError, match="unknown parameter of toy.ipynb 'prfile': did you mean 'profile'"):
        run_notebook("toy", "kagl", "laptop", {"prfile": 1}, root=tmp_path)
    path.write_text(path.read_text().replace('"parameters"', '"other"'))
    with pytest.raises(SettingError, match="no cell is tagged `parameters`"):
        run_notebook("toy", "kagl", "laptop", root=tmp_path)
    assert not (tmp_path / "work").exists()


def test_the_command_can_be_pasted_into_a_shell() -> None:
    assert command("toy", "kagl", "laptop", {"t": "a b"}).endswith("-p 't=a b'")
    words = shlex.split(command("toy", "kagl", "laptop", {"a": ["x", None], "b": None, "c": 0.5}))
    assert parse(words[-5::2]) == {"a": ["x", None], "b": None, "c": 0.5}


def test_nothing_goes_on_when_a_build_is_killed(tmp_path: Path) -> None:
    """The starter is killed with SIGKILL; the run below it and its kernel must end by themselves."""
    write_notebook(tmp_path, "toy", "import os, time\nopen('kernel', 'w').write(str(os.getpid()))\ntime.sleep(60)")
    run = (
        "from pathlib import Path; from ofclip.run import *; end_with_parent()\n"
        "open('run', 'w').write(str(os.getpid())); run_notebook('toy', 'kagl', 'laptop', root=Path.cwd())"
    )
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {run!r}])"
    environment = {**os.environ, "OFCLIP_BUILD": "1"}
    starter = subprocess.Popen([sys.executable, "-c", start], cwd=tmp_path, env=environment)
    wait(lambda: (tmp_path / "kernel").is_file() and (tmp_path / "kernel").read_text(), 60)
    pids = [int((tmp_path / name).read_text()) for name in ("run", "kernel")]
    assert all(map(alive, pids))
    starter.kill()
    starter.wait()
    wait(lambda: not any(map(alive, pids)), 60)
    assert not (tmp_path / "work/laptop/toy/kagl.json").exists()


def wait(condition, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "took too long"
        time.sleep(0.1)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")  # one that ended and waits to be collected is not alive
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"

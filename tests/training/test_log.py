import errno
import json
import sys
import types
import warnings
from pathlib import Path

import pytest

from ofclip.errors import OfclipError, SettingError
from ofclip.training import log as log_module
from ofclip.training.log import Log, loggers, progress


class Memory:
    """A logger that keeps what it is told, and fails from the n-th row on."""

    def __init__(self, fails_at=None):
        self.seen, self.fails_at = [], fails_at

    def log_metrics(self, metrics, step=None):
        if len(self.seen) == self.fails_at:
            raise ConnectionError("the server is gone\nand more lines")
        self.seen.append((step, metrics))

    def log_hyperparams(self, params):
        self.seen.append(params)

    def finalize(self, status):
        self.seen.append(status)


def test_rows_go_to_the_table_and_to_every_logger(tmp_path):
    a, b = Memory(), Memory()
    log = Log(tmp_path / "run" / "log.jsonl", [a, b])
    log.describe({"batch": 16})
    log.add(step=1, loss=2.0)
    log.add(step=2, loss=1.0, rate=0.1)
    log.close("failed")
    assert a.seen == b.seen == [{"batch": 16}, (1, {"loss": 2.0}), (2, {"loss": 1.0, "rate": 0.1}), "failed"]
    assert log.table()["loss"].tolist() == [2.0, 1.0]
    assert [json.loads(line) for line in log.path.read_text().splitlines()][0] == {"step": 1, "loss": 2.0}


def test_a_logger_that_fails_is_left_out_with_one_warning_and_the_table_goes_on(tmp_path):
    bad, good = Memory(fails_at=1), Memory()
    log = Log(tmp_path / "log.jsonl", [bad, good])
    log.add(step=1, loss=3.0)
    with pytest.warns(UserWarning, match=r"Memory failed and is left out from now on \(the server is gone\)"):
        log.add(step=2, loss=2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log.add(step=3, loss=1.0)
        log.close()
    assert [row["loss"] for row in log.rows()] == [3.0, 2.0, 1.0]
    assert len(good.seen) == 4 and bad.seen == [(1, {"loss": 3.0})]


def test_a_line_cut_short_is_ignored_and_rows_after_a_step_are_dropped(tmp_path):
    log = Log(tmp_path / "log.jsonl")
    for step in (1, 2, 3):
        log.add(step=step, loss=float(step))
    with log.path.open("a") as file:
        file.write('{"step": 4, "lo')
    assert [row["step"] for row in log.rows()] == [1, 2, 3]
    log.cut(2)
    log.add(step=3, loss=9.0)
    assert log.table()["loss"].tolist() == [1.0, 2.0, 9.0]


def test_a_full_disk_names_the_file(tmp_path, monkeypatch):
    def full(self, *_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OfclipError, match="disk full while writing .*log.jsonl: make room"):
        Log(tmp_path / "log.jsonl").add(step=1)


def test_a_logger_that_is_unknown_or_not_installed_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    assert loggers([], tmp_path) == []
    with pytest.raises(SettingError, match="unknown logger 'tensorbord': did you mean 'tensorboard'"):
        loggers(["tensorbord"], tmp_path)
    for name in log_module.LOGGERS:
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(SettingError, match=rf"{name} is not installed; run pip install 'ofclip\[log\]'"):
            loggers([name], tmp_path)


def test_tensorboard_holds_the_rows_and_hides_those_that_a_resumed_run_writes_again(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for start, stop, value in ((0, 4, 1.0), (2, 4, 2.0)):  # killed after step 4, resumed at step 2
        log = Log(tmp_path / "log.jsonl", loggers(["tensorboard"], tmp_path, start))
        log.describe({"batch": 16, "sources": {"kagl": 1.0}})
        for step in range(start + 1, stop + 1):
            log.add(step=step, loss=value)
        log.close()
    found = EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    assert [(each.step, each.value) for each in found.Scalars("loss")] == [(1, 1.0), (2, 1.0), (3, 2.0), (4, 2.0)]


@pytest.fixture
def wandb(monkeypatch):
    """A library of that name that keeps what it is told."""
    seen = []
    run = types.SimpleNamespace(
        log=lambda row: seen.append(row),
        config=types.SimpleNamespace(update=lambda params, allow_val_change: seen.append(params)),
        finish=lambda exit_code: seen.append(exit_code),
    )
    fake = types.SimpleNamespace(init=lambda **options: seen.append(options) or run)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    return seen


def test_wandb_is_one_run_that_goes_on_when_resumed(tmp_path, wandb, monkeypatch):
    log = Log(tmp_path / "log.jsonl", loggers(["wandb"], tmp_path))
    assert wandb == [], "nothing is begun before there is something to say"
    log.close()
    assert wandb == []
    log = Log(tmp_path / "log.jsonl", loggers(["wandb"], tmp_path))
    log.describe({"batch": 16})
    log.add(step=20, loss=1.0)
    log.add(step=20, recall=0.5)
    log.close()
    chosen = wandb[0]["id"]
    assert len(chosen) == 8
    begun = {"dir": tmp_path, "id": chosen, "resume": "allow", "project": "ofclip"}
    assert wandb == [begun, {"batch": 16}, {"loss": 1.0, "step": 20}, {"recall": 0.5, "step": 20}, 0]
    wandb.clear()
    monkeypatch.setenv("WANDB_PROJECT", "shop")
    Log(tmp_path / "log.jsonl", loggers(["wandb"], tmp_path, 20)).add(step=21, loss=1.0)
    assert wandb[0] == {**begun, "project": "shop"}
    wandb.clear()
    Log(tmp_path / "log.jsonl", loggers(["wandb"], tmp_path)).add(step=1, loss=1.0)
    assert wandb[0]["id"] != chosen, "a run from the start is another run"


def test_the_bar_is_hidden_when_asked_and_where_nobody_looks(monkeypatch):
    assert progress(10).disable, "the tests set OFCLIP_PROGRESS=0"
    monkeypatch.delenv("OFCLIP_PROGRESS")
    assert progress(10, show=False).disable
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert progress(10).disable


def test_the_bar_is_text_in_a_terminal_and_in_a_notebook_and_goes_on_where_it_was(monkeypatch, capsys):
    monkeypatch.delenv("OFCLIP_PROGRESS")
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", types.ModuleType("ipykernel.zmqshell"))
    with progress(100, initial=40) as bar:
        bar.update(10)
        assert (bar.n, bar.total) == (50, 100)
    assert "40/100" in capsys.readouterr().err


def test_a_notebook_without_ipywidgets_gets_no_warning(monkeypatch):
    """tqdm.auto warns when it is first imported in a notebook that lacks them."""
    monkeypatch.delenv("OFCLIP_PROGRESS")
    for name in [name for name in sys.modules if name.split(".")[0] == "tqdm"]:
        monkeypatch.delitem(sys.modules, name)
    shell = types.SimpleNamespace(get_ipython=lambda: object())
    for name, module in (("ipykernel.zmqshell", types.ModuleType("x")), ("IPython", shell), ("ipywidgets", None)):
        monkeypatch.setitem(sys.modules, name, module)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with progress(10) as bar:
            assert type(bar).__name__ == "tqdm_asyncio" and not bar.disable

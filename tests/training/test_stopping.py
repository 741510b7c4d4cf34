import signal
import subprocess
import sys
import threading

import pytest

from ofclip.training import stopping
from ofclip.training.stopping import Stopped, Stopping

ASKING = [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1]


@pytest.fixture
def clock(monkeypatch):
    """A clock that is turned by hand."""
    now = [100.0]
    monkeypatch.setattr(stopping.time, "monotonic", lambda: now[0])
    return now


def handlers():
    return [signal.getsignal(number) for number in ASKING]


def child(code, *after):
    """Run code in a process of its own and return (exit code, stdout, stderr)."""
    lines = ["import os, signal, sys, time", "from ofclip.training.stopping import Stopped, Stopping", *code, *after]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("number", ASKING)
def test_a_signal_is_noted_and_said_and_the_handlers_come_back(number, capfd):
    before = handlers()
    with Stopping() as stop:
        assert not stop.requested and before != handlers()
        signal.raise_signal(number)
        assert stop.requested
        signal.raise_signal(number)  # an echo
    assert handlers() == before
    assert capfd.readouterr().err.strip().count("the step is finished and saved first") == 1


def test_handlers_come_back_after_an_error_too_and_silence_is_silence(capfd):
    before = handlers()
    with pytest.raises(ValueError), Stopping(say=False):
        signal.raise_signal(signal.SIGTERM)
        raise ValueError
    assert handlers() == before and capfd.readouterr().err == ""


def test_stopped_leaves_with_code_0_and_says_how_to_go_on(capsys):
    with pytest.raises(Stopped) as caught, Stopping(say=False):
        raise Stopped("saved at step 7; the same command goes on from there")
    assert caught.value.code == 0 and isinstance(caught.value, SystemExit)
    assert capsys.readouterr().err == "saved at step 7; the same command goes on from there\n"
    with pytest.raises(Stopped), Stopping(say=False):
        raise Stopped  # the other processes of a job say nothing
    assert capsys.readouterr().err == ""


def test_a_second_ctrl_c_ends_at_once_but_an_echo_does_not(clock):
    with pytest.raises(KeyboardInterrupt), Stopping(say=False) as stop:  # noqa: PT012 - the place is what is tested
        signal.raise_signal(signal.SIGINT)
        clock[0] += stopping.ECHO  # torchrun hands on what the terminal has sent to all
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert stop.requested
        clock[0] += 0.01
        signal.raise_signal(signal.SIGINT)
        pytest.fail("still there")


def test_a_notice_is_no_first_signal(clock):
    """Slurm sends SIGUSR1 ahead and SIGTERM at the limit, with half a minute between that and SIGKILL."""
    with Stopping(say=False) as stop:
        for number in (signal.SIGUSR1, signal.SIGUSR1, signal.SIGTERM, signal.SIGUSR1):
            signal.raise_signal(number)
            clock[0] += 10 * stopping.ECHO
        assert stop.requested


def test_a_process_that_is_asked_finishes_its_step_and_exits_with_0():
    code, out, err = child(
        [
            "with Stopping() as stop:",
            "    for step in range(1000):",
            "        if step == 3: os.kill(os.getpid(), signal.SIGTERM)",
            "        print('step', step)",
            "        if stop.requested: raise Stopped(f'saved at step {step}')",
        ]
    )
    assert code == 0 and out.split("\n")[-2] == "step 3" and err.endswith("\nsaved at step 3\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_kills_a_process_that_hangs_in_its_step(number):
    code, out, err = child(
        [
            "now = [0.0]; time.monotonic = lambda: now[0]",
            "with Stopping(say=False) as stop:",
            f"    os.kill(os.getpid(), {int(number)}); print('noted', flush=True); now[0] = 5.0",
            f"    os.kill(os.getpid(), {int(number)}); print('alive', flush=True)",
        ]
    )
    assert out == "noted\n" and code == -number
    assert ("KeyboardInterrupt" in err) == (number == signal.SIGINT)


def test_a_forked_worker_can_be_ended():
    code, out, _ = child(
        [
            "with Stopping(say=False) as stop:",
            "    ready, there = os.pipe()",
            "    worker = os.fork()",
            "    if not worker: os.write(there, b'x'); time.sleep(60); os._exit(3)",
            "    os.read(ready, 1)",
            "    os.kill(worker, signal.SIGTERM)",
            "    print(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]), stop.requested)",
        ]
    )
    assert code == 0 and out == f"{-signal.SIGTERM} False\n"


def test_outside_the_main_thread_nothing_is_touched():
    before, found = handlers(), []

    def work():
        with Stopping() as stop:
            found.append((handlers() == before, stop.requested))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(True, False)]


def test_one_process_alone_asks_nobody():
    class Alone:
        world_size = 1  # and no all_reduce

    with Stopping(say=False) as stop:
        assert not stop.agreed(Alone())
        signal.raise_signal(signal.SIGTERM)
        assert stop.agreed(Alone())


def test_processes_agree_when_one_is_asked(tmp_path):
    code, _, err = child(
        [
            "from lightning_fabric import Fabric",
            "def work(fabric):",
            "    with Stopping(say=False) as stop:",
            "        for step in range(5):",
            "            if step == 2 and fabric.global_rank == 1: os.kill(os.getpid(), signal.SIGUSR1)",
            "            if stop.agreed(fabric):",
            f"                open(f'{tmp_path}/{{fabric.global_rank}}-{{step}}-{{stop.requested}}', 'w').close()",
            "                return",
            "fabric = Fabric(accelerator='cpu', devices=2, strategy='ddp_fork')",  # what it imports, it imports once
            "fabric.launch(work)",
        ]
    )
    assert code == 0, err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0-2-False", "1-2-True"]

import json

import pytest
import torch

from ofclip.training import meter as meter_module
from ofclip.training.energy import Energy
from ofclip.training.meter import CudaMemory, Memory, Meter, summary


class Clock:
    """Seconds that pass when told."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Power(Energy):
    """A machine that draws `watts` all the time; `off` makes it stop answering."""

    of = "toy"

    def __init__(self, clock, watts=10.0, shared=False):
        self.clock, self.watts, self.shared, self.off, self.reads = clock, watts, shared, False, 0

    def read(self):
        self.reads += 1
        return None if self.off else self.clock() * self.watts


class Peak(Memory):
    """A device whose peak is `now`, forgotten at each reset."""

    def __init__(self):
        self.now = 0.0

    def reset(self):
        self.now = 0.0

    def peak(self):
        return {"allocated": self.now, "reserved": 2 * self.now}


@pytest.fixture
def clock():
    return Clock()


def metered(clock, state=None, **options):
    return Meter("cpu", state, clock=clock, energy=Power(clock), memory=Peak(), **options)


def test_time_and_energy_are_those_of_training_without_pauses(clock):
    meter = metered(clock)
    clock.now += 50  # before the start nothing counts
    with meter:
        clock.now += 4
        meter.add(300)
        with meter.pause():
            clock.now += 100
            assert meter.seconds == 4.0
        clock.now += 6
        meter.add(200)
        assert meter.seconds == 10.0 and meter.samples_per_second == 50.0
    clock.now += 1000
    cost = meter.summary()
    assert cost["seconds"] == 10.0 and cost["paused_seconds"] == 100.0 and cost["samples"] == 500
    assert cost["energy_joules"] == 100.0 and cost["energy_of"] == "toy"
    assert cost["samples_per_second"] == 50.0
    assert cost["joules_per_million_samples"] == 200_000.0
    assert cost["device_hours_per_million_samples"] == round(10 / 3600 * 2000, 4)


def test_a_pause_goes_on_after_an_error_and_does_not_start_what_was_not_started(clock):
    meter = metered(clock)
    with meter.pause():
        clock.now += 3
    assert meter.seconds == 0.0
    with meter:
        with pytest.raises(RuntimeError), meter.pause():
            clock.now += 7
            raise RuntimeError
        clock.now += 1
    assert meter.seconds == 1.0
    meter.stop()
    assert meter.seconds == 1.0


def test_the_peak_of_a_pause_is_not_that_of_training(clock):
    meter = metered(clock)
    with meter:
        meter._memory.now = 3 * 2**20
        with meter.pause():
            meter._memory.now = 9 * 2**20
        meter._memory.now = 2 * 2**20
    cost = meter.summary()
    assert cost["peak_memory_mib"] == 3.0 and cost["peak_reserved_mib"] == 6.0
    assert "max_memory_allocated" in cost["peak_memory_of"]


def test_a_resumed_run_adds_up_and_what_a_kill_undid_is_in_neither(clock):
    first = metered(clock).start()
    clock.now += 5
    first.add(100)
    first._memory.now = 8 * 2**20
    saved = json.loads(json.dumps(first.state()))
    clock.now += 30
    first.add(600)  # lost: the run is killed before the next checkpoint
    second = metered(clock, saved)
    with second:
        clock.now += 5
        second.add(100)
        second._memory.now = 2**20
    cost = second.summary()
    assert (cost["samples"], cost["seconds"], cost["energy_joules"]) == (200, 10.0, 100.0)
    assert cost["peak_memory_mib"] == 8.0


def test_energy_that_is_known_for_a_part_only_is_not_known(clock):
    saved = metered(clock).start().state()
    without = Meter("cpu", saved, clock=clock, energy=None, memory=Peak())
    with without:
        clock.now += 1
    assert without.summary()["energy_joules"] is None and without.summary()["energy_of"] is None
    again = metered(clock, without.state())
    with again:
        clock.now += 1
    assert again.summary()["energy_joules"] is None

    stops = metered(clock).start()
    stops.add(10)
    stops._energy.off = True
    clock.now += 2
    stops.add(10)
    stops._energy.off = False
    clock.now += 2
    stops.stop()
    assert stops.summary()["energy_joules"] is None and stops.summary()["joules_per_million_samples"] is None


def test_energy_is_read_while_it_runs_but_not_at_every_step(clock):
    meter = metered(clock).start()
    for _ in range(100):
        clock.now += 0.125
        meter.add(1)
    assert 12 <= meter._energy.reads <= 14, "once a second, so that counters cannot wrap unseen"
    meter.stop()
    assert meter.summary()["energy_joules"] == 125.0


def test_processes_are_summed_and_those_of_one_machine_share_its_counters(clock):
    def run(node, shared, samples=500, seconds=10.0):
        meter = Meter("cpu", clock=clock, energy=Power(clock, shared=shared), memory=Peak(), node=node)
        began = clock.now
        with meter:
            clock.now += seconds
            meter.add(samples)
            meter._memory.now = seconds * 2**20
        clock.now = began
        return meter.state()

    own = summary([run(0, False), run(0, False, seconds=12.0)])
    assert own["samples"] == 1000 and own["seconds"] == 12.0 and own["energy_joules"] == 220.0
    assert own["peak_memory_mib"] == 12.0 and own["processes"] == 2
    assert own["device_hours_per_million_samples"] == round(2 * 12 / 3600 * 1000, 4)
    shared = summary([run(0, True), run(0, True), run(1, True), run(1, True)])
    assert shared["energy_joules"] == 200.0, "two machines, each counted once"


def test_a_run_that_did_nothing_has_no_rates(clock):
    cost = metered(clock).summary()
    assert cost["samples"] == 0 and cost["samples_per_second"] is None
    assert cost["device_hours_per_million_samples"] is None and cost["joules_per_million_samples"] is None


def test_on_a_cpu_the_peak_is_that_of_the_process():
    import resource

    block = torch.ones(2**24)  # 64 MiB that are really there
    with Meter("cpu", energy=None) as meter:
        meter.add(len(block))
    cost = meter.summary()
    assert cost["peak_memory_mib"] == pytest.approx(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, abs=1)
    assert cost["peak_memory_mib"] > 64 and "since it started" in cost["peak_memory_of"]
    assert cost["device"] == meter_module.device_name("cpu") and cost["peak_reserved_mib"] is None
    assert cost["energy_joules"] is None
    json.dumps(cost)


def test_on_a_gpu_time_waits_for_the_work_and_memory_is_that_of_tensors(clock, monkeypatch):
    calls = []
    cuda = torch.cuda
    monkeypatch.setattr(cuda, "synchronize", lambda device: calls.append(("synchronize", clock.now)))
    monkeypatch.setattr(cuda, "reset_peak_memory_stats", lambda device: calls.append(("reset", clock.now)))
    monkeypatch.setattr(cuda, "max_memory_allocated", lambda device: 5 * 2**20)
    monkeypatch.setattr(cuda, "max_memory_reserved", lambda device: 6 * 2**20)
    monkeypatch.setattr(cuda, "get_device_name", lambda device: f"Toy on {device}")
    meter = Meter(torch.device("cuda", 1), clock=clock, energy=None)
    assert isinstance(meter._memory, CudaMemory)
    with meter:
        clock.now += 1
    assert calls == [("synchronize", 100.0), ("reset", 100.0), ("synchronize", 101.0)]
    cost = meter.summary()
    assert (cost["device"], cost["peak_memory_mib"], cost["peak_reserved_mib"]) == ("Toy on cuda:1", 5.0, 6.0)


def test_the_states_of_one_process_are_its_own(clock):
    meter = metered(clock)
    assert meter.states() == [meter.state()]

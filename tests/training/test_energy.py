import sys
import types

import pytest
import torch

from ofclip.training import energy


@pytest.fixture
def rapl(tmp_path):
    """A folder like Linux' with two packages, one's memory, and the platform that holds them both."""
    zones = {
        "intel-rapl": None,
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "dram",
        "intel-rapl:1": "package-1",
        "intel-rapl:2": "psys",
    }

    def write(**microjoules):
        for number, name in enumerate(zones):
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            if zones[name]:
                (folder / "name").write_text(zones[name] + "\n")
                (folder / "energy_uj").write_text(f"{microjoules.get(zones[name].replace('-', '_'), 77 * number)}\n")
                (folder / "max_energy_range_uj").write_text("1000000000\n")
        return tmp_path

    return write


def test_rapl_counts_each_package_once_and_goes_on_when_counters_wrap(rapl):
    folder = rapl(package_0=999_000_000, package_1=5_000_000)
    assert list(energy.rapl_counters(folder)) == ["intel-rapl:0", "intel-rapl:1"]
    counter = energy.RaplEnergy(folder)
    assert counter.read() == 0.0
    rapl(package_0=4_000_000, package_1=9_000_000)  # wrapped at 1,000 J: 5 J and 4 J
    assert counter.read() == pytest.approx(9.0)
    rapl(package_0=999_999_999, package_1=9_000_000)
    rapl(package_0=3_000_000, package_1=10_000_000)  # 999 J more, and 1 J
    assert counter.read() == pytest.approx(1009.0)


def test_rapl_that_stops_answering_is_none_and_not_a_smaller_number(rapl):
    counter = energy.RaplEnergy(rapl(package_0=1, package_1=1))
    (counter.folder / "intel-rapl:1" / "energy_uj").unlink()
    assert counter.read() is None


def test_a_machine_without_readable_counters_has_no_energy(tmp_path, monkeypatch):
    assert energy.rapl_counters(tmp_path) == {}
    (tmp_path / "intel-rapl:0").mkdir()
    (tmp_path / "intel-rapl:0" / "name").write_text("package-0\n")
    assert energy.rapl_counters(tmp_path) == {}  # no energy_uj, or none that this user may read
    monkeypatch.setattr(energy, "rapl_counters", lambda: {})
    assert energy.find_energy("cpu") is None and energy.find_energy("mps") is None


class Nvml(types.ModuleType):
    """NVML with one GPU: `millijoules` and `milliwatts` are what it answers, None for "not supported"."""

    class NVMLError(Exception):
        pass

    def __init__(self, millijoules=None, milliwatts=None):
        super().__init__("pynvml")
        self.millijoules, self.milliwatts = millijoules, milliwatts

    def nvmlInit(self):
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid):
        if uuid != "GPU-1234":
            raise self.NVMLError("Not Found")
        return "handle"

    def _answer(self, value):
        if value is None:
            raise self.NVMLError("Not Supported")
        return value

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        return self._answer(self.millijoules)

    def nvmlDeviceGetPowerUsage(self, handle):
        return self._answer(self.milliwatts)


@pytest.fixture
def gpu(monkeypatch):
    def pretend(uuid):
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: types.SimpleNamespace(uuid=uuid))

    pretend("1234")
    return pretend


def test_a_gpu_has_the_energy_of_its_own_counter(gpu, monkeypatch):
    nvml = Nvml(millijoules=5_000, milliwatts=300_000)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    counter = energy.find_energy("cuda:0")
    assert "energy counter" in counter.of and not counter.shared and counter.read() == 5.0
    nvml.millijoules = None
    assert counter.read() is None


def test_power_is_integrated_where_there_is_no_counter(gpu):
    nvml = Nvml(milliwatts=100_000)
    assert "power" in energy.nvml_energy("cuda:0", nvml).of
    times = iter([0.0, 2.0, 3.0])
    counter = energy.NvmlPower(nvml, "handle", clock=lambda: next(times))
    assert counter.read() == 0.0
    nvml.milliwatts = 300_000
    assert counter.read() == pytest.approx(400.0)  # two seconds at 200 W in the mean
    assert counter.read() == pytest.approx(700.0)


def test_a_gpu_that_reports_nothing_or_has_no_library_has_no_energy(gpu, monkeypatch):
    assert energy.nvml_energy("cuda:0", Nvml()) is None
    gpu("another")
    assert energy.nvml_energy("cuda:0", Nvml(millijoules=1)) is None
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert energy.find_energy("cuda:0") is None

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from ofclip.machine import processor


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("cpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\n\nmodel\t\t: 7\n", "AMD EPYC (family 25, model 1)"),
        ("processor\t: 0\nmodel name\t: ARMv8 Processor rev 1 (v8l)\n", "ARMv8 Processor rev 1 (v8l)"),
        ("processor\t: 0\nCPU part\t: 0xd0c\n", platform.processor() or platform.machine()),
    ],
)
def test_a_processor_is_told_from_others_of_its_name(tmp_path: Path, told: str, name: str) -> None:
    (tmp_path / "cpuinfo").write_text(told)
    assert processor(tmp_path / "cpuinfo") == name


def test_without_a_list_of_processors_the_platform_names_it(tmp_path: Path) -> None:
    assert processor(tmp_path / "absent") == (platform.processor() or platform.machine())

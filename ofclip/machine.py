"""What machine this is."""

from __future__ import annotations

import platform
from pathlib import Path


def processor(told: Path = Path("/proc/cpuinfo")) -> str:
    """Return the name of the processor, on Linux with its family and model numbers.

    Makers sell several generations under one name, and clouds shorten it: two an "AMD EPYC" may round sums in another
    order, and then models trained on them differ.
    """
    try:
        lines = [line.partition(":") for line in told.read_text().splitlines()]
        found = {name.strip(): value.strip() for name, _, value in reversed(lines)}  # the first processor's
        name = found["model name"]
    except (OSError, KeyError):
        return platform.processor() or platform.machine()
    numbers = [f"{words} {found[key]}" for words, key in (("family", "cpu family"), ("model", "model")) if key in found]
    return f"{name} ({', '.join(numbers)})" if numbers else name

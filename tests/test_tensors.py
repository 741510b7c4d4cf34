from __future__ import annotations

import errno
import resource
import signal

import pytest
import torch
from safetensors import safe_open

from ofclip.tensors import write_tensors

NOTES = {f"note {i}": f'"{i}" é\n' for i in range(12)}


def test_equal_tensors_make_equal_bytes_and_come_back(tmp_path):
    tensors = {"b": torch.arange(6.0).reshape(2, 3), "a": torch.tensor(3), "c": torch.zeros(0, 2, dtype=torch.bfloat16)}
    paths = [tmp_path / f"{i}.safetensors" for i in range(6)]
    for path in paths:
        write_tensors(tensors, path, NOTES)
    assert len({path.read_bytes() for path in paths}) == 1
    with safe_open(paths[0], framework="pt") as file:
        assert file.metadata() == NOTES
        assert all(torch.equal(file.get_tensor(key), value) for key, value in tensors.items())


def test_a_full_disk_is_an_oserror_with_its_number(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError) as caught:
            write_tensors({"a": torch.zeros(100_000)}, tmp_path / "a.safetensors", {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, former)
    assert caught.value.errno == errno.EFBIG

from __future__ import annotations

import errno
import hashlib
import os

import pytest

from ofclip.errors import OfclipError
from ofclip.files import atomic, cache_dir, digest, sha256


def test_atomic_makes_folders_and_leaves_only_the_file(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with atomic(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists() and temporary.parent == path.parent
    assert path.read_text() == "whole"
    assert os.listdir(path.parent) == ["file.txt"]


def test_atomic_grants_the_usual_rights(tmp_path):
    mask = os.umask(0o027)
    try:
        with atomic(tmp_path / "file") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(mask)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_atomic_keeps_the_old_file_on_failure(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(error), atomic(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_atomic_tells_of_a_full_disk(tmp_path, code):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OfclipError, match=rf"disk full while writing {path} \(\d+ MiB free\)"), atomic(path):
        raise OSError(code, os.strerror(code))
    assert path.read_text() == "old"


def test_atomic_passes_other_errors_on(tmp_path):
    with pytest.raises(PermissionError), atomic(tmp_path / "file"):
        raise PermissionError(errno.EACCES, "denied")


def test_cache_dir_follows_the_setting(tmp_path, monkeypatch):
    monkeypatch.setenv("OFCLIP_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"
    assert cache_dir().is_dir()


def test_sha256_is_the_standard_one(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()


def test_digest_keeps_parts_apart():
    assert digest("a", "bc") != digest("ab", "c")
    assert digest(1, b"x") == digest("1", "x")
    assert len(digest()) == 16

from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
import tracemalloc
import zlib

import pytest

from ofclip.archives import Tar, container
from ofclip.archives import tarred as module
from ofclip.errors import DataError
from ofclip.files import cache_dir

FILES = {"a/1.txt": b"one " * 300, "a/2.txt": b"two", "b.txt": bytes(range(256)) * 4}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OFCLIP_CACHE", str(tmp_path / "cache"))


def member(name: str, data: bytes = b"", **fields) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def packed(*members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT, **options) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format, **options) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


WHOLE = packed(*(member(name, data) for name, data in FILES.items()))


@pytest.fixture
def write(tmp_path):
    """A function that writes data as an archive and opens it, each time as a new file."""

    def build(data: bytes, ending: str = "tar") -> Tar:
        path = tmp_path / f"data{len(list(tmp_path.iterdir()))}.{ending}"
        path.write_bytes(data)
        return container(path)

    return build


def use(found: Tar) -> dict[str, bytes]:
    """Read all that can be read."""
    list(found.entries(found.names()))
    return {name: found.read(name) for name in found.names()}


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_is_read(write, format):
    names = ["./a/1.txt", "x" * 90 + "/" + "y" * 90, "é.txt"]
    data = packed(*(member(name, name.encode()) for name in names), format=format)
    assert use(write(data)) == {name.removeprefix("./"): name.encode() for name in names}


def test_headers_of_long_names_and_comments_are_read(write):
    data = packed(
        member("d" * 300 + "/é.txt", b"1", pax_headers={"comment": "said", "mtime": "1.5"}),
        pax_headers={"comment": "of all"},
    )
    assert use(write(data)) == {"d" * 300 + "/é.txt": b"1"}


def test_names_that_are_not_utf_8_are_latin_1(write):
    data = packed(member("café.txt", b"1"), format=tarfile.GNU_FORMAT, encoding="latin-1")
    assert use(write(data)) == {"café.txt": b"1"}


@pytest.mark.parametrize("name", ["../a.txt", "/etc/passwd", "a/../../b"])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE])
def test_names_that_climb_out_are_refused(write, tmp_path, name, kind):
    data = packed(member("1.txt", b"x"), member(name, b"", type=kind, linkname="1.txt"))
    with pytest.raises(DataError, match=r"data0.tar: '.*' leads out of the archive, which was tampered with"):
        write(data).names()
    assert not (tmp_path.parent / "a.txt").exists()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../b", "../.."])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_that_climb_out_are_refused(write, target, kind):
    data = packed(member("1.txt", b"x"), member("a/link.txt", type=kind, linkname=target))
    with pytest.raises(DataError, match="leads out of the archive"):
        write(data).names()


def test_links_are_the_file_they_lead_to(write):
    link = {"type": tarfile.SYMTYPE}
    data = packed(
        member("a/early.txt", **link, linkname="../b/1.txt"),
        member("b/1.txt", b"one"),
        member("hard.txt", type=tarfile.LNKTYPE, linkname="b/1.txt"),
        member("chain.txt", **link, linkname="a/early.txt"),
        member("nothing.txt", **link, linkname="b/2.txt"),
        member("folder", **link, linkname="b"),
        member("ring1.txt", **link, linkname="ring2.txt"),
        member("ring2.txt", **link, linkname="ring1.txt"),
        member("itself.txt", **link, linkname="itself.txt"),
    )
    found = write(data)
    assert found.names() == ["a/early.txt", "b/1.txt", "chain.txt", "hard.txt"]
    assert set(use(found).values()) == {b"one"}


def test_the_last_of_two_members_of_one_name_counts(write):
    link = member("a.txt", type=tarfile.SYMTYPE, linkname="b.txt")
    other = member("b.txt", b"other")
    assert use(write(packed(member("a.txt", b"old"), member("./a.txt", b"newer")))) == {"a.txt": b"newer"}
    assert use(write(packed(member("a.txt", b"old"), other, link)))["a.txt"] == b"other"
    assert use(write(packed(link, other, member("a.txt", b"new"))))["a.txt"] == b"new"


def test_pipes_devices_and_folders_are_no_files(write):
    kinds = [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE]
    data = packed(member("1.txt", b"x"), *(member(f"no{i}", type=kind) for i, kind in enumerate(kinds)))
    assert write(data).names() == ["1.txt"]


def test_sparse_files_are_named(write):
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s.txt"}
    body = b"1\n0\n1\n".ljust(512, b"\0") + b"x"
    data = packed(member("s.txt", body, pax_headers=headers | {"GNU.sparse.realsize": str(2**50)}))
    with pytest.raises(DataError, match="data0.tar:s.txt: stored as a sparse file"):
        write(data).names()


# damage


END = 3 * 512 + (3 + 1 + 2) * 512  # three headers, and the blocks of their data


def test_truncated_anywhere_is_named(write):
    assert WHOLE[END:] == bytes(len(WHOLE) - END)
    for size in [*range(0, END + 1024, 61), *range(0, END + 1024, 512), END + 1023]:
        with pytest.raises(DataError, match=r"data\d+.tar.*(cut short|not a whole tar archive|damaged)"):
            write(WHOLE[:size]).names()
    assert use(write(WHOLE[: END + 1024])) == FILES


@pytest.mark.parametrize("ending", ["tar.gz", "tar.bz2", "tar.xz"])
def test_truncated_compressed_anywhere_is_named(write, ending):
    import bz2
    import lzma

    pack = {"tar.gz": gzip.compress, "tar.bz2": bz2.compress, "tar.xz": lzma.compress}[ending]
    whole = pack(WHOLE)
    assert use(write(whole, ending)) == FILES
    for size in [*range(0, len(whole), 7), len(whole) - 1]:
        with pytest.raises(DataError, match=rf"data\d+.{ending}.*(cut short|not a whole tar archive)"):
            write(whole[:size], ending).names()
    assert len(list((cache_dir() / "tar").glob("*.tar"))) == 1  # the whole one


@pytest.mark.parametrize("at", [2048, 3072])
def test_a_header_that_is_damaged_or_wiped_is_named(write, at):
    """`tarfile` stops there in silence, as if nothing followed."""
    assert WHOLE[at : at + 1].isalnum()
    for block in (b"\xff" * 512, bytes(512), bytes(1024)):
        data = WHOLE[:at] + block + WHOLE[at + len(block) :]
        with pytest.raises(DataError, match=r"data\d.tar: damaged after [12] files"):
            write(data).names()


def test_something_else_is_named(write):
    for data in (b"<html>gone</html>" * 99, b"PK\x03\x04" + bytes(2000), os.urandom(2048)):
        with pytest.raises(DataError, match="not a whole tar archive"):
            write(data).names()
    assert write(bytes(10240)).names() == []


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("size", [2**33 - 1, 2**45, -(2**20)])
def test_declared_sizes_reserve_no_memory(write, kind, size):
    info = tarfile.TarInfo("a.txt")
    info.size, info.type = max(size, 0), kind
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    if size < 0:  # in the binary form that GNU tar allows
        header[124:136] = b"\xff" + size.to_bytes(11, "big", signed=True)
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
    data = packed(member("1.txt", b"x"))[:1024] + bytes(header) + WHOLE
    tracemalloc.start()
    with pytest.raises(DataError, match="data0.tar"):
        write(data).names()
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_endless_headers_are_named(write):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 0
    with pytest.raises(DataError, match="data0.tar"):
        write(info.tobuf() * 5000 + WHOLE).names()


def test_a_bomb_is_given_up(write, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 2**12)
    data = gzip.compress(bytes(2**22))
    with pytest.raises(DataError, match="data0.tar.gz: expands to more than 200 times its size"):
        write(data, "tar.gz").names()
    assert not list((cache_dir() / "tar").iterdir())


def test_compression_goes_by_content(write):
    assert use(write(WHOLE, "tar.gz")) == use(write(gzip.compress(WHOLE), "tar")) == FILES
    assert use(write(gzip.compress(WHOLE), "TAR.GZ")) == use(write(gzip.compress(WHOLE), "tgz")) == FILES


def test_mutations_end_in_our_errors_only(tmp_path):
    path, dice = tmp_path / "data.tar", random.Random(0)
    pax = packed(member("é" * 80, b"1"), member("a.txt", b"2"), member("b", type=tarfile.SYMTYPE, linkname="a.txt"))
    for time in range(1000):
        data = bytearray(WHOLE if time % 2 else pax)
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(len(data))] = dice.choice([0, 32, 48, 55, 128, 255, dice.randrange(256)])
        if time % 3 == 0:  # with sums put right, so that more than the sum is wrong
            for at in range(0, len(data) - 511, 512):
                if data[at + 257 : at + 262] == b"ustar":
                    data[at + 148 : at + 156] = b" " * 8
                    data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])
        path.write_bytes(data)
        os.utime(path, ns=(time, time))
        try:
            use(container(path))
        except DataError as error:
            assert "data.tar" in str(error)


# the cache


def test_the_index_is_read_from_the_cache(write, monkeypatch):
    found = write(gzip.compress(WHOLE), "tar.gz")
    assert use(found) == FILES
    module._open.cache_clear()
    monkeypatch.setattr(module, "_scan", lambda *args: pytest.fail("scanned again"))
    monkeypatch.setattr(module, "_expand", lambda *args: pytest.fail("expanded again"))
    assert use(container(found.path)) == FILES


@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
@pytest.mark.parametrize("wound", [lambda data: b"", lambda data: data[:-9], lambda data: data.replace(b"1", b"2")])
def test_a_damaged_index_is_made_anew(write, ending, wound):
    found = write(WHOLE if ending == "tar" else gzip.compress(WHOLE), ending)
    found.names()
    [memo] = (cache_dir() / "tar").glob("*.json")
    memo.write_bytes(wound(memo.read_bytes()))
    module._open.cache_clear()
    assert use(container(found.path)) == FILES


def test_a_damaged_expansion_is_made_anew_or_named(write):
    found = write(gzip.compress(WHOLE), "tar.gz")
    found.names()
    [plain] = (cache_dir() / "tar").glob("*.tar")
    plain.write_bytes(WHOLE[:3000])
    module._open.cache_clear()
    assert use(container(found.path)) == FILES
    plain.write_bytes(WHOLE.replace(b"two", b"TWO"))  # of the same size
    assert zlib.crc32(found.read("b.txt")) == zlib.crc32(FILES["b.txt"])
    with pytest.raises(DataError, match="data0.tar.gz:a/2.txt: .* has changed since it was first read"):
        found.read("a/2.txt")


def test_an_archive_that_was_replaced_is_read_anew(tmp_path):
    path = tmp_path / "data.tar"
    path.write_bytes(WHOLE)
    assert container(path).names() == sorted(FILES)
    path.write_bytes(packed(member("c.txt", b"three")))
    assert use(container(path)) == {"c.txt": b"three"}

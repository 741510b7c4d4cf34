from __future__ import annotations

import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fixtures import imaterialist as fixture

from ofclip.errors import DataError
from ofclip.fetch import FetchReport, Outcome
from ofclip.sources import fetching, get, load_catalog
from ofclip.sources.fetching import fetch_fashion_iq, fetch_fashion_mnist, fetch_imaterialist

FAST = {"per_second": 1e6, "retries": 0, "progress": False}


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list:
    """Nothing is requested; what would be is listed."""
    asked: list = []
    monkeypatch.setattr(fetching, "fetch_files", lambda *arguments, **options: asked.append((arguments, options)))
    return asked


def test_fashion_mnist_has_official_addresses_and_checksums(jobs, tmp_path):
    fetch_fashion_mnist(tmp_path, limit=2)
    ((files, folder), options) = jobs[0]
    assert folder == tmp_path / "fashion-mnist" and options["limit"] == 2
    assert len(files) == 4 and options["md5"] == get("fashion-mnist").md5
    assert files[0] == (
        "train-images-idx3-ubyte.gz",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz",
    )
    assert options["md5"]["train-images-idx3-ubyte.gz"] == "8d4fb7e6c68d591d4c3dfef9ec88bf0d"
    assert options["md5"]["t10k-images-idx3-ubyte.gz"] == "bef4ecab320f06d8554ea6380940ec79"


def test_imaterialist_asks_for_what_is_not_there_under_any_name(jobs, tmp_path):
    fixture.write(tmp_path)
    folder = tmp_path / "imaterialist"
    (folder / "validation").rename(folder / "val")
    with zipfile.ZipFile(folder / "test.zip", "w") as archive:
        for path in sorted((folder / "test").iterdir()):
            archive.write(path, f"test/{path.name}")
            path.unlink()
    fetch_imaterialist(tmp_path)
    ((files, where), options) = jobs[0]
    assert where == folder and options["pictures"] is True
    names = [name for name, _ in files]
    assert names == [
        "train/1.jpg", "train/2.jpg", "train/3.jpeg", "train/4.jpg", "train/5.jpg", "val/1.jpg", "val/2.jpg",
    ]  # fmt: skip
    assert files[3] == ("train/4.jpg", "https://shop.invalid/train/4-large")


def test_imaterialist_needs_its_annotations_unpacked(tmp_path):
    with pytest.raises(DataError, match="imaterialist: not found under"):
        fetch_imaterialist(tmp_path)
    with zipfile.ZipFile(tmp_path / "imaterialist.zip", "w") as archive:
        for name, data in fixture.files().items():
            archive.writestr(name, data)
    with pytest.raises(DataError, match="imaterialist.zip: unpack it, so that imaterialist's pictures"):
        fetch_imaterialist(tmp_path)


def test_fashion_iq_asks_for_what_is_not_there_under_any_name(jobs, tmp_path):
    with pytest.raises(DataError, match="fashion-iq: not found under"):
        fetch_fashion_iq(tmp_path)
    folder = tmp_path / "fashion-iq"
    (folder / "image_url").mkdir(parents=True)
    lines = "B00000000A \t http://shop.invalid/a.jpg\nB00000000B \t http://shop.invalid/b.jpg\n"
    (folder / "image_url" / "asin2url.dress.txt").write_text(lines)
    (folder / "images").mkdir()
    (folder / "images" / "B00000000B.png").write_bytes(b"there")
    fetch_fashion_iq(tmp_path, workers=1)
    ((files, where), options) = jobs[0]
    assert where == folder and options == {"name": "fashion-iq", "pictures": True, "workers": 1}
    assert files == [
        ("images/B00000000A.jpg", "http://shop.invalid/a.jpg"), ("images/B00000000B.png", "http://shop.invalid/b.jpg"),
    ]  # fmt: skip


def test_what_came_is_told(monkeypatch, tmp_path):
    report = FetchReport((Outcome("a", "http://a", "fetched"),), tmp_path / "fetch-fashion-mnist.csv")
    monkeypatch.setattr(fetching, "fetch_files", lambda *_, **__: report)
    lines: list[str] = []
    assert fetch_fashion_mnist(tmp_path, lines.append) is report
    assert lines == [str(report), f"report: {report.path}"] and lines[0].startswith("fetched 1, there 0")


def test_fetched_pictures_are_what_the_loader_reads(tmp_path):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            gone = "train/4-" in self.path
            self.send_response(404 if gone else 200)
            self.end_headers()
            self.wfile.write(b"" if gone else fixture.picture(1))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        fixture.write(tmp_path)
        folder = tmp_path / "imaterialist"
        for name in ("train.json", "val.json", "test.json"):
            path = folder / name
            path.write_text(path.read_text().replace("https://shop.invalid", f"http://127.0.0.1:{server.server_port}"))
        for path in [path for name in ("train", "validation", "test") for path in (folder / name).iterdir()]:
            path.unlink()
        report = fetch_imaterialist(tmp_path, **FAST)
        assert str(report) == "fetched 8, there 0, dead 1 (HTTP 404 1), wrong checksum 0, not a picture 0"
        assert report.path == folder / "fetch-imaterialist.csv"
        assert fetch_imaterialist(tmp_path, **FAST).counts["there"] == 8
    finally:
        server.shutdown()
        server.server_close()
    catalog = load_catalog("imaterialist", data=tmp_path)
    assert len(catalog) == 6 and catalog.skipped == ("imaterialist: no picture train/4.jpg",)
    assert catalog.images.open(5).size == (13, 16)


@pytest.mark.parametrize("name", ["fashion-iq", "fashion-mnist", "imaterialist"])
def test_the_card_can_fetch(name):
    assert get(name).fetch is getattr(fetching, f"fetch_{name.replace('-', '_')}")

from __future__ import annotations

import hashlib
import io
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from ofclip import fetch
from ofclip.errors import DataError, OfclipError, SettingError
from ofclip.fetch import Pace, fetch_files


def jpeg(seed: int, side: int = 40) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((side, side), 10 + seed).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


@dataclass
class Server:
    """A local web server: `answers` maps a path to a function of the request, `requests` lists what was asked."""

    url: str = ""
    answers: dict = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def asked(self, path: str) -> list[dict[str, str]]:
        return [headers for at, headers in self.requests if at == path]


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state.requests.append((self.path, dict(self.headers)))
            answer = state.answers.get(self.path, send(b"gone", 404))
            answer(self, len(state.asked(self.path)))

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    yield state
    httpd.shutdown()
    httpd.server_close()


def send(data: bytes, status: int = 200, **headers: str):
    def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(data)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def in_turn(*answers):
    """The first answer to the first request, and so on; the last one from then on."""
    return lambda handler, count: answers[min(count, len(answers)) - 1](handler, count)


def cut(data: bytes, at: int, **headers: str):
    """Promise all of the data, send some of them, and close the connection."""

    def answer(handler: BaseHTTPRequestHandler, count: int) -> None:
        send(data[:at], Content_Length=str(len(data)), **headers)(handler, count)
        handler.close_connection = True

    return answer


def ranged(data: bytes, **headers: str):
    """Serve the rest of the data if a range is asked for and the version still is this one."""

    def answer(handler: BaseHTTPRequestHandler, count: int) -> None:
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        if not start or handler.headers.get("If-Range") != headers.get("ETag"):
            return send(data, **headers)(handler, count)
        span = f"bytes {start}-{len(data) - 1}/{len(data)}"
        return send(data[start:], 206, Content_Range=span, **headers)(handler, count)

    return answer


@dataclass
class Clock:
    """A clock that only moves when somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds

    def pace(self, per_second: float = 1e9) -> Pace:
        return Pace(per_second, lambda: self.now, self.sleep)


def get(server: Server, folder: Path, *names: str, **options: object) -> fetch.FetchReport:
    jobs = [(name, f"{server.url}/{name}") for name in names]
    return fetch_files(jobs, folder, **{"pace": Clock().pace(), "progress": False, **options})


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*"))


def test_files_arrive_whole_and_the_report_lies_beside_them(server, tmp_path):
    server.answers = {"/a/1.bin": send(b"one"), "/a/2.bin": send(b"")}
    report = get(server, tmp_path, "a/1.bin", "a/2.bin", "a/3.bin", name="things")
    assert (tmp_path / "a/1.bin").read_bytes() == b"one" and (tmp_path / "a/2.bin").read_bytes() == b""
    assert report.counts == {"fetched": 2, "there": 0, "dead": 1, "wrong checksum": 0, "not a picture": 0}
    assert str(report) == "fetched 2, there 0, dead 1 (HTTP 404 1), wrong checksum 0, not a picture 0"
    table = pd.read_csv(tmp_path / "fetch-things.csv", keep_default_na=False)
    assert table["name"].tolist() == ["a/1.bin", "a/2.bin", "a/3.bin"]
    assert table["url"][2] == f"{server.url}/a/3.bin" and table["size"].tolist() == [3, 0, 0]
    assert table["status"].tolist() == ["fetched", "fetched", "dead"] and table["detail"][2] == "HTTP 404"
    assert hidden(tmp_path) == []
    asked = server.asked("/a/1.bin")[0]
    assert asked["User-Agent"].startswith("ofclip/") and asked["Accept-Encoding"] == "identity"


def test_what_is_there_is_kept_and_not_asked_for(server, tmp_path):
    server.answers = {"/1": send(b"new"), "/2": send(b"two")}
    (tmp_path / "1").write_bytes(b"old")
    assert get(server, tmp_path, "1", "2").counts["there"] == 1
    assert (tmp_path / "1").read_bytes() == b"old" and server.asked("/1") == []
    assert get(server, tmp_path, "1", "2").counts["there"] == 2


def test_a_dead_address_is_asked_once_and_a_failing_server_again(server, tmp_path):
    clock = Clock()
    server.answers = {"/late": in_turn(send(b"", 500), send(b"", 503), send(b"here")), "/never": send(b"", 500)}
    report = get(server, tmp_path, "late", "never", "gone", pace=clock.pace(), workers=1)
    assert [(outcome.status, outcome.detail) for outcome in report.outcomes] == [
        ("fetched", ""), ("dead", "HTTP 500"), ("dead", "HTTP 404"),
    ]  # fmt: skip
    assert [len(server.asked(path)) for path in ("/late", "/never", "/gone")] == [3, 4, 1]
    assert [pause for pause in clock.slept if pause > 0.1] == [1, 2, 1, 2, 4]


def test_a_server_says_how_long_to_wait_within_reason(server, tmp_path):
    clock = Clock()
    server.answers = {"/a": in_turn(send(b"", 429, Retry_After="7"), send(b"", 503, Retry_After="9999"), send(b"a"))}
    assert get(server, tmp_path, "a", pace=clock.pace()).counts["fetched"] == 1
    assert [pause for pause in clock.slept if pause > 0.1] == [7, 60]


def test_a_cut_connection_goes_on_where_it_stopped(server, tmp_path):
    data = bytes(range(256)) * 40
    server.answers = {"/a": in_turn(cut(data, 5000, ETag='"v1"'), ranged(data, ETag='"v1"'))}
    assert get(server, tmp_path, "a").counts["fetched"] == 1
    assert (tmp_path / "a").read_bytes() == data and hidden(tmp_path) == []
    assert server.asked("/a")[1]["Range"] == "bytes=5000-" and server.asked("/a")[1]["If-Range"] == '"v1"'


def test_a_later_run_goes_on_too(server, tmp_path):
    data = bytes(range(256)) * 40
    server.answers = {"/a": cut(data, 5000, ETag='"v1"')}
    report = get(server, tmp_path, "a", retries=0)
    assert report.counts["dead"] == 1 and "RemoteProtocolError" in report.outcomes[0].detail
    assert not (tmp_path / "a").exists() and hidden(tmp_path) == [".a.mark", ".a.part"]
    server.answers = {"/a": ranged(data, ETag='"v1"')}
    assert get(server, tmp_path, "a").counts["fetched"] == 1
    assert (tmp_path / "a").read_bytes() == data and server.asked("/a")[1]["Range"] == "bytes=5000-"


@pytest.mark.parametrize("again", ["changed", "no ranges", "other range", "range too far"])
def test_a_part_that_does_not_fit_is_thrown_away(server, tmp_path, again):
    data, new = b"a" * 9000, b"b" * 7000
    answers = {
        "changed": [ranged(new, ETag='"v2"')],
        "no ranges": [send(new, ETag='"v1"')],
        "other range": [send(new[4:], 206, Content_Range="bytes 4-6999/7000", ETag='"v1"'), send(new)],
        "range too far": [send(b"", 416), send(new)],
    }[again]
    server.answers = {"/a": in_turn(cut(data, 5000, ETag='"v1"'), *answers)}
    assert get(server, tmp_path, "a").counts["fetched"] == 1
    assert (tmp_path / "a").read_bytes() == new and hidden(tmp_path) == []


@pytest.mark.parametrize("version", [{}, {"ETag": 'W/"weak"'}])
def test_without_a_version_a_download_starts_anew(server, tmp_path, version):
    server.answers = {"/a": in_turn(cut(b"a" * 9000, 5000, **version), send(b"b" * 9000))}
    assert get(server, tmp_path, "a").counts["fetched"] == 1
    assert "Range" not in server.asked("/a")[1] and (tmp_path / "a").read_bytes() == b"b" * 9000


def test_the_date_is_a_version(server, tmp_path):
    date = "Tue, 01 May 2018 10:00:00 GMT"
    server.answers = {"/a": in_turn(cut(b"a" * 9000, 5000, Last_Modified=date), send(b"b" * 9000))}
    get(server, tmp_path, "a")
    assert server.asked("/a")[1]["If-Range"] == date


def test_checksums(server, tmp_path):
    md5 = {name: hashlib.md5(b"right").hexdigest() for name in "abc"}
    server.answers = {"/a": send(b"right"), "/b": send(b"wrong"), "/c": send(b"right")}
    (tmp_path / "c").write_bytes(b"damaged")
    report = get(server, tmp_path, "a", "b", "c", md5=md5)
    assert [outcome.status for outcome in report.outcomes] == ["fetched", "wrong checksum", "fetched"]
    assert report.outcomes[1].detail == f"md5 {hashlib.md5(b'wrong').hexdigest()} instead of {md5['b']}"
    assert not (tmp_path / "b").exists() and (tmp_path / "c").read_bytes() == b"right" and hidden(tmp_path) == []


def test_a_page_or_half_a_picture_is_no_picture(server, tmp_path):
    whole = jpeg(1)
    server.answers = {
        "/1.jpg": send(whole),
        "/2.jpg": send(b"<html>Sorry!</html>"),
        "/3.jpg": send(whole[:-300]),
        "/4.jpg": send(b""),
    }
    report = get(server, tmp_path, "1.jpg", "2.jpg", "3.jpg", "4.jpg", pictures=True)
    assert [outcome.status for outcome in report.outcomes] == ["fetched"] + ["not a picture"] * 3
    assert report.outcomes[1].detail.startswith("not a JPEG") and "damaged" in report.outcomes[2].detail
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.jpg", "fetch-files.csv"]


def test_redirects_are_followed_but_not_in_circles(server, tmp_path):
    server.answers = {
        "/a": send(b"", 302, Location="/b"), "/b": send(b"moved"), "/c": send(b"", 302, Location="/c"),
    }  # fmt: skip
    report = get(server, tmp_path, "a", "c")
    assert (tmp_path / "a").read_bytes() == b"moved"
    assert report.outcomes[1].status == "dead" and report.outcomes[1].detail.startswith("TooManyRedirects")


@pytest.mark.parametrize("url", ["", "shop", "ftp://shop/1.jpg", "http://", "http://[", "file:///a", "http://a b/"])
def test_what_is_no_address_is_dead(tmp_path, url):
    report = fetch_files([("a", url)], tmp_path, progress=False, pace=Clock().pace(), retries=0)
    assert report.outcomes[0].status == "dead" and report.outcomes[0].detail


def test_a_host_that_never_answers_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "GIVE_UP", 3)
    jobs = [(str(number), f"http://127.0.0.1:1/{number}") for number in range(6)]
    report = fetch_files(jobs, tmp_path, progress=False, pace=Clock().pace(), retries=0, workers=1)
    details = [outcome.detail.partition(":")[0] for outcome in report.outcomes]
    assert details == ["ConnectError"] * 3 + ["host not reached"] * 3
    assert "dead 6 (ConnectError 3, host not reached 3)" in str(report)


def test_limit_bounds_the_requests_and_the_next_run_goes_on(server, tmp_path):
    names = [f"{number}" for number in range(6)]
    server.answers = {f"/{name}": send(b"x") for name in names}
    first = get(server, tmp_path, *names, limit=2)
    assert len(server.requests) == 2 and first.left == 4 and str(first).endswith("; 4 not tried yet")
    second = get(server, tmp_path, *names, limit=3)
    assert second.counts["there"] == 2 and second.counts["fetched"] == 3 and second.left == 1


def test_requests_keep_their_distance():
    clock = Clock()
    pace = clock.pace(4)
    starts = []
    for pause in (0, 0, 0, 1, 0):
        clock.now += pause
        pace.wait()
        starts.append(clock.now)
    assert starts == [0, 0.25, 0.5, 1.5, 1.75]  # an idle second is not caught up with
    for wrong in (0, -1, float("nan")):
        with pytest.raises(SettingError, match="per_second"):
            Pace(wrong)


def test_all_workers_share_one_pace(server, tmp_path):
    names = [f"{number}" for number in range(8)]
    server.answers = {f"/{name}": send(b"x") for name in names}
    clock = Clock()
    lock = threading.Lock()
    starts = []

    class Counted(Pace):
        def wait(self) -> None:
            with lock:  # one at a time, so that the fake clock tells when each starts
                super().wait()
                starts.append(clock.now)

    get(server, tmp_path, *names, pace=Counted(2, lambda: clock.now, clock.sleep), workers=4)
    assert starts == [0.5 * number for number in range(8)]


@pytest.mark.parametrize("name", ["../a", "/a", "", "C:/a"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path, name):
    with pytest.raises(DataError, match="must be relative and occur once"):
        fetch_files([(name, "http://127.0.0.1:1/")], tmp_path / "in", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_repeated_name_is_refused(tmp_path):
    with pytest.raises(DataError, match="'a': a name to download to must be relative and occur once"):
        fetch_files([("a", "http://127.0.0.1:1/"), ("a", "http://127.0.0.1:1/b")], tmp_path, progress=False)


def test_what_cannot_be_written_ends_all_with_a_named_error_and_a_report(server, tmp_path):
    server.answers = {"/a/1": send(b"x"), "/b": send(b"x")}
    (tmp_path / "a").write_text("a file where a folder should be")
    with pytest.raises(OfclipError, match=r"a/.1.part: cannot be written .*run the same command again"):
        get(server, tmp_path, "b", "a/1", workers=1)
    assert (tmp_path / "b").read_bytes() == b"x" and (tmp_path / "fetch-files.csv").exists()


def test_an_interrupt_writes_the_report_and_keeps_the_part(server, tmp_path, monkeypatch):
    reached = threading.Event()

    def slow(handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**9))
        handler.send_header("ETag", '"v"')
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
                reached.set()
        except OSError:
            handler.close_connection = True

    server.answers = {"/a": send(b"a"), "/b": slow}

    def interrupt(*_: object, **__: object) -> None:
        reached.wait(5)
        while not (tmp_path / "a").exists():
            time.sleep(0.001)
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        get(server, tmp_path, "a", "b")
    assert (tmp_path / ".b.part").stat().st_size > 0 and (tmp_path / ".b.mark").read_text() == '"v"'
    assert pd.read_csv(tmp_path / "fetch-files.csv")["name"].tolist() == ["a"]

"""Downloads of many files: resumable, rate-limited, checked, and with a report of what is gone."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ofclip.archives import escapes
from ofclip.errors import DataError, OfclipError, SettingError
from ofclip.files import atomic

if TYPE_CHECKING:
    import httpx
    import pandas as pd

#: What can become of a file, in the order of the summary.
STATUSES = ("fetched", "there", "dead", "wrong checksum", "not a picture")
#: Answers that may be better the next time.
PASSING = (408, 425, 429, 500, 502, 503, 504)
#: After so many failures in a row to reach a host that never answered, its other files are dead untried.
GIVE_UP = 10
#: Seconds; a server that asks for a longer pause is asked again after this one.
LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class Outcome:
    """What became of one file: `status` is one of STATUSES, `detail` the HTTP status or error."""

    name: str
    url: str
    status: str
    detail: str = ""
    size: int = 0


@dataclass(frozen=True)
class FetchReport:
    """What became of each file that was tried; `path` is the CSV file that says so, `left` the number not tried."""

    outcomes: tuple[Outcome, ...]
    path: Path
    left: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """Number of files per status."""
        found = Counter(outcome.status for outcome in self.outcomes)
        return {status: found[status] for status in STATUSES}

    @property
    def table(self) -> pd.DataFrame:
        """One row per file: name, url, status, detail, size in bytes."""
        import pandas as pd

        return pd.DataFrame([vars(outcome) for outcome in self.outcomes], columns=list(Outcome.__annotations__))

    def __str__(self) -> str:
        counts = ", ".join(f"{status} {count:,}" for status, count in self.counts.items())
        dead = Counter(outcome.detail.partition(":")[0] for outcome in self.outcomes if outcome.status == "dead")
        why = ", ".join(f"{detail} {count:,}" for detail, count in dead.most_common(5))
        left = f"; {self.left:,} not tried yet" if self.left else ""
        return counts.replace(", wrong", f" ({why}), wrong" if why else ", wrong") + left


class Pace:
    """At most `per_second` requests a second over all threads; `clock` and `sleep` can be replaced for tests."""

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if not per_second > 0:
            raise SettingError(f"per_second={per_second}: must be above 0")
        self.gap, self.clock, self.sleep = 1 / per_second, clock, sleep
        self._next = clock()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may be sent."""
        with self._lock:
            now = self.clock()
            at = max(now, self._next)
            self._next = at + self.gap
        if at > now:
            self.sleep(at - now)


def fetch_files(
    jobs: Sequence[tuple[str, str]],
    folder: str | Path,
    *,
    name: str = "files",
    md5: Mapping[str, str] | None = None,
    pictures: bool = False,
    per_second: float = 20.0,
    workers: int = 8,
    retries: int = 3,
    limit: int | None = None,
    progress: bool = True,
    pace: Pace | None = None,
) -> FetchReport:
    """Download (relative name, URL) pairs into `folder` and write the report `fetch-<name>.csv` beside them.

    A file that is there is kept, unless `md5` knows better. What is cut short stays in a hidden `.part` file, and
    goes on from there if the server can (HTTP Range with If-Range); a file gets its name when it is whole, has
    its checksum and, with `pictures`, can be decoded. Failures that may pass are tried `retries` more times, with
    growing pauses. `limit` is the largest number of files to request now. An interrupt writes the report too.
    Raises DataError for a name that repeats or leads out of the folder, OfclipError if a file cannot be written.
    """
    names = set()
    for job, _ in jobs:
        if escapes(job) or not job or job in names:
            raise DataError(f"{job!r}: a name to download to must be relative and occur once")
        names.add(job)
    folder = Path(folder)
    fetcher = _Fetcher(folder, md5 or {}, pictures, retries, pace or Pace(per_second))
    outcomes: list[Outcome] = []
    left = iter(jobs)
    try:
        _run(fetcher, left, workers, limit, outcomes, len(jobs), progress)
    finally:
        order = {job: place for place, (job, _) in enumerate(jobs)}
        outcomes.sort(key=lambda outcome: order[outcome.name])
        report = FetchReport(tuple(outcomes), folder / f"fetch-{name}.csv", len(jobs) - len(outcomes))
        try:
            with atomic(report.path) as temporary:
                report.table.to_csv(temporary, index=False, errors="backslashreplace")
        except OSError as error:
            raise OfclipError(f"{report.path}: cannot be written ({error.strerror}); name another data root") from error
    return report


def _run(
    fetcher: _Fetcher,
    jobs: Iterator[tuple[str, str]],
    workers: int,
    limit: int | None,
    outcomes: list[Outcome],
    total: int,
    progress: bool,
) -> None:
    import httpx
    from tqdm import tqdm

    hidden = not progress or os.environ.get("OFCLIP_PROGRESS") == "0"
    client = httpx.Client(
        headers={"User-Agent": _agent(), "Accept-Encoding": "identity"},  # what is stored is what was sent
        follow_redirects=True,
        timeout=httpx.Timeout(30.0),
        limits=httpx.Limits(max_connections=workers),
    )
    pending: set[Future[Outcome]] = set()
    requested = 0
    with client, tqdm(total=total, desc="files", unit="", leave=False, disable=hidden or None) as bar:
        pool = ThreadPoolExecutor(workers)

        def collect(done: set[Future[Outcome]]) -> None:
            for future in done:
                outcomes.append(future.result())
                bar.update()

        try:
            for job in jobs:
                if fetcher.is_there(job[0]):
                    outcomes.append(Outcome(*job, "there"))
                    bar.update()
                    continue
                if requested == limit:
                    continue
                requested += 1
                pending.add(pool.submit(fetcher.fetch, client, *job))
                if len(pending) >= 2 * workers:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    collect(done)
            collect(wait(pending).done)
        except BaseException:
            fetcher.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            finished = [future for future in pending if future.done() and not future.cancelled()]
            outcomes += [future.result() for future in finished if not future.exception()]
            raise
        pool.shutdown()


class _Again(Exception):
    """A failure that may pass; the pause in seconds that the server asks for, if it does."""

    def __init__(self, detail: str, pause: float | None = None) -> None:
        super().__init__(detail)
        self.pause = pause


class _Stopped(Exception):
    """The user has stopped all downloads."""


class _Fetcher:
    def __init__(self, folder: Path, md5: Mapping[str, str], pictures: bool, retries: int, pace: Pace) -> None:
        self.folder, self.md5, self.pictures, self.retries, self.pace = folder, md5, pictures, retries, pace
        self.stop = threading.Event()
        self.failures: Counter[str] = Counter()  # per host that never answered
        self.answered: set[str] = set()

    def is_there(self, name: str) -> bool:
        path = self.folder / name
        return path.is_file() and (name not in self.md5 or _md5(path) == self.md5[name])

    def fetch(self, client: httpx.Client, name: str, url: str) -> Outcome:
        import httpx

        host = ""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            parts = None
        if parts is None or parts.scheme not in ("http", "https") or not host:
            return Outcome(name, url, "dead", "no http address")
        for attempt in range(self.retries + 1):
            if host not in self.answered and self.failures[host] >= GIVE_UP:
                return Outcome(name, url, "dead", f"host not reached: {host}")
            self.pace.wait()
            if self.stop.is_set():
                raise _Stopped
            try:
                return self._request(client, name, url, host)
            except _Again as error:
                detail, pause = str(error), error.pause
            except httpx.TransportError as error:
                detail, pause = _detail(error), None
                self.failures[host] += 1
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                return Outcome(name, url, "dead", _detail(error))
            if attempt < self.retries:
                self.pace.sleep(min(2.0**attempt if pause is None else pause, LONGEST_PAUSE))
        return Outcome(name, url, "dead", detail)

    def _request(self, client: httpx.Client, name: str, url: str, host: str) -> Outcome:
        path = self.folder / name
        part, mark = (path.with_name(f".{path.name}.{end}") for end in ("part", "mark"))
        start, known = (0, "")
        if part.is_file() and mark.is_file():
            start, known = part.stat().st_size, mark.read_text("ascii", "replace")
        headers = {"Range": f"bytes={start}-", "If-Range": known} if start else {}
        with client.stream("GET", url, headers=headers) as response:
            self.answered.add(host)
            status = response.status_code
            if status == 416 and start:  # the part is no part of what is there now
                part.unlink()
                raise _Again("HTTP 416")
            if status in PASSING:
                pause = response.headers.get("Retry-After", "")
                raise _Again(f"HTTP {status}", float(pause) if pause.isdecimal() else None)
            if status not in (200, 206):
                return Outcome(name, url, "dead", f"HTTP {status}")
            if status != 206 or not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                if status == 206:
                    part.unlink(missing_ok=True)
                    raise _Again("HTTP 206 with another range")
                start = 0
            self._store(response, part, mark, start)
        return self._finish(name, url, path, part, mark)

    def _store(self, response: httpx.Response, part: Path, mark: Path, start: int) -> None:
        """Append the body to the part; if it is cut short, remember which version of the file the part is of."""
        version = response.headers.get("ETag", "")
        if not version.isascii() or version.startswith(("W/", "w/")) or not version:
            version = response.headers.get("Last-Modified", "")
        try:
            try:
                part.parent.mkdir(parents=True, exist_ok=True)
                mark.unlink(missing_ok=True)
                with part.open("r+b" if start else "wb") as file:
                    file.seek(start)
                    for chunk in response.iter_raw():
                        file.write(chunk)
                        if self.stop.is_set():
                            raise _Stopped
                    file.flush()
                    os.fsync(file.fileno())
            except BaseException:
                if version and part.is_file() and part.stat().st_size:
                    mark.write_text(version)
                raise
        except OSError as error:
            raise OfclipError(
                f"{part}: cannot be written ({error.strerror}); make room or name another data root, and run the same "
                "command again: it goes on from here"
            ) from error

    def _finish(self, name: str, url: str, path: Path, part: Path, mark: Path) -> Outcome:
        size = part.stat().st_size
        if name in self.md5 and (found := _md5(part)) != self.md5[name]:
            part.unlink()
            return Outcome(name, url, "wrong checksum", f"md5 {found} instead of {self.md5[name]}", size)
        if self.pictures:
            from ofclip.images.decoding import decode

            try:
                decode(part.read_bytes(), name, size=64)
            except DataError as error:
                part.unlink()
                return Outcome(name, url, "not a picture", " ".join(str(error).partition(": ")[2].split()), size)
        os.replace(part, path)
        return Outcome(name, url, "fetched", "", size)


def _md5(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _detail(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _agent() -> str:
    from importlib.metadata import version

    return f"ofclip/{version('ofclip')} (open-source loader of research data sets)"

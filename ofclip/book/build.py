"""Build the book: check what it would show, generate its pages, and run Jupyter Book over them."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ofclip.book import (
    api,
    cards,
    comparisons,
    drawings,
    model_card,
    notebooks,
    pages,
    performance,
    reported,
    status,
    tables,
    verdicts,
)
from ofclip.book.markup import GENERATED, table, write
from ofclip.errors import OfclipError, unknown
from ofclip.experiments import EXPERIMENTS, ROOT
from ofclip.figures import headlines
from ofclip.files import digest, sha256
from ofclip.records import Record, stale
from ofclip.records.closure import lock_hash

#: The source whose Records every book needs: it is drawn, so nobody lacks it.
NEEDED = "atelier"


def build(profile: str, root: Path = ROOT) -> Path:
    """Build the book from the Records in `work/<profile>` and return the path of its first page.

    Where `results/<profile>` holds a published Record, its values stand beside this run's. Raises OfclipError
    for the smoke profile, for a Record that is missing or stale (giving the command that makes it), for an
    executed notebook with an error in it, and for any warning of Sphinx.
    """
    shown = collect(profile, root)
    before = dates(root)
    generate(shown, root)
    status.fragments(shown, profile, root)
    keep(before)
    return render(root)


def collect(profile: str, root: Path) -> list[pages.Shown]:
    """Return what the book shows, in its order; raises OfclipError as `build` does."""
    if profile == "smoke":
        raise OfclipError("results of the smoke profile are for tests only; use --profile laptop")
    folder = root / "work" / profile
    if not folder.is_dir():
        known = [path.name for path in root.glob("work/*") if path.name != "smoke"]
        if known:
            raise unknown("profile with Records", profile, known)
        raise OfclipError(f"no Records in work/{profile}: `make book PROFILE={profile}` makes them")
    shown, wrong = [], []
    for experiment in EXPERIMENTS.values():
        for source in experiment.sources:
            place = Path(profile) / experiment.name / f"{source}.json"
            command = f"ofclip run {experiment.name} --source {source} --profile {profile}"
            path, published = Path("work") / place, Path("results") / place
            if not (root / path).is_file():
                if source == NEEDED:
                    wrong.append(f"{path} is missing: `{command}` makes it")
                continue
            record = Record.load(root / path)
            if reasons := stale(record, root, folder=folder):
                wrong.append(f"{path} is stale ({reasons[0]}): `{record.made.command}` makes it again")
                continue
            notebook = notebooks.read(root / path.with_suffix(".ipynb"))
            twin = Record.load(root / published) if (root / published).is_file() else None
            shown.append(pages.Shown(record, path, notebook, twin, published))
    if wrong:
        raise OfclipError("the book would not be true: " + "; ".join(wrong))
    return shown


def generate(shown: list[pages.Shown], root: Path) -> None:
    """Write everything below `book/_generated` anew."""
    folder = root / GENERATED
    shutil.rmtree(folder, ignore_errors=True)
    with multiprocessing.Pool(cores()) as pool:
        sections = pool.starmap(pages.section, [(one, root) for one in shown], chunksize=1)
    for name in EXPERIMENTS:
        own = [text for one, text in zip(shown, sections, strict=True) if one.record.experiment == name]
        write(folder / f"{name}.md", "\n\n".join(own))
    glance = tables.glance((one.pictures, headlines(one.record)) for one in shown)
    write(folder / "glance.md", table(glance, folder / "glance.csv", root, "What was reached, in short.", fold=False))
    costs = tables.costs([one.record for one in shown])
    write(folder / "costs.md", table(costs, folder / "costs.csv", root, "What the runs took.", fold=False))
    api.fragments(root)
    cards.fragments([one.record for one in shown], root)
    performance.fragments(root)
    reported.fragments(root)
    comparisons.fragments(shown, root)
    verdicts.fragments(shown, root)
    model_card.fragments(shown, root)
    drawings.fragments(root)


def dates(root: Path) -> dict[Path, tuple[str, int]]:
    """Return the hash and the date of each file that the last build generated."""
    files = [path for path in (root / GENERATED).rglob("*") if path.is_file()]
    return {path: (sha256(path), path.stat().st_mtime_ns) for path in files}


def keep(before: dict[Path, tuple[str, int]]) -> None:
    """Give files that are as before the date that they had: Sphinx reads again what is newer than its reading."""
    for path, (content, date) in before.items():
        if path.is_file() and sha256(path) == content:
            os.utime(path, ns=(date, date))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def render(root: Path) -> Path:
    """Run Jupyter Book with warnings as errors, and return the path of the first page.

    What has been read is kept for the next build in `book/_build/.doctrees`, unless the build fails, or until the
    configuration, the table of contents or the versions of the libraries change.
    """
    out = root / "book" / "_build"
    key = digest(lock_hash(root) or "", *(sha256(root / name) for name in ("_config.yml", "book/_toc.yml")))
    mark = out / "key"
    if not mark.is_file() or mark.read_text(encoding="utf-8") != key:
        shutil.rmtree(out, ignore_errors=True)
        write(mark, key)
    shutil.rmtree(out / "html", ignore_errors=True)  # every page is written again: any may show another's numbers
    script = Path(__file__).with_name("jupyter.py")
    command = [sys.executable, "-P", str(script), str(root), str(cores())]
    environment = {**os.environ, "NO_COLOR": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # it triples the time
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    index = out / "html" / "index.html"
    if run.returncode or not index.is_file():
        shutil.rmtree(out, ignore_errors=True)  # what was read gives its warnings only once
        lines = re.sub(r"\x1b\[[\d;]*m", "", run.stdout + run.stderr).splitlines()
        wrong = [line.strip() for line in lines if re.search(r"WARNING|ERROR|Error:", line)] or lines[-5:]
        rest = f" (and {len(wrong) - 5} more)" if len(wrong) > 5 else ""
        raise OfclipError(f"Jupyter Book failed: {' | '.join(wrong[:5])}{rest}".replace(f"{root}/", ""))
    return index

"""codecheck.yml: what an outsider has to make again to certify the published results.

The format is that of the CODECHECK configuration file, version 1.0 (Nüst and Eglen, codecheck.org.uk/spec/config/1.0/).
It asks authors for a manifest and for words on the paper; `codechecker` and `report` are added by who checks, with the
certificate.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ofclip import sources
from ofclip.errors import OfclipError
from ofclip.experiments import EXPERIMENTS, ROOT
from ofclip.files import atomic
from ofclip.records.record import Record

SPECIFICATION = "https://codecheck.org.uk/spec/config/1.0/"

HEADER = """\
# Written by `ofclip records codecheck`; who checks adds `codechecker`, `report`, `summary`, `check_time` and
# `certificate` below. See {specification}
"""


def codecheck(profile: str, root: Path = ROOT) -> Path:
    """Write `codecheck.yml` for the published Records of a profile and return its path; raises as `content` does."""
    import yaml

    text = yaml.safe_dump(content(profile, root), sort_keys=False, allow_unicode=True, width=10_000)
    path = root / "codecheck.yml"
    with atomic(path) as temporary:
        head = HEADER.format(specification=SPECIFICATION)
        temporary.write_text(f"%YAML 1.1\n---\n{head}{text}", encoding="utf-8")
    return path


def content(profile: str, root: Path = ROOT) -> dict[str, object]:
    """Return what authors write into `codecheck.yml`.

    The manifest lists every Record, table and figure in `results/<profile>`, with the command that makes it and what
    it took. Title and authors are those of `CITATION.cff`. Raises OfclipError if nothing is published, or for a
    CITATION.cff that is missing or damaged.
    """
    manifest = list(_manifest(profile, root))
    if not manifest:
        raise OfclipError(f"no Records in results/{profile}: `ofclip records publish --profile {profile}` copies them")
    citation = _citation(root)
    found: dict[str, object] = {
        "version": SPECIFICATION,
        "manifest": manifest,
        "paper": {"title": citation["title"], "authors": list(_authors(citation))},
        "source": _source(profile, root),
    }
    if address := citation.get("repository-code"):
        found["repository"] = address
    return found


def _published(profile: str, root: Path) -> Iterator[tuple[Path, Record]]:
    for experiment in EXPERIMENTS.values():
        for source in experiment.sources:
            path = root / "results" / profile / experiment.name / f"{source}.json"
            if path.is_file():
                yield path, Record.load(path)


def _manifest(profile: str, root: Path) -> Iterator[dict[str, str]]:
    """Yield the published files of each Record: the Record itself, then its tables and figures."""
    for path, record in _published(profile, root):
        what = f"{record.title}, {record.source}"
        yield {
            "file": path.relative_to(root).as_posix(),
            "comment": f"{what}: all metrics; `{record.made.command}`, {record.cost.seconds:.0f} s "
            f"on {record.cost.device}, {record.cost.cores} cores",
        }
        for kind, word in ((".csv", "table"), (".svg", "figure")):
            for file in sorted(path.parent.glob(f"{path.stem}.*{kind}")):
                name = file.name.removeprefix(f"{path.stem}.").removesuffix(kind)
                yield {"file": file.relative_to(root).as_posix(), "comment": f"{what}: {word} {name!r}"}


def _citation(root: Path) -> dict:
    import yaml

    path = root / "CITATION.cff"
    try:
        citation = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OfclipError(f"{path.name} is missing: it names title and authors; restore it with git checkout") from None
    except yaml.YAMLError:
        citation = None
    if not isinstance(citation, dict) or not citation.get("title") or not citation.get("authors"):
        raise OfclipError(f"{path.name}: names no title and authors; restore it with git checkout")
    return citation


def _authors(citation: dict) -> Iterator[dict[str, str]]:
    for author in citation["authors"]:
        names = (author.get(part) for part in ("given-names", "name-particle", "family-names", "name-suffix"))
        found = {"name": author.get("name") or " ".join(filter(None, names))}
        if orcid := author.get("orcid"):
            found["ORCID"] = orcid.rstrip("/").rpartition("/")[2]  # the specification wants it without the address
        yield found


def _source(profile: str, root: Path) -> str:
    """Return where the checked material comes from, and how to check it."""
    names = dict.fromkeys(record.source for _, record in _published(profile, root))
    titles: dict[bool, list[str]] = {True: [], False: []}
    for card in map(sources.get, names):
        titles[card.pictures == "drawings"].append(card.title)
    parts = [f"The package draws {' and '.join(titles[True])}."] if titles[True] else []
    if titles[False]:
        parts.append(
            f"These have to be obtained first, as `ofclip sources show` says for each: {'; '.join(titles[False])}."
        )
    run = f"`make book PROFILE={profile}`"
    return " ".join(
        [*parts, f"{run} makes everything again in work/, and `ofclip records reproduce --profile {profile}` compares."]
    )

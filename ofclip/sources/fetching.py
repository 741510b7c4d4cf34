"""What may be downloaded of each source, from where, and into which files: the `fetch` of their cards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from ofclip.errors import DataError
from ofclip.fetch import FetchReport, fetch_files
from ofclip.tree import Tree

Tell = Callable[[str], object] | None
#: The authors' own address, as their README at https://github.com/zalandoresearch/fashion-mnist has it.
FASHION_MNIST = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"


def fetch_fashion_mnist(root: Path, report: Tell = None, **options: Any) -> FetchReport:
    """Download the four official files, with the checksums of the card, into fashion-mnist/ under the data root.

    `report` is told in a few lines what came; the options, here and below, are those of `ofclip.fetch.fetch_files`.
    """
    from ofclip.sources.fashion_mnist import SOURCE

    jobs = [(name, FASHION_MNIST + name) for name in SOURCE.md5]
    found = fetch_files(jobs, root / "fashion-mnist", name="fashion-mnist", md5=SOURCE.md5, **options)
    return _told(found, report)


def fetch_imaterialist(root: Path, report: Tell = None, **options: Any) -> FetchReport:
    """Download the pictures of the annotation files that are there to `<split>/<image id>.jpg` beside them.

    A picture that is there under another name, as other people's tools lay them out, counts as there. Raises
    DataError if there is no annotation file, or only one in an archive, beside which nothing can be put.
    """
    from ofclip.sources.imaterialist import SOURCE, pictures_of, urls

    place = _folder(SOURCE.locate(root), "imaterialist")
    tree = Tree(place)
    there = pictures_of(tree)
    jobs = [(there.get(key, f"{key[0]}/{key[1]}.jpg"), url) for key, url in urls(tree).items()]
    jobs = [job for job in jobs if not _packed(tree, job[0])]
    return _told(fetch_files(jobs, place, name="imaterialist", pictures=True, **options), report)


def fetch_fashion_iq(root: Path, report: Tell = None, **options: Any) -> FetchReport:
    """Download the pictures of the URL lists that are there to images/<ASIN>.jpg or .png.

    A picture that is there in another folder or format counts as there. Raises DataError if the data set or its
    URL lists are not there, or packed in an archive.
    """
    from ofclip.sources.fashion_iq import PICTURE, SOURCE, urls

    place = _folder(SOURCE.locate(root), "fashion-iq")
    tree = Tree(place)
    there = {match[1].upper(): match[0] for match in tree.match(PICTURE)}
    jobs = [(there.get(PurePosixPath(name).stem, name), url) for name, url in urls(root)]
    jobs = [job for job in jobs if not _packed(tree, job[0])]
    return _told(fetch_files(jobs, place, name="fashion-iq", pictures=True, **options), report)


def _told(found: FetchReport, report: Tell) -> FetchReport:
    if report:
        report(str(found))
        report(f"report: {found.path}")
    return found


def _folder(place: Path, name: str) -> Path:
    if not place.is_dir():
        raise DataError(f"{place}: unpack it, so that {name}'s pictures can be put beside its files")
    return place


def _packed(tree: Tree, name: str) -> bool:
    """Whether a file is inside an archive of the folder, so that it need not be fetched."""
    return name in tree and not (tree.place / name).is_file()

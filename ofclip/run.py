"""Execute one notebook for one source and profile: its output and its Record appear whole, or not at all."""

from __future__ import annotations

import os
import shlex
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from joblib import cpu_count

from ofclip.errors import OfclipError, SettingError, unknown
from ofclip.experiments import ROOT, threads
from ofclip.files import atomic
from ofclip.records import book_path, mine_path
from ofclip.records.record import plain, text

if TYPE_CHECKING:
    import nbformat

#: What papermill writes into a notebook that differs from run to run: times, paths, host.
VOLATILE = ["metadata.papermill", "cell.metadata.papermill", "cell.metadata.execution"]


class NotebookError(OfclipError):
    """A cell of a notebook raised, or its kernel died."""


def run_notebook(
    experiment: str,
    source: str,
    profile: str,
    parameters: Mapping[str, object] | None = None,
    data: str | Path | None = None,
    root: Path = ROOT,
    mine: bool = False,
) -> Path:
    """Execute `notebooks/<experiment>.ipynb` and return the path of the Record that it wrote.

    The executed notebook and the Record become `work/<profile>/<experiment>/<source>.ipynb` and `.json`. A run with
    `parameters` other than the notebook's own, or with `mine`, becomes one below `results/mine` instead, which no page
    shows, and its notebook ends with this run against the book's. `data` is the data root. Nothing replaces an older
    file until the whole notebook has run; a notebook that fails is kept as `<name>.failed.ipynb`. Raises SettingError
    for an unknown experiment or parameter, with the nearest known one, and NotebookError for a failing cell or a dead
    kernel.
    """
    notebook = find_notebook(experiment, root)
    settings = {"source": source, "profile": profile, **(parameters or {})}
    check_parameters(notebook, settings)

    place = Path("work") / profile / experiment / f"{source}.json"
    if mine or parameters:
        place = mine_path(experiment, source, profile, parameters or {})
    folder, stem = root / place.parent, place.name.removesuffix(".json")
    folder.mkdir(parents=True, exist_ok=True)
    output, record = folder / f".{stem}.running.ipynb", folder / f".{stem}.running.json"
    failed = folder / f"{stem}.failed.ipynb"
    for leftover in (output, record, failed):
        leftover.unlink(missing_ok=True)
    cells = comparison(book_path(experiment, source, profile, root)) if mine or parameters else []

    environment = {
        "OFCLIP_RECORD": str(record.absolute()),
        "OFCLIP_COMMAND": command(experiment, source, profile, parameters or {}, mine),
        # the same for whoever starts it: sums over threads are rounded differently
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(threads(experiment, cpu_count())),
        # the kernel must be this environment's, whatever kernels the user has installed
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    if data is not None:
        environment["OFCLIP_DATA"] = str(Path(data).absolute())
    try:
        with environ(environment):
            execute(notebook, output, settings, root, cells)
    except NotebookError as error:
        record.unlink(missing_ok=True)
        output.replace(failed)
        raise NotebookError(f"{error}; what it did so far: {failed.relative_to(root)}") from None
    if not record.is_file():
        output.replace(failed)
        raise NotebookError(f"{notebook.relative_to(root)} wrote no Record: its last cell must call finish()")
    clean(output)
    os.replace(output, folder / f"{stem}.ipynb")
    os.replace(record, folder / f"{stem}.json")
    return folder / f"{stem}.json"


def find_notebook(experiment: str, root: Path = ROOT) -> Path:
    """Return the path of an experiment's notebook; raises SettingError with the nearest known name."""
    notebooks = {path.stem: path for path in (root / "notebooks").glob("*.ipynb")}
    if experiment not in notebooks:
        raise unknown("experiment", experiment, notebooks)
    return notebooks[experiment]


def check_parameters(notebook: Path, settings: Mapping[str, object]) -> None:
    """Raise SettingError for a setting that the notebook's `parameters` cell does not define."""
    import papermill

    known = papermill.inspect_notebook(str(notebook))
    if not known:
        raise SettingError(f"{notebook.name}: no cell is tagged `parameters`")
    for name in settings:
        if name not in known:
            raise unknown(f"parameter of {notebook.name}", name, known)


def command(
    experiment: str, source: str, profile: str, parameters: Mapping[str, object], mine: bool = False
) -> str:
    """Return the command line that runs an experiment."""
    extra = "".join(f" -p {shlex.quote(f'{name}={text(plain(value))}')}" for name, value in parameters.items())
    return f"ofclip run {experiment} --source {source} --profile {profile}{extra}{' --mine' if mine else ''}"


def comparison(book: Path | None) -> list[nbformat.NotebookNode]:
    """Return the cells that end a changed run's notebook: this run against the book's, whose Record lies at `book`."""
    from nbformat.v4 import new_code_cell, new_markdown_cell

    title = "## Your run against the book's run"
    if book is None:
        return [new_markdown_cell(f"{title}\n\nThe book has no run of this experiment on this source.", id="against")]
    told = (
        "Intervals that lie apart speak for a difference. Where they overlap there may still be one: both runs are\n"
        "often measured on the same queries, and only an interval of the paired difference would tell."
    )
    load = f'from ofclip.records import Record, against\n\nbook = Record.load("{book.as_posix()}")\n'
    return [
        new_markdown_cell(f"{title}\n\n{told}", id="against"),
        new_code_cell(f"{load}against(record, book)", id="against-table"),
        new_code_cell("from ofclip import figures\n\nfigures.against(record, book)", id="against-figure"),
    ]


def execute(
    notebook: Path,
    output: Path,
    settings: Mapping[str, object],
    root: Path,
    cells: Sequence[nbformat.NotebookNode] = (),
) -> None:
    """Run a notebook, and after it further cells, with papermill, from the folder `root`.

    Raises NotebookError on one line.
    """
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError

    given = notebook
    if cells:
        node = nbformat.read(notebook, as_version=4)
        node.cells += cells
        nbformat.write(node, given := output)  # papermill reads all of it before it writes there
    try:
        papermill.execute_notebook(
            given,
            output,
            dict(settings),
            kernel_name="python3",
            cwd=root,
            progress_bar=False,
            extra_arguments=["--log-level=50"],  # of the kernel: its remarks on transport and shutdown are noise
        )
    except papermill.PapermillExecutionError as error:
        message = " ".join(f"{error.ename}: {error.evalue}".split())
        raise NotebookError(f"{notebook.name} stopped in cell [{error.exec_count}]: {message}") from None
    except DeadKernelError:
        raise NotebookError(
            f"{notebook.name}: its kernel died, as happens when memory runs out; free some and run it again"
        ) from None


def clean(notebook: Path) -> None:
    """Remove from an executed notebook what differs from run to run: times, paths and random ids."""
    import nbformat
    from nbstripout import strip_output

    node = nbformat.read(notebook, as_version=4)
    for cell in node.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"
    node = strip_output(node, keep_output=True, keep_count=True, keep_id=True, extra_keys=VOLATILE)
    with atomic(notebook) as temporary:
        nbformat.write(node, temporary)


@contextmanager
def environ(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def end_with_parent() -> None:
    """In a build ($OFCLIP_BUILD is set), end this process when the one that started it is gone.

    A kernel ends within a second of the process that started it; with this, so does every process above it:
    a build that is killed leaves nothing running that would write into `work/` beside the next one.
    """
    if "OFCLIP_BUILD" not in os.environ:
        return
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()

# Which notebook makes which Record, and which Records the book needs. `make book` runs this.
#
# Every run is one `ofclip run`, which writes work/<profile>/<experiment>/<source>.json and .ipynb. A run is due
# when the content of its notebook, of a module that the notebook reaches, of the lock, of the weights' Record or of
# one that it reads is newer and other than what it was made with. First come the weights that others wait for, which
# take all cores; then two runs at a time on half of them each, the long ones first.
import sys
from pathlib import Path

from ofclip.errors import OfclipError
from ofclip.experiments import EXPERIMENTS, TRAINING, jobs, threads
from ofclip.records import Record, code_files
from ofclip.run import end_with_parent
from ofclip.sources import available, data_root, get, ground_truth

end_with_parent()

PROFILE = config.get("profile", "laptop")
BOOK = [
    path
    for pattern in (
        "_config.yml", "book/*.*", "book/_static/*", "book/_extensions/*.py", "notebooks/*", "ofclip/**/*.py",
        f"results/{PROFILE}/*/*.json", "results/reported/*.csv", "codecheck.yml",
    )
    for path in sorted(Path().glob(pattern))
    if path.is_file()
]


def record(experiment, source):
    return f"work/{PROFILE}/{experiment}/{source}.json"


def sources(job):
    """The run's own source and, once there is its Record, those it read besides; a damaged Record is made again."""
    path = Path(record(job.experiment, job.source))
    try:
        return Record.load(path).sources
    except OfclipError:
        path.unlink(missing_ok=True)
        return {job.source}


def needs(job):
    """The files whose content decides a run's numbers."""
    notebook = Path(f"notebooks/{job.experiment}.ipynb")
    weights = [record(TRAINING, job.trained)] if job.trained else []
    read = [record(job.reads, job.source)] if job.reads else []
    data = get(job.source).find(data_root())
    archive = [str(data)] if data.is_file() else []
    code = map(str, code_files(notebook, sources(job)))
    frozen = ground_truth.files(job.source) if job.experiment == "06-product-search" else []
    return [str(notebook), "requirements.txt", *code, *archive, *map(str, frozen), *weights, *read]


try:
    NEEDS = {(job.experiment, job.source): needs(job) for job in jobs(available())}
except OfclipError as error:
    sys.exit(f"ofclip: {error}")


# A file that is missing is not made anew where what is made from it is newer than all else, such as a book without
# the photographs that are there since. So a list of what is missing becomes newer than the book.
MISSING = Path(f"work/{PROFILE}/missing.txt")
if absent := [record(*run) for run in NEEDS if not Path(record(*run)).is_file()]:
    MISSING.parent.mkdir(parents=True, exist_ok=True)
    MISSING.write_text("\n".join(absent) + "\n")


def names(chosen):
    """The experiments of one kind, as a pattern."""
    return "|".join(experiment.name for experiment in EXPERIMENTS.values() if chosen(experiment))


rule book:
    input:
        [record(*run) for run in NEEDS],
        [str(MISSING)] if MISSING.is_file() else [],
        BOOK,
    output:
        "book/_build/html/index.html",
    shell:
        "exec ofclip book --profile {PROFILE}"


rule run:
    input:
        lambda run: NEEDS[run.experiment, run.source],
    output:
        record("{experiment}", "{source}"),
        f"work/{PROFILE}/{{experiment}}/{{source}}.ipynb",
    wildcard_constraints:
        experiment=names(lambda experiment: not experiment.long),
        source="[a-z0-9-]+",
    threads: lambda run: threads(run.experiment, workflow.cores)
    shell:
        "OMP_NUM_THREADS={threads} exec ofclip run {wildcards.experiment} --source {wildcards.source} --profile {PROFILE}"


use rule run as run_long with:
    wildcard_constraints:
        experiment=names(lambda experiment: experiment.long and experiment.name != TRAINING),
        source="[a-z0-9-]+",
    priority: 1


use rule run as train with:
    wildcard_constraints:
        experiment=TRAINING,
        source="[a-z0-9-]+",
    priority: 2

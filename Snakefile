# Which notebook makes which Record, and which Records the book needs. `make book` runs this.
#
# Every run is one `ofclip run`, which writes work/<profile>/<experiment>/<source>.json and .ipynb. A run is due
# when the content of its notebook, of a module that the notebook reaches, of the lock, of the weights' Record or of
# one that it reads is newer and other than what it was made with. Runs that train follow each other, since each uses
# all cores; the others run two side by side on half of them each, since much of what they do takes one core only.
import sys
from pathlib import Path

from ofclip.errors import OfclipError
from ofclip.experiments import EXPERIMENTS, TRAINING, jobs
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


rule book:
    input:
        [record(*run) for run in NEEDS],
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
        experiment="|".join(EXPERIMENTS),
        source="[a-z0-9-]+",
    threads: lambda run: workflow.cores if EXPERIMENTS[run.experiment].trains else max(1, workflow.cores // 2)
    shell:
        "OMP_NUM_THREADS={threads} exec ofclip run {wildcards.experiment} --source {wildcards.source} --profile {PROFILE}"

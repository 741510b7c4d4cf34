"""How far apart runs of other seeds are: the tolerances of the reproduction check on another machine.

`python benchmarks/seeds.py --source atelier --save` takes about ten minutes a seed on two cores. It trains the
profile's model anew with each seed, as the notebook on training does, and runs on its weights every notebook that
reads them. The seed decides which products, captions and augmentations a batch holds; first weights and data stay,
as they do on another machine, where sums that are rounded otherwise lead training astray in the same way. The
spread of each metric becomes its tolerance: see `ofclip/records/tolerances.py`. The numbers that verdicts rest on are
looked up in each run too, and the book says in how many of them they hold.

With --all also those notebooks run that train models of their own, which takes half an hour more for each seed.
Everything lies below work/seeds, and a run that is there and fresh is not repeated.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from ofclip.book import evidence
from ofclip.errors import SettingError
from ofclip.experiments import EXPERIMENTS, ROOT, TRAINING, jobs
from ofclip.profiles import load_profile
from ofclip.records import Record, Recorder, code_files, stale
from ofclip.records.tolerances import SEEDS, TRAINER, spread_table
from ofclip.run import check_parameters, run_notebook
from ofclip.sources import available


def workplace(profile: str, samples: int | None, seed: int) -> Path:
    """Return the folder in which one seed's notebooks run: it looks like a checkout to them."""
    folder = ROOT / "work" / SEEDS / (profile if samples is None else f"{profile}-{samples}") / str(seed)
    folder.mkdir(parents=True, exist_ok=True)
    notebooks = folder / "notebooks"
    if not notebooks.exists():
        notebooks.symlink_to(ROOT / "notebooks")
    return folder


def run(experiment: str, source: str, profile: str, parameters: dict[str, object], folder: Path) -> Record:
    """Return the Record of one notebook, which is executed unless a fresh one is there."""
    path = folder / "work" / profile / experiment / f"{source}{'.custom' if parameters else ''}.json"
    if path.is_file():
        record = Record.load(path)
        if not stale(record, folder=folder / "work" / profile):
            return record
    return Record.load(run_notebook(experiment, source, profile, parameters, root=folder))


def train(source: str, profile: str, seed: int, samples: int | None, folder: Path) -> Record:
    """Train with a seed, and put weights and Record where notebooks look for them."""
    parameters = {"seed": seed, **({} if samples is None else {"samples": samples})}
    record = run(TRAINING, source, profile, parameters, folder)
    place = folder / "work" / profile / TRAINING
    for name in (source, f"{source}.json"):
        link = place / name
        if not link.is_symlink():
            link.symlink_to(f"{source}.custom{link.suffix}")
    return record


def planned(source: str, names: list[str] | None, everything: bool) -> list[tuple[str, str]]:
    """Return (experiment, source) of the runs that use what was trained on a source, or, with all, train themselves."""
    found = []
    for job in jobs(available()):
        itself = Path(TRAINER) in code_files(ROOT / "notebooks" / f"{job.experiment}.ipynb")
        reads = job.trained == source
        own = everything and job.source == source and (itself or job.reads is not None)
        chosen = job.experiment in names if names else job.experiment != TRAINING
        if chosen and ((reads and (everything or not itself)) or own):
            found.append((job.experiment, job.source))
    return found


def seeded(experiment: str, seed: int) -> dict[str, object]:
    """Return the seed as a parameter of a notebook that has one."""
    try:
        check_parameters(ROOT / "notebooks" / f"{experiment}.ipynb", {"seed": seed})
    except SettingError:
        return {}
    return {"seed": seed}


def by_name(records: list[Record]) -> dict[str, Record]:
    return {record.name: record for record in records}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default="atelier", help="what to train on")
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--samples", type=int, help="fewer than the profile's, to try this script")
    parser.add_argument("--experiments", nargs="+", choices=list(EXPERIMENTS), help="only these")
    parser.add_argument("--all", action="store_true", help="also notebooks that train models of their own")
    parser.add_argument("--save", action="store_true", help="write the Record that the reproduction check reads")
    options = parser.parse_args()
    if options.save and options.samples:
        raise SystemExit("--save: tolerances come from whole runs; leave out --samples")

    parameters = {name: value for name, value in vars(options).items() if name not in ("save", "source", "profile")}
    command = shlex.join(["python", "benchmarks/seeds.py", *sys.argv[1:]])
    profile = load_profile(options.profile)
    recorder = Recorder(SEEDS, options.source, profile, parameters, modules=["ofclip.training.loop"], command=command)
    runs = []
    for seed in options.seeds:
        folder = workplace(options.profile, options.samples, seed)
        records = [train(options.source, options.profile, seed, options.samples, folder)]
        if runs and records[0].key.data != runs[0][0].key.data:
            raise SystemExit(f"seed {seed} trained on other data: a seed is to decide what batches hold, and no more")
        print(f"seed {seed}: trained, weights {records[0].notes['weights']}", flush=True)
        for experiment, source in planned(options.source, options.experiments, options.all):
            own = seeded(experiment, seed) if experiment != TRAINING else {}
            records.append(run(experiment, source, options.profile, own, folder))
            print(f"seed {seed}: {experiment} · {source}", flush=True)
        runs.append(records)

    table = spread_table(runs)
    claimed = table[table["effect"].notna()]
    wide = claimed[claimed["tolerance"] >= claimed["effect"]]
    print(table.groupby("record")[["sd", "tolerance"]].median().to_string())
    print(f"{len(table)} metrics; {len(claimed)} claim an effect, {len(wide)} of them one within their tolerance")
    recorder.table("spread", table)
    recorder.table(evidence.SEEDED, evidence.over_seeds(evidence.read(ROOT), [by_name(records) for records in runs]))
    trained = [records[0].notes["weights"] for records in runs]
    recorder.note("weights", dict(zip(map(str, options.seeds), trained, strict=True)))
    recorder.note("about", "Each metric over runs of other seeds, and how far apart two such runs may be.")
    record = recorder.finish()
    record.save(workplace(options.profile, options.samples, options.seeds[0]).parent / f"{options.source}.json")
    if options.save:
        record.save(ROOT / "results" / options.profile / SEEDS / f"{options.source}.json")


if __name__ == "__main__":
    main()

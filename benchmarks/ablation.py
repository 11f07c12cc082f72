"""What each setting of a render job adds to what the reference CNN learns from its pictures.

    python -m benchmarks.ablation WORK --data DATA [--count 1200] [--epochs 7] [--workers 2] [--only NAME ...]

The job is box/cut.yaml: hands on a white table, as the photographs of 11k Hands show them. One setting at a
time is left out, which gives a job with as many pictures; a network is trained on each, and on fewer and on
more pictures of the whole job (the curve). All are judged on photographs of half 0 of the people, on whom
things are chosen (`benchmarks.renders_only` says more): this table is no report of how good renders are.

A row: pictures, then of backs and of palms the share with all points within 9 px at 96 px, with 95 % of 1,000
draws of people in brackets, and the mean error; the CPU seconds that a picture took to render. Two rows of
the whole job, of two seeds, tell how much is chance. WORK keeps what is made; what stands there is not made
again.
"""

from __future__ import annotations

import argparse
import json
import resource
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks import renders_only
from benchmarks.photographs import PEOPLE

JOB = Path(__file__).with_name("box") / "cut.yaml"
NARROW = "tilt=0 rotation=180 roll=0"
# What is left out, by its name: the settings that are not as in the job.
LEFT_OUT: dict[str, dict[str, Any]] = {
    "another seed": {"seed": 14},
    "fingers that touch": {"pose": {"touching": 0.0}},
    "thumbs beside the hand": {"pose": {"thumbs": ["out"]}},
    "many people (12, not 240)": {"hands": {"people": 12}},
    "kinds of skin": {"skin": {"bump": 1.0, "contrast": 1.0}},
    "tones of skin": {"skin": {"melanin": 0.05}},
    "things worn": {"accessories": {"sleeve": 0.0, "watch": 0.0, "rings": 0.0, "polish": 0.0}},
    "tilts, turns and rolls": {"angles": [NARROW]},
    "the table (one colour instead)": {"ground": {"kinds": ["colour"]}},
    "fingers cut off": {"camera": {"cut_off": 0.0}},
    "arms cut off": {"camera": {"edge": 0.0}},
    "exposure and contrast": {"camera": {"exposure": 1.2, "contrast": 0.5}},
    "blur and noise": {"camera": {"blur": 0.0, "noise": 0.0}},
    "takes (one a shot)": {"takes": 1},
}
WHOLE, CURVE = "nothing", (0.25, 0.5, 2.0)


def jobs(count: int) -> Iterator[tuple[str, dict[str, Any], int]]:
    """The name, settings and number of pictures of each row."""
    whole = yaml.safe_load(JOB.read_text(encoding="utf-8"))
    yield WHOLE, whole, count
    for name, changed in LEFT_OUT.items():
        job = deepcopy(whole)
        for key, value in changed.items():
            job[key] = {**job[key], **value} if isinstance(value, dict) else value
        yield name, job, count
    for share in CURVE:
        yield _times(share), whole, round(share * count)


def _times(share: float) -> str:
    return f"{WHOLE}, {share:g} times the pictures"


def rendered(work: Path, name: str, job: dict[str, Any], count: int, workers: int) -> Path:
    """The pictures of a job, and beside them the CPU seconds that they took."""
    key = "".join(letter if letter.isalnum() else "-" for letter in name)
    out, told, spent = work / key, work / f"{key}.yaml", work / f"{key}.json"
    if spent.exists():
        return out
    told.parent.mkdir(parents=True, exist_ok=True)
    told.write_text(yaml.safe_dump(job), encoding="utf-8")
    before = _cpu()
    words = ("--random", str(count), "--workers", str(workers), "--out", str(out))
    renders_only.curate("render", "--job", str(told), *words)
    spent.write_text(json.dumps((_cpu() - before) / count))
    return out


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Render, train and judge each row, and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=[WHOLE, *LEFT_OUT, *(_times(share) for share in CURVE)]
    )
    given = parser.parse_args()
    network, size = renders_only.TABLE, 96
    sets = {
        name: renders_only.training_set(given.work, f"{name}-set", [folder], network, size, 0.0)
        for name, folder in renders_only.photographs(given.work, given.data, network)
        if name in PEOPLE
    }
    for name, job, count in jobs(given.count):
        if given.only and name not in given.only:
            continue
        folder = rendered(given.work, name, job, count, given.workers)
        learnt = renders_only.training_set(given.work, f"{folder.name}-set", [folder], network, size, 0.02)
        run = given.work / f"{folder.name}-run-{given.epochs}"
        words = ("--network", network, "--epochs", str(given.epochs))
        renders_only.curate("train", str(learnt), *words, "--out", str(run))
        print(f"without {name}: {count} pictures", end="", flush=True)
        for kind, photographs in sets.items():
            judged = renders_only.judge(run, photographs, kind, given.data)
            told = renders_only.figures(judged, np.flatnonzero(judged.parts == "0"))
            print(f"\n  {kind:22} {told}", end="")
        seconds = json.loads((given.work / f"{folder.name}.json").read_text())
        print(f"\n  {seconds:.2f} s of CPU a picture", flush=True)


if __name__ == "__main__":
    main()

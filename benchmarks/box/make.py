"""Make the tagger in the box: renders, training sets, trainings, and the folder of the package.

    make box                                    or
    python -m benchmarks.box.make WORK [--renders NAME=FOLDER ...] [--out FOLDER]

It is made from renders of the jobs beside this file and from their labels, and nothing else: no photograph,
no weights of others. WORK keeps all that is made; what is finished is not done again, and what was stopped
goes on. It takes an hour and a half of two cores to render, and six and a half hours of one core to train.
--renders takes a job's pictures from a folder that has them.

The box is the same again on the same machine with the same versions; elsewhere, processors and versions of
torch round differently.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.box import likely
from benchmarks.box.mean import mean_of
from curate.basics import files
from curate.data.dataset import Dataset
from curate.data.sample import labelled_points
from curate.networks.hand_shape import HandShape
from curate.taggers import box_networks
from curate.training.confidence import temperature_of
from curate.training.onnx import bare
from curate.training.run import open_run

HERE = Path(__file__).resolve().parent
# Pictures of each job, a file beside this one.
JOBS = {"table": 2400, "poses": 8000, "signs": 8000, "rooms": 6400, "down": 2400, "cut": 2400}
JOBS |= {"wrist": 3600, "edge": 3000, "fists": 4800, "upright": 4000, "shown": 2400}
ANYWHERE = ("poses", "signs", "rooms")
BROAD = ("table", *ANYWHERE)
HARD = ("wrist", "edge", "fists", "rooms")  # what the networks were worst at, and grounds without a hand
OWNERS = ("upright", "shown")  # whose hands are before the people that they belong to
LIKELY = ("rooms", "fists", "edge")  # in which the localiser learns what is a hand
OPEN = "down"  # whose hands tell the shape of open ones
MARGIN = 0.3
FORM = ("--colour", "--keypoints", 21, "--test", 0)
WHOLE = (*FORM, "--val", 0.03, "--masks", "--size", 128)
CROPS = (*FORM, "--val", 0.02, "--crop", "keypoints", "--margin", MARGIN)
POINTS = ("--network", "posenet", "--preset", "renders")
FURTHER = ("--network", "posenet", "--preset", "further")
FINDER = ("--network", "handseg", "--preset", "renders")
OVERVIEW = (*POINTS, "--set", "width=24")
# Epochs and minutes at most of each round; a round starts from the weights of the one before.
FINDER_ROUNDS = ((8, 14), (10, 40))
FINDER_LAST = ((3, 30),)
OVERVIEW_ROUNDS = ((16, 22), (12, 30))
OVERVIEW_LAST = ((5, 25),)
# Most is learnt from small pictures, which cost a third.
SMALL_ROUNDS = ((24, 25),)
LOCALISER_ROUNDS = ((8, 31), (9, 80))
TABLE_ROUNDS = ((3, 24),)  # on hands that lie as most do
FURTHER_ROUNDS = ((2, 45),)  # on hands that the networks were worst at
OWNERS_ROUNDS = ((1, 45),)
OWNERS_LAST = ((3, 95),)  # before other grounds, and none, as well
# Chosen on train clips of wild_hands and on what is beside the hands in them, see measure.py.
TRUSTED = 0.5
# What `measure.py --choose` says of the same; None: not measured.
THRESHOLD: dict[str, float] | None = {"score": 0.9772, "precision": 0.95, "hands": 613, "of": 872}


def curate(*words: object) -> None:
    """Run a command of ours, which does not do again what it finished before."""
    line = [str(word) for word in words]
    print("$ curate", *line, flush=True)
    code = subprocess.run([sys.executable, "-m", "curate.cli", *line]).returncode
    if code not in (0, 1):  # 1: some pictures could not be used, which are counted
        sys.exit(code)


def renders(work: Path, given: dict[str, Path]) -> dict[str, Path]:
    """The pictures of each job."""
    made = {}
    for name, count in JOBS.items():
        made[name] = given.get(name, work / name)
        if name not in given:
            curate("render", "--job", HERE / f"{name}.yaml", "--random", count, "--out", made[name])
    return made


def grounds(work: Path, rooms: Path) -> Path:
    """The pictures of a job in which there is no hand, as a folder to put hands before."""
    folder = work / "grounds"
    folder.mkdir(parents=True, exist_ok=True)
    for sample in Dataset(rooms):
        if not sample.visibility.any():
            shutil.copyfile(rooms / str(sample.image), folder / f"rooms-{Path(str(sample.image)).name}")
    return folder


def train(work: Path, made: dict[str, Path]) -> dict[str, Path]:
    """The runs, by the names that their files have in the box."""
    behind = ("--backgrounds", "own", "--backgrounds", grounds(work, made["rooms"]), "--grounds-alone", 0.1)

    def build(out: str, jobs: Sequence[str], *words: object) -> Path:
        curate("build", *(made[job] for job in jobs), *words, "--out", work / out)
        return work / out

    whole = build("whole", ("table", "signs", "rooms"), *behind, *WHOLE)
    learn(whole, FINDER, FINDER_ROUNDS, work / "broad-finder")
    whole = build("hard-whole", HARD, *behind, *WHOLE)
    learn(whole, FINDER, FINDER_LAST, work / "finder", start=work / "broad-finder")
    small = build("small-whole", BROAD, *FORM, "--val", 0.02, "--size", 96)
    learn(small, OVERVIEW, OVERVIEW_ROUNDS, work / "broad-overview")
    small = build("hard-small-whole", HARD, *FORM, "--val", 0.02, "--size", 96)
    learn(small, OVERVIEW, OVERVIEW_LAST, work / "overview", start=work / "broad-overview")
    localiser(work, build, behind)
    return {
        file: work / Path(file).stem
        for file in (box_networks.FINDER, box_networks.OVERVIEW, box_networks.LOCALISER)
    }


def localiser(work: Path, build: Callable[..., Path], behind: Sequence[object]) -> None:
    """The localiser at WORK/localiser.

    build: a training set, by its name, jobs and options. behind: the options by which hands are put before
    other grounds, too.
    """
    crops = build("small", ("table", "poses", "signs"), *CROPS, "--size", 64)
    learn(crops, POINTS, SMALL_ROUNDS, work / "begun")
    crops = build("crops", BROAD, *behind, *CROPS, "--size", 112)
    learn(crops, POINTS, LOCALISER_ROUNDS, work / "broad", start=work / "begun")
    crops = build("table-crops", ("down", "cut", *ANYWHERE), *behind, *CROPS, "--size", 112)
    learn(crops, POINTS, TABLE_ROUNDS, work / "on-tables", start=work / "broad")
    crops = build("hard-crops", HARD, *behind, *CROPS, "--size", 112)
    learn(crops, FURTHER, FURTHER_ROUNDS, work / "further", start=work / "on-tables")
    mean_of([work / "on-tables", work / "further"], crops, work / "before-owners")
    upright = build("upright-crops", (*HARD, "upright"), *behind, *CROPS, "--size", 112)
    owners = build("owners-crops", (*HARD, *OWNERS), *CROPS, "--size", 112, "--seed", 1)
    learn(upright, FURTHER, OWNERS_ROUNDS, work / "owners-1", start=work / "before-owners")
    learn(owners, (*FURTHER, "--seed", 1), OWNERS_ROUNDS, work / "owners-2", start=work / "before-owners")
    mean_of([work / "owners-1", work / "owners-2"], upright, work / "owners")
    learn(owners, (*FURTHER, "--seed", 2), OWNERS_ROUNDS, work / "owners-3", start=work / "owners")
    rounds = ("before-owners", "owners-1", "owners-2", "owners-3")
    mean_of([work / name for name in rounds], upright, work / "with-owners")
    every = build("every-crops", (*HARD, *OWNERS), *behind, *CROPS, "--size", 112, "--seed", 3)
    learn(every, (*FURTHER, "--seed", 3), OWNERS_LAST, work / "owners-4", start=work / "with-owners")
    mean_of([work / "with-owners", work / "owners-4"], every, work / "localiser")


def learn(
    learnt: Path,
    words: Sequence[object],
    rounds: Sequence[tuple[int, int]],
    out: Path,
    start: Path | None = None,
) -> None:
    """Train in rounds, each from the weights of the one before. The last run is `out`, others lie beside."""
    for number, (epochs, minutes) in enumerate(rounds, start=1):
        run = out if number == len(rounds) else out.with_name(f"{out.name}-{number}")
        begin = ("--start", start / "weights.pt") if start else ()
        limits = ("--epochs", epochs, "--max-minutes", minutes)
        curate("train", learnt, *words, *limits, *begin, "--out", run)
        start = run


def shape_of(renders: Path) -> bytes:
    """How the keypoints of open hands lie to each other: what SHAPE holds."""
    table = Dataset(renders).table(["keypoints", "visibility"])
    shape = HandShape.of(labelled_points(table)[0])
    assert shape is not None  # they are alike
    return shape.without_torch().content()


def pack(runs: dict[str, Path], shape: bytes, jobs: Sequence[Path], out: Path) -> None:
    """The folder that goes into the package."""
    sizes = {}
    files.write(out / box_networks.SHAPE, shape)
    for name, run in runs.items():
        opened = open_run(run)
        files.write(out / name, bare(opened))
        sizes[name] = opened.spec.size
    told: dict[str, Any] = {
        "sizes": sizes,
        "sha256": {},
        "trusted": TRUSTED,
        "threshold": THRESHOLD,
        "margin": MARGIN,
        "temperature": temperature_of(open_run(runs[box_networks.LOCALISER]).info),
        "trained": {run.name: _summary(run) for run in runs.values()},
    }
    files.write_json(out / box_networks.INFO, told)
    told["trained"]["likely"] = likely.learn(out, jobs)
    told["sha256"] = {name: files.sha256(out / name) for name in (*sizes, box_networks.SHAPE)}
    files.write_json(out / box_networks.INFO, told)


def _summary(run: Path) -> dict[str, object]:
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    return {name: info[name] for name in ("network", "config", "data", "result", "curate", "torch")}


def main() -> None:
    """Make all of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--renders", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path, default=box_networks.FOLDER)
    a = parser.parse_args()
    given = {name: Path(folder) for name, _, folder in (word.partition("=") for word in a.renders)}
    made = renders(a.work, given)
    pack(train(a.work, made), shape_of(made[OPEN]), [made[job] for job in LIKELY], a.out)


if __name__ == "__main__":
    main()

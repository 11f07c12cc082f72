"""Make the tagger in the box: renders, training sets, two trainings, and the folder of the package.

    make box                                    or
    python -m benchmarks.box.make WORK [--renders NAME=FOLDER ...] [--out FOLDER]

Nothing else goes in: no photograph, no weights of others, no label but those of the renders, of the jobs
beside this file. WORK keeps all that is made; what is finished is not done again, and what was stopped goes
on. It takes some two hours of two cores to render, and one of one core to train. --renders takes a job's
pictures from a folder that has them.

The box is the same again on the same machine with the same versions; elsewhere, processors and versions of
torch round differently.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from curate.basics import files
from curate.data.dataset import Dataset
from curate.taggers import opencv
from curate.training.confidence import temperature_of
from curate.training.onnx import bare
from curate.training.run import open_run

HERE = Path(__file__).resolve().parent
# Pictures of each job, as --indices takes them. The finder learns from all but the last.
JOBS = {
    "table1": ("table1.yaml", "0:367"),
    "table2": ("table2.yaml", "0:471"),
    "wild": ("wild.yaml", "0:1943"),
    "more": ("wild.yaml", "1944:2807"),
}
OF_A_JOB = 4000
MARGIN = 0.3
FORM = ("--colour", "--keypoints", 21, "--test", 0, "--val", 0.04)
WHOLE = (*FORM, "--masks", "--size", 128)
CROPS = (*FORM, "--crop", "keypoints", "--margin", MARGIN, "--size", 112)
FINDER = ("--network", "handseg", "--preset", "renders", "--epochs", 8, "--max-minutes", 12)
LOCALISER = ("--network", "posenet", "--preset", "renders", "--epochs", 24, "--max-minutes", 26)
# Chosen on train clips of wild_hands and on what is beside the hands in them, see measure.py.
TRUSTED = 0.62
# What `measure.py --choose` says of the same; None: not measured.
THRESHOLD: dict[str, float] | None = None


def curate(*words: object) -> None:
    """A command of ours; what it finished before it does not do again."""
    line = [str(word) for word in words]
    print("$ curate", *line, flush=True)
    code = subprocess.run([sys.executable, "-m", "curate.cli", *line]).returncode
    if code not in (0, 1):  # 1: some pictures could not be used, which are counted
        sys.exit(code)


def renders(work: Path, given: dict[str, Path]) -> dict[str, Path]:
    """The pictures of each job."""
    made = {}
    for name, (job, indices) in JOBS.items():
        made[name] = given.get(name, work / name)
        if name not in given:
            asked = ["--random", OF_A_JOB, "--indices", indices]
            curate("render", "--job", HERE / job, *asked, "--out", made[name])
    return made


def grounds(work: Path, wild: Path) -> Path:
    """The pictures of a job in which there is no hand, as a folder to put hands before."""
    folder = work / "grounds"
    folder.mkdir(parents=True, exist_ok=True)
    for sample in Dataset(wild):
        if not sample.visibility.any():
            shutil.copyfile(wild / str(sample.image), folder / Path(str(sample.image)).name)
    return folder


def train(work: Path, made: dict[str, Path]) -> tuple[Path, Path]:
    """The runs of finder and localiser."""
    behind = ["--backgrounds", "own", "--backgrounds", grounds(work, made["wild"])]
    before = [folder for name, folder in made.items() if name != "more"]
    curate("build", *before, *behind, *WHOLE, "--out", work / "whole")
    curate("train", work / "whole", *FINDER, "--out", work / "finder")
    curate("build", *made.values(), *behind, *CROPS, "--out", work / "crops")
    curate("train", work / "crops", *LOCALISER, "--out", work / "localiser")
    return work / "finder", work / "localiser"


def pack(finder: Path, localiser: Path, out: Path) -> None:
    """The folder that goes into the package."""
    sizes = {}
    for name, run in ((opencv.FINDER, finder), (opencv.LOCALISER, localiser)):
        opened = open_run(run)
        files.write(out / name, bare(opened))
        sizes[name] = opened.spec.size
    told = {
        "sizes": sizes,
        "sha256": {name: files.sha256(out / name) for name in sizes},
        "trusted": TRUSTED,
        "threshold": THRESHOLD,
        "margin": MARGIN,
        "temperature": temperature_of(open_run(localiser).info),
        "trained": {run.name: _summary(run) for run in (finder, localiser)},
    }
    files.write_json(out / opencv.INFO, told)


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
    parser.add_argument("--out", type=Path, default=opencv.FOLDER)
    a = parser.parse_args()
    given = {name: Path(folder) for name, _, folder in (word.partition("=") for word in a.renders)}
    pack(*train(a.work, renders(a.work, given)), a.out)


if __name__ == "__main__":
    main()

"""Networks that saw renders alone, judged on photographs of people on whom nothing was chosen.

    python -m benchmarks.renders_only WORK RENDERS [RENDERS ...] --data DATA
        [--network figure12] [--set NAME=VALUE] [--epochs 10] [--size 96] [--sheet FILE] [--json FILE]

Each RENDERS is a candidate: a dataset of `curate render`, or several joined by commas. A network is trained
on it, and on nothing else; what differs between candidates is what is chosen. DATA holds photographs as
data/README.md describes them; which of these folders are there, is judged:

    11k_hands_224, 11k_hands_224_palmar     YOLO pose, with 11k_hands/HandInfo.csv
    wild_hands                              YOLO pose, with clips.csv
    hand_graph_real                         images/, pose_gt.mat, params.mat

The people of 11k Hands' train part are halved by a hash of their names. On one half the best candidate is
chosen, on the other half it is reported; then the other way round. Eyes look at half 0 alone: --sheet draws
its misses. The people of the test part are told apart from both. Of wild_hands the train clips are to choose
on, the test clips to report; hand_graph_real, one person's, is only reported.

Of each part are printed: photographs, people (clips); the share with all points within 9 px (at 96 px); the
mean error, px; PCK at 0.2 of the hand's box. In brackets stand intervals of 95 %, drawn from the people,
since photographs of one person are no independent ones. Then the reported halves together, by side, by skin
tone and by person.

figure12 sees hands as a table shows them: cut out by colour, grey, 20 points. Other networks see colour crops
around the labels with half as much again, of 112 px unless --size says otherwise, 21 points. WORK keeps all
that is made; what stands there is not made again.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.photographs import CLIPS, GRAPH, PEOPLE, converted, half_of
from curate.basics import images
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.hands.overlay import contact_sheet, draw_skeleton
from curate.scoring import metrics
from curate.training.examples import Examples
from curate.training.predicting import predict
from curate.training.run import open_run

TABLE = "figure12"
DRAWS, PCK, CELL = 1000, 0.2, 200
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """The photographs of one folder of DATA, and what one candidate found in them.

    Attributes
    ----------
    samples: N. parts: (N,) "0" or "1" (the half of the person), "test", "train". groups: (N,) people or
        clips. points: (N, 21, 2) found. errors: (N, 21) px, NaN where no label is. sides: (N,) of the boxes.
    """

    samples: list[Sample]
    parts: NDArray[np.str_]
    groups: NDArray[np.str_]
    points: Floats
    errors: Floats
    sides: Floats
    size: int

    @property
    def right(self) -> NDArray[np.bool_]:
        """(N,) whether all points lie within the limit."""
        found: NDArray[np.bool_] = ~(self.errors > metrics.right_within(self.size)).any(axis=1)
        return found


@dataclass(frozen=True)
class Figures:
    """Of some photographs. intervals: of 95 %, in the order right, error, pck."""

    photographs: int
    groups: int
    right: float
    error: float
    pck: float
    intervals: tuple[tuple[float, float], ...]

    def __str__(self) -> str:
        (a, b), (c, d), (e, f) = self.intervals
        return (
            f"{self.photographs:5} of {self.groups:3}  right {100 * self.right:5.1f} % ({100 * a:.1f} to "
            f"{100 * b:.1f})  error {self.error:5.2f} px ({c:.2f} to {d:.2f})  PCK {self.pck:.3f} "
            f"({e:.3f} to {f:.3f})"
        )


def figures(judged: Judged, rows: NDArray[np.intp]) -> Figures:
    """Of the photographs `rows`."""
    errors, names = judged.errors[rows], judged.groups[rows]
    known = np.isfinite(errors)
    near = (errors < PCK * judged.sides[rows, None]) & known
    # What each photograph adds: right ones, errors, near points; and how many of each there are.
    each = np.stack(
        [judged.right[rows], np.where(known, errors, 0).sum(1), near.sum(1), known.sum(1)], axis=1
    ).astype(float)
    kinds, place = np.unique(names, return_inverse=True)
    sums = np.zeros((len(kinds), 5))
    np.add.at(sums, place, np.column_stack([each, np.ones(len(each))]))
    times = np.random.default_rng(0).multinomial(len(kinds), np.full(len(kinds), 1 / len(kinds)), size=DRAWS)
    drawn = _shares(times @ sums)
    whole = _shares(sums.sum(axis=0, keepdims=True))[0]
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    return Figures(
        len(rows), len(kinds), *map(float, whole), tuple(zip(low.tolist(), high.tolist(), strict=True))
    )


def _shares(sums: Floats) -> Floats:
    """Share right, mean error and PCK from the sums of `figures`, (R, 5)."""
    right, error, near, points, photographs = sums.T
    return np.stack([right / photographs, error / points, near / points], axis=1)


# What is judged, and by which network -----------------------------------------------------------------


def training_set(
    work: Path, name: str, sources: Sequence[Path], network: str, size: int, test: float
) -> Path:
    """A training set of datasets, cut as the network wants it."""
    out = work / f"{name}-{network}-{size}"
    form = ["--keypoints", "20", "--crop", "colour"]
    if network != TABLE:
        form = ["--keypoints", "21", "--crop", "keypoints", "--margin", "0.5", "--colour"]
    split = ["--test", str(test)] if test else ["--split", "source"]
    curate("build", *map(str, sources), "--out", str(out), "--size", str(size), *form, *split)
    return out


def photographs(work: Path, data: Path, network: str) -> Iterator[tuple[str, Path]]:
    """The datasets of DATA that are there, by the names of their folders."""
    for name in (*PEOPLE, CLIPS, GRAPH) if network != TABLE else PEOPLE:
        folder = converted(name, data, work)
        if folder is not None:
            yield name, folder


def judge(run: Path, folder: Path, name: str, data: Path) -> Judged:
    """What a run finds in all photographs of a training set."""
    opened, dataset = open_run(run), Dataset(folder)
    clips = _clips(data) if name == CLIPS else {}
    known = {sample.sample_id: sample for sample in dataset}
    samples, errors, points, sides = [], [], [], []
    for split in ("train", "test"):
        if not any(sample.split == split for sample in known.values()):
            continue
        examples = Examples(dataset, split, opened.spec.keypoints)
        truth, visibility = examples.all_keypoints(np.arange(len(examples)))
        found = predict(opened.predict, examples, quiet=True).points
        labelled = visibility > 0
        samples += [known[name] for name in examples.sample_ids]
        points.append(found)
        errors.append(metrics.distances(found, truth, labelled))
        sides.append(metrics.box_sizes(truth, labelled)[0])
    groups = [clips.get(Path(s.sample_id).name, s.subject_id or "one") for s in samples]
    parts = [
        half_of(s.subject_id) if name in PEOPLE and s.split == "train" else str(s.split) for s in samples
    ]
    return Judged(
        samples,
        np.array(parts),
        np.array(groups),
        np.concatenate(points),
        np.concatenate(errors),
        np.concatenate(sides),
        opened.spec.size,
    )


def _clips(data: Path) -> dict[str, str]:
    """The clip of each picture of wild_hands, by its name without suffix."""
    with (data / CLIPS / "clips.csv").open(newline="") as file:
        return {Path(row["image"]).stem: row["clip"] for row in csv.DictReader(file)}


def curate(*words: str) -> None:
    """A command of ours; what it finished before it does not do again."""
    subprocess.run([sys.executable, "-m", "curate.cli", *words, "--quiet"], check=True)


# What is told ------------------------------------------------------------------------------------------


def report(found: dict[str, dict[str, Judged]], told: dict[str, Any]) -> None:
    """Print all figures of each candidate, the choices and what they give; and keep them in `told`."""
    for name in next(iter(found.values())):
        print(f"\n{name}")
        for candidate, by_name in found.items():
            judged = by_name[name]
            for part in sorted({*judged.parts}):
                of_part = figures(judged, np.flatnonzero(judged.parts == part))
                print(f"  {candidate:24} {part:5} {of_part}", flush=True)
                told.setdefault(name, {}).setdefault(candidate, {})[part] = asdict(of_part)
        if name in PEOPLE:
            _crossed(name, {candidate: by_name[name] for candidate, by_name in found.items()}, told)


def _crossed(name: str, candidates: dict[str, Judged], told: dict[str, Any]) -> None:
    """Each half of the people judged by the candidate that is best on the other half."""
    shares = {
        (candidate, half): judged.right[judged.parts == half].mean()
        for candidate, judged in candidates.items()
        for half in "01"
    }
    best = {half: max(candidates, key=lambda one: shares[one, half]) for half in "01"}
    print(f"  chosen on half 0: {best['0']}; on half 1: {best['1']}; each reported on the other:")
    whole = next(iter(candidates.values()))
    rows = np.flatnonzero(np.isin(whole.parts, ["0", "1"]))
    errors = whole.errors.copy()
    for half, other in (("0", "1"), ("1", "0")):
        mine = whole.parts == other
        errors[mine] = candidates[best[half]].errors[mine]
    chosen = Judged(whole.samples, whole.parts, whole.groups, whole.points, errors, whole.sides, whole.size)
    told[name]["crossed"] = {"chosen": best, "all": asdict(figures(chosen, rows))}
    print(f"    {'all':22} {figures(chosen, rows)}")
    for way, value in (("side", lambda s: s.side), ("skin", lambda s: s.attrs.get("skinColor"))):
        values = np.array([str(value(sample)) for sample in whole.samples])
        for one in sorted({*values[rows]}):
            of_value = figures(chosen, rows[values[rows] == one])
            told[name]["crossed"][f"{way} {one}"] = asdict(of_value)
            print(f"    {way + ' ' + one:22} {of_value}")
    wrong = {p: float((~chosen.right[rows[chosen.groups[rows] == p]]).mean()) for p in {*chosen.groups[rows]}}
    told[name]["crossed"]["wrong by person"] = wrong
    worst = sorted(wrong.items(), key=lambda item: -item[1])[:10]
    print(f"    {sum(not w for w in wrong.values())} of {len(wrong)} people have none wrong; the worst:")
    print("    " + ", ".join(f"{person} {100 * share:.0f} %" for person, share in worst))


def sheet(judged: Judged, folder: Path, limit: int) -> images.Pixels:
    """The misses among people of half 0: the label in white, what was found in colours."""
    pixels = np.load(folder / "pixels.npy", mmap_mode="r")
    rows = np.flatnonzero(~judged.right & np.isin(judged.parts, ["0", "train"]))
    drawn = []
    for row in rows[np.linspace(0, len(rows) - 1, min(limit, len(rows))).astype(int)]:
        sample = judged.samples[row]
        picture = np.array(pixels[int(str(sample.image).rpartition("#")[2])])
        scale = CELL / judged.size
        marked = draw_skeleton(picture, sample.keypoints, size=CELL, colour=(255, 255, 255))
        drawn.append(draw_skeleton(marked, judged.points[row] * scale))
    return contact_sheet(drawn, columns=8, cell=CELL)


def main() -> None:
    """Train each candidate and print what it gives."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("renders", nargs="+", help="a dataset of renders, or several joined by commas")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--network", default=TABLE)
    parser.add_argument("--set", action="append", default=[], help="an option of the network, NAME=VALUE")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--size", type=int)
    parser.add_argument("--sheet", type=Path, help="misses of the last candidate, people of half 0 alone")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    size = given.size or (96 if given.network == TABLE else 112)
    sets = {
        name: training_set(given.work, f"{name}-set", [folder], given.network, size, 0.0)
        for name, folder in photographs(given.work, given.data, given.network)
    }
    found: dict[str, dict[str, Judged]] = {}
    for candidate in given.renders:
        sources = [Path(folder) for folder in candidate.split(",")]
        name = "+".join(folder.name for folder in sources)
        learnt = training_set(given.work, name, sources, given.network, size, 0.02)
        run = given.work / f"{name}-{given.network}-{size}-run-{given.epochs}"
        options = [word for one in given.set for word in ("--set", one)]
        words = ["--network", given.network, *options, "--epochs", str(given.epochs), "--out", str(run)]
        curate("train", str(learnt), *words)
        found[name] = {kind: judge(run, folder, kind, given.data) for kind, folder in sets.items()}
    told: dict[str, Any] = {}
    report(found, told)
    if given.sheet:
        last = list(found.values())[-1]
        drawn = [sheet(judged, sets[kind], 64) for kind, judged in last.items() if kind != GRAPH]
        for picture, kind in zip(drawn, last, strict=False):
            images.write(given.sheet.with_stem(f"{given.sheet.stem}-{kind}"), picture, quality=88)
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()

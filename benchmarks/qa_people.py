"""False errors of `curate qa` on people left out, by skin tone, and planted errors caught among them.

    python benchmarks/qa_people.py DIR [DIR ...] [--predictions FILE] [--wrong FILE] [--half 1] [--rounds 2]
                                   [--sheet PNG]

DIR is a dataset of photographs whose people and skin tones are known, such as 11k Hands brought in by
`curate convert yolo-pose ... --hand-info HandInfo.csv`. What checks fit (shapes, centres, spreads) they fit
to other people than those that they judge: five folds of people, each judged by the other four. The people
are halved, too, by a hash of their names: limits were chosen while looking at the half 0 alone, so half 1 is
the one to report. Errors among the sound samples of a half are false; which labels are wrong, eyes decide:
every sample with an error is listed and drawn to `--sheet`, and FILE (`--wrong`) names those that were found
to be wrong, one a line. With predictions of networks that never saw the people (`curate qa --crossfit 3`)
all is told without and with them. Errors are planted, as in qa_power.py, in the half's people alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from qa_power import Bench

from curate.basics import images
from curate.basics.engine import ONE
from curate.data.dataset import Dataset
from curate.data.references import read_image
from curate.hands.overlay import contact_sheet, draw_skeleton
from qa.config import checks
from qa.measures.residuals import read_residuals
from qa.view import View, open_view

_CELL = 320


def half_of(person: str | None) -> int:
    """0 for people to choose on, 1 for those to report."""
    return hashlib.sha256(f"choose {person}".encode()).digest()[0] % 2


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--predictions", type=Path)
    parser.add_argument("--wrong", type=Path, help="names of samples whose label is wrong, one a line")
    parser.add_argument("--half", type=int, choices=(0, 1), default=1)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--rounds", type=int, default=2, help="of planting; 0: none")
    parser.add_argument("--sheet", type=Path, help="a picture of all samples with an error")
    given = parser.parse_args()
    wrong = set(given.wrong.read_text().split()) if given.wrong else set()
    drawn: list[Any] = []
    for root in given.data:
        view = open_view([root], engine=ONE, quiet=True)
        print(f"\n{root}: {len(view)} samples, people of half {given.half}")
        found = errors(view, given.half)
        if given.predictions is not None:
            told = read_residuals([given.predictions], view.sample_id.tolist(), view.points)
            seen = dataclasses.replace(view, residuals=told)
            both = errors(seen, given.half)
            by_tone(view, {"geometry": found, "with residuals": both}, given.half, wrong)
            found = {row: [*found.get(row, ()), *both.get(row, ())] for row in sorted({*found, *both})}
        else:
            by_tone(view, {"geometry": found}, given.half, wrong)
        for row, why in sorted(found.items()):
            verdict = "wrong" if is_wrong(view, row, wrong) else "not named wrong"
            print(f"  {view.sample_id[row]} ({tone(view, row)}), {verdict}: {', '.join(dict.fromkeys(why))}")
            drawn.append(picture(view, row))
        for predictions in dict.fromkeys((None, given.predictions)) if given.rounds else ():
            with tempfile.TemporaryDirectory() as folder:
                bench = Bench(
                    Dataset(root),
                    Path(folder),
                    given.share,
                    0,
                    predictions=predictions,
                    among=lambda sample: half_of(sample.subject_id) == given.half,
                )
                print(f"planted {'with' if predictions else 'without'} residuals:")
                bench.print_spoilt(given.rounds)
    if given.sheet is not None and drawn:
        images.write(given.sheet, contact_sheet(drawn, columns=5, cell=_CELL))


def errors(view: View, half: int) -> dict[int, list[str]]:
    """By row, what is said of samples with an error, of one half of the people."""
    told = defaultdict[int, list[str]](list)
    for check in checks():
        for finding in check.judge(view).findings:
            row = finding.row
            if finding.severity == "error" and row is not None and half_of(view.subject_id[row]) == half:
                told[row].append(f"{check.id} {finding.score:.2f}")
    return dict(told)


def by_tone(view: View, found: dict[str, dict[int, list[str]]], half: int, wrong: set[str]) -> None:
    """A row for each skin tone: people, sound samples, and how many of these have an error."""
    rows = [row for row in range(len(view)) if half_of(view.subject_id[row]) == half]
    print(
        f"{'skin tone':12} {'people':>7} {'sound':>7}", *(f"{name:>24}" for name in found), "  wrong, found"
    )
    for name in [*sorted({tone(view, row) for row in rows}), "all"]:
        here = [row for row in rows if name in ("all", tone(view, row))]
        sound = [row for row in here if not is_wrong(view, row, wrong)]
        people = len({view.subject_id[row] for row in here})
        cells, caught = [], []
        for flagged in found.values():
            false = sum(row in flagged for row in sound)
            cells.append(f"{false} false ({100 * false / max(len(sound), 1):.2f} %)")
            caught.append(str(sum(row in flagged for row in here) - false))
        bad = len(here) - len(sound)
        print(
            f"{name:12} {people:7} {len(sound):7}",
            *(f"{c:>24}" for c in cells),
            f"  {bad}, {'/'.join(caught)}",
        )


def tone(view: View, row: int) -> str:
    """The skin tone that the source tells of a sample."""
    return str(view.attrs[row].get("skinColor"))


def is_wrong(view: View, row: int, wrong: set[str]) -> bool:
    """Whether eyes found its label wrong: by its name, or the last part of that."""
    return not wrong.isdisjoint({view.sample_id[row], view.sample_id[row].rsplit("/", 1)[-1]})


def picture(view: View, row: int) -> Any:
    """The photograph with its label and name."""
    pixels = read_image(view.datasets[view.dataset_of[row]].root, view.image[row])
    scale = _CELL / max(pixels.shape[:2])
    large = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    drawn = draw_skeleton(large, view.keypoints[row] * np.float32(scale), view.visibility[row])
    name = view.sample_id[row].rsplit("/", 1)[-1]
    return cv2.putText(drawn, name, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)


if __name__ == "__main__":
    main()

"""What `curate convert` makes of the sources that are only read: a row a source, for docs/formats/README.md.

    python -m benchmarks.readers [--real DIR]

Each format is given a small source in its publisher's layout, that of the tests, and with --real the
samples that could be had of the real sets, in DIR. Hands and labelled points are counted in the source, by
hand or by a few lines of its own, and in the dataset; exits with 1 where they differ.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from converters.table import FORMATS
from curate.basics import keypoints as kp
from curate.convert import convert
from curate.data.dataset import Dataset
from curate.data.source import Source
from curate.options.convert import ConvertOptions
from tests.layouts import LAYOUTS

DIFFERS = " **differs**"


class Count(NamedTuple):
    """How many hands there are, and labelled points in all."""

    hands: int
    points: int


# What the layouts hold, by their docstrings: hands that are labelled, and their points.
WRITTEN = {
    "freihand": Count(5, 5 * 21),
    "panoptic": Count(4, 3 * 20 + 21),
    "stb": Count(6, 6 * 20),
    "dexter-object": Count(4, 4 * 5 - 1),
    "tzionas": Count(3, 3 * 14 - 1),
    "interhand": Count(3, 3 * 21 - 1),
    "onehand10k": Count(4, 4 * 21 - 1),
    "hagrid": Count(3, 3 * 21),
    "handpose-x": Count(4, 4 * 21),
    "openpose": Count(4, 4 * 20),
    "hand-graph": Count(4, 4 * 21),
}
NOT_HELD = {
    "freihand": "MANO's parameters and vertices",
    "panoptic": "hand143: the body's points, the box",
    "stb": "the palm's centre, depth pictures",
    "dexter-object": "depth pictures, the object, 2D labels (a check)",
    "tzionas": "depth pictures, the object, the hand's model",
    "interhand": "the box around two hands, MANO's parameters",
    "onehand10k": "the number of hands",
    "hagrid": "hands without points, age, gender and race, the united box",
    "handpose-x": "nothing",
    "openpose": "body, face and 3D points",
    "hand-graph": "the place of the square in its picture",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--real", type=Path, default=os.environ.get("HAND_CURATE_DATA"), metavar="DIR")
    given = parser.parse_args()
    differs = False
    print("| format | read from | hands | points | not held |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder), given.real and Path(given.real)):
            differs |= row.endswith(DIFFERS)
            print(row, flush=True)
    return int(differs)


def rows(folder: Path, real: Path | None = None) -> Iterator[str]:
    """The rows of the table; sources and datasets are written into `folder`."""
    for name, wanted in WRITTEN.items():
        layout = folder / name
        LAYOUTS[name](layout)
        tried = [("the layout", layout, wanted)]
        if real and name in REAL and (sample := real / REAL[name][0]).is_dir():
            tried.append(("a real sample", sample, REAL[name][1](sample)))
        for number, (told, source, there) in enumerate(tried):
            read = made(name, source, folder / f"{name}-{number}")
            hands, points = (f"{a} → {b}" for a, b in zip(there, read, strict=True))
            row = f"| `{name}` | {told} | {hands} | {points} | {NOT_HELD[name]} |"
            yield row if read == there else row + DIFFERS


def made(name: str, source: Path, out: Path) -> Count:
    """What is in the dataset."""
    convert(FORMATS[name].read, name, Source(source), out, ConvertOptions(), quiet=True)
    seen = [int((sample.visibility > kp.UNLABELLED).sum()) for sample in Dataset(out)]
    return Count(len(seen), sum(seen))


# What is in the real samples -----------------------------------------------------------------------


def _handpose_x(root: Path) -> Count:
    hands = [h["pts"] for path in root.rglob("*.json") for h in json.loads(path.read_bytes())["info"]]
    return Count(len(hands), sum(map(len, hands)))


def _interhand(root: Path) -> Count:
    (table,) = root.rglob("InterHand2.6M_*_data.json")
    sides = []
    for annotation in json.loads(table.read_bytes())["annotations"]:
        valid = [bool(flag[0] if isinstance(flag, list) else flag) for flag in annotation["joint_valid"]]
        sides += [sum(valid[: kp.COUNT]), sum(valid[kp.COUNT :])]
    return Count(sum(map(bool, sides)), sum(sides))


def _hand_graph(root: Path) -> Count:
    hands = sum(path.suffix in (".jpg", ".png") for path in (root / "images").iterdir())
    return Count(hands, hands * kp.COUNT)


REAL: dict[str, tuple[str, Callable[[Path], Count]]] = {
    "handpose-x": ("handpose_x", _handpose_x),
    "interhand": ("interhand2.6m", _interhand),
    "hand-graph": ("hand_graph_real", _hand_graph),
}


if __name__ == "__main__":
    sys.exit(main())

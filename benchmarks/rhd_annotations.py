"""The annotations of RHD's training set, 41,258 images of two hands, from its pickle to a Parquet table.

    python benchmarks/rhd_annotations.py [--rounds N] [--images 41258]

Three ways take turns in one process, on the same pickle, which is made here of plausible numbers:

    rows      pickle.load; for each hand a dict that is filled number by number; pandas.DataFrame of them;
              to_parquet: the plain way, and the one mostly seen
    columns   the same with care for time: rows of an array taken apart at once, names made once, and each
              number appended to the list of its column
    curate    converters.rhd.read and the dataset's table: records that are alike found at once, the others by
              restricted unpickling, stacked arrays, checks

All leave out hands that are not in view and write the same numbers. Printed are the medians of the process's
CPU time and of wall time, and their ratios to `rows`; then reading the pickle alone, and reading it record by
record as one must whose records are not alike, against pickle.load.
"""

from __future__ import annotations

import argparse
import gc
import pickle
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from converters import rhd
from converters.parts import safe_pickle
from converters.parts.paused_collector import collector_paused
from curate.basics import images
from curate.basics import keypoints as kp
from curate.data.dataset import TABLE, write_table
from curate.data.source import Source


def make_source(folder: Path, count: int) -> Path:
    """A training set in RHD's layout; its images are links to one picture, since none is decoded."""
    rng = np.random.default_rng(0)
    entries = {}
    for i in range(count):
        focal = rng.uniform(250, 320)
        K = np.array([[focal, 0, 160], [0, focal, 160], [0, 0, 1]])
        xyz = (rng.normal(0, 0.05, (42, 3)) + np.array([0, 0, 0.6])).round(4)
        uvw = xyz @ K.T
        uv_vis = np.concatenate([(uvw[:, :2] / uvw[:, 2:]).round(1), rng.integers(0, 2, (42, 1))], axis=1)
        entries[i] = {"xyz": xyz, "uv_vis": uv_vis, "K": K}
    training = folder / "RHD_published_v2" / "training"
    picture = training / "color" / "00000.png"
    images.write(picture, np.zeros((320, 320, 3), np.uint8))
    for i in range(1, count):
        picture.with_name(f"{i:05d}.png").symlink_to(picture.name)
    (training / "anno_training.pickle").write_bytes(pickle.dumps(entries, protocol=3))
    return training


AXES = ("u", "v", "visible", "x", "y", "z")
COLUMNS = ["image", "side", *(f"{n}_{axis}" for n in kp.NAMES for axis in AXES), *(f"K{i}" for i in range(9))]
SHAPES = {"xyz": (42, 3), "uv_vis": (42, 3), "K": (3, 3)}
HANDS = (("left", 0), ("right", kp.COUNT))


def in_view(uv_vis: NDArray[np.float64]) -> bool:
    inside = ((uv_vis[:, :2] > 0) & (uv_vis[:, :2] < 320)).all(axis=1)
    return bool((inside | (uv_vis[:, 2] == 1)).any())


def rows(training: Path, out: Path) -> None:
    """A dict a hand."""
    with open(training / "anno_training.pickle", "rb") as file:
        entries = pickle.load(file)
    table = []
    for key, entry in entries.items():
        for side, first in HANDS:
            if not in_view(entry["uv_vis"][first : first + kp.COUNT]):
                continue
            row: dict[str, object] = {"image": f"color/{key:05d}.png", "side": side}
            for i, name in enumerate(kp.NAMES):
                place = first + rhd.ORDER[i]
                row[f"{name}_u"] = float(entry["uv_vis"][place, 0])
                row[f"{name}_v"] = float(entry["uv_vis"][place, 1])
                row[f"{name}_visible"] = 2 if entry["uv_vis"][place, 2] else 1
                row[f"{name}_x"] = float(entry["xyz"][place, 0])
                row[f"{name}_y"] = float(entry["xyz"][place, 1])
                row[f"{name}_z"] = float(entry["xyz"][place, 2])
            for i in range(9):
                row[f"K{i}"] = float(entry["K"].flat[i])
            table.append(row)
    pd.DataFrame(table).to_parquet(out / "rows.parquet")


def columns(training: Path, out: Path) -> None:
    """A list a column."""
    with open(training / "anno_training.pickle", "rb") as file:
        entries = pickle.load(file)
    lists: dict[str, list[object]] = {name: [] for name in COLUMNS}
    order = rhd.ORDER.tolist()
    for key, entry in entries.items():
        for side, first in HANDS:
            uv_vis = entry["uv_vis"][first : first + kp.COUNT]
            if not in_view(uv_vis):
                continue
            xyz = entry["xyz"][first : first + kp.COUNT]
            values: list[object] = [f"color/{key:05d}.png", side]
            for place in order:
                u, v, visible = uv_vis[place]
                x, y, z = xyz[place]
                values += [float(u), float(v), 2 if visible else 1, float(x), float(y), float(z)]
            values += entry["K"].reshape(-1).tolist()
            for name, value in zip(COLUMNS, values, strict=True):
                lists[name].append(value)
    pd.DataFrame(lists).to_parquet(out / "columns.parquet")


def ours(training: Path, out: Path) -> None:
    """The converter and the dataset's table."""
    write_table(out, (part.batch for part in rhd.read(Source(training.absolute()))))


def check_same(out: Path) -> None:
    """All must have told the same story."""
    theirs = pd.read_parquet(out / "rows.parquet")
    if not theirs.equals(pd.read_parquet(out / "columns.parquet")):
        raise SystemExit("the two tables of pandas differ")
    mine = pq.read_table(out / TABLE)
    points = np.stack(mine.column("keypoints").to_pylist()).reshape(-1, kp.COUNT, 2)
    wanted = np.stack([theirs[[f"{n}_u", f"{n}_v"]].to_numpy(np.float32) for n in kp.NAMES], axis=1)
    if not np.array_equal(points.astype(np.float32), wanted):
        raise SystemExit("the two tables differ")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of CPU and of wall time."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=41_258)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        training, out = make_source(Path(folder), options.images), Path(folder, "out")
        out.mkdir()
        pickled = training / "anno_training.pickle"
        print(f"pickle of {pickled.stat().st_size / 1e6:.0f} MB, {options.images} images")
        ways: dict[str, Callable[[], object]] = {
            "rows": lambda: rows(training, out),
            "columns": lambda: columns(training, out),
            "curate": lambda: ours(training, out),
            "pickle.load alone": lambda: pickle.loads(pickled.read_bytes()),
            "reading alone": collector_paused()(lambda: safe_pickle.load_records(pickled, SHAPES)),
            "record by record": collector_paused()(lambda: safe_pickle.load(pickled)),
        }
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for turn in range(options.rounds + 1):
            for name, work in ways.items():
                measured = timed(work)
                if turn:  # the first is a warm-up
                    times[name].append(measured)
        check_same(out)
        base: tuple[float, ...] = (0.0, 0.0)
        for name, measures in times.items():
            middle = tuple(median(column) for column in zip(*measures, strict=True))
            base = middle if name in ("rows", "pickle.load alone") else base
            ratios = "  ".join(f"{one / own:5.1f} x" for one, own in zip(base, middle, strict=True))
            print(f"{name:22} {middle[0]:7.3f} CPU s {middle[1]:7.3f} s   {ratios}")


if __name__ == "__main__":
    main()

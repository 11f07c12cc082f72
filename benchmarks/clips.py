"""Hands followed in whole clips with labels: numbers kept, trembling, lag, and frames a second.

    python benchmarks/clips.py DATA/wild_clips --run RUN [--finder box] [--smooth HZ] [--quick HZ] [--pairs]

The folder holds images/CLIP/*.jpg and labels/CLIP/*.txt (YOLO pose, one hand). Each clip is written as a
video of --rate frames a second, and `curate predict` follows its hands, once with smoothing and once without.

  number kept   frames in which the labelled hand is the track that it is in most frames, as a share of those
                in which any track lies on it (its centre is nearer than half of the hand's size)

Of the frames of that track, for the first half of the clips, on which settings are chosen, and the others:

  error         mean distance of the points from the labels, in sizes of the hand
  trembling     mean length of the second difference of the points, as a multiple of that of the labels
  against       mean length of the second difference of (points - labels), in sizes of the hand
  at rest       that of the points alone, in frames in which the labelled hand rests (its centre moves by less
                than 2 % of its size)
  lag           frames by which the smoothed points come behind those that were not smoothed: where their
                mean squared distance is least, by a parabola through those at -2 to 2 frames; mean and most

as they are found, as a file's are smoothed, and as a camera's are, whose future is not known.

  pace          frames a second of the clock, and of the processor's time, all included but the start

--pairs composes videos of two clips each: squares around their hands, brought to one size, cross before a
grey ground from left to right and from right to left, one above the other (a tenth of their height overlaps).
Of each hand is told in how many frames a track lies on it, and how often that is another one than before.

Nothing is written but what --out keeps.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import geometry
from curate.data.dataset import Dataset
from curate.hands.smoothing import OneEuro, smooth_forward
from curate.options.predict import PredictOptions
from curate.predict import Predicted, predict

REST, NEAR = 0.02, 0.5  # sizes of the hand
GROUND, PATCH, LAPPED = 110, 200, 0.1  # grey; px of a side; of it
Points = NDArray[np.float64]


def main() -> None:
    """Follow, measure, print."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("clips", type=Path, nargs="?", metavar="CLIPS")
    parser.add_argument("--run", type=Path, metavar="RUN", help="default: the tagger in the box")
    parser.add_argument("--finder", metavar="box|RUN")
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--smooth", type=float, default=PredictOptions().smooth)
    parser.add_argument("--quick", type=float, default=PredictOptions().quick)
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--out", type=Path, help="keep what is made here")
    given = parser.parse_args()
    if given.clips is None:
        print("give a folder of clips: data/README.md says where there are some")
        return
    with tempfile.TemporaryDirectory() as temporary:
        work = given.out or Path(temporary)
        if given.pairs:
            tell_pairs(given, work)
        else:
            tell_clips(given, work)


def tell_clips(given: argparse.Namespace, work: Path) -> None:
    """Of each clip, and of all."""
    truth = write_videos(given.clips, work / "videos", given.rate)
    spent: list[tuple[float, float]] = []
    made: list[Predicted] = []
    for name, least in (("raw", 0.0), ("smoothed", given.smooth)):
        options = PredictOptions(finder=given.finder, smooth=least, quick=given.quick)
        began, cpu = time.monotonic(), time.process_time()
        made.append(predict(given.run, [work / "videos"], work / name, options, quiet=True))
        spent.append((time.monotonic() - began, time.process_time() - cpu))
    raw, smoothed = (tracks(Dataset(one.out), truth) for one in made)
    tell(truth, raw, smoothed, OneEuro(given.smooth, given.quick), given.rate)
    frames = sum(map(len, truth.values()))
    if not made[0].reused:
        clock, cpu = (frames / seconds for seconds in spent[0])
        load = os.getloadavg()[0]
        print(f"pace: {clock:.1f} frames a second, {cpu:.1f} of the processor's time; load {load:.0f}")


def write_videos(clips: Path, out: Path, rate: float) -> dict[str, Points]:
    """Write each clip as a video; of each the labels (frames, 21, 2), pixels."""
    out.mkdir(parents=True, exist_ok=True)
    truth = {}
    for folder in sorted((clips / "images").iterdir()):
        pictures = sorted(folder.iterdir())
        first: Any = cv2.imread(str(pictures[0]))
        size = first.shape[1::-1]
        labels = []
        path = out / f"{folder.name}.mp4"
        writer = None
        if not path.exists():
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
        for picture in pictures:
            if writer is not None:
                writer.write(cv2.imread(str(picture)))
            told = (clips / "labels" / folder.name / f"{picture.stem}.txt").read_text().split()
            labels.append(np.array(told[5:], float).reshape(21, -1)[:, :2] * size)
        if writer is not None:
            writer.release()
        truth[folder.name] = np.stack(labels)
    return truth


def tracks(made: Dataset, truth: dict[str, Points]) -> dict[str, dict[str, Points]]:
    """Of each clip, each track's points (frames, 21, 2), NaN where it was not seen."""
    found: dict[str, dict[str, Points]] = {name: {} for name in truth}
    for sample in made:
        if sample.track is not None and sample.clip is not None and sample.frame is not None:
            name = Path(sample.clip).stem
            blank = np.full(truth[name].shape, np.nan)
            found[name].setdefault(sample.track, blank)[sample.frame] = sample.keypoints
    return found


def tell(truth: dict[str, Points], raw: Any, smoothed: Any, by: OneEuro, rate: float) -> None:
    """Print a line a clip, and one of each half of them and each kind of smoothing."""
    print("clip       frames  followed  number kept  tracks")
    halves: list[dict[str, list[dict[str, Any]]]] = [defaultdict(list), defaultdict(list)]
    for row, (name, labels) in enumerate(truth.items()):
        size = np.ptp(labels, axis=1).max(axis=1)
        near = {t: on_it(points, labels, size) for t, points in raw[name].items()}
        if not near:
            print(f"{name:9}  {len(labels):6}  no hand was followed")
            continue
        best = max(near, key=lambda t: int(near[t].sum()))
        any_near = np.any(list(near.values()), axis=0)
        kept = near[best].sum() / max(1, any_near.sum())
        print(f"{name:9}  {len(labels):6}  {any_near.sum():8}  {kept:11.2f}  {len(near):6}")
        found = raw[name][best]
        camera = smooth_forward(found, np.arange(len(found)) / rate, by)
        kinds = {"found": found, "file": smoothed[name][best], "camera": camera}
        for kind, points in kinds.items():
            seen = np.where(near[best][:, None, None], points, np.nan)
            told = {**measured(seen, labels, size), "lag": lag(found, seen)}
            halves[row >= len(truth) / 2][kind].append(told)
    for half, which in zip(halves, ("chosen on", "the others"), strict=True):
        for kind, clips in half.items():
            print(f"{which:10}  {kind:6}  {line(clips)}")


def line(clips: list[dict[str, Any]]) -> str:
    """Figures of some clips, of all their frames together."""

    def mean(name: str) -> float:
        return float(np.nanmean(np.concatenate([clip[name] for clip in clips])))

    lags = [clip["lag"] for clip in clips]
    return (
        f"error {mean('error'):.3f}  trembling x{mean('ours') / mean('labels'):.2f}  "
        f"against {mean('against'):.3f}  at rest {mean('rest'):.4f}  "
        f"lag {np.nanmean(lags):.2f}, {np.nanmax(lags):.2f}"
    )


def on_it(points: Points, labels: Points, size: NDArray[np.float64]) -> NDArray[np.bool_]:
    """In which frames a track lies on the labelled hand."""
    off = np.linalg.norm(points.mean(axis=1) - labels.mean(axis=1), axis=1)
    return np.asarray(off < NEAR * size)


def measured(points: Points, labels: Points, size: NDArray[np.float64]) -> dict[str, Any]:
    """Of each frame, NaN where there is none: error and second differences in sizes of the hand."""

    def second(track: Points) -> Any:
        return np.linalg.norm(np.diff(track, n=2, axis=0), axis=2).mean(axis=1) / size[1:-1]

    moves = np.linalg.norm(np.diff(labels.mean(axis=1), axis=0), axis=1) / size[1:]
    rests = np.maximum(moves[1:], moves[:-1]) < REST
    ours = second(points)
    return {
        "error": np.linalg.norm(points - labels, axis=2).mean(axis=1) / size,
        "against": second(points - labels),
        "ours": ours,
        "labels": np.where(np.isfinite(ours), second(labels), np.nan),
        "rest": np.where(rests, ours, np.nan),
    }


def lag(raw: Points, smoothed: Points) -> float:
    """Frames by which the smoothed points come behind those that were not."""
    shifts = np.arange(-2, 3)
    far = []
    for shift in shifts:
        late = smoothed[2 + shift : len(smoothed) - 2 + shift]
        far.append(np.nanmean(np.square(late - raw[2:-2])))
    low = int(np.clip(np.argmin(far), 1, len(far) - 2))
    before, here, after = far[low - 1 : low + 2]
    bend = before - 2 * here + after
    return float(shifts[low] + (0.5 * (before - after) / bend if bend > 0 else 0.0))


# Two hands -------------------------------------------------------------------------------------------


def tell_pairs(given: argparse.Namespace, work: Path) -> None:
    """Of two hands that pass each other, which tracks lie on them."""
    truth = write_pairs(given.clips, work / "pairs", given.rate)
    options = PredictOptions(finder=given.finder, smooth=given.smooth, quick=given.quick)
    made = predict(given.run, [work / "pairs"], work / "followed", options, quiet=True)
    found = tracks(Dataset(made.out), {name: hands[0] for name, hands in truth.items()})
    print("pair                 frames  tracks  hand  followed  numbers  changes")
    for name, hands in truth.items():
        for number, labels in enumerate(hands):
            size = np.ptp(labels, axis=1).max(axis=1)
            numbers = lying_on(found[name], labels, size)
            seen = [track for track in numbers if track is not None]
            changes = sum(one != other for one, other in pairwise(seen))
            told = f"{name:19}  {len(labels):6}  {len(found[name]):6}"
            print(f"{told}  {number + 1:4}  {len(seen):8}  {len(set(seen)):7}  {changes:7}")


def lying_on(found: dict[str, Points], labels: Points, size: NDArray[np.float64]) -> list[str | None]:
    """The track that lies on a labelled hand in each frame, the nearest of several."""
    middles = labels.mean(axis=1)
    result = []
    for frame, middle in enumerate(middles):
        off = {t: float(np.linalg.norm(points[frame].mean(axis=0) - middle)) for t, points in found.items()}
        near = {track: gap for track, gap in off.items() if gap < NEAR * size[frame]}
        result.append(min(near, key=lambda track: near[track]) if near else None)
    return result


def write_pairs(clips: Path, out: Path, rate: float) -> dict[str, list[Points]]:
    """Write a video of each two clips; of each the labels of both hands, (frames, 21, 2) pixels."""
    out.mkdir(parents=True, exist_ok=True)
    names = sorted(path.name for path in (clips / "images").iterdir())
    truth = {}
    for pair in zip(names[::2], names[1::2], strict=False):
        patches, labels = zip(*(hand_of(clips, name) for name in pair), strict=True)
        count = min(map(len, patches))
        path = np.linspace(0, 1, count)
        across = PATCH * 1.4
        corners = [
            np.stack([across * path, np.zeros(count)], axis=1),
            np.stack([across * (1 - path), np.full(count, PATCH * (1 - LAPPED))], axis=1),
        ]
        width, height = round(across + PATCH), round(PATCH * (2 - LAPPED))
        name = "-".join(pair)
        writer = cv2.VideoWriter(
            str(out / f"{name}.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), rate, (width, height)
        )
        for frame in range(count):
            picture = np.full((height, width, 3), GROUND, np.uint8)
            for patch, corner in zip(patches, corners, strict=True):
                x, y = corner[frame].round().astype(int)
                picture[y : y + PATCH, x : x + PATCH] = patch[frame]
            writer.write(picture)
        writer.release()
        truth[name] = [
            told[:count] + corner.round()[:, None] for told, corner in zip(labels, corners, strict=True)
        ]
    return truth


def hand_of(clips: Path, name: str) -> tuple[list[Any], Points]:
    """The square of a clip in which its hand moves, as pictures of PATCH pixels, and the labels there."""
    pictures, labels = [], []
    for path in sorted((clips / "images" / name).iterdir()):
        pictures.append(cv2.imread(str(path)))
        told = (clips / "labels" / name / f"{path.stem}.txt").read_text().split()
        labels.append(np.array(told[5:], float).reshape(21, -1)[:, :2] * pictures[-1].shape[1::-1])
    points = np.stack(labels)
    box = geometry.bounding_box(points.reshape(-1, 2))
    assert box is not None
    x, y, side, _ = geometry.square_around(box, 0.1)
    scale = PATCH / side
    affine = np.array([[scale, 0, -scale * x], [0, scale, -scale * y]])
    matrix = geometry.to_index_space(affine)
    cut = [cv2.warpAffine(p, matrix, (PATCH, PATCH), borderValue=(GROUND,) * 3) for p in pictures]
    return cut, geometry.apply(affine, points.reshape(-1, 2)).reshape(points.shape)


if __name__ == "__main__":
    main()

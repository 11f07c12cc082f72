"""Hands followed in whole clips with labels: numbers kept, trembling, lag, and frames a second.

    python benchmarks/clips.py DATA/wild_clips --run RUN [--finder box] [--smooth HZ] [--quick HZ]

The folder holds images/CLIP/*.jpg and labels/CLIP/*.txt (YOLO pose, one hand). Each clip is written as a
video of --rate frames a second, and `curate predict` follows its hands, once with smoothing and once without.

  number kept   frames in which the labelled hand is the track that it is in most frames, as a share of those
                in which any track lies on it (its centre is nearer than half of the hand's size)
  error         mean distance of the points from the labels, in sizes of the hand, in the frames of that track
  jitter        mean length of the second difference of (points - labels), in sizes of the hand
  at rest       that of the points alone, as labels tremble themselves, in frames in which the labelled hand
                rests (its centre moves by less than 2 % of its size)
  lag           frames by which the smoothed points come behind those that were not smoothed: where their
                mean squared distance is least, by a parabola through those at -2 to 2 frames
  pace          frames a second of the clock, and of the processor's time, all included but the start

Nothing is written but what --out keeps.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.data.dataset import Dataset
from curate.options.predict import PredictOptions
from curate.predict import Predicted, predict

REST, NEAR = 0.02, 0.5  # sizes of the hand
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
    parser.add_argument("--out", type=Path, help="keep what is made here")
    given = parser.parse_args()
    if given.clips is None:
        print("give a folder of clips: data/README.md says where there are some")
        return
    with tempfile.TemporaryDirectory() as temporary:
        work = given.out or Path(temporary)
        truth = write_videos(given.clips, work / "videos", given.rate)
        spent: list[tuple[float, float]] = []
        made: list[Predicted] = []
        for name, smooth in (("raw", 0.0), ("smoothed", given.smooth)):
            options = PredictOptions(finder=given.finder, smooth=smooth, quick=given.quick)
            began, cpu = time.monotonic(), time.process_time()
            made.append(predict(given.run, [work / "videos"], work / name, options, quiet=True))
            spent.append((time.monotonic() - began, time.process_time() - cpu))
        raw, smoothed = (tracks(Dataset(one.out), truth) for one in made)
    tell(truth, raw, smoothed)
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


def tell(truth: dict[str, Points], raw: dict[str, Any], smoothed: dict[str, Any]) -> None:
    """Print a line a clip, and one of all."""
    print("clip       frames  followed  number kept  tracks  error raw, smoothed  jitter  at rest       lag")
    all_of: dict[str, list[float]] = defaultdict(list)
    for name, labels in truth.items():
        size = np.ptp(labels, axis=1).max(axis=1)
        near = {t: on_it(points, labels, size) for t, points in smoothed[name].items()}
        if not near:
            print(f"{name:9}  {len(labels):6}  no hand was followed")
            continue
        best = max(near, key=lambda t: int(near[t].sum()))
        any_near = np.any(list(near.values()), axis=0)
        figures = {"kept": near[best].sum() / max(1, any_near.sum())}
        for kind, found in (("raw", raw[name]), ("smoothed", smoothed[name])):
            points = np.where(near[best][:, None, None], found.get(best, np.nan), np.nan)
            figures |= {f"{kind} {what}": value for what, value in measured(points, labels, size).items()}
        figures["lag"] = lag(raw[name].get(best), smoothed[name][best])
        for key, value in figures.items():
            all_of[key].append(float(value))
        print(f"{name:9}  {len(labels):6}  {any_near.sum():8}  {line(figures, len(near))}")
    mean = {key: float(np.nanmean(values)) for key, values in all_of.items()}
    print(f"mean       {sum(map(len, truth.values())):6}            {line(mean, 0)}")


def line(figures: dict[str, Any], count: int) -> str:
    """Figures of a clip."""
    return (
        f"{figures['kept']:11.2f}  {count or '':6}  "
        f"{figures['raw error']:.3f}, {figures['smoothed error']:.3f}         "
        f"{figures['raw jitter']:.3f} {figures['smoothed jitter']:.3f}  "
        f"{figures['raw rest']:.4f} {figures['smoothed rest']:.4f}  {figures['lag']:.2f}"
    )


def on_it(points: Points, labels: Points, size: NDArray[np.float64]) -> NDArray[np.bool_]:
    """In which frames a track lies on the labelled hand."""
    off = np.linalg.norm(points.mean(axis=1) - labels.mean(axis=1), axis=1)
    return np.asarray(off < NEAR * size)


def measured(points: Points, labels: Points, size: NDArray[np.float64]) -> dict[str, float]:
    """Error and jitter in sizes of the hand."""
    error = np.linalg.norm(points - labels, axis=2).mean(axis=1) / size
    trembling = np.linalg.norm(np.diff(points - labels, n=2, axis=0), axis=2).mean(axis=1) / size[1:-1]
    moves = np.linalg.norm(np.diff(labels.mean(axis=1), axis=0), axis=1) / size[1:]
    rests = np.maximum(moves[1:], moves[:-1]) < REST
    alone = np.linalg.norm(np.diff(points, n=2, axis=0), axis=2).mean(axis=1) / size[1:-1]
    quiet = alone[rests & np.isfinite(alone)]
    return {
        "error": float(np.nanmean(error)),
        "jitter": float(np.nanmean(trembling)),
        "rest": float(quiet.mean()) if len(quiet) else np.nan,
    }


def lag(raw: Points | None, smoothed: Points) -> float:
    """Frames by which the smoothed points come behind those that were not."""
    if raw is None:
        return np.nan
    shifts = np.arange(-2, 3)
    far = []
    for shift in shifts:
        late = smoothed[2 + shift : len(smoothed) - 2 + shift]
        far.append(np.nanmean(np.square(late - raw[2:-2])))
    low = int(np.clip(np.argmin(far), 1, len(far) - 2))
    before, here, after = far[low - 1 : low + 2]
    bend = before - 2 * here + after
    return float(shifts[low] + (0.5 * (before - after) / bend if bend > 0 else 0.0))


if __name__ == "__main__":
    main()

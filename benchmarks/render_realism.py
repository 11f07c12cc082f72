"""Do renders look like hands? Judged by a detector that was trained on real ones: MediaPipe Hands 0.10.21.

    python benchmarks/render_realism.py [D] [--mediapipe PYTHON] [--limit N] [--turn] [--share X]
        [--sheet FILE] [--json]

D is a labelled dataset: renders, or real photographs for reference figures. Without it 400 pictures (or
--limit) of open hands are rendered first: backs and palms, tilt 0 to 45, all rotations. For each sample
MediaPipe (still images, one hand, confidence 0.5) looks at the whole image. Printed are the share of hands
that it finds and the median distance of its points from the labels, overall and by aspect, tilt, rotation,
skin, pose and size (the share of the picture's side that the hand takes up); then for each keypoint the
median distance and the mean offset (MediaPipe - label) in the finger frame:

    along    positive towards the fingertip (of the wrist: towards the middle finger)
    across   positive towards the thumb's side of the hand

Distances are in % of hand size, the longer side of the box around the labels. A mean offset that is far from
0 is a convention: joint centres of a rig are not where people put labels.

PYTHON is an interpreter that has mediapipe==0.10.21 (NumPy 1); default: $HAND_CURATE_MEDIAPIPE, else
.venv-tools. --turn turns each image about its middle, by 0, 45, ... 315 degrees in turn: what the detector
makes of real hands that do not point upwards is the measure for rendered ones. --share cuts a square out of
each image of whose side the hand takes up so much, since the detector misses hands that fill a picture;
images too small for that are left out. --sheet draws the hands that were missed, then the worst (labels
white).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import geometry, images
from curate.basics import keypoints as kp
from curate.basics.engine import Local, default_workers
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.hands.comparison import draw_prediction
from curate.hands.overlay import contact_sheet, draw_skeleton
from curate.scoring import metrics
from render.job import Job
from render.run import render

HERE = Path(__file__).resolve().parent
WORKER = HERE / "tools" / "mediapipe_points.py"
INTERPRETER = HERE.parent / ".venv-tools" / "bin" / "python"
ANGLES = "tilt=0..45 rotation=0..360 roll=-10..10"
SKIN = ("skinTone", "skinColor")  # in a sample's attrs
Floats = NDArray[np.float64]
_CUT = 256  # pixels of what --share cuts out


@dataclass(frozen=True, slots=True)
class Judged:
    """The samples, MediaPipe's points (N, 21, 2; NaN where it found no hand) and sides ("" likewise)."""

    samples: list[Sample]
    points: Floats
    sides: list[str]

    @property
    def truth(self) -> Floats:
        return np.stack([sample.keypoints for sample in self.samples]).astype(np.float64)

    @property
    def found(self) -> NDArray[np.bool_]:
        return np.isfinite(self.points[:, 0, 0])

    def errors(self) -> Floats:
        """(N, 21) distances in % of hand size; NaN where there is no label, or no hand was found."""
        truth = self.truth
        labelled = np.isfinite(truth[..., 0])
        size, _ = metrics.box_sizes(truth, labelled)
        gaps: Floats = 100 * np.linalg.norm(self.points - truth, axis=2) / size[:, None]
        return gaps

    def offsets(self) -> Floats:
        """(N, 21, 2) offsets along the finger and across it, in % of hand size."""
        truth = self.truth
        size, _ = metrics.box_sizes(truth, np.isfinite(truth[..., 0]))
        along, across = _frames(truth)
        gap = self.points - truth
        shares: Floats = np.stack([(gap * along).sum(2), (gap * across).sum(2)], axis=2)
        return 100 * shares / size[:, None, None]


def renders(folder: Path, count: int) -> Path:
    """A dataset of so many renders."""
    job = Job.of(angles=[ANGLES], random=count, aspect="both")
    # Open hands, all of them in the picture: what is hidden cannot be found, nor what fills the picture.
    seen = replace(job, pose=replace(job.pose, kinds=("flat",)), camera=replace(job.camera, fill=(0.3, 0.6)))
    render(folder / "renders", seen, engine=Local(default_workers()))
    return folder / "renders"


def judge(
    root: Path, interpreter: str, limit: int | None, turn: bool, share: float | None = None
) -> tuple[Judged, list[images.Pixels]]:
    """Show the dataset's images to MediaPipe; also the images, as it saw them."""
    dataset = Dataset(root)
    samples = [sample for sample in dataset if np.isfinite(sample.keypoints[:, 0]).sum() > 1]
    if limit is not None and limit < len(samples):
        samples = [samples[i] for i in sorted(random.Random(0).sample(range(len(samples)), limit))]
    shown = [dataset.read_image(sample) for sample in samples]
    if turn:
        turned = [_turned(s, p, 45.0 * (i % 8)) for i, (s, p) in enumerate(zip(samples, shown, strict=True))]
        samples, shown = [one for one, _ in turned], [one for _, one in turned]
    if share:
        cut = [
            _cut(s, p, share)
            for s, p in zip(samples, shown, strict=True)
            if _side(s) / share <= min(p.shape[:2])
        ]
        samples, shown = [one for one, _ in cut], [one for _, one in cut]
    points, sides = np.full((len(samples), kp.COUNT, 2), np.nan), [""] * len(samples)
    for i, answer in enumerate(_ask(interpreter, shown)):
        if answer is not None:
            points[i], sides[i] = answer["points"], answer["side"]
    return Judged(samples, points, sides), shown


def _ask(interpreter: str, shown: list[images.Pixels]) -> Iterator[dict[str, Any] | None]:
    command = [interpreter, str(WORKER)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for image in shown:
            try:
                process.stdin.write(struct.pack("<2I", *image.shape[:2]) + image.tobytes())
                process.stdin.flush()
            except BrokenPipeError:
                raise SystemExit(f"MediaPipe ended; try: {interpreter} -c 'import mediapipe'") from None
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"MediaPipe ended; try: {interpreter} -c 'import mediapipe'")
            yield json.loads(line)
        process.stdin.close()


def _turned(sample: Sample, image: images.Pixels, degrees: float) -> tuple[Sample, images.Pixels]:
    """A sample and its image turned clockwise about the middle, made smaller where it would not fit."""
    height, width = image.shape[:2]
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, -s], [s, c]]) / (abs(c) + abs(s))
    middle = np.array([width, height]) / 2
    side = max(width, height)
    affine = np.column_stack([turn, side / 2 - turn @ middle])
    pixels = affine.copy()
    pixels[:, 2] += affine[:, :2] @ (0.5, 0.5) - 0.5  # OpenCV counts from the middle of the first pixel
    seen = cv2.warpAffine(image, pixels, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    points = geometry.apply(affine, sample.keypoints).astype(np.float32)
    return replace(sample, keypoints=points, rotation=degrees), np.asarray(seen, np.uint8)


def _side(sample: Sample) -> float:
    """The longer side of the box around a hand's labels, pixels."""
    return float(np.ptp(sample.keypoints[np.isfinite(sample.keypoints[:, 0])], axis=0).max())


def _share(sample: Sample) -> str:
    """How much of the picture's side a hand takes up, in tenths; "" where that is not known."""
    if not sample.width or not sample.height:
        return ""
    return f"{math.floor(10 * _side(sample) / max(sample.width, sample.height)) / 10:.1f}"


def _cut(sample: Sample, image: images.Pixels, share: float) -> tuple[Sample, images.Pixels]:
    """A sample and the square of its image, _CUT pixels wide, of whose side its hand takes up `share`."""
    labelled = sample.keypoints[np.isfinite(sample.keypoints[:, 0])]
    side = int(_side(sample) / share)
    middle = (labelled.min(axis=0) + labelled.max(axis=0)) / 2
    left, top = np.clip(middle - side / 2, 0, np.array(image.shape[1::-1]) - side).astype(int)
    how = cv2.INTER_CUBIC if side < _CUT else cv2.INTER_AREA
    seen = cv2.resize(image[top : top + side, left : left + side], (_CUT, _CUT), interpolation=how)
    points = ((sample.keypoints - (left, top)) * _CUT / side).astype(np.float32)
    return replace(sample, keypoints=points, width=_CUT, height=_CUT), np.asarray(seen, np.uint8)


def _frames(truth: Floats) -> tuple[Floats, Floats]:
    """Unit vectors (N, 21, 2) along each keypoint's finger, and across it towards the thumb's side."""
    before, after = np.arange(kp.COUNT) - 1, np.arange(kp.COUNT) + 1
    for base, tip in zip(kp.BASES, kp.TIPS, strict=True):
        before[base], after[tip] = base, tip
    before[kp.WRIST], after[kp.WRIST] = kp.WRIST, kp.INDEX["middle_mcp"]
    along = truth[:, after] - truth[:, before]
    along /= np.linalg.norm(along, axis=2, keepdims=True)
    across = np.stack([-along[..., 1], along[..., 0]], axis=2)
    middle, wrist = truth[:, kp.INDEX["middle_mcp"]], truth[:, kp.WRIST]
    up = np.where(np.isfinite(wrist), middle - wrist, truth[:, kp.INDEX["middle_pip"]] - middle)
    thumbwards = truth[:, kp.INDEX["index_mcp"]] - truth[:, kp.INDEX["little_mcp"]]
    side = np.sign(up[:, 0] * thumbwards[:, 1] - up[:, 1] * thumbwards[:, 0])
    return along, across * side[:, None, None]


def bins(samples: list[Sample]) -> dict[str, list[str]]:
    """For each way of dividing the samples the bin of each; "" where it has none."""

    def of_attrs(name: str) -> Callable[[Sample], str]:
        return lambda sample: str(sample.attrs.get(name, ""))

    ways: dict[str, Callable[[Sample], str]] = {
        "aspect": lambda sample: sample.aspect or "",
        "side": lambda sample: sample.side or "",
        "tilt": lambda sample: "" if sample.tilt is None else f"{15 * round(sample.tilt / 15):4d}",
        "rotation": lambda sample: (
            "" if sample.rotation is None else f"{45 * (round(sample.rotation / 45) % 8):4d}"
        ),
        **{name: of_attrs(name) for name in (*SKIN, "pose")},
        "size": _share,
    }
    found = {way: [name_of(sample) for sample in samples] for way, name_of in ways.items()}
    return {way: names for way, names in found.items() if any(names)}


def report(judged: Judged) -> dict[str, Any]:
    """All figures: shares in %, distances in % of hand size."""
    errors, offsets, found = judged.errors(), judged.offsets(), judged.found

    def figures(chosen: NDArray[np.bool_]) -> dict[str, float]:
        known = errors[chosen][np.isfinite(errors[chosen])]
        middle = float(np.median(known)) if known.size else float("nan")
        return {"count": int(chosen.sum()), "detected": 100 * float(found[chosen].mean()), "median": middle}

    right_side = [a == b.side for a, b in zip(judged.sides, judged.samples, strict=True) if a and b.side]
    by_bin = {
        way: {name: figures(np.array(names) == name) for name in sorted({*names} - {""})}
        for way, names in bins(judged.samples).items()
    }
    points = {}
    for i, name in enumerate(kp.NAMES):
        known = np.isfinite(errors[:, i])
        if known.any():
            along, across = np.nanmean(offsets[:, i], axis=0)
            points[name] = {"median": float(np.median(errors[known, i])), "along": along, "across": across}
    return {
        "all": figures(np.ones(len(found), bool)),
        "p90": float(np.nanpercentile(errors, 90)),
        "same_side": 100 * float(np.mean(right_side)) if right_side else float("nan"),
        "bins": by_bin,
        "keypoints": points,
    }


def show(result: dict[str, Any]) -> None:
    """The report for people."""
    whole = result["all"]
    print(
        f"{whole['count']} samples, hand found in {whole['detected']:.1f} %; its side as labelled in "
        f"{result['same_side']:.1f} %; points off by {whole['median']:.2f} % of hand size (median), "
        f"{result['p90']:.2f} % (90th percentile)"
    )
    print(f"\n{'':22} {'samples':>8} {'found %':>8} {'median %':>9}")
    for way, rows in result["bins"].items():
        for name, row in rows.items():
            print(f"{way:10} {name:11} {row['count']:8} {row['detected']:8.1f} {row['median']:9.2f}")
    print(f"\n{'MediaPipe - label':22} {'median %':>8} {'along %':>8} {'across %':>9}")
    for name, row in result["keypoints"].items():
        print(f"{name:22} {row['median']:8.2f} {row['along']:+8.2f} {row['across']:+9.2f}")


def draw_sheet(judged: Judged, shown: list[images.Pixels], path: Path, columns: int = 6) -> None:
    """The missed, then the worst, as many as fit into a square of tiles."""
    errors = np.where(np.isfinite(judged.errors()), judged.errors(), 0).mean(axis=1)
    order = np.argsort(np.where(judged.found, -errors, -np.inf), kind="stable")[: columns**2]
    tiles = []
    for i in order:
        sample, image = judged.samples[i], shown[i]
        if judged.found[i]:
            tile = draw_prediction(image, judged.points[i], sample.keypoints, sample.visibility, size=256)
        else:
            tile = draw_skeleton(image, sample.keypoints, sample.visibility, size=256)
        tiles.append(tile)
    images.write(path, contact_sheet(tiles, columns=columns, cell=256))


def need_mediapipe(interpreter: str) -> None:
    """Before a picture is rendered: is MediaPipe there? SystemExit where it is not."""
    remedy = (
        "`make bench` installs it into .venv-tools; or: python3.11 -m venv V; V/bin/pip install "
        "mediapipe==0.10.21 'numpy<2', then --mediapipe V/bin/python"
    )
    try:
        done = subprocess.run([interpreter, "-c", "import mediapipe"], capture_output=True, text=True)
    except OSError as error:
        raise SystemExit(f"MediaPipe: {interpreter}: {error.strerror}; {remedy}") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SystemExit(f"MediaPipe: {interpreter} has none ({last}); {remedy}")


def main() -> None:
    """Print the figures of a dataset."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path, nargs="?", help="default: pictures rendered for this")
    parser.add_argument("--mediapipe", default=os.environ.get("HAND_CURATE_MEDIAPIPE", str(INTERPRETER)))
    parser.add_argument("--limit", type=int, help="only so many samples, drawn at random (seed 0)")
    parser.add_argument(
        "--turn", action="store_true", help="turn the images by 0, 45, ... 315 degrees in turn"
    )
    parser.add_argument(
        "--share", type=float, help="cut the images so that the hand takes up this share of the side"
    )
    parser.add_argument("--sheet", type=Path, help="picture of the missed and the worst (.jpg or .png)")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    need_mediapipe(given.mediapipe)
    with tempfile.TemporaryDirectory() as folder:
        dataset = given.dataset or renders(Path(folder), given.limit or 400)
        judged, shown = judge(dataset, given.mediapipe, given.limit, given.turn, given.share)
    result = report(judged)
    print(json.dumps(result)) if given.json else show(result)
    if given.sheet:
        draw_sheet(judged, shown, given.sheet)


if __name__ == "__main__":
    main()

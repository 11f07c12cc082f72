"""What is spoilt: small sources in the layouts that people have, and all that our own commands make of them.

drawn       a dataset: hands with masks, depth, xyz and K
labelme, coco, yolo-pose, 11khands, rhd, cvat, label-studio    exports of it
wholebody, cvat-video                      sources that are written here
freihand, interhand, panoptic and so on    the layouts of publishers, as the tests write them
crops, set, qa, review                     what crop, build, qa and review build make
run, evaluation                            a network trained for an epoch, and its figures
loose       photos/, decisions.jsonl, split.csv, qa.yaml, job.yaml, mapping.yaml
"""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from curate import cli
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.data import depth
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage
from curate.hands.drawn_hands import Person, draw_hand
from tests.layouts import LAYOUTS

HANDS = 4
SIZE = 160
_K = np.array([[300.0, 0, SIZE / 2], [0, 300, SIZE / 2], [0, 0, 1]])
_MADE = (
    "export {0}/drawn --to labelme --out {0}/labelme",
    "export {0}/drawn --to coco --out {0}/coco",
    "export {0}/drawn --to yolo-pose --out {0}/yolo-pose",
    "export {0}/drawn --to 11khands --out {0}/11khands",
    "export {0}/drawn --to rhd --out {0}/rhd",
    "export {0}/drawn --to cvat --out {0}/cvat",
    "export {0}/drawn --to label-studio --out {0}/label-studio",
    "crop {0}/drawn --by keypoints --size 64 --out {0}/crops",
    "build {0}/crops --size 32 --test 0.5 --masks --store-heatmaps float16 --out {0}/set",
    "qa {0}/drawn --fail-on never --out {0}/qa",
    "review build {0}/drawn --qa {0}/qa --out {0}/review",
)
_TRAINED = (
    "train {0}/set --network toy-points --epochs 1 --batch 2 --out {0}/run",
    "evaluate {0}/run {0}/set --out {0}/evaluation",
)
_MAPPING = """\
labels: {Daumenspitze: thumb_tip, P0: wrist}
hidden: [verdeckt]
ignore: [ruler, logo]
side: left
"""


def make(folder: Path, *, networks: bool) -> None:
    """Make all of it in a new folder.

    Parameters
    ----------
    networks: also what training gives, by a network that must stand in the table as toy-points.
    """
    Stage("draw", folder / "drawn", {}).run([folder / "drawn"], _draw)
    for line in (*_MADE, *(_TRAINED if networks else ())):
        _typed([*shlex.split(line.format(folder)), "--quiet"])
    _write_wholebody(folder / "wholebody")
    _write_video(folder / "cvat-video")
    for name, write in LAYOUTS.items():
        write(folder / name)
    _write_loose(folder / "loose", Dataset(folder / "drawn"))


def _typed(line: Sequence[str]) -> str:
    """Run a command that must go well; what it prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = cli.main(line)
    if code not in (cli.OK, cli.FINDINGS):
        raise SystemExit(f"curate {shlex.join(line)}: {code}")
    return said.getvalue()


def _draw(root: Path) -> Part:
    samples = []
    for number in range(HANDS):
        subject = number // 2
        rng = np.random.default_rng(number)
        side = "left" if number % 2 else "right"
        person = Person.sample(np.random.default_rng(subject))
        picture, points = draw_hand(rng, person, side, width=SIZE, height=SIZE)
        mask = np.zeros((SIZE, SIZE), np.uint8)
        cv2.fillConvexPoly(mask, cv2.convexHull(points.round().astype(np.int32)), 255)
        mask = np.asarray(cv2.dilate(mask, np.ones((9, 9), np.uint8)), np.uint8)  # flesh around the points
        name = f"Hand_{number:07d}"
        images.write(root / "images" / f"{name}.jpg", picture)
        images.write(root / "masks" / f"{name}.png", mask)
        distance = np.where(mask > 0, 0.5, np.nan).astype(np.float32)
        files.write(root / "depth" / f"{name}.png", depth.encode(distance))
        rays = np.concatenate([points, np.ones((kp.COUNT, 1))], axis=1) @ np.linalg.inv(_K).T
        samples.append(
            Sample(
                f"drawn/{name}",
                "drawn",
                f"images/{name}.jpg",
                width=SIZE,
                height=SIZE,
                side=side,
                aspect="dorsal",
                subject_id=f"{subject:07d}",
                keypoints=points,
                visibility=np.full(kp.COUNT, kp.VISIBLE, np.uint8),
                xyz=(rays * 0.5).astype(np.float32),
                K=_K,
                mask=f"masks/{name}.png",
                depth=f"depth/{name}.png",
                label_source="render",
                licence="MIT",
                attrs={"age": 30, "gender": "female", "skinColor": "fair"},
            )
        )
    return Part(to_batch(samples))


def _write_wholebody(root: Path) -> None:
    annotations = []
    for number in range(HANDS):
        images.write(root / "images" / f"{number}.png", np.full((SIZE, SIZE, 3), 90, np.uint8))
        flat = [value for i in range(kp.COUNT) for value in (20.5 + 5 * i, 30.0 + i * number, 2)]
        told = {
            f"{side}hand_{what}": value
            for side in ("left", "right")
            for what, value in (("valid", True), ("kpts", flat), ("box", [20, 30, 100, 60]))
        }
        annotations.append({"id": number, "image_id": number, "iscrowd": 0, "keypoints": [0] * 51, **told})
    entries = [{"id": n, "file_name": f"{n}.png", "width": SIZE, "height": SIZE} for n in range(HANDS)]
    _write_json(
        root / "coco_wholebody_val_v1.0.json",
        {"images": entries, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]},
    )


def _write_video(root: Path) -> None:
    """A CVAT export of a video: a hand at four frames, keyframes at the first and the last."""
    for number in range(HANDS):
        images.write(root / "images" / f"frame_{number:06d}.PNG", np.full((SIZE, SIZE, 3), 90, np.uint8))
    shapes = [
        f'<skeleton frame="{number}" keyframe="1">'
        + "".join(
            f'<points label="{name}" outside="0" occluded="0" points="{20.5 + 5 * i},{30 + i * number}"/>'
            for i, name in enumerate(kp.NAMES)
        )
        + "</skeleton>"
        for number in (0, HANDS - 1)
    ]
    track = f'<track id="0" label="hand" source="manual">{"".join(shapes)}</track>'
    (root / "annotations.xml").write_text(f"<annotations><version>1.1</version>{track}</annotations>")


def _write_loose(root: Path, drawn: Dataset) -> None:
    from qa.review.decisions import SCHEMA, pixel_state, sample_sha

    decisions = []
    points = {"wrist": [80, 90, 2], "thumb_tip": None}
    verdicts: tuple[dict[str, Any], ...] = (
        {"decision": "accept"},
        {"decision": "reject", "reason": "blurred"},
        {"decision": "fix", "reason": "wrong-points"},
        {"decision": "patch", "patch": {"side": "swap", "order": "reverse", "points": points}},
    )
    (root / "photos").mkdir(parents=True)
    for sample, verdict in zip(drawn, verdicts, strict=True):
        pixels = pixel_state(drawn.read_image(sample))
        head = {"schema": SCHEMA, "dataset_sha": drawn.fingerprint, "sample_id": sample.sample_id}
        rest: dict[str, Any] = {
            "sample_sha": sample_sha(sample, pixels),
            "check_ids": [],
            "reason": None,
            "reviewer": "ann",
        }
        decisions.append({**head, **rest, "ts": "2024-01-01T00:00:00Z", "app_version": "0.1.0", **verdict})
        (root / "photos" / Path(sample.image).name).write_bytes((drawn.root / sample.image).read_bytes())
    (root / "decisions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in decisions))
    subjects = sorted({str(sample.subject_id) for sample in drawn})
    rows = zip(subjects, ("train", "test"), strict=True)
    lines = ["subject_id,split", *(f"{subject},{split}" for subject, split in rows), ""]
    (root / "split.csv").write_text("\n".join(lines))
    (root / "qa.yaml").write_text(_typed(["qa", "--explain"]))
    (root / "job.yaml").write_text(_typed(["render", "--explain"]))
    (root / "mapping.yaml").write_text(_MAPPING)


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))

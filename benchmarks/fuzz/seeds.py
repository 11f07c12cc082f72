"""What is spoilt: small sources in the layouts that people have, and all that our own commands make of them.

drawn       a dataset: hands with masks, depth, xyz and K
coco, labelme, rhd ...    a source of each format of the table: an export of it, or by the tests
cvat-video                CVAT's export of a video
crops, set, qa, review    what crop, build, qa and review build make; strange: crops that were made elsewhere
unfinished, begun         a crop and a training that were stopped
corrections               what review open-labelme prepares
mended                    what review apply makes of the decisions
run, evaluation           a network trained for an epoch, and its figures
openpose-model            a network of OpenPose's kind
loose       decisions.jsonl, split.csv, results.json; the YAML of QA, render, autotag, convert; a model and a
            mapping of a hand; a condition of select; argument.txt, in whose place an argument is drawn
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np

from converters.table import FORMATS
from curate import cli
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.data import depth
from curate.data.dataset import INFO, Dataset
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage
from curate.hands.drawn_hands import Person, draw_hand
from curate.hands.kinematics import BONES
from render.hand.model import HandModel
from render.people.rig import TEMPLATE
from tests.layouts import LAYOUTS
from tests.taggers.test_openpose import write_model

HANDS = 4
SIZE = 160
_K = np.array([[300.0, 0, SIZE / 2], [0, 300, SIZE / 2], [0, 0, 1]])
_MADE = (
    *(f"export {{0}}/drawn --to {name} --out {{0}}/{name}" for name, row in FORMATS.items() if row.writes),
    "crop {0}/drawn --by keypoints --size 64 --out {0}/crops",
    "build {0}/crops --size 32 --test 0.5 --masks --store-heatmaps float16 --out {0}/set",
    "qa {0}/drawn --fail-on never --out {0}/qa",
    "review build {0}/drawn --qa {0}/qa --out {0}/review",
    "review open-labelme {0}/drawn --all --no-open --out {0}/corrections",
)
_MENDED = "review apply {0}/loose/decisions.jsonl --dataset {0}/drawn --out {0}/mended"
_TRAINED = (
    "train {0}/set --network toy-points --epochs 1 --batch 2 --out {0}/run",
    "evaluate {0}/run {0}/set --out {0}/evaluation",
)
# The formats of which there is a source, in a folder of their name.
SOURCES = tuple(
    name
    for name, row in FORMATS.items()
    if row.reads and (row.writes or name in ("images", "video", "coco-wholebody", *LAYOUTS))
)
# What is stopped, and where: nothing is left to do but to write the result.
_UNFINISHED = ("crop {0}/drawn --by keypoints --size 64 --out {0}/unfinished", "curate.data.stage.write_info")
_BEGUN = (
    "train {0}/set --network toy-points --epochs 1 --batch 2 --out {0}/begun",
    "curate.training.fit.finish_run",
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
    for line, where in (_UNFINISHED, *((_BEGUN,) if networks else ())):
        with patch(where, side_effect=KeyboardInterrupt):
            _typed([*shlex.split(line.format(folder)), "--quiet"], ending=cli.INTERRUPTED)
    if networks:
        write_model(folder / "openpose-model", kp.COUNT + 1)
    drawn = Dataset(folder / "drawn")
    for name, write in LAYOUTS.items():
        write(folder / name)
    _write_pictures(folder / "images", drawn)
    _write_films(folder / "video")
    _write_wholebody(folder / "coco-wholebody")
    _write_video(folder / "cvat-video")
    _write_loose(folder / "loose", drawn)
    _typed([*shlex.split(_MENDED.format(folder)), "--quiet"])
    shutil.copytree(folder / "crops", folder / "strange")
    with (folder / "strange" / INFO).open("a") as file:
        file.write("\n")  # no dataset that was made here


def _typed(line: Sequence[str], *, ending: int | None = None) -> str:
    """Run a command that must go well, or end with another code; what it prints."""
    said, told = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
        code = cli.main(line)
    if code not in ((cli.OK, cli.FINDINGS) if ending is None else (ending,)):
        raise SystemExit(f"curate {shlex.join(line)}: {code}: {told.getvalue()}")
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


def _write_pictures(root: Path, drawn: Dataset) -> None:
    root.mkdir()
    for sample in drawn:
        shutil.copy(drawn.root / sample.image, root)


def _write_films(root: Path) -> None:
    """A video of each of two kinds, at two depths: a square that moves over eight frames."""
    for name, codec in (("waving.mp4", "mp4v"), ("day-2/turning.avi", "MJPG")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(os.fspath(root / name), cv2.VideoWriter.fourcc(*codec), 10, (64, 48))
        for number in range(8):
            picture = np.full((48, 64, 3), 40, np.uint8)
            picture[10:30, 5 * number : 5 * number + 20] = 200
            writer.write(picture)
        writer.release()


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
    root.mkdir()
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
    (root / "decisions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in decisions))
    subjects = sorted({str(sample.subject_id) for sample in drawn})
    rows = zip(subjects, ("train", "test"), strict=True)
    lines = ["subject_id,split", *(f"{subject},{split}" for subject, split in rows), ""]
    (root / "split.csv").write_text("\n".join(lines))
    (root / "qa.yaml").write_text(_typed(["qa", "--explain"]))
    (root / "job.yaml").write_text(_typed(["render", "--explain"]))
    (root / "mapping.yaml").write_text(_MAPPING)
    (root / "limits.yaml").write_text(_typed(["autotag", "--explain"]))
    (root / "condition.txt").write_text("side == 'left' and attrs.age > 20 or labelled in [20, 21]")
    (root / "argument.txt").write_text("8")
    points = [9.5, 8.5, 0.5] * kp.COUNT
    samples = Dataset(drawn.root.parent / "set")
    _write_json(
        root / "results.json", [{"image_id": s.sample_id, "keypoints": points, "score": 0.5} for s in samples]
    )
    (root / "hand.yaml").write_text(TEMPLATE.read_text() + "file: hand.glb\nside: left\n")
    (root / "hand.glb").write_bytes(b"glTF")
    _flat_hand().write(root / "hand.npz")


def _flat_hand() -> HandModel:
    """A model of a hand that is no more than a triangle."""
    none = np.zeros((0, 3), np.float32)
    return HandModel(
        name="flat",
        licence="MIT",
        vertices=np.eye(3, dtype=np.float32),
        faces=np.array([[0, 1, 2]], np.int32),
        joints=np.zeros((kp.COUNT, 3)),
        keypoints=np.zeros((kp.COUNT, 3)),
        palm_keypoints=np.zeros((kp.COUNT, 3)),
        weights=np.full((3, BONES), 1 / BONES, np.float32),
        part=np.array([33], np.uint8),
        radius=np.full(kp.COUNT, 0.01),
        normals=np.eye(3, dtype=np.float32),
        atlas=np.zeros((0, 0, 0, 4), np.uint8),
        atlas_box=np.zeros(4),
        texture="",
        uv=none[:, None, :2],
    )


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))

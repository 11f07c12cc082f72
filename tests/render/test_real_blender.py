"""Blender itself: true labels, and the same bytes however a job is run. Small pictures of one person."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import shots
from numpy.typing import NDArray

from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.engine import Local
from curate.data import depth
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.hands.kinematics import DEVIATION, FLEXION, bone_matrices
from render import plan
from render.blender import Blender, Request, Worker
from render.finish import finish, read_passes
from render.hand.model import PART_OF_BONE, HandModel
from render.job import Job
from render.look.grounds import GROUNDS
from render.look.lights import LIGHTS
from render.people.cast import Cast
from render.run import render
from render.shot import Shot

ROOT = Path(__file__).resolve().parents[2]
# Four parts of the stage, two pictures of each shot; every ground, so that what one sets up would show in the
# next.
JOB = """
angles: tilt=0,30 rotation=0:270:90
per_angle: 4
takes: 2
aspect: both
size: 64
samples: 2
hands: {people: 1}
accessories: {polish: 0.5, rings: 0.5, watch: 0.5, sleeve: 0.5}
ground: {kinds: [table, environment, colour]}
"""
FINGERS_APART = np.radians([13.0, 2.0, -10.0, -24.0])
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, blender: Blender) -> Path:
    """A folder with the job, and the dataset of an undisturbed run."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "job.yaml").write_text(JOB)
    render(folder / "one", Job.of(folder / "job.yaml"), program=blender.path, quiet=True)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# The same bytes --------------------------------------------------------------------------------------


def test_two_workers_give_the_same_bytes(place: Path, blender: Blender) -> None:
    render(place / "two", Job.of(place / "job.yaml"), program=blender.path, engine=Local(2), quiet=True)
    assert content(place / "two") == content(place / "one")


def test_backwards_and_left_out_they_are_alike(place: Path, blender: Blender) -> None:
    order = [14, 11, 9, 5, 2, 0]
    render(place / "back", Job.of(place / "job.yaml"), indices=order, program=blender.path, quiet=True)
    forwards, backwards = content(place / "one"), content(place / "back")
    pictures = {name for name in backwards if name.endswith((".jpg", ".png"))}
    assert len(pictures) == 3 * len(order)
    assert {name: backwards[name] for name in pictures} == {name: forwards[name] for name in pictures}


# Ends as with kill -9 in the third part, while Blender is at the next picture.
KILLED = """
import os, signal, sys
from render import run
from render.job import Job
whole = run.finish
def finish(shot, indices, rendered, root):
    if shot.index == 11:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(shot, indices, rendered, root)
run.finish = finish
run.render(sys.argv[1], Job.of(sys.argv[2]), program=sys.argv[3], quiet=True)
"""


def test_killed_and_continued_it_leaves_the_same_folder(place: Path, blender: Blender) -> None:
    out = place / "killed"
    line = [sys.executable, "-c", KILLED, str(out), str(place / "job.yaml"), str(blender.path)]
    ours = os.environ | {"TMPDIR": os.fspath(place)}  # a killed process leaves its temporary files
    assert subprocess.run(line, cwd=ROOT, env=ours).returncode == -signal.SIGKILL
    assert len(list(out.glob("images/*"))) == 22
    render(out, Job.of(place / "job.yaml"), program=blender.path, quiet=True)
    assert content(out) == content(place / "one")


# True labels -----------------------------------------------------------------------------------------


def test_what_stands_in_the_row_is_what_is_seen(place: Path) -> None:
    dataset = Dataset(place / "one")
    assert len(dataset) == 32
    assert sum(sample.attrs["take"]["mirrored"] for sample in dataset) == 16
    assert {s.side for s in dataset} == {"left", "right"}
    assert {s.aspect for s in dataset} == {"dorsal", "palmar"}
    for sample in dataset:
        assert sample.xyz is not None
        assert sample.K is not None
        assert sample.mask is not None
        rays = sample.xyz @ sample.K.T
        np.testing.assert_allclose(rays[:, :2] / rays[:, 2:], sample.keypoints, atol=1e-3)
        parts = images.read(place / "one" / sample.mask, grey=True)
        numbers = set(np.unique(parts).tolist()) - {0, 1}
        assert len(numbers) >= 6
        assert numbers <= set(range(2, 18) if sample.side == "left" else range(18, 34))
        metres = depth.read(place / "one" / sample.depth, sample.height, sample.width)
        near, far = sample.xyz[:, 2].min(), sample.xyz[:, 2].max()
        assert near - 0.03 < np.nanmedian(metres[parts > 1]) < far + 0.03


def test_keypoints_and_masks_are_where_the_picture_has_them(
    blender: Blender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from render_truth import measure

    angles = ["tilt=-50..50 rotation=0..360 roll=-40..40"]
    job = one_person(random=1, angles=angles, size=160, side="both", hands={"people": 1, "two": 1.0})
    shots = [plan.plan_shot(job, index, Cast(tmp_path / "cast")) for index in range(len(job))]
    errors, wrong = measure(blender, shots, tmp_path, masks=1)
    assert np.isfinite(errors).sum() >= 21
    assert np.nanmax(errors) < 0.05
    (one,) = wrong
    assert (one.pixels <= 1, one.depth < 0.1, one.keypoints, one.crossing) == (True, True, 0, 0)


def test_the_speed_benchmark_renders_a_shot_in_each_of_its_ways(blender: Blender, tmp_path: Path) -> None:
    from benchmarks.render_speed import IN_TURN, planned

    planned(one_person(random=1, size=32), tmp_path)
    subprocess.run(blender.script(IN_TURN, str(tmp_path), "1"), check=True, capture_output=True)
    times = json.loads((tmp_path / "times.json").read_text())["times"]
    assert {"ours", "blenderproc"} < set(times)
    assert all(len(seconds) == 1 for seconds in times.values())


def one_person(**given: object) -> Job:
    nothing = {"polish": 0.0, "rings": 0.0, "watch": 0.0, "sleeve": 0.0}
    usual = {"size": 128, "samples": 1, "side": "right", "hands": {"people": 1}, "accessories": nothing}
    return Job.of(**{**usual, **given})


@dataclasses.dataclass(frozen=True, slots=True)
class Studio:
    """Takes pictures of hands that are held as a test says."""

    worker: Worker
    folder: Path

    def pose(self, thumb: tuple[float, float, float] = (0, 55, 0)) -> Floats:
        """A flat hand, fingers apart. thumb: flexion and deviation of its first joint, flexion beyond."""
        angles = np.zeros((5, 3, 3))
        angles[1:, 0, DEVIATION] = FINGERS_APART
        angles[0, 0, FLEXION], angles[0, 0, DEVIATION], angles[0, 1:, FLEXION] = np.radians(thumb)
        return angles

    def shot(self, held: Floats, monkeypatch: pytest.MonkeyPatch, **given: object) -> Shot:
        monkeypatch.setattr(plan, "sample_pose", lambda *_: (held, np.zeros(2)))
        return plan.plan_shot(one_person(**given), 0, Cast(self.folder / "cast"))

    def expose(self, *shots: Shot) -> list[Path]:
        """What Blender makes of each: multilayer EXR files."""
        requests = [
            Request(str(n), self.folder / f"{n}.npz", self.folder / f"{n}.exr") for n in range(len(shots))
        ]
        for shot, request in zip(shots, requests, strict=True):
            shot.write(request.shot)
        for _, reason in self.worker.pictures(requests):
            assert reason is None
        return [request.out for request in requests]

    def take(self, *shots: Shot) -> list[tuple[Sample, NDArray[np.uint8]]]:
        """The rows and the part masks."""
        rows = []
        for shot, exposed in zip(shots, self.expose(*shots), strict=True):
            (row,) = finish(shot, [0], exposed, self.folder)
            assert row.mask is not None
            rows.append((row, images.read(self.folder / row.mask, grey=True)))
        return rows


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, blender: Blender) -> Iterator[Studio]:
    with Worker(blender, limit=600) as worker:
        yield Studio(worker, tmp_path_factory.mktemp("studio"))


def test_bending_a_finger_moves_its_tip_and_nothing_above(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight, bent = studio.pose(), studio.pose()
    bent[1, 1, FLEXION] = np.radians(60)
    before = studio.shot(straight, monkeypatch, angles=["tilt=20"])
    after = moved(before, straight, bent)
    (row, parts), (row_after, parts_after) = studio.take(before, after)
    gone = np.linalg.norm(row_after.keypoints - row.keypoints, axis=1)
    others = [i for i in range(kp.COUNT) if kp.NAMES[i] not in ("index_pip", "index_dip", "index_tip")]
    assert (gone[others] == 0).all()
    assert gone[kp.INDEX["index_tip"]] > gone[kp.INDEX["index_dip"]] > 3
    # The joint stays; where people put its label is a few millimetres beside it, and goes round it.
    assert gone[kp.INDEX["index_pip"]] < 3
    # What changed in the mask was the finger, or is it; next to nothing is drawn along at the web.
    finger = np.isin(parts, PART_OF_BONE[4:7]) | np.isin(parts_after, PART_OF_BONE[4:7])
    changed = parts != parts_after
    assert changed[finger].sum() > 100
    assert changed[~finger].sum() <= 3


def moved(shot: Shot, before: Floats, after: Floats) -> Shot:
    """The same shot of a hand held in another way: by the motion that took the hand to the picture."""
    (hand,) = shot.hands
    model = HandModel.read(hand.model)

    def held(angles: Floats) -> tuple[Floats, Floats]:
        matrices = bone_matrices(model.joints, angles, np.zeros(2))
        vertices, points = model.posed(matrices), model.labelled(matrices)
        return np.column_stack([vertices, np.ones(len(vertices))]), np.column_stack([points, np.ones(21)])

    (vertices, points), (vertices_after, points_after) = held(before), held(after)
    motion, *_ = np.linalg.lstsq(points, hand.keypoints, rcond=None)
    np.testing.assert_allclose(vertices @ motion, hand.vertices, atol=1e-6)

    def there(old: Floats, new: Floats, seen: Floats) -> Floats:
        return np.where((old == new).all(axis=1, keepdims=True), seen, new @ motion)

    changed = dataclasses.replace(
        hand,
        vertices=there(vertices, vertices_after, hand.vertices).astype(np.float32),
        keypoints=there(points, points_after, hand.keypoints),
    )
    return dataclasses.replace(shot, hands=(changed,))


def test_what_lies_behind_flesh_is_not_visible(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    across = studio.pose(thumb=(30, 8, 10))  # before the palm, over the index finger's knuckle
    shots = [
        studio.shot(angles, monkeypatch, angles=["tilt=20"], aspect=aspect)
        for angles, aspect in ((across, "palmar"), (studio.pose(), "palmar"), (across, "dorsal"))
    ]
    palm, thumb_out, back = (
        dict(zip(kp.NAMES, row.visibility, strict=True)) for row, _ in studio.take(*shots)
    )
    fingers = [name for name in kp.NAMES[5:] if name != "index_mcp"]
    assert palm["index_mcp"] == kp.HIDDEN
    assert all(palm[name] == kp.VISIBLE for name in [*fingers, "thumb_ip", "thumb_tip"])
    assert all(thumb_out[name] == kp.VISIBLE for name in [*fingers, "index_mcp", "thumb_tip"])
    assert all(back[name] == kp.VISIBLE for name in [*fingers, "index_mcp"])
    assert back["thumb_ip"] == back["thumb_tip"] == kp.HIDDEN


# Lights and grounds ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("light", LIGHTS)
def test_blender_renders_every_light_and_ground(
    light: str, ground: str, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = studio.shot(studio.pose(), monkeypatch, angles=["tilt=20"])
    a_metre_away = dataclasses.replace(shots.SITE, point=(0.0, 0.0, -1.0), normal=(0.0, 0.0, 1.0))
    laid = GROUNDS[ground].draw(a_metre_away)
    takes = tuple(dataclasses.replace(take, ground=laid) for take in hand.takes)
    (exposed,) = studio.expose(dataclasses.replace(hand, light=shots.light(light), takes=takes))
    seen = read_passes(exposed, hand.width, hand.height)
    assert (seen.light[seen.parts > 1].mean(axis=0) > 0.01).all()
    beside = cv2.dilate(seen.parts, np.ones((7, 7))) == 0
    assert seen.alpha[beside] == pytest.approx(0 if laid.cut_out else 1)
    if ground == "table":
        assert seen.depth[beside] == pytest.approx(1, abs=1e-4)
    else:
        assert (seen.depth[beside] > 100).all()
        assert (seen.sky[beside].mean(axis=0) > 0.001).all()
        assert not seen.sky[cv2.erode(seen.parts, np.ones((7, 7))) > 1].any()

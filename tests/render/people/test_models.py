"""Users' models: rigs made in Blender by the test itself, extracted, and moved."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.hands import kinematics
from render.blender import Blender
from render.hand.model import HandModel
from render.people import models, rig

ROOT = Path(__file__).resolve().parents[3]
MAKER = Path(__file__).with_name("rig_maker.py")
RADIUS = 0.007
FINGERS = {  # first joint, direction in degrees from +y towards the little finger, lengths of the three bones
    "thumb": ((-0.025, 0.03, -0.012), -45, (0.045, 0.032, 0.028)),
    "index": ((-0.028, 0.09, 0.0), -8, (0.045, 0.026, 0.024)),
    "middle": ((0.0, 0.095, 0.0), 0, (0.05, 0.03, 0.025)),
    "ring": ((0.018, 0.088, -0.002), 6, (0.045, 0.028, 0.025)),
    "little": ((0.034, 0.078, 0.0), 14, (0.036, 0.02, 0.022)),
}
# The file's world: centimetres, fingers along -x, the back of the hand along -y, somewhere.
TURN = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])


def place(mirrored: bool = False, scale: float = 100.0) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, :3] = scale * TURN @ np.diag([-1 if mirrored else 1, 1, 1])
    matrix[:3, 3] = (3, -20, 7)
    return matrix


def joints() -> NDArray[np.float64]:
    points = [np.zeros(3)]
    for start, degrees, lengths in FINGERS.values():
        along = np.array([np.sin(np.radians(degrees)), np.cos(np.radians(degrees)), 0])
        points += [np.array(start) + reach * along for reach in np.cumsum((0.0, *lengths))]
    return np.array(points)


def bones(prefix: str = "", *, flat: bool = False, dips: bool = True) -> dict[str, list[Any]]:
    """A rig as many have it: a forearm, metacarpals, and a twist bone besides one a joint."""
    at = joints()
    found: dict[str, list[Any]] = {
        "Forearm": [[0, -0.05, 0], [0, -0.01, 0], None],
        "Hand": [[0, 0, 0], [0, 0.02, 0], "Forearm"],
    }
    for f, finger in enumerate(FINGERS):
        chain = at[1 + 4 * f : 5 + 4 * f]
        names = [f"{finger}{k}" for k in range(3 if dips or finger == "thumb" else 2)]
        parent = "Hand"
        if f:
            parent = f"{finger}Meta"
            found[parent] = [[0.3 * v for v in chain[0]], (0.98 * chain[0]).tolist(), "Hand"]
        for k, name in enumerate(names):
            tail = chain[k + 1] if k < len(names) - 1 else chain[3]
            found[name] = [chain[k].tolist(), tail.tolist(), parent]
            parent = name
    middle = (at[5] + at[6]) / 2
    found["indexTwist"] = [middle.tolist(), (0.2 * at[5] + 0.8 * at[6]).tolist(), "index0"]
    renamed = {k: [h, t, None if flat or p is None else prefix + p] for k, (h, t, p) in found.items()}
    return {prefix + name: bone for name, bone in renamed.items()}


def mapping(prefix: str = "", **changes: Any) -> dict[str, Any]:
    named = {"wrist": f"{prefix}Hand"}
    for f, finger in enumerate(FINGERS):
        for k in range(3):
            named[kp.NAMES[1 + 4 * f + k]] = f"{prefix}{finger}{k}"
    given = {"licence": "CC0", "unit": 0.01, "subdivide": 0, "joints": named, **changes}
    return {key: value for key, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes model files with their mappings beside them, and extracts them."""

    folder: Path
    blender: Blender

    def make(self, file: str, told: dict[str, Any], **spec: Any) -> Path:
        path = self.folder / file
        given = {
            "joints": joints().tolist(),
            "radius": RADIUS,
            "bones": bones(),
            "place": place().tolist(),
            "files": [str(path)],
        }
        made = self.folder / "spec.json"
        made.write_text(json.dumps({**given, **spec}))
        subprocess.run(self.blender.script(MAKER, str(made)), check=True, capture_output=True)
        path.with_suffix(".yaml").write_text(yaml.safe_dump(told))
        return path

    def load(self, path: Path | str) -> HandModel:
        models.prepare([str(path)], self.blender)
        return models.read(models.kept(str(path)))


@pytest.fixture
def maker(tmp_path: Path, blender: Blender, monkeypatch: pytest.MonkeyPatch) -> Maker:
    monkeypatch.setenv("HAND_CURATE_CACHE", str(tmp_path / "cache"))
    return Maker(tmp_path, blender)


def parts(model: HandModel) -> set[int]:
    return set(model.part.tolist())


# A model comes out as it went in ---------------------------------------------------------------------


@pytest.mark.parametrize("file", ["hand.blend", "hand.glb"])
def test_joints_parts_and_flesh_come_out_as_they_went_in(maker: Maker, file: str) -> None:
    model = maker.load(maker.make(file, mapping(unit=0.01)))
    assert (model.name, model.licence) == ("hand", "CC0")
    known = joints()
    inner = [i for i in range(kp.COUNT) if i not in kp.TIPS]
    np.testing.assert_allclose(model.joints[inner], known[inner], atol=1e-5)
    # Tips are not asked of the rig: they are where the flesh ends, to the size of its facets.
    np.testing.assert_allclose(model.joints[list(kp.TIPS)], known[list(kp.TIPS)], atol=0.0015)
    np.testing.assert_array_equal(model.keypoints, model.joints)
    np.testing.assert_allclose(model.radius[[6, 7, 10, 11]], RADIUS, atol=0.0015)
    np.testing.assert_allclose(model.weights.sum(axis=1), 1, atol=1e-6)
    assert parts(model) == {1, *range(18, 34)}
    centre = model.vertices[model.faces].mean(axis=1)
    tip = centre[model.part == 21].mean(axis=0)  # RHD counts the index finger from its tip: 21, 22, 23
    np.testing.assert_allclose(tip, (known[7] + known[8]) / 2, atol=0.004)
    assert centre[model.part == 1][:, 1].max() < 0.01


def test_faces_look_outwards_and_leave_no_hole(maker: Maker) -> None:
    model = maker.load(maker.make("hand.glb", mapping()))
    a, b, c = (model.vertices[model.faces[:, i]].astype(float) for i in range(3))
    volume = (a * np.cross(b, c)).sum() / 6
    assert 1e-4 < volume < 2e-3  # cubic metres
    edges = np.sort(np.concatenate([model.faces[:, [i, (i + 1) % 3]] for i in range(3)]), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_a_stump_becomes_a_forearm_unless_told_otherwise(maker: Maker) -> None:
    path = maker.make("hand.glb", mapping())
    assert maker.load(path).vertices[:, 1].min() < -0.2
    path.with_suffix(".yaml").write_text(yaml.safe_dump(mapping(forearm=False)))
    assert -0.05 < maker.load(path).vertices[:, 1].min() < -0.04


def test_smoothing_adds_vertices_and_keeps_joints(maker: Maker) -> None:
    path = maker.make("hand.glb", mapping())
    rough = maker.load(path)
    path.with_suffix(".yaml").write_text(yaml.safe_dump(mapping(subdivide=1)))
    smooth = maker.load(path)
    assert len(smooth.vertices) > 3 * len(rough.vertices)
    np.testing.assert_allclose(smooth.joints, rough.joints, atol=0.0015)
    np.testing.assert_allclose(smooth.weights.sum(axis=1), 1, atol=1e-5)


def test_a_left_hand_becomes_its_mirror_image(maker: Maker) -> None:
    right = maker.load(maker.make("right.glb", mapping()))
    left = maker.load(maker.make("left.glb", mapping(side="left"), place=place(mirrored=True).tolist()))
    np.testing.assert_allclose(left.joints, right.joints, atol=0.0015)
    np.testing.assert_allclose(left.vertices.min(0), right.vertices.min(0), atol=0.001)
    assert (left.normals[left.vertices[:, 2] > 0.006][:, 2] > 0).all()


# Bones by name, more and fewer of them ---------------------------------------------------------------


def moved(model: HandModel, finger: int, joint: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which keypoints and vertices move when one joint is bent by 40 degrees."""
    rest = kinematics.rest_angles(model.joints)
    bent = rest.copy()
    bent[finger, joint, kinematics.FLEXION] += np.radians(40)
    matrices = kinematics.bone_matrices(model.joints, bent)
    vertices, points = model.posed(matrices), model.labelled(matrices)
    before = kinematics.bone_matrices(model.joints, rest)
    still, same = model.posed(before), model.labelled(before)
    np.testing.assert_allclose(same, model.keypoints, atol=1e-9)
    gap = np.linalg.norm(vertices - still, axis=1)
    return np.linalg.norm(points - same, axis=1) > 1e-6, gap > 1e-5


@pytest.mark.parametrize("flat", [False, True], ids=["chain", "flat"])
def test_a_bent_pip_moves_its_tip_and_nothing_above_it(maker: Maker, flat: bool) -> None:
    model = maker.load(maker.make("hand.glb", mapping("Rig:"), bones=bones("Rig:", flat=flat)))
    points, vertices = moved(model, finger=1, joint=1)
    assert [kp.NAMES[i] for i in np.flatnonzero(points)] == ["index_dip", "index_tip"]
    owner = model.weights.argmax(axis=1)
    bent = (kinematics.bone(1, 1), kinematics.bone(1, 2))
    assert set(owner[vertices].tolist()) == set(bent)
    assert vertices[owner == bent[1]].all()


def test_a_fingers_base_carries_bones_that_only_twist(maker: Maker) -> None:
    model = maker.load(maker.make("hand.glb", mapping()))
    centre = model.vertices[model.faces].mean(axis=1)
    near = np.linalg.norm(centre - (0.3 * joints()[5] + 0.7 * joints()[6]), axis=1) < 0.008
    assert set(model.part[near].tolist()) == {23}
    told = mapping(bones={"indexTwist": "middle_mcp"})  # as it is told, even where that makes no sense
    (maker.folder / "hand.yaml").write_text(yaml.safe_dump(told))
    told_so = maker.load(maker.folder / "hand.glb")
    assert 26 in set(told_so.part[near].tolist())


def test_a_joint_without_a_bone_is_put_between_its_neighbours(maker: Maker) -> None:
    told = mapping()
    told["joints"] = {name: bone for name, bone in told["joints"].items() if not name.endswith("_dip")}
    model = maker.load(maker.make("hand.glb", told, bones=bones(dips=False)))
    pip, dip, tip = model.joints[6:9]
    share = np.linalg.norm(dip - pip) / np.linalg.norm(tip - pip)
    assert 0.5 < share < 0.6
    assert np.linalg.norm(np.cross(dip - pip, tip - pip)) < 1e-8
    assert parts(model) == {1, *range(18, 34)}
    points, _ = moved(model, finger=1, joint=2)
    assert np.flatnonzero(points).tolist() == [8]


def test_a_mesh_without_a_rig_takes_coordinates(maker: Maker) -> None:
    world = place()
    at = joints() @ world[:3, :3].T + world[:3, 3]
    told = mapping(joints={name: at[i].tolist() for i, name in enumerate(kp.NAMES) if i not in kp.TIPS})
    model = maker.load(maker.make("hand.obj", told, bones={}))
    np.testing.assert_allclose(model.joints, joints(), atol=0.0015)
    assert parts(model) == {1, *range(18, 34)}
    points, _ = moved(model, finger=2, joint=1)
    assert np.flatnonzero(points).tolist() == [11, 12]


def test_keypoints_are_put_where_the_mapping_says(maker: Maker) -> None:
    offsets = {"index_mcp": [4, 0, 0], "index_pip": [0, 0, 2], "wrist": [0, 3, 0]}
    model = maker.load(maker.make("hand.glb", mapping(keypoint_offsets=offsets)))
    shift = 1000 * (model.keypoints - model.joints)
    along = (joints()[6] - joints()[5]) / np.linalg.norm(joints()[6] - joints()[5])
    np.testing.assert_allclose(shift[5], 4 * along, atol=1e-4)
    np.testing.assert_allclose(shift[6], [0, 0, 2], atol=1e-4)
    np.testing.assert_allclose(shift[0], [-3, 0, 0], atol=1e-4)
    assert np.count_nonzero(shift.any(axis=1)) == 3


# What cannot be used ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda told: told["joints"].update(index_pip="Indx1", little_mcp="Nope"),
            r"hand\.glb: joints: no bone named \['Indx1', 'Nope'\]; allowed: the bones of 'Rig': "
            r"\['Forearm', 'Hand', 'index0'",
        ),
        (lambda told: told.update(bones={"Tail": "palm"}), r"no bone named \['Tail'\]"),
        (
            lambda told: told.update(unit=1.0),
            r"unit: the hand is (19|20)\S* m long .* multiply `unit` by 0\.009",
        ),
        (lambda told: told.update(mesh="Foot"), r"mesh: 'Foot'; allowed: one of \['Hand'\]"),
    ],
    ids=["bone", "further bone", "unit", "mesh"],
)
def test_what_does_not_fit_the_file_is_told(
    maker: Maker, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    told = mapping()
    change(told)
    with pytest.raises(InputError, match=message):
        maker.load(maker.make("hand.glb", told))
    assert not list(maker.folder.glob("cache/*.npz"))


def test_a_hand_of_the_other_side_is_noticed_by_its_bent_fingers(maker: Maker) -> None:
    at = joints()
    for base in kp.BASES[1:]:
        chain = np.diff(at[base : base + 4], axis=0)
        lengths = np.linalg.norm(chain, axis=1)
        bent = np.radians([20, 40, 55])
        direction = chain[0] / lengths[0]
        steps = lengths[:, None] * (np.cos(bent)[:, None] * direction + np.sin(bent)[:, None] * [0, 0, -1])
        at[base + 1 : base + 4] = at[base] + np.cumsum(steps, axis=0)
    rigged = bones()
    for f, finger in enumerate(FINGERS):
        for k in range(3):
            rigged[f"{finger}{k}"][:2] = at[1 + 4 * f + k : 3 + 4 * f + k].tolist()
    del rigged["indexTwist"]
    path = maker.make("hand.glb", mapping(side="left"), joints=at.tolist(), bones=rigged)
    with pytest.raises(InputError, match=r"side: its fingers bend backwards by \d+ degrees .* `side: right`"):
        maker.load(path)
    path.with_suffix(".yaml").write_text(yaml.safe_dump(mapping(side="right")))
    assert maker.load(path).joints[8, 2] < -0.02


def test_a_file_that_is_no_model_is_told(maker: Maker) -> None:
    path = maker.folder / "hand.glb"
    path.write_bytes(b"not a model")
    path.with_suffix(".yaml").write_text(yaml.safe_dump(mapping()))
    with pytest.raises(InputError, match=r"hand\.glb: Blender cannot read it"):
        maker.load(path)


# Mappings (no Blender) -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told: told["joints"].pop("ring_pip"), r"joints: nothing for ring_pip"),
        (
            lambda told: told["joints"].update(pinky_mcp="x"),
            r"no joint 'pinky_mcp'; .* did you mean '\w+_mcp'",
        ),
        (
            lambda told: told["joints"].update(ring_pip=[1, 2]),
            r"joints\.ring_pip: \[1, 2\]; allowed: a bone's",
        ),
        (lambda told: told.update(sides="left"), r"no setting 'sides'; .* did you mean 'side'"),
        (lambda told: told.update(side="both"), r"side: 'both'; allowed: left or right"),
        (lambda told: told.update(unit=0), r"unit: 0"),
        (
            lambda told: told.update(bones={"Twist": "elbow"}),
            r"the bone 'Twist': 'elbow'; allowed: palm, forearm",
        ),
        (lambda told: told.update(file="gone.glb"), r"file: no file '.*gone\.glb'"),
        (lambda told: told.update(texture="gone.png"), r"texture: no file"),
        (
            lambda told: told.update(keypoint_offsets={"wrist": 3}),
            r"keypoint_offsets\.wrist: 3; allowed: milli",
        ),
    ],
)
def test_a_wrong_mapping_is_told(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    (tmp_path / "hand.glb").write_bytes(b"")
    told = mapping(file="hand.glb")
    change(told)
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(told))
    with pytest.raises(InputError, match=message):
        rig.read(tmp_path / "map.yaml")


def test_a_model_nobody_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"--model: 'webxr'; allowed: procedural, webxr-left, webxr-right, or a"
    ):
        models.kept("webxr")
    with pytest.raises(InputError, match=r"--model: '.*a\.glb', no such file"):
        models.check(["procedural", str(tmp_path / "a.glb")])
    (tmp_path / "a.glb").touch()
    with pytest.raises(InputError, match=r"a\.glb: no mapping a\.yaml beside it; write which bone is which"):
        models.kept(str(tmp_path / "a.glb"))
    (tmp_path / "a.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"a\.npz: no hand model"):
        models.kept(str(tmp_path / "a.npz"))


# Keeping ---------------------------------------------------------------------------------------------


def test_a_model_is_extracted_once_and_again_when_anything_changed(maker: Maker) -> None:
    path = maker.make("hand.glb", mapping())
    first, known = maker.load(path), models.fingerprint(str(path))
    nothing = Blender(Path("/bin/false"))
    models.prepare([str(path)], nothing)
    np.testing.assert_array_equal(models.read(models.kept(str(path))).vertices, first.vertices)
    path.with_suffix(".yaml").write_text(yaml.safe_dump(mapping(licence="CC BY 4.0")))
    assert models.fingerprint(str(path)) != known
    with pytest.raises(InputError, match="Blender could not read it"):
        models.prepare([str(path)], nothing)
    assert maker.load(path).licence == "CC BY 4.0"


def test_a_record_serves_as_a_model(maker: Maker) -> None:
    model = maker.load(maker.make("hand.glb", mapping()))
    model.write(maker.folder / "own.npz")
    again = maker.load(maker.folder / "own.npz")
    np.testing.assert_array_equal(again.weights, model.weights)
    assert len(models.fingerprint(str(maker.folder / "own.npz"))) == 16


def fake_npm(folder: Path, content: bytes) -> None:
    """An npm on the PATH that packs one file under both hands' names."""
    (folder / "hand.glb").write_bytes(content)
    with tarfile.open(folder / "made.tgz", "w:gz") as package:
        for side in ("left", "right"):
            package.add(folder / "hand.glb", f"package/dist/profiles/generic-hand/{side}.glb")
    npm = folder / "npm"
    npm.write_text(f'#!/bin/sh\ncp {folder}/made.tgz "$5/assets.tgz"\n')
    npm.chmod(0o755)


def test_webxr_hands_need_npm_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAND_CURATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        InputError, match=r"no WebXR hands, and npm is not there .* webxr-left\.glb and webxr-ri"
    ):
        models.find("webxr-right")
    (tmp_path / "npm").write_text("#!/bin/sh\necho registry is down >&2; exit 1\n")
    (tmp_path / "npm").chmod(0o755)
    with pytest.raises(InputError, match=r"npm did not fetch the WebXR hands \(registry is down\)"):
        models.find("webxr-right")


def test_a_download_that_is_not_what_it_was_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAND_CURATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    fake_npm(tmp_path, b"another hand")
    with pytest.raises(InputError, match=r"generic-hand/left\.glb is not what it was; allowed: SHA-256"):
        models.fetch()
    assert left_in(tmp_path / "cache") == []


def left_in(folder: Path) -> list[str]:
    """What lies in a folder of models, but for its lock."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def test_what_a_killed_run_left_goes_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAND_CURATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    ready, npm = tmp_path / "ready", tmp_path / "npm"
    npm.write_text(f'#!/bin/sh\ntouch "$5/half.tgz" {ready}\nexec sleep 600\n')
    npm.chmod(0o755)
    line = [sys.executable, "-c", "from render.people import models; models.fetch()"]
    fetching = subprocess.Popen(line, cwd=ROOT)
    while not ready.exists():
        assert fetching.poll() is None
        time.sleep(0.02)
    fetching.kill()
    fetching.wait()
    assert left_in(tmp_path / "cache") == [".work.tmp"]
    fake_npm(tmp_path, b"another hand")
    with pytest.raises(InputError, match="is not what it was"):
        models.fetch()
    assert left_in(tmp_path / "cache") == []


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_webxr_hands_are_hands(side: str, blender: Blender) -> None:
    if not (models.cache() / f"webxr-{side}.glb").exists():
        pytest.skip("the WebXR hands were not fetched at set-up (no npm)")
    models.prepare([f"webxr-{side}"], blender)
    model = models.read(models.kept(f"webxr-{side}"))
    assert parts(model) == {1, *range(18, 34)}
    points, _ = moved(model, finger=1, joint=1)
    assert np.flatnonzero(points).tolist() == [7, 8]
    lengths = np.linalg.norm(np.diff(model.joints[5:9], axis=0), axis=1)
    np.testing.assert_allclose(lengths, [0.044, 0.025, 0.021], atol=0.003)


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "header", "pickle"])
def test_a_damaged_model_is_told_in_a_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "hand.npz"
    np.savez(path, name=np.array([{}], object) if damage == "pickle" else np.zeros(3))
    whole = path.read_bytes()
    at = whole.find(b"NUMPY") + 12
    spoilt = {
        "empty": b"",
        "text": b"a hand",
        "cut": whole[:-30],
        "header": whole[:at] + b"[" * 9 + whole[at + 9 :],
    }
    path.write_bytes(spoilt.get(damage, whole))
    with pytest.raises(InputError, match="no hand model"):
        models.kept(str(path))

"""Small sources in the layouts of their publishers, with four hands each whose places can be worked out.

Written here once, for the tests of the formats and for the fuzzer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import images
from curate.basics import keypoints as kp

HANDS = 4
SIZE = 160
K = np.array([[300.0, 0, 80], [0, 300, 82], [0, 0, 1]])


def spots(hand: int) -> NDArray[np.float64]:
    """Where the keypoints of a hand are seen, in our order, pixels."""
    joint = np.arange(kp.COUNT)
    return np.stack([20.0 + 5 * joint + hand, 30.0 + 4 * joint + 3 * (joint % 4)], axis=1)


def space(hand: int) -> NDArray[np.float64]:
    """The same in the camera's frame, metres."""
    depth = 0.4 + 0.002 * np.arange(kp.COUNT)[:, None]
    return np.asarray((np.hstack([spots(hand), np.ones((kp.COUNT, 1))]) @ np.linalg.inv(K).T) * depth)


def picture(path: Path, width: int = SIZE, height: int = SIZE) -> None:
    """A picture."""
    images.write(path, np.full((height, width, 3), 90, np.uint8))


def write_json(path: Path, value: Any) -> None:
    """A JSON file, in a folder that is made for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def hand_graph(root: Path) -> None:
    """Squares of 80 px of a camera's picture at (30 + hand, 20), shown at twice their size."""
    from scipy.io import savemat

    for hand in range(HANDS):
        picture(root / "images" / f"{hand:05d}.jpg")
    names = [f"images/{hand:05d}.jpg" for hand in range(HANDS)]
    boxes = [[30 + hand, 20, 80, 80] for hand in range(HANDS)]
    cameras = np.tile([300.0, 300.0, 80.0, 82.0], (HANDS, 1))
    tables = {"image_path": names, "cam_param": cameras, "bbox": np.array(boxes, np.int32)}
    savemat(root / "params.mat", tables, do_compression=True)
    poses = np.stack([100 * space(hand) for hand in range(HANDS)]).astype(np.float32)
    savemat(root / "pose_gt.mat", {"pose_gt": poses})


def handpose_x(root: Path) -> None:
    """A file a picture, with whole pixels; the first has a box."""
    for hand in range(HANDS):
        stem = f"2021-02-01_13-52-5{hand}_{hand}"
        picture(root / "handpose_datasets" / f"{stem}.jpg")
        points = {str(i): {"x": int(x), "y": int(y)} for i, (x, y) in enumerate(spots(hand))}
        info = [{"bbox": [0.0, 0.0, 0.0, 0.0] if hand else [10.0, 20.0, 130.0, 120.0], "pts": points}]
        document = {"maker": "Eric.Lee", "date": "2021-02-01", "info": info}
        write_json(root / "handpose_datasets" / f"{stem}.json", document)


def freihand(root: Path) -> None:
    """Two entries of training, each twice of four times; one of evaluation. Hand 3 is that of evaluation."""
    for name, hands, versions in (("training", (0, 1), (0, 1)), ("evaluation", (3,), (0,))):
        write_json(root / f"{name}_K.json", [K.tolist() for _ in hands])
        write_json(root / f"{name}_xyz.json", [space(hand).tolist() for hand in hands])
        write_json(root / f"{name}_mano.json", [[[0.0] * 61] for _ in hands])
        for version in versions:
            for entry in range(len(hands)):
                picture(root / name / "rgb" / f"{entry + version * len(hands):08d}.jpg")
    for entry in (0, 1):
        images.write(root / "training/mask" / f"{entry:08d}.jpg", np.zeros((SIZE, SIZE), np.uint8))


# In the words of the dataset: each finger from its tip to the palm, the wrist last, the right hand first.
INTERHAND_NAMES = tuple(
    f"{side}_{joint}"
    for side in ("right", "left")
    for joint in (
        *("thumb_tip", "thumb_ip", "thumb_mcp", "thumb_cmc"),
        *(f"{f}_{j}" for f in ("index", "middle", "ring", "little") for j in ("tip", "dip", "pip", "mcp")),
        "wrist",
    )
)


def interhand(root: Path) -> None:
    """Two pictures: of both hands (0 right, 1 left), and of a right one (2) whose wrist is not valid."""
    turn = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    place = np.array([10.0, -20, 30])
    camera = {
        "campos": {"400262": place.tolist()},
        "camrot": {"400262": turn.tolist()},
        "focal": {"400262": [300.0, 300.0]},
        "princpt": {"400262": [80.0, 82.0]},
    }
    entries, annotations, frames = [], [], {}
    for number, (hands, kind) in enumerate([((0, 1), "interacting"), ((2, 3), "right")]):
        world = {
            f"{side}_{name}": 1000 * space(hand)[i] @ turn + place
            for side, hand in zip(("right", "left"), hands, strict=True)
            for i, name in enumerate(kp.NAMES)
        }
        valid = [[int(kind == "interacting" or name.startswith("right_"))] for name in INTERHAND_NAMES]
        valid[20] = [1 - number]
        file = f"Capture0/0390_dh/cam400262/image{69148 + number}.jpg"
        picture(root / "images/test" / file)
        entries.append({
            "id": 10 + number, "file_name": file, "width": SIZE, "height": SIZE, "capture": 0, "subject": 5,
            "seq_name": "0390_dh", "camera": "400262", "frame_idx": 69148 + number,
        })  # fmt: skip
        annotations.append({
            "id": number, "image_id": 10 + number, "bbox": [10.0, 20, 120, 130], "joint_valid": valid,
            "hand_type": kind, "hand_type_valid": 1,
        })  # fmt: skip
        coords = [world[name].tolist() for name in INTERHAND_NAMES]
        frames[str(69148 + number)] = {"world_coord": coords, "joint_valid": valid, "hand_type": kind}
    folder = root / "annotations/test"
    write_json(folder / "InterHand2.6M_test_data.json", {"images": entries, "annotations": annotations})
    write_json(folder / "InterHand2.6M_test_camera.json", {"0": camera})
    write_json(folder / "InterHand2.6M_test_joint_3d.json", {"0": frames})


def panoptic(root: Path) -> None:
    """Both hands of a picture by hand (0, 1), a synthetic hand (2), and one of hand143 (3)."""
    manual = root / "hand_labels/manual_train"
    for hand, path in enumerate(
        (manual / "005_01_l", manual / "005_01_r", root / "hand_labels_synth/synth2/0007")
    ):
        points = [[x, y, float(i != 4)] for i, (x, y) in enumerate(spots(hand).tolist())]
        picture(path.with_suffix(".jpg"))
        write_json(path.with_suffix(".json"), {"hand_pts": points, "is_left": float(hand == 0)})
    studio = root / "hand143_panopticdb"
    picture(studio / "imgs/00000000.jpg")
    points = [[x, y, 1.0] for x, y in spots(3).tolist()]
    entry = {"img_paths": "imgs/00000000.jpg", "img_width": SIZE, "img_height": SIZE, "joint_self": points}
    write_json(studio / "hands_v143_14817.json", {"root": [entry]})


def openpose(root: Path) -> None:
    """Two frames of a video with the hands of one person each: 0 left and 1 right, 2 left and 3 right."""
    for frame in (0, 1):
        flat = [
            [value for i, (x, y) in enumerate(spots(hand)) for value in ((x, y, 0.5) if i else (0, 0, 0))]
            for hand in (2 * frame, 2 * frame + 1)
        ]
        stem = f"waving_{frame:012d}"
        picture(root / "frames" / f"{stem}.png")
        person = {"person_id": [-1], "pose_keypoints_2d": [], "face_keypoints_2d": []}
        person |= {"hand_left_keypoints_2d": flat[0], "hand_right_keypoints_2d": flat[1]}
        write_json(root / "json" / f"{stem}_keypoints.json", {"version": 1.3, "people": [person]})


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "hand-graph": hand_graph,
    "handpose-x": handpose_x,
    "freihand": freihand,
    "interhand": interhand,
    "panoptic": panoptic,
    "openpose": openpose,
}

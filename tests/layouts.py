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
                picture(root / name / "rgb" / f"{entry + version * len(hands):08d}.jpg", 224, 224)
    for entry in (0, 1):
        images.write(root / "training/mask" / f"{entry:08d}.jpg", np.zeros((224, 224), np.uint8))


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


def onehand10k(root: Path) -> None:
    """Three hands of Train, one of Test; the wrist of the first is not visible."""
    for folder, hands in (("Train", (0, 1, 2)), ("Test", (3,))):
        rows = []
        for hand in hands:
            picture(root / folder / "source" / f"{hand}.jpg")
            points = spots(hand).astype(int).tolist()
            if hand == 0:
                points[0] = [-1, -1]
            rows.append(",".join(map(str, [f"{hand}.jpg", SIZE, SIZE, 1, *np.ravel(points)])))
        images.write(root / folder / "mask" / f"{hands[0]}.png", np.zeros((SIZE, SIZE), np.uint8))
        (root / folder / "label_joint.txt").write_text("\n".join(rows) + "\n")


def hagrid(root: Path) -> None:
    """Two people with two hands each. Second hands show no gesture; that of the second has no points."""
    entries = {}
    for person in (0, 1):
        key = f"03487280-224f-490d-8e36-6c5f48e3d7a{person}"
        picture(root / "call" / f"{key}.jpg")
        points = [(spots(2 * person + hand) / SIZE).tolist() for hand in (0, 1)]
        entries[key] = {
            "bboxes": [[0.1, 0.2, 0.5, 0.25]] * 2,
            "labels": ["call", "no_gesture"],
            "united_bbox": None,
            "united_label": None,
            "user_id": f"bb138d5db200f29385f{person}",
            "hand_landmarks": [points[0], [] if person else points[1]],
            "leading_hand": "left",
            "leading_conf": 0.75,
        }
    write_json(root / "annotations/train/call.json", entries)


# In the words of the readme: the palm, then each finger from its base, the little one first.
STB_NAMES = (
    "palm",
    *(f"{f}_{j}" for f in ("little", "ring", "middle", "index") for j in ("mcp", "pip", "dip", "tip")),
    *("thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip"),
)


def stb_joints(hand: int) -> NDArray[np.float64]:
    """The table's entry of a hand (21, 3), millimetres."""
    points = dict(zip(kp.NAMES, 1000 * space(hand) + [0, 0, 200], strict=True))
    points["palm"] = (points["wrist"] + points["middle_mcp"]) / 2
    return np.array([points[name] for name in STB_NAMES])


def stb(root: Path) -> None:
    """Two frames of three cameras: both of the stereo pair, and the colour one beside the depth camera."""
    from scipy.io import savemat

    joints = np.stack([stb_joints(hand) for hand in (0, 1)])
    (root / "labels").mkdir(parents=True)
    for camera in ("BB", "SK"):
        savemat(root / "labels" / f"B1Counting_{camera}.mat", {"handPara": joints.transpose(2, 1, 0)})
    for frame in (0, 1):
        for camera in ("BB_left", "BB_right", "SK_color"):
            picture(root / "images/B1Counting" / f"{camera}_{frame}.png", 640, 480)


def dexter_tips(hand: int) -> NDArray[np.float64]:
    """The fingertips (5, 3) in the depth camera's frame, millimetres."""
    return np.asarray(1000 * space(hand)[list(kp.TIPS)])


def dexter_object(root: Path) -> None:
    """Two frames of Grasp1 and two of Pinch; in the first, the index tip is not seen."""
    for sequence, hands in (("Grasp1", (0, 1)), ("Pinch", (2, 3))):
        rows, flat = [], []
        for hand in hands:
            picture(root / "data" / sequence / "color" / f"image_{hand:05d}_color.png", 640, 480)
            tips = dexter_tips(hand) * [-1, -1, 1]
            seen = [[0, 0, 32001] if hand == 0 and i == 1 else tip for i, tip in enumerate(tips.tolist())]
            rows.append("".join(f"{x}, {y}, {z};" for x, y, z in seen))
            flat.append("".join(f"{224.502 * -x / z + 160}, {230.494 * -y / z + 120};" for x, y, z in tips))
        folder = root / "data" / sequence / "annotations"
        folder.mkdir(parents=True)
        (folder / f"{sequence}3D.txt").write_text("\n".join(["0,0,0;" * 5] * len(rows)))
        (folder / f"my_{sequence}3D.txt").write_text("\n".join(rows) + "\n")
        (folder / f"{sequence}2D.txt").write_text("\n".join(flat) + "\n")


# In the words of the publisher's viewer, joint 0 being the one next to the palm.
TZIONAS_NAMES = (
    *(f"{f}_{j}" for f in ("little", "ring", "middle", "index") for j in ("mcp", "pip", "dip")),
    *("thumb_mcp", "thumb_ip"),
)


def tzionas_spots(hand: int) -> NDArray[np.float64]:
    """Where the joints of a hand are seen, bones shorter the farther they are from the palm."""
    finger, joint = np.divmod(np.arange(kp.COUNT) - 1, 4)
    return np.stack(
        [20.0 + 20 * finger + hand, 100 - np.array([0, 40, 65, 85])[joint] + hand], axis=1
    ).round()


def tzionas(root: Path) -> None:
    """A frame of both hands (0 right, 1 left), one of a right hand (2) and one that is not labelled."""
    base = root / "01/1"
    (base / "joints_2D_GT").mkdir(parents=True)
    for frame, hands in ((5, (0, 1)), (6, (2,)), (7, ())):
        picture(base / "rgb" / f"{frame:05d}.png")
        points = [tzionas_spots(hand)[kp.INDEX[name]] for hand in hands for name in TZIONAS_NAMES]
        rows = [f"{i}\t{int(x)}\t{int(y)}" for i, (x, y) in enumerate(points)]
        if frame == 6:
            rows[0] = "0\t0\t0"
        (base / "joints_2D_GT" / f"{frame:05d}.txt").write_text("\n".join(rows))


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "hand-graph": hand_graph,
    "handpose-x": handpose_x,
    "freihand": freihand,
    "interhand": interhand,
    "panoptic": panoptic,
    "openpose": openpose,
    "onehand10k": onehand10k,
    "hagrid": hagrid,
    "stb": stb,
    "dexter-object": dexter_object,
    "tzionas": tzionas,
}

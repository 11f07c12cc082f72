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


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "hand-graph": hand_graph,
    "handpose-x": handpose_x,
}

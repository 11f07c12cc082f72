"""mmpose: COCO annotations as its loaders read them, and a file that tells it of the keypoints.

annotations/person_keypoints_SPLIT.json   images/   as of the format coco
hands.py    `dataset_info`: names, bones, colours, flips and sigmas (mmpose.readthedocs.io)
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from converters.parts.coco_written import write_coco
from curate.basics import files
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.data.dataset import Dataset

NAME = "mmpose"
INFO = "hands.py"
# Of OKS, as COCO-WholeBody's evaluation has them.
# fmt: off
SIGMAS = (
    0.029, 0.022, 0.035, 0.037, 0.047, 0.026, 0.025, 0.024, 0.035, 0.018, 0.024, 0.022, 0.026, 0.017, 0.021,
    0.021, 0.032, 0.020, 0.019, 0.022, 0.031,
)
# fmt: on
_HEAD = '''"""The keypoints of a hand, for mmpose: metainfo=dict(from_file="hands.py").

A mirrored hand keeps its points: no point is exchanged with another. The sigmas are those of COCO-WholeBody.
"""
'''


def write(dataset: Dataset, out: Path, engine: Engine = ONE) -> Counter[str]:
    """Write what the format coco writes, and hands.py.

    Returns
    -------
    How many values of each field the format could not hold, and images that were left out.
    """
    counts = write_coco(dataset, out, engine)
    files.write(out / INFO, _dataset_info().encode())
    return counts


def _dataset_info() -> str:
    colours = [list(kp.FINGER_COLOURS[kp.finger_of(i)]) for i in range(kp.COUNT)]
    points = [
        f'        {i}: dict(name="{name}", id={i}, color={colours[i]}, type="", swap=""),'
        for i, name in enumerate(kp.NAMES)
    ]
    bones = [
        f'        {i}: dict(link=("{kp.NAMES[a]}", "{kp.NAMES[b]}"), id={i}, color={colours[b]}),'
        for i, (a, b) in enumerate(kp.BONES)
    ]
    lines = [
        "dataset_info = dict(",
        '    dataset_name="hands",',
        "    paper_info=dict(),",
        *("    keypoint_info={", *points, "    },"),
        *("    skeleton_info={", *bones, "    },"),
        f"    joint_weights=[1.0] * {kp.COUNT},",
        f"    sigmas={list(SIGMAS)},",
        ")",
    ]
    return _HEAD + "\n".join(["", *lines, ""])

"""The real-world set of hand-graph-cnn (Ge et al. 2019): one person's left hand, in many gestures.

    images/00000.jpg    params.mat (image_path, cam_param, bbox)    pose_gt.mat (pose_gt)

Row i of each array is of the picture image_path[i], a square cut out of a camera's picture at `bbox` (x, y,
w, h) and scaled. `cam_param` holds fx, fy, u0, v0 of the camera; `pose_gt` 21 points in its frame, in
centimetres, in our order. The 2D points are their projections.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from converters.parts.cameras import cut_out, intrinsics, project
from converters.parts.gathered import NOT_TOLD, gathered, narrow, seen
from converters.parts.known_formats import refusal
from converters.parts.mat_files import load
from converters.parts.pictures import look_up, probed
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.images import ImageInfo
from curate.data.part import Part
from curate.data.sample import Sample
from curate.data.source import ImageFinder, Source

NAME = "hand-graph"
LICENCE = "hand-graph-cnn: non-commercial research, cite Ge et al. 2019"
_CENTIMETRES = 100.0


def read(source: Source) -> Iterator[Part]:
    """Yield a sample for each row whose picture is there; others are counted.

    Raises
    ------
    InputError: no such folder or files, or arrays that do not fit each other.
    """
    tally = Part()
    yield from gathered(_hands(source, tally), tally, note=NOT_TOLD)


def _hands(source: Source, tally: Part) -> Iterator[Sample]:
    root = source.root
    tables = root / "params.mat", root / "pose_gt.mat"
    if not all(path.is_file() for path in tables):
        raise refusal(
            root, "no params.mat and pose_gt.mat", allowed="images/, params.mat, pose_gt.mat", own=NAME
        )
    names, cameras, boxes = load(tables[0], source.places, "image_path", "cam_param", "bbox")
    (poses,) = load(tables[1], source.places, "pose_gt")
    count = len(names)
    for path, name, array, shape in (
        (tables[0], "cam_param", cameras, (count, 4)),
        (tables[0], "bbox", boxes, (count, 4)),
        (tables[1], "pose_gt", poses, (count, kp.COUNT, 3)),
    ):
        if array.shape != shape or array.dtype == object:
            raise InputError(path, f"an array of {array.shape}", field=name, allowed=f"{shape} as image_path")
    finder = ImageFinder((root, *filter(Path.is_dir, [root / "images"])), further=source.images)
    for row, name in enumerate(names.tolist()):
        image = look_up(finder, tally, str(name), where=tables[0], key=f"image_path[{row}]")
        info = probed(image, str(name), tally) if image else None
        if info is None:
            continue
        with tally.quarantining(f"{tables[0].name} row {row}"):
            yield _hand(image, info, str(name), cameras[row], boxes[row], poses[row] / _CENTIMETRES)


def _hand(
    image: str, info: ImageInfo, name: str, camera: np.ndarray, box: np.ndarray, xyz: np.ndarray
) -> Sample:
    if info.width != info.height or not 0 < box[2] == box[3] or not np.isfinite([*camera, *box]).all():
        found = f"an image of {info.width} x {info.height} for a box of {box[2]} x {box[3]}"
        raise InputError(image, found, field="bbox", allowed="the square that was cut out, scaled")
    K = cut_out(intrinsics(*camera.astype(float)), box, info.width, info.height)
    points = narrow(project(xyz, K))
    return Sample(
        f"{NAME}/{Path(name).stem}",
        NAME,
        image,
        side="left",
        subject_id=NAME,
        keypoints=points,
        visibility=seen(points),
        xyz=narrow(xyz),
        K=K,
        licence=LICENCE,
    )

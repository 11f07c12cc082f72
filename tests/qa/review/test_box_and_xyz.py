"""What lies beside corrected points: boxes, and 3D points."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from curate.basics import keypoints as kp
from curate.data.sample import Sample
from qa.review.box_and_xyz import BOX_MOVED, XYZ_GONE, changed_beside
from qa.review.decisions import Patch
from qa.review.decisions_on_samples import patched

POINTS = np.stack([np.arange(21) * 5 + 50, np.arange(21) * 2 + 60], 1).astype(np.float32)  # to (150, 100)
AROUND = [40, 50, 120, 60]  # 10 px more on all sides
TIP = kp.NAMES[20]


def hand(**fields: Any) -> Sample:
    seen = np.full(kp.COUNT, 2, np.uint8)
    return Sample("s/1", "s", "a.png", 300, 200, "right", keypoints=POINTS, visibility=seen, **fields)


@pytest.mark.parametrize(
    ("box", "tip", "after"),
    [
        (AROUND, (250, 120, 2), [40, 50, 220, 80]),  # it was drawn around the points
        (AROUND, (140, 90, 2), [40, 50, 115, 58]),  # now the last but one is the farthest
        (AROUND, None, [40, 50, 115, 58]),
        ([50, 60, 100, 40], (250, 120, 2), [50, 60, 200, 60]),
        ([5, 50, 155, 90], (250, 120, 2), [5, 50, 245, 90]),  # some outline's
        ([5, 50, 155, 90], (140, 90, 2), [5, 50, 155, 90]),
        ([60, 50, 100, 60], (250, 120, 2), [60, 50, 100, 60]),  # it never held them all
    ],
)
def test_a_box_goes_with_corrected_points(box: list[int], tip: Any, after: list[int]) -> None:
    old = hand(bbox=np.array(box, np.float32))
    new = patched(old, Patch(points={TIP: tip}))
    assert new.bbox is not None
    np.testing.assert_allclose(new.bbox, after)
    assert changed_beside(old, new) == ({} if box == after else {BOX_MOVED: 1})


def test_a_box_of_a_hand_that_loses_all_points_stays() -> None:
    old = hand(bbox=np.array(AROUND, np.float32))
    new = patched(old, Patch(points=dict.fromkeys(kp.NAMES)))
    assert new.bbox is not None
    assert new.bbox.tolist() == AROUND


def test_3d_points_of_corrected_keypoints_go() -> None:
    old = hand(xyz=np.ones((21, 3), np.float32))
    x, y = POINTS[4].tolist()
    patch = Patch(points={TIP: (250.0, 120.0, 2), "wrist": None, kp.NAMES[4]: (x + 0.004, y, 1)})
    new = patched(old, patch)
    assert new.xyz is not None
    assert np.flatnonzero(np.isnan(new.xyz).any(axis=1)).tolist() == [0, 20]
    assert changed_beside(old, new) == Counter({XYZ_GONE: 2})


def test_3d_points_that_no_keypoint_is_left_of_are_none() -> None:
    old = hand(xyz=np.ones((21, 3), np.float32))
    new = patched(old, Patch(points=dict.fromkeys(kp.NAMES)))
    assert new.xyz is None
    assert changed_beside(old, new) == {XYZ_GONE: 21}


def test_3d_points_stay_where_the_side_or_nothing_is_corrected() -> None:
    old = hand(xyz=np.ones((21, 3), np.float32))
    assert changed_beside(old, patched(old, Patch())) == {}
    assert changed_beside(old, patched(old, Patch(side="swap"))) == {}

"""Hands in Action: 14 joints a hand, counted from the palm or, as bones tell, from the tip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters.tzionas import PLACES
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from tests.converters.converted import converted
from tests.layouts import TZIONAS_NAMES, tzionas, tzionas_spots


def test_the_order_is_that_of_the_viewer() -> None:
    assert [kp.NAMES[place] for place in PLACES] == list(TZIONAS_NAMES)


def check(root: Path) -> None:
    _, samples, _ = converted("tzionas", root)
    assert [(s.sample_id, s.side, s.frame) for s in samples] == [
        ("tzionas/01/1/00005/right", "right", 5),
        ("tzionas/01/1/00005/left", "left", 5),
        ("tzionas/01/1/00006/right", "right", 6),
    ]
    for hand, sample in enumerate(samples):
        known = [kp.INDEX[name] for name in TZIONAS_NAMES]
        if hand == 2:
            known = known[1:]  # the knuckle of the little finger is not seen
        assert np.flatnonzero(sample.visibility).tolist() == sorted(known)
        np.testing.assert_array_equal(sample.keypoints[known], tzionas_spots(hand)[known])
        assert sample.clip == "tzionas/01/1"


def test_joints_counted_from_the_palm(tmp_path: Path) -> None:
    tzionas(tmp_path / "s")
    check(tmp_path / "s")
    summary, _, _ = converted("tzionas", tmp_path / "s")
    assert (summary.absent, summary.quarantined) == ({"frame that is not labelled": 1}, 0)


def test_joints_counted_from_the_tip_are_turned_and_told(tmp_path: Path) -> None:
    tzionas(tmp_path / "s")
    for path in (tmp_path / "s").rglob("*.txt"):
        rows = [line.split("\t", 1)[1] for line in path.read_text().splitlines()]
        turned = []
        for start in range(0, len(rows), 14):
            hand = rows[start : start + 14]
            for first, size in ((0, 3), (3, 3), (6, 3), (9, 3), (12, 2)):
                turned += hand[first : first + size][::-1]
        path.write_text("\n".join(f"{i}\t{row}" for i, row in enumerate(turned)))
    check(tmp_path / "s")
    summary, _, _ = converted("tzionas", tmp_path / "s")
    assert summary.notes["hand whose joints were counted from the tip, as the length of its bones told"] == 3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0\t1\t2\n", "1 joint; allowed: 14"),
        ("0\t1\n", r"line 1: '0\t1'; allowed: number, x and y"),
        ("0\t1_0\t2\n", r"line 1: '0\t1_0\t2'; allowed: number, x and y"),
        ("1\t1\t2\n", r"line 1: '1\t1\t2'"),
        ("\n".join(f"{i}\t1e99\t5" for i in range(14)), "little_mcp at inf, 5"),
    ],
)
def test_a_flawed_file_is_told_alone(tmp_path: Path, text: str, found: str) -> None:
    tzionas(tmp_path / "s")
    (tmp_path / "s/01/1/joints_2D_GT/00005.txt").write_text(text)
    _, samples, reasons = converted("tzionas", tmp_path / "s")
    assert [s.frame for s in samples] == [6]
    assert any(found.replace("little_mcp", "") in reason for reason in reasons)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s/1.txt").write_text("0\t1\t2")
    with pytest.raises(InputError, match="no joints_2D_GT"):
        converted("tzionas", tmp_path / "s")

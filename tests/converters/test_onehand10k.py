"""OneHand10K: lines of a table, their sizes and masks, and points that are not visible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curate.basics.errors import InputError
from tests.converters.converted import converted
from tests.layouts import HANDS, onehand10k, picture, spots


def test_points_sizes_masks_and_splits(tmp_path: Path) -> None:
    onehand10k(tmp_path / "s")
    summary, samples, _ = converted("onehand10k", tmp_path / "s")
    assert [(s.sample_id, s.split) for s in samples] == [
        ("onehand10k/Test/3", "test"),
        *((f"onehand10k/Train/{hand}", "train") for hand in range(3)),
    ]
    for sample in samples:
        hand = int(sample.sample_id[-1])
        known = slice(int(hand == 0), None)
        np.testing.assert_array_equal(sample.keypoints[known], np.floor(spots(hand))[known])
        assert set(sample.visibility[known]) == {2}
        assert (sample.label_source, sample.side, sample.mask is None) == ("manual", None, hand in (1, 2))
    assert samples[1].visibility[0] == 0
    assert (len(samples), summary.quarantined, summary.absent) == (HANDS, 0, {})


def test_each_flaw_spoils_its_line_alone(tmp_path: Path) -> None:
    onehand10k(tmp_path / "s")
    good = ",".join(["7.jpg", "160", "160", "1", *["5"] * 42])
    picture(tmp_path / "s/Train/source/7.jpg", 80, 160)
    picture(tmp_path / "secret.png")
    rows = [
        "a.jpg,160,160,1,5",
        good.replace("7.jpg,160", "b.jpg,1_0"),
        good.replace("160,160", "160,-1"),
        good.replace("5,5,5", "5,nan,5"),
        good.replace("7.jpg", "../../../secret.png"),
        good.replace("5,5,5", "5,1e30,5").replace("7.jpg", "0.jpg"),
        good,
        good,
        good.replace("7.jpg", "gone.jpg"),
    ]
    (tmp_path / "s/Train/label_joint.txt").write_text("\ufeff" + "\r\n".join(rows), encoding="utf-8")
    summary, samples, reasons = converted("onehand10k", tmp_path / "s")
    assert [s.sample_id for s in samples] == ["onehand10k/Test/3"]
    told = "\n".join(reasons)
    for reason in (
        "Train/label_joint.txt line 1: 5 fields; allowed: 46",
        "line 2: could not convert string to float: '1_0'",
        "line 3: a picture of 160 x -1",
        "line 4: a number that is not finite",
        "leads out of the source folder",
        "wrist at 5, 1e+30; allowed: finite pixels",
        "the image is 80 x 160; its annotation says 160 x 160",
        "line 8: '7.jpg' is on an earlier line too",
    ):
        assert reason in told
    assert summary.absent == {"annotation without its image": 1}


def test_a_table_that_is_no_text_spoils_itself_alone_and_two_the_source(tmp_path: Path) -> None:
    onehand10k(tmp_path / "s")
    (tmp_path / "s/Train/label_joint.txt").write_bytes(b"\xff\xfe\x00")
    _, samples, reasons = converted("onehand10k", tmp_path / "s")
    assert len(samples) == 1
    assert any("not text in UTF-8; save it as UTF-8 (iconv" in reason for reason in reasons)
    (tmp_path / "s/Test/label_joint.txt").write_bytes(b"\xff")
    with pytest.raises(InputError, match="not text in UTF-8"):
        converted("onehand10k", tmp_path / "s")


def test_a_table_in_utf_16_is_read(tmp_path: Path) -> None:
    onehand10k(tmp_path / "s")
    table = tmp_path / "s/Train/label_joint.txt"
    table.write_bytes(table.read_text().encode("utf-16"))
    assert len(converted("onehand10k", tmp_path / "s")[1]) == 4

"""Show: counts by hand, and pages and sheets that are what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curate import diff
from curate.basics import images
from curate.basics.errors import InputError
from curate.cli import main
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.show import page, sheet, show, some


@pytest.fixture
def three(store, tmp_path: Path) -> Path:
    """Two left hands of one person, one of them without a thumb tip, and a hand of which little is known."""
    points = np.full((21, 2), 5.5, np.float32)
    whole, part = np.full(21, 2, np.uint8), np.full(21, 1, np.uint8)
    part[4] = 0
    samples = [
        Sample("s/1", "s", "1.png", 30, 20, "left", subject_id="p", keypoints=points, visibility=whole),
        Sample("s/2", "s", "1.png", 30, 20, "left", subject_id="p", keypoints=points, visibility=part),
        Sample("s/<b>", "s", "3.png", 40, 20, keypoints=points, visibility=whole, attrs={"<i>": "<u>"}),
    ]
    pictures = {"1.png": np.zeros((20, 30, 3), np.uint8), "3.png": np.zeros((20, 40, 3), np.uint8)}
    return store(tmp_path / "three", samples, pictures)


def test_counts_by_hand(three: Path) -> None:
    found = show(three)
    assert (found.samples, found.images, found.subjects) == (3, 2, 1)
    assert found.sizes == ((30, 40), (20, 20))
    assert found.counts["side"] == {"left": 2, "not known": 1}
    assert "split" not in found.counts, "what is known of none is not told"
    assert found.points == {"visible": 42, "hidden": 20, "not labelled": 1}
    assert found.coverage["thumb_tip"] == pytest.approx(2 / 3)
    assert found.coverage["wrist"] == 1
    assert "thumb_tip 67 %" in str(found)


def test_all_and_none_are_said_of_these_alone(store, tmp_path: Path) -> None:
    points = np.full((21, 2), 5.5, np.float32)
    seen = np.full((3000, 21), 2, np.uint8)
    seen[0, 0], seen[1:, 4] = 0, 0
    samples = [
        Sample(f"s/{i}", "s", "1.png", 30, 20, keypoints=points, visibility=seen[i]) for i in range(3000)
    ]
    found = show(store(tmp_path / "many", samples, {}))
    assert "wrist 99.97 %, thumb_tip 0.03 %" in str(found)
    assert all(f"<td>{said} %</td>" in page(found, []) for said in ("99.97", "0.03", "100"))


def test_a_hand_without_labels_beside_a_whole_one_is_told_of_all_keypoints_at_once(
    store, tmp_path: Path
) -> None:
    points = np.full((21, 2), 5.5, np.float32)
    whole = Sample("s/1", "s", "1.png", 30, 20, keypoints=points, visibility=np.full(21, 2, np.uint8))
    found = show(store(tmp_path / "two", [whole, Sample("s/2", "s", "1.png", 30, 20)], {}))
    assert "only some of the samples: each keypoint 50 %" in str(found)


def test_large_numbers_are_told_alike_and_one_in_the_singular(store, tmp_path: Path, capsys) -> None:
    samples = [Sample(f"s/{i}", "s", "1.png", 30, 20, side="left") for i in range(1501)]
    root = store(tmp_path / "many", samples, {})
    assert main(["select", str(root), "--sample", "1", "--out", str(tmp_path / "one")]) == 0
    assert "note: 1,500 not drawn" in capsys.readouterr().err
    told = str(show(tmp_path / "one")).splitlines()
    assert told[-2:] == ["  made by make: 1,501 samples", "  made by select: 1 sample"]


def test_a_value_of_no_letters_is_seen(store, tmp_path: Path) -> None:
    found = show(store(tmp_path / "d", [Sample("s/1", "s", "1.png", attrs={"tone": ""})], {}))
    assert "  tone: (empty text) (1)\n" in str(found)
    assert '<th scope="row">(empty text)</th>' in page(found, [])
    assert found.counts["tone"] == {"": 1}


def test_clips_are_counted_where_there_are_any(three: Path, store, tmp_path: Path) -> None:
    assert "clips" not in str(show(three))
    films = [Sample(f"s/{i}", "s", f"{i}.png", 30, 20, clip=f"c{i // 2}", frame=i) for i in range(4)]
    found = show(store(tmp_path / "films", films, {}))
    assert found.clips == 2
    assert "\n  clips: 2\n" in str(found)


def test_no_blank_sheet_is_written_of_no_samples(store, tmp_path: Path, capsys) -> None:
    root = store(tmp_path / "zero", [], {})
    assert main(["show", str(root), "--out", str(tmp_path / "sheet.png")]) == 2
    assert "zero: no sample to show; write a page of its counts: --out FILE.html" in capsys.readouterr().err
    assert not (tmp_path / "sheet.png").exists()
    assert main(["show", str(root), "--out", str(tmp_path / "page.html")]) == 0
    text = (tmp_path / "page.html").read_text()
    assert ("Counts" in text, "How it was made" in text) == (False, True)


def test_the_command_tells_and_prints(three: Path, capsys) -> None:
    assert main(["show", str(three)]) == 0
    assert "side: left (2), not known (1)" in capsys.readouterr().err
    assert main(["show", str(three), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"] == 3


def test_of_a_dataset_without_labels_that_alone_is_told(store, tmp_path: Path) -> None:
    root = store(tmp_path / "raw", [Sample("s/1", "s", "1.png"), Sample("s/2", "s", "2.png")], {})
    found = show(root)
    assert [line for line in str(found).splitlines() if "label" in line] == ["  keypoints: none is labelled"]
    assert "wrist" not in str(found)
    empty = str(show(store(tmp_path / "empty", [], {})))
    assert empty.splitlines()[1:] == [
        *("  samples: 0", "  images: 0", "  subjects: not known", "  keypoints: none is labelled"),
        *("  in quarantine: 0", "  made by make: 0 samples"),
    ]
    text = page(found, [])
    assert "none is labelled" in text
    assert "wrist" not in text


def test_one_of_a_thing_is_told_as_one(store, tmp_path: Path, capsys) -> None:
    root = store(tmp_path / "one", [Sample("s/1", "s", "1.png")], {})
    assert str(show(root)).splitlines()[-1] == "  made by make: 1 sample"
    assert repr(Dataset(root)).endswith(", 1 sample)")
    assert main(["select", str(root), "--sample", "1", "--by", "side", "--out", str(tmp_path / "out")]) == 2
    assert "known of none of 1 sample to draw from" in capsys.readouterr().err


def test_why_hands_were_sifted_out_is_counted_by_the_limit(store, tmp_path: Path) -> None:
    """The reasons were told as Python writes them, with every number."""
    reasons = [[("turn", 40.5)], [("turn", 31.5), ("hand_score", 0.2)]]
    samples = [
        Sample(f"s/{i}", "s", "1.png", 30, 20, attrs={"sifted": [{"limit": n, "found": v} for n, v in found]})
        for i, found in enumerate(reasons)
    ]
    found = show(store(tmp_path / "sifted", samples, {}))
    assert found.counts["sifted"] == {"turn": 2, "hand_score": 1}


def test_a_page_runs_nothing(three: Path) -> None:
    text = page(show(three), some(three, 5))
    assert text.count("<figure") == 3
    assert "s/&lt;b&gt;" in text
    assert "&lt;i&gt;" in text
    assert "<b>" not in text
    assert "default-src 'none'" in text


def test_a_sheet_has_a_cell_a_hand(three: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    assert main(["show", str(three), "--pictures", "2", "--out", str(out), "--quiet"]) == 0
    pictures = [hand.picture for hand in some(three, 2)]
    assert np.array_equal(images.read(out), sheet(pictures))
    assert len(pictures) == 2


@pytest.mark.parametrize("name", ["page.html", "sheet.png"])
def test_pictures_that_cannot_be_read_are_told(three: Path, tmp_path: Path, capsys, name: str) -> None:
    (three / "1.png").unlink()
    assert main(["show", str(three), "--out", str(tmp_path / name)]) == 1
    told = capsys.readouterr().err
    assert "note: 2 of 3 pictures cannot be read" in told
    assert "1.png" in told
    assert page(show(three), some(three, 5)).count("1.png: no such image file") == 2


def test_files_are_not_replaced_unasked(three: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "page.html"
    out.write_text("mine")
    assert main(["show", str(three), "--out", str(out)]) == 2
    assert out.read_text() == "mine"
    assert main(["show", str(three), "--out", str(out), "--overwrite"]) == 0
    assert main(["show", str(three), "--out", str(tmp_path / "page.pdf")]) == 2
    assert ".html" in capsys.readouterr().err


def test_a_picture_that_is_gone_is_grey(three: Path) -> None:
    (three / "3.png").unlink()
    last = some(three, 3)[-1][1]
    assert (last == 200).all()


def test_a_training_set_is_shown(make_set) -> None:
    found = show(make_set(["train", "test"]))
    assert found.training is not None
    assert dict(found.facts)["training set"] == "size 96, channels 1, keypoints 20, sigma 5.0"
    assert found.counts["split"] == {"test": 1, "train": 1}


@pytest.mark.parametrize("name", ["page.html", "sheet.png"])
def test_the_same_command_again_ends_as_before(three: Path, tmp_path: Path, name: str) -> None:
    place = tmp_path / "made"
    place.mkdir()
    (place / f".{name}.7.7.tmp").write_bytes(b"of one that was killed")
    for _ in range(2):
        assert main(["show", str(three), "--out", str(place / name)]) == 0
        assert [path.name for path in place.iterdir()] == [name]
    assert main(["show", str(three), "--pictures", "1", "--out", str(place / name)]) == 2


@pytest.mark.parametrize("count", [-1, 1.5, True])
def test_no_number_of_hands_is_told(three: Path, count: Any) -> None:
    with pytest.raises(InputError, match=f"^count: {count}; allowed: a whole number, 0 or more"):
        some(three, count)
    with pytest.raises(InputError, match=f"^count: {count}; allowed"):
        diff.page(three, three, diff.diff(three, three), count)
    assert len(some(three, np.int64(2))) == 2

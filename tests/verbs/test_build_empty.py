"""Pictures of a training set that show no hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from curate.basics.errors import InputError
from curate.build import build
from curate.crop import crop
from curate.data.dataset import Dataset
from curate.data.training_set import read_split
from curate.options.build import BuildOptions
from tests.noisy_hands import hand, noise


def test_unlabelled_samples_are_kept_as_pictures_without_a_hand_on_request(store, tmp_path: Path) -> None:
    some, none = hand("0"), hand("1")
    none.visibility[:] = 0
    data = store(tmp_path / "d", [some, none], {f"{i}.png": noise(50, 80) for i in range(2)})
    summary = build([data], tmp_path / "t", BuildOptions(keep_empty=True, test=0.0), quiet=True)
    assert (summary.samples, summary.dropped) == (2, {})
    assert summary.notes["without a labelled point, kept as showing no hand"] == 1
    split = read_split(Dataset(tmp_path / "t"), "train")
    assert split.empty.tolist() == [False, True]
    build([data], tmp_path / "usual", quiet=True)
    assert "keep_empty" not in Dataset(tmp_path / "usual").info["history"][-1]["options"]


def test_a_picture_that_any_label_says_to_show_a_hand_is_not_kept_as_showing_none(
    store, tmp_path: Path
) -> None:
    """Neither another hand's sample of it, nor one in another dataset, nor a wrist that is not chosen."""
    some, beside, wrist, none, twin = hand("0"), hand("0"), hand("1"), hand("2"), hand("3")
    beside.sample_id = "s/0#1"
    wrist.visibility[1:] = 0
    for empty in (beside, none, twin):
        empty.visibility[:] = 0
    pictures = {f"{i}.png": noise(50, 80, seed=i) for i in range(3)}
    data = store(tmp_path / "d", [some, beside, wrist, none], pictures)
    unlabelled = store(tmp_path / "e", [replace(twin, image="0.png")], {"0.png": pictures["0.png"]})
    summary = build([data, unlabelled], tmp_path / "t", BuildOptions(keep_empty=True, test=0.0), quiet=True)
    assert [sample.sample_id for sample in Dataset(tmp_path / "t")] == ["s/0", "s/2"]
    assert summary.dropped == {"no labelled keypoint of the chosen set": 3}
    assert summary.notes["without a labelled point, kept as showing no hand"] == 1


@pytest.mark.parametrize(
    "told", [{"bbox": np.float32([5, 5, 60, 40])}, {"side": "left"}, {"aspect": "dorsal"}]
)
def test_what_only_a_hand_has_says_that_there_is_one(store, tmp_path: Path, told: dict) -> None:
    some, none, shown = hand("0"), hand("1"), hand("2", **told)
    for unlabelled in (none, shown):
        unlabelled.visibility[:] = 0
    data = store(tmp_path / "d", [some, none, shown], {f"{i}.png": noise(50, 80, seed=i) for i in range(3)})
    summary = build([data], tmp_path / "t", BuildOptions(keep_empty=True, test=0.0), quiet=True)
    assert [sample.sample_id for sample in Dataset(tmp_path / "t")] == ["s/0", "s/1"]
    assert summary.dropped == {"no labelled keypoint of the chosen set": 1}


def test_a_photograph_that_was_cropped_shows_the_hands_of_all_its_crops(store, tmp_path: Path) -> None:
    some, beside, none = hand("0"), replace(hand("0"), sample_id="s/0#1"), hand("1")
    for unlabelled in (beside, none):
        unlabelled.visibility[:] = 0
    pictures = {f"{i}.png": noise(50, 80, seed=i) for i in range(2)}
    crop(store(tmp_path / "d", [some, beside, none], pictures), tmp_path / "c", quiet=True)
    assert len(Dataset(tmp_path / "c")) == 3
    build([tmp_path / "c"], tmp_path / "t", BuildOptions(keep_empty=True, test=0.0), quiet=True)
    assert [sample.sample_id for sample in Dataset(tmp_path / "t")] == ["s/0", "s/1"]


def test_grounds_alone_are_pictures_without_a_hand(store, tmp_path: Path) -> None:
    mask = np.zeros((50, 80), np.uint8)
    mask[5:45, 5:75] = 255
    told = {
        "side": "left",
        "score": 0.9,
        "tilt": 30.0,
        "rotation": 40.0,
        "attrs": {"hardness": 0.1, "age": 30},
    }
    told["keypoint_scores"] = np.full(21, 0.8, np.float32)
    samples = [hand(name, mask="mask.png", subject_id=name, **told) for name in "abcdefgh"]
    data = store(tmp_path / "d", samples, {**{s.image: noise(50, 80) for s in samples}, "mask.png": mask})
    options = BuildOptions(
        size=32, colour=True, masks=True, backgrounds=("own", "colour:#0000ff"), grounds_alone=0.5
    )
    summary = build([data], tmp_path / "t", options, quiet=True)
    alone = [sample for sample in Dataset(tmp_path / "t") if sample.sample_id.endswith("~0")]
    assert summary.notes["grounds_without_a_hand"] == len(alone) == summary.samples - 16
    assert 0 < len(alone) < 8
    pixels, masks = (np.load(tmp_path / "t" / name) for name in ("pixels.npy", "masks.npy"))
    splits = {sample.sample_id: sample.split for sample in Dataset(tmp_path / "t")}
    for sample in alone:
        row = int(sample.image.split("#")[1])
        assert (pixels[row] == (0, 0, 255)).all()
        assert not masks[row].any()
        assert not sample.visibility.any()
        assert {getattr(sample, name) for name in told if name != "attrs"} == {None}
        assert sample.attrs == {"age": 30}
        assert sample.split == splits[sample.sample_id.removesuffix("~0")]
    assert masks.any((1, 2)).sum() == 16
    without = build([data], tmp_path / "w", replace(options, masks=False), quiet=True)
    assert without.notes["grounds_without_a_hand"] == len(alone)
    refused = replace(options, backgrounds=("colour:#0000ff", "own"))
    with pytest.raises(InputError, match=r"^--grounds-alone: 0\.5; give a ground other than own as the last"):
        build([data], tmp_path / "u", refused, quiet=True)


def test_an_image_is_empty_where_no_hand_is_and_not_where_none_is_labelled(store, tmp_path: Path) -> None:
    mask = np.zeros((50, 80), np.uint8)
    mask[5:45, 5:75] = 255
    labelled, other = hand("a", mask="mask.png"), hand("b", mask="mask.png")
    nowhere = {"keypoints": np.full_like(other.keypoints, np.nan), "visibility": np.zeros(21, np.uint8)}
    samples = [labelled, replace(other, **nowhere)]
    data = store(tmp_path / "d", samples, {**{s.image: noise(50, 80) for s in samples}, "mask.png": mask})
    options = BuildOptions(size=32, backgrounds=("own", "colour:#0000ff"), grounds_alone=1.0, test=0, val=0)
    for masks, empty in ((True, {"s/a~0", "s/b~0"}), (False, {"s/a~0"})):
        out = tmp_path / f"t{masks}"
        build([data], out, replace(options, masks=masks), quiet=True)
        split = read_split(Dataset(out), "train")
        assert {name for name, none in zip(split.sample_ids, split.empty, strict=True) if none} == empty
        assert len(split.empty) > len(empty)

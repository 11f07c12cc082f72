"""What a dataset's samples may refer to: by the folders that dataset.json names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converters.table import FORMATS
from curate.basics import images
from curate.basics.errors import UnreadableImage, UnsafeReference
from curate.cli import main
from curate.crop import crop
from curate.data import trust
from curate.data.dataset import Dataset
from curate.data.references import OUTSIDE, REFERS_TO, file_of, read_image, take_word
from curate.data.sample import Sample
from curate.data.stage import Stage, Summary
from curate.export import export
from qa.check_quality import check_quality
from tests.conftest import Store

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


@pytest.fixture
def hand(flat_hand: np.ndarray) -> Sample:
    return Sample(
        "s/1", "s", "images/1.png", 60, 40, keypoints=flat_hand / 5, visibility=np.full(21, 2, np.uint8)
    )


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A picture beside the datasets, which none of them names."""
    images.write(tmp_path / "private" / "secret.png", PICTURE)
    return tmp_path / "private"


def info_of(root: Path) -> dict[str, object]:
    info: dict[str, object] = json.loads((root / "dataset.json").read_text())
    return info


def set_info(root: Path, **changes: object) -> None:
    info = {**info_of(root), **changes}
    (root / "dataset.json").write_text(json.dumps({k: v for k, v in info.items() if v is not None}))


def hostile(store: Store, folder: Path, hand: Sample, ref: str) -> Path:
    """A dataset of two samples, of which a stranger made the second refer to another file."""
    samples = [hand, replace(hand, sample_id="s/2", image=ref)]
    root = store(folder, samples, {"images/1.png": PICTURE})
    set_info(root, **{REFERS_TO: []})
    return root


REFS = ["../private/secret.png", "{private}/secret.png", "images/../../private/secret.png", "images/link.png"]


@pytest.mark.parametrize("ref", REFS)
def test_a_picture_of_this_machine_is_not_taken_along(
    store: Store, hand: Sample, secret: Path, tmp_path: Path, ref: str
) -> None:
    root = hostile(store, tmp_path / "theirs", hand, ref.format(private=secret))
    (root / "images" / "link.png").symlink_to(secret / "secret.png")
    for name in ("coco", "labelme", "yolo-pose"):
        made = export(Dataset(root), FORMATS[name].write, name, tmp_path / name)
        assert made.lost["image refused, as it leads out of the dataset"] == 1
        assert made.lost["left out: sample without an image"] == 1
        assert len([path for path in (tmp_path / name).rglob("*.png") if path.is_file()]) == 1
    summary = crop(root, tmp_path / "crops")
    assert (summary.samples, summary.quarantined) == (1, 1)
    (entry,) = Dataset(tmp_path / "crops").quarantine()
    assert entry["input"] == "s/2"
    assert "leads out of the dataset" in entry["reason"]
    found = check_quality(root, tmp_path / "qa")
    assert found.checks["unreadable-image"] == 1


def test_masks_and_depth_maps_are_held_to_it_too(
    store: Store, hand: Sample, secret: Path, tmp_path: Path
) -> None:
    samples = [
        replace(hand, sample_id="s/mask", mask="../private/secret.png"),
        replace(hand, sample_id="s/depth", depth="../private/secret.png"),
    ]
    root = store(tmp_path / "theirs", samples, {"images/1.png": PICTURE})
    set_info(root, **{REFERS_TO: []})
    summary = crop(root, tmp_path / "crops")
    assert (summary.samples, summary.quarantined) == (0, 2)


def test_a_stage_names_the_folders_that_it_refers_to(
    store: Store, hand: Sample, secret: Path, tmp_path: Path
) -> None:
    store(tmp_path / "own", [hand], {"images/1.png": PICTURE})
    assert info_of(tmp_path / "own")[REFERS_TO] == []
    beside = replace(hand, image="../private/secret.png", mask="../private/masks/1.png")
    root = store(tmp_path / "referring", [beside], {})
    assert info_of(root)[REFERS_TO] == ["../private", "../private/masks"]
    assert (read_image(root, beside.image) == PICTURE).all()
    within = Stage("again", tmp_path / "again", {}, (Dataset(root),))
    assert passed_on(within, beside).samples == 1
    assert info_of(tmp_path / "again")[REFERS_TO] == ["../private"]


def passed_on(stage: Stage, sample: Sample) -> Summary:
    from curate.data.part import Part
    from curate.data.sample import to_batch

    return stage.run([sample], lambda one: Part(to_batch([one])))


def test_a_dataset_from_before_refers_to_files_but_through_no_link(
    store: Store, hand: Sample, secret: Path, tmp_path: Path
) -> None:
    samples = [replace(hand, sample_id=f"s/{i}", image=ref) for i, ref in enumerate(REFS)]
    samples[1] = replace(samples[1], image=f"{secret}/secret.png")
    root = store(tmp_path / "earlier", samples, {"images/1.png": PICTURE})
    (root / "images" / "link.png").symlink_to(secret / "secret.png")
    set_info(root, **{REFERS_TO: None})
    with pytest.raises(UnsafeReference, match="not made here; if you trust whoever made it: curate trust"):
        read_image(root, samples[0].image)
    take_word(root)
    assert (read_image(root, samples[0].image) == PICTURE).all()
    for sample in (samples[1], samples[3]):
        with pytest.raises(UnsafeReference, match="leads out"):
            read_image(root, sample.image)
    summary = crop(root, tmp_path / "crops")
    assert (summary.samples, summary.quarantined) == (2, 2)
    assert summary.notes[OUTSIDE] == 1


@pytest.mark.parametrize("named", [["../private"], [".."], None])
def test_the_word_of_a_dataset_from_elsewhere_is_taken_once_it_is_confirmed(
    store: Store, hand: Sample, secret: Path, tmp_path: Path, named: list[str] | None
) -> None:
    beside = replace(hand, image="../private/secret.png")
    root = store(tmp_path / "theirs", [beside], {})
    set_info(root, **{REFERS_TO: named})
    made = export(Dataset(root), FORMATS["coco"].write, "coco", tmp_path / "coco")
    assert made.lost["image refused, as it leads out of the dataset"] == 1
    assert not list((tmp_path / "coco").rglob("*.png"))
    passed_on(Stage("again", tmp_path / "again", {}, (Dataset(root),)), beside)
    with pytest.raises(UnsafeReference, match="not made here"):  # nor is what is made of it
        read_image(tmp_path / "again", beside.image)
    assert main(["trust", str(root)]) == 0
    assert (read_image(root, beside.image) == PICTURE).all()
    set_info(root, **{REFERS_TO: [*(named or []), "../else"]})  # another dataset now
    with pytest.raises(UnsafeReference, match="not made here"):
        read_image(root, beside.image)


def test_what_is_made_here_needs_no_word_where_that_cannot_be_kept(
    store: Store, hand: Sample, secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    monkeypatch.setenv("TMPDIR", "/dev/null")
    own = store(tmp_path / "own", [hand], {"images/1.png": PICTURE})
    assert (read_image(own, hand.image) == PICTURE).all()
    beside = replace(hand, image="../private/secret.png")
    root = store(tmp_path / "referring", [beside], {})
    with pytest.raises(UnsafeReference, match="curate trust"):
        read_image(root, beside.image)
    assert main(["trust", str(root)]) == 2


@pytest.mark.parametrize("ref", ["", "a\0b", "x" * 5000, "/etc/hostname", ".."])
def test_what_is_no_path(store: Store, hand: Sample, tmp_path: Path, ref: str) -> None:
    root = store(tmp_path / "data", [hand], {})
    with pytest.raises(UnsafeReference):
        file_of(root, ref)


def test_rows_of_a_training_set(tmp_path: Path) -> None:
    stack = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    np.save(tmp_path / "pixels.npy", stack)
    np.testing.assert_array_equal(read_image(tmp_path, images.stack_ref(2)), stack[2])
    assert read_image(tmp_path, images.stack_ref(0), grey=True).shape == (8, 8)
    with pytest.raises(UnreadableImage, match="no row 3; it has 3"):
        read_image(tmp_path, images.stack_ref(3))
    for ref in ("pixels.npy#x", "pixels.npy#", "pixels.npy#-1", f"pixels.npy#{'1' * 5000}"):
        with pytest.raises(UnreadableImage, match="no row"):
            read_image(tmp_path, ref)


def test_where_no_home_can_be_written_the_word_is_kept_among_passing_files_that_are_ours_alone(
    store: Store, hand: Sample, secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    beside = replace(hand, image="../private/secret.png")
    root = store(tmp_path / "referring", [beside], {})
    assert (read_image(root, beside.image) == PICTURE).all()
    (kept,) = tmp_path.glob("hand-curate-*")
    kept.chmod(0o777)  # anybody may have written there
    assert not trust.is_known(root)

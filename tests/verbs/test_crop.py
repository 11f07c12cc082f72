"""Crops: where points, boxes, masks and cameras go, what is counted, and when labels are looked at."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.basics import files, geometry, images
from curate.basics.errors import ConfigChanged, InputError
from curate.cli import main
from curate.crop import crop
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.data.stage import relative_to_out
from curate.options.build import BuildOptions
from curate.options.crop import CropOptions

SKIN, GROUND = (198, 134, 100), (250, 250, 248)


def disc(
    width: int = 200, height: int = 160, at: tuple[int, int] = (120, 90), radius: int = 40
) -> np.ndarray:
    y, x = np.mgrid[:height, :width] + 0.5
    inside = (x - at[0]) ** 2 + (y - at[1]) ** 2 < radius**2
    return np.where(inside[..., None], SKIN, GROUND).astype(np.uint8)


def hand(name: str = "s/a", image: str = "a.png", shift: tuple[float, float] = (0, 0), **fields) -> Sample:
    """Its 20 finger points lie on a circle of radius 30 around (120, 90); the wrist is unlabelled."""
    turn = np.linspace(0, 2 * np.pi, 21)
    points = np.stack([120 + 30 * np.cos(turn), 90 + 30 * np.sin(turn)], axis=1) + shift
    seen = np.full(21, 2, np.uint8)
    seen[0] = 0
    return Sample(name, "s", image, keypoints=points.astype(np.float32), visibility=seen, **fields)


def only(folder: Path) -> Sample:
    (sample,) = Dataset(folder)
    return sample


def test_a_crop_by_bbox_by_hand(store, tmp_path: Path) -> None:
    """Box (80, 50, 80, 60), margin 0.25: the square (60, 20, 120); 60 pixels are half of it."""
    camera = np.array([[500.0, 0, 100], [0, 500, 80], [0, 0, 1]])
    sample = hand(bbox=np.array([80, 50, 80, 60], np.float32), K=camera, width=200, height=160)
    data = store(tmp_path / "d", [sample], {"a.png": disc()})
    summary = crop(data, tmp_path / "c", CropOptions(by="bbox", margin=0.25, size=60), quiet=True)
    made = only(tmp_path / "c")
    assert (summary.samples, summary.dropped, summary.quarantined) == (1, {}, 0)
    np.testing.assert_allclose(made.keypoints[1:], (sample.keypoints[1:] - (60, 20)) / 2, atol=1e-4)
    assert np.isnan(made.keypoints[0]).all()
    np.testing.assert_allclose(made.bbox, [10, 15, 40, 30])
    np.testing.assert_allclose(made.transform, [[2, 0, 60], [0, 2, 20]])
    np.testing.assert_allclose(made.K, [[250, 0, 20], [0, 250, 30], [0, 0, 1]])
    assert (made.width, made.height, made.parent_id, made.sample_id) == (60, 60, "s/a", "s/a")
    assert made.attrs == {"found_by": "bbox"}
    picture = Dataset(tmp_path / "c").read_image(made)
    assert picture.shape == (60, 60, 3)
    assert made.sha256 == images.pixel_sha256(picture)
    expected = disc()[20:140, 60:180].reshape(60, 2, 60, 2, 3).mean(axis=(1, 3))
    assert np.abs(picture - expected).max() <= 1


def test_nothing_is_enlarged_and_the_edge_is_repeated(store, tmp_path: Path) -> None:
    """The square (-20, 40, 100) leaves the photo on the left: its first column is repeated."""
    picture = np.random.default_rng(0).integers(0, 256, (160, 200, 3), dtype=np.uint8)
    data = store(tmp_path / "d", [hand(bbox=np.array([-20, 40, 100, 100], np.float32))], {"a.png": picture})
    crop(data, tmp_path / "c", CropOptions(by="bbox", margin=0, size=256), quiet=True)
    made = only(tmp_path / "c")
    cut = Dataset(tmp_path / "c").read_image(made)
    assert cut.shape == (100, 100, 3)
    np.testing.assert_array_equal(cut[:, 20:], picture[40:140, :80])
    np.testing.assert_array_equal(cut[:, :20], np.repeat(picture[40:140, :1], 20, axis=1))


@given(
    x=st.floats(-30, 150), y=st.floats(-30, 120), w=st.floats(35, 150), h=st.floats(35, 150),
    margin=st.floats(0, 0.5), size=st.integers(8, 300), jpeg=st.booleans(),
)  # fmt: skip
@settings(max_examples=25)
def test_any_crop_leads_back_to_its_photo(store, tmp_path_factory, x, y, w, h, margin, size, jpeg) -> None:
    tmp_path = tmp_path_factory.mktemp("any")
    name = "a.jpg" if jpeg else "a.png"
    sample = hand(image=name, bbox=np.array([x, y, w, h], np.float32))
    data = store(tmp_path / "d", [sample], {name: disc()})
    crop(data, tmp_path / "c", CropOptions(by="bbox", margin=margin, size=size), quiet=True)
    made = only(tmp_path / "c")
    back = geometry.apply(made.transform, made.keypoints)
    np.testing.assert_allclose(back[1:], sample.keypoints[1:], atol=1e-3)
    corners = geometry.apply(made.transform, [[0, 0], [made.width, made.height]])
    assert made.width == made.height <= size
    assert (corners[0] <= sample.bbox[:2] + 1e-3).all()
    assert (corners[1] >= sample.bbox[:2] + sample.bbox[2:] - 1e-3).all()
    # The disc's centre of mass moves with the points.
    picture = Dataset(tmp_path / "c").read_image(made)
    truth = images.cut_square(disc(), *aligned(made), made.width)
    assert np.abs(picture.astype(int) - truth).mean() < (4 if jpeg else 0.01)


def aligned(made: Sample) -> tuple[tuple[int, int], int]:
    """Corner and side of a crop's square, which lie on whole pixels of the photo."""
    scale, corner = made.transform[0, 0], made.transform[:, 2]
    side = scale * made.width
    assert np.allclose([*corner, side], np.round([*corner, side]), atol=1e-6)
    return (round(corner[0]), round(corner[1])), round(side)


def test_by_colour_the_labels_do_not_matter(store, drawn_dataset: Path, tmp_path: Path) -> None:
    dataset = Dataset(drawn_dataset)
    bare = [
        replace(s, keypoints=np.full((21, 2), np.nan), visibility=np.zeros(21), bbox=None) for s in dataset
    ]
    store(tmp_path / "bare", bare, {})
    shutil.copytree(drawn_dataset / "images", tmp_path / "bare" / "images")
    crop(drawn_dataset, tmp_path / "with", CropOptions(size=96), quiet=True)
    crop(tmp_path / "bare", tmp_path / "without", CropOptions(size=96), quiet=True)
    labelled, unlabelled = list(Dataset(tmp_path / "with")), list(Dataset(tmp_path / "without"))
    assert len(labelled) == len(dataset)
    assert [s.sha256 for s in labelled] == [s.sha256 for s in unlabelled]
    assert all((s.keypoints > 0).all() and (s.keypoints < 96).all() for s in labelled)


def test_points_outside_are_counted_and_keep_their_coordinates(store, tmp_path: Path, capsys) -> None:
    sample = hand()
    sample.keypoints[[4, 8]] = (190.0, 10.0), (-50.0, 90.0)
    data = store(tmp_path / "d", [sample, hand("s/b", "b.png")], {"a.png": disc(), "b.png": disc()})
    summary = crop(data, tmp_path / "c", CropOptions(margin=0.1), quiet=True)
    assert summary.notes == {
        "labelled_points": 40,
        "labelled_points_outside_crop": 2,
        "samples_with_points_outside_crop": 1,
    }
    assert main(["crop", str(data), "--out", str(tmp_path / "told")]) == 0
    told = capsys.readouterr().err
    assert "  note: 40 labelled points in all\n  note: 2 labelled points outside the crop\n" in told
    assert "  note: 1 sample with points outside the crop\n" in told
    made = next(iter(Dataset(tmp_path / "c")))
    np.testing.assert_allclose(geometry.apply(made.transform, made.keypoints[8]), (-50, 90), atol=1e-3)


def test_a_photo_without_a_hand_by_colour_is_kept_whole_and_counted(store, tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(100, 110, (160, 200), dtype=np.uint8)
    data = store(tmp_path / "d", [hand()], {"a.png": grey})
    summary = crop(data, tmp_path / "c", CropOptions(size=100), quiet=True)
    assert summary.notes["whole_photo_kept"] == 1
    made = only(tmp_path / "c")
    assert made.attrs["found_by"] == "whole photo"
    np.testing.assert_allclose(made.transform, [[2, 0, 0], [0, 2, -20]])


def test_notes_have_the_noun_that_goes_with_their_number(store, tmp_path: Path, capsys) -> None:
    grey = np.random.default_rng(0).integers(100, 110, (160, 200), dtype=np.uint8)
    names = ("a.png", "b.png")
    hands = [replace(hand(f"s/{name}", name), subject_id=None) for name in names]
    data = store(tmp_path / "d", hands, dict.fromkeys(names, grey))
    assert main(["crop", str(data), "--out", str(tmp_path / "c")]) == 0
    assert "  note: 2 whole photos kept\n" in capsys.readouterr().err
    one = store(tmp_path / "one", hands[:1], {"a.png": grey})
    assert main(["build", str(one), "--out", str(tmp_path / "set")]) == 0
    assert "  note: 1 sample without subject\n" in capsys.readouterr().err


def test_what_is_no_engine_and_options_of_another_command_are_refused(store, tmp_path: Path) -> None:
    data = store(tmp_path / "d", [hand()], {"a.png": disc()})
    for options in ({"size": 64}, BuildOptions()):
        with pytest.raises(InputError, match=r"^options: of type .*; allowed: CropOptions$"):
            crop(data, tmp_path / "c", options, quiet=True)
    with pytest.raises(InputError, match=r"^engine: 4; allowed: an engine, such as Local"):
        crop(data, tmp_path / "c", engine=4, quiet=True)
    assert not (tmp_path / "c").exists()


def test_hands_that_share_a_photo_are_cut_by_their_labels(store, tmp_path: Path) -> None:
    picture = disc(300, 160)
    boxed = hand("s/b", shift=(90, 0), bbox=np.array([180, 50, 60, 80], np.float32))
    bare = replace(
        hand("s/c"), keypoints=np.full((21, 2), np.nan, np.float32), visibility=np.zeros(21, np.uint8)
    )
    data = store(tmp_path / "d", [hand("s/a"), boxed, bare], {"a.png": picture})
    summary = crop(data, tmp_path / "c", CropOptions(margin=0), quiet=True)
    first, second, third = Dataset(tmp_path / "c")
    assert (summary.notes["cut_by_label"], summary.notes["whole_photo_kept"]) == (2, 1)
    assert [s.attrs["found_by"] for s in (first, second, third)] == ["keypoints", "bbox", "whole photo"]
    np.testing.assert_allclose(first.transform[:, 2], (90, 60), atol=1.01)
    np.testing.assert_allclose(second.transform[:, 2], (170, 50))
    np.testing.assert_allclose(third.transform, [[300 / 256, 0, 0], [0, 300 / 256, -70]])
    assert {first.parent_id, second.parent_id, third.parent_id} == {"s/a"}
    assert len({first.image, second.image, third.image}) == 3


def test_labels_that_contradict_the_colour_decide(store, tmp_path: Path) -> None:
    """Colour finds a red disc, but the labelled hand is the grey thing beside it."""
    picture = np.full((160, 300, 3), 240, np.uint8)
    y, x = np.mgrid[:160, :300] + 0.5
    picture[(x - 230) ** 2 + (y - 80) ** 2 < 40**2] = (210, 120, 90)
    picture[50:110, 40:90] = 120
    labelled = hand(shift=(-55, -10))
    bare = replace(
        hand("s/b", "b.png"),
        keypoints=np.full((21, 2), np.nan, np.float32),
        visibility=np.zeros(21, np.uint8),
    )
    data = store(tmp_path / "d", [labelled, bare], {"a.png": picture, "b.png": picture})
    summary = crop(data, tmp_path / "c", CropOptions(margin=0), quiet=True)
    assert summary.notes["cut_by_label"] == 1
    by_label, by_colour = Dataset(tmp_path / "c")
    assert (by_label.attrs["found_by"], by_colour.attrs["found_by"]) == ("keypoints", "colour")
    assert by_label.transform[0, 2] < 60 < 180 < by_colour.transform[0, 2]


def test_a_photo_whose_colours_are_not_to_be_trusted_is_kept_whole_and_told(
    store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two pieces of skin alike: colour would take one of them."""
    y, x = np.mgrid[:160, :300] + 0.5
    picture = np.full((160, 300, 3), 240, np.uint8)
    for middle in (80, 220):
        picture[(x - middle) ** 2 + (y - 80) ** 2 < 40**2] = (210, 140, 110)
    bare = replace(hand(), keypoints=np.full((21, 2), np.nan, np.float32), visibility=np.zeros(21, np.uint8))
    data = store(tmp_path / "d", [bare], {"a.png": picture})
    assert main(["crop", str(data), "--out", str(tmp_path / "c")]) == 0
    assert "kept whole, as no hand was seen or none could be trusted: 1 photo (" in capsys.readouterr().err
    assert only(tmp_path / "c").attrs["found_by"] == "whole photo"


def test_masks_move_along_and_can_be_cropped_by(store, tmp_path: Path) -> None:
    mask = np.zeros((160, 200), np.uint8)
    mask[50:130, 80:160] = 3
    data = store(tmp_path / "d", [hand(mask="m.png")], {"a.png": disc(), "m.png": mask})
    crop(data, tmp_path / "c", CropOptions(by="mask", margin=0.1, size=48), quiet=True)
    made = only(tmp_path / "c")
    np.testing.assert_allclose(made.transform, [[2, 0, 72], [0, 2, 42]])
    moved = images.read(tmp_path / "c" / made.mask, grey=True)
    expected = np.zeros((48, 48), np.uint8)
    expected[4:44, 4:44] = 3
    np.testing.assert_array_equal(moved, expected)


def test_a_mask_that_is_no_hands_is_not_cropped_by(store, tmp_path: Path) -> None:
    """It holds the whole photo; its picture is kept beside the reason."""
    whole = np.full((160, 200), 255, np.uint8)
    data = store(tmp_path / "d", [hand(mask="m.png")], {"a.png": disc(), "m.png": whole})
    summary = crop(data, tmp_path / "c", CropOptions(by="mask"), quiet=True)
    assert (summary.samples, summary.quarantined) == (0, 1)
    (entry,) = Dataset(tmp_path / "c").quarantine()
    assert entry["reason"] == "the mask covers 100.0 % of the image; allowed: 1 % to 85 %"
    assert len(list((tmp_path / "c" / "quarantine").iterdir())) == 1


def test_a_crop_keeps_the_shape_of_its_box_by_hand(store, tmp_path: Path) -> None:
    """Box (80, 50, 80, 40), 8 pixels on each side: (72, 42, 96, 56) to 48 x 28."""
    data = store(tmp_path / "d", [hand(bbox=np.array([80, 50, 80, 40], np.float32))], {"a.png": disc()})
    crop(data, tmp_path / "c", CropOptions(by="bbox", margin=0.1, size=48, square=False), quiet=True)
    made = only(tmp_path / "c")
    assert (made.width, made.height) == (48, 28)
    np.testing.assert_allclose(made.transform, [[2, 0, 72], [0, 2, 42]])
    expected = disc()[42:98, 72:168].reshape(28, 2, 48, 2, 3).mean(axis=(1, 3))
    assert np.abs(Dataset(tmp_path / "c").read_image(made) - expected).max() <= 1


def test_jitter_moves_crops_by_up_to_its_share_and_follows_the_seed(store, tmp_path: Path) -> None:
    box = np.array([80, 50, 80, 80], np.float32)
    samples = [hand(f"s/{number}", bbox=box) for number in range(60)]
    data = store(tmp_path / "d", samples, {"a.png": disc()})
    made = {}
    for name, seed, rows in (
        ("1", 1, slice(None)),
        ("same", 1, slice(None, None, -1)),
        ("2", 2, slice(None)),
    ):
        source = store(tmp_path / f"d-{name}", samples[rows], {"a.png": disc()})
        crop(
            source,
            tmp_path / name,
            CropOptions(by="bbox", margin=0, jitter=0.1, size=None, seed=seed),
            quiet=True,
        )
        made[name] = {s.sample_id: s for s in Dataset(tmp_path / name)}
    crop(data, tmp_path / "none", CropOptions(by="bbox", margin=0, size=None, seed=1), quiet=True)
    still = only_transform(tmp_path / "none")
    np.testing.assert_allclose(still, [80, 50])
    corners = np.array([s.transform[:, 2] for s in made["1"].values()])
    sides = np.array([s.width for s in made["1"].values()])
    middles = corners + sides[:, None] / 2 - (120, 90)
    assert np.abs(middles).max() <= 8 + 1
    assert np.abs(middles).max() > 5
    assert 71 <= sides.min() < 76
    assert 84 < sides.max() <= 90
    for name, sample in made["1"].items():
        np.testing.assert_array_equal(made["same"][name].transform, sample.transform)
        back = geometry.apply(sample.transform, sample.keypoints)
        np.testing.assert_allclose(back[1:], samples[0].keypoints[1:], atol=1e-3)
    assert any((made["2"][n].transform != s.transform).any() for n, s in made["1"].items())


def only_transform(folder: Path) -> np.ndarray:
    """The corner that all crops of a dataset share."""
    corners = {tuple(sample.transform[:, 2]) for sample in Dataset(folder)}
    (corner,) = corners
    return np.array(corner)


def test_what_cannot_be_cropped_is_counted_or_quarantined(store, tmp_path: Path) -> None:
    far = hand("s/far", shift=(5000, 0))
    huge = hand("s/huge", bbox=np.array([0, 0, 1e6, 1e6], np.float32))
    point = hand("s/point")
    point.visibility[2:] = 0
    point.keypoints[2:] = np.nan
    none = replace(point, sample_id="s/none", keypoints=np.full((21, 2), np.nan), visibility=np.zeros(21))
    gone = hand("s/gone", "gone.png")
    small = hand("s/small", "b.png", mask="m.png")
    pictures = {"a.png": disc(), "b.png": disc(), "m.png": np.ones((5, 5), np.uint8)}
    data = store(tmp_path / "d", [far, huge, point, none, gone, small, hand()], pictures)
    summary = crop(data, tmp_path / "c", CropOptions(by="keypoints"), quiet=True)
    assert summary.dropped == {
        "its box is no size for a hand in its photo": 1,
        "its box lies outside its photo": 1,
        "no keypoints to crop by": 1,
    }
    reasons = {entry["input"]: entry["reason"] for entry in Dataset(tmp_path / "c").quarantine()}
    assert reasons == {
        "s/gone": "no such image file",
        "s/small": "a mask of 5 x 5; allowed: 200 x 160, as its image",
    }
    assert summary.samples == 2
    boxes = crop(data, tmp_path / "b", CropOptions(by="bbox"), quiet=True)
    assert boxes.dropped == {"its box is no size for a hand in its photo": 1, "no bbox to crop by": 5}


def test_the_folder_holds_only_its_files_and_a_second_run_reuses_it(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    first = crop(drawn_dataset, tmp_path / "c", CropOptions(size=64), quiet=True)
    names = {p.name for p in (tmp_path / "c").iterdir()}
    assert names == {".curate.json", "samples.parquet", "dataset.json", "quarantine.jsonl", "images"}
    again = crop(drawn_dataset, tmp_path / "c", CropOptions(size=64), quiet=True)
    assert again.reused
    assert not first.reused
    with pytest.raises(ConfigChanged, match="size was 64, now 65"):
        crop(drawn_dataset, tmp_path / "c", CropOptions(size=65), quiet=True)
    with pytest.raises(InputError, match="the folder that is read"):
        crop(tmp_path / "c", tmp_path / "c", overwrite=True, quiet=True)
    assert len(Dataset(tmp_path / "c")) == 24


def test_a_crop_of_a_crop_leads_back_to_the_first_photo(drawn_dataset: Path, tmp_path: Path) -> None:
    crop(drawn_dataset, tmp_path / "one", CropOptions(margin=0.5, size=150), quiet=True)
    crop(tmp_path / "one", tmp_path / "two", CropOptions(by="keypoints", size=50), quiet=True)
    for before, after in zip(Dataset(drawn_dataset), Dataset(tmp_path / "two"), strict=True):
        assert after.parent_id == before.sample_id
        assert after.attrs["found_by"] == "keypoints"
        back = geometry.apply(after.transform, after.keypoints)
        np.testing.assert_allclose(back, before.keypoints, atol=1e-2)


@pytest.mark.parametrize(
    ("option", "value"),
    [("by", "magic"), ("margin", -0.1), ("margin", 3.0), ("jitter", 0.6), ("size", 0), ("size", 9999)],
)
def test_options_out_of_range(option: str, value: object) -> None:
    with pytest.raises(InputError, match=f"{option}: {value!r}; allowed"):
        CropOptions(**{option: value})


def test_real_photographs_lose_no_point(store, real_data: Path, tmp_path: Path) -> None:
    """Photos of 11k Hands with their labels: every labelled point lies in the crop by colour."""
    samples = []
    for path in sorted((real_data / "11k_hands_224" / "images" / "test").glob("*.jpg"))[::4]:
        line = (real_data / "11k_hands_224" / "labels" / "test" / f"{path.stem}.txt").read_text().split()
        values = np.array(line[5:], float).reshape(21, 3)
        seen = np.where(values[:, 2] > 0, 2, 0)
        samples.append(
            Sample(
                f"11k/{path.stem}",
                "11k",
                relative_to_out(path, tmp_path / "d"),
                keypoints=values[:, :2] * 224,
                visibility=seen,
            )
        )
    data = store(tmp_path / "d", samples, {})
    notes = crop(data, tmp_path / "c", quiet=True).notes
    assert notes["labelled_points"] > 20 * 60
    assert notes["labelled_points_outside_crop"] == 0
    assert notes.get("whole_photo_kept", 0) <= 1


def test_a_picture_that_is_no_longer_the_tables_is_set_aside(store, tmp_path: Path) -> None:
    samples = [hand(name, f"{name}.png", width=200, height=160) for name in ("a", "b")]
    data = store(tmp_path / "d", samples, {"a.png": disc(), "b.png": disc()})
    images.write(data / "b.png", disc()[::2, ::4])
    summary = crop(data, tmp_path / "c", CropOptions(by="keypoints"), quiet=True)
    assert (summary.samples, summary.quarantined) == (1, 1)
    (entry,) = Dataset(tmp_path / "c").quarantine()
    assert "the image is 50 x 80, the table says 200 x 160" in entry["reason"]


def test_a_picture_that_was_exchanged_is_noticed(drawn_dataset: Path, tmp_path: Path) -> None:
    data = tmp_path / "d"
    shutil.copytree(drawn_dataset, data)
    crop(data, tmp_path / "c", CropOptions(size=64), quiet=True)
    assert crop(data, tmp_path / "c", CropOptions(size=64), quiet=True).reused
    first, second = sorted((data / "images").iterdir())[:2]
    second.write_bytes(first.read_bytes())
    with pytest.raises(ConfigChanged, match="files changed"):
        crop(data, tmp_path / "c", CropOptions(size=64), quiet=True)


def test_very_many_crops_lie_in_folders(store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [hand("s/a"), hand("s/b", "b.png", mask="m.png")]
    hidden = np.zeros((160, 200), np.uint8)
    hidden[50:130, 80:160] = 255
    data = store(tmp_path / "d", samples, {"a.png": disc(), "b.png": disc(), "m.png": hidden})
    crop(data, tmp_path / "few", quiet=True)
    monkeypatch.setattr(files, "A_FOLDER", 1)
    crop(data, tmp_path / "many", quiet=True)
    few, many = (list(Dataset(tmp_path / name)) for name in ("few", "many"))
    for before, after in zip(few, many, strict=True):
        name = Path(before.image).name
        assert after.image == f"images/{name[-12:-10]}/{name}"
        assert (tmp_path / "many" / after.image).read_bytes() == (
            tmp_path / "few" / before.image
        ).read_bytes()
    assert many[1].mask == many[1].image.replace("images", "masks")
    assert (tmp_path / "many" / many[1].mask).is_file()

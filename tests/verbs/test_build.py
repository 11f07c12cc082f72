"""Training sets: geometry, pixels, splits, heatmaps, and what is dropped or refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curate.background import background
from curate.basics import geometry, heatmaps, images
from curate.basics.engine import Local
from curate.basics.errors import ConfigChanged, InputError
from curate.build import build
from curate.crop import crop
from curate.data.dataset import Dataset, write_info
from curate.data.sample import Sample
from curate.data.stage import relative_to_out
from curate.data.training_set import read_split
from curate.options.background import BackgroundOptions
from curate.options.build import BuildOptions
from curate.options.crop import CropOptions
from tests.noisy_hands import hand, noise


def hands(store, folder: Path, count: int = 6, height: int = 50, width: int = 80, **fields) -> Path:
    """Samples of 80 x 50 pixels, two of each subject."""
    samples = [hand(f"{i}", subject_id=f"p{i // 2}", **fields) for i in range(count)]
    return store(folder, samples, {s.image: noise(height, width, i) for i, s in enumerate(samples)})


def test_a_training_set_by_hand(store, tmp_path: Path) -> None:
    """96 x 66 padded to 96 x 96 (15 rows above and below), to 48 pixels: x' = x / 2, y' = (y + 15) / 2."""
    data = hands(store, tmp_path / "d", height=66, width=96)
    summary = build([data], tmp_path / "t", BuildOptions(size=48, colour=True, sigma=2.0), quiet=True)
    assert summary.samples == 6
    assert summary.notes == {"padded_to_a_square": 6}
    dataset = Dataset(tmp_path / "t")
    splits = {"test": 2, "train": 4}
    assert dataset.training == {"size": 48, "keypoints": 20, "channels": 3, "sigma": 2.0, "splits": splits}
    stack = images.open_stack(tmp_path / "t")
    assert stack.shape == (6, 48, 48, 3)
    for i, (before, after) in enumerate(zip(Dataset(data), dataset, strict=True)):
        assert after.image == f"pixels.npy#{i}"
        assert (after.sample_id, after.parent_id) == (before.sample_id, before.sample_id)
        np.testing.assert_allclose(after.keypoints, (before.keypoints + np.array([0, 15])) / 2, rtol=1e-6)
        np.testing.assert_allclose(after.transform, [[2, 0, 0], [0, 2, -15]])
        picture = dataset.read_image(after)
        assert after.sha256 == images.pixel_sha256(picture)
        padded = np.pad(noise(66, 96, i), ((15, 15), (0, 0), (0, 0)), mode="edge")
        assert np.abs(picture - padded.reshape(48, 2, 48, 2, 3).mean(axis=(1, 3))).max() <= 1
    assert {p.name for p in (tmp_path / "t").iterdir()} == {
        ".curate.json", "samples.parquet", "dataset.json", "quarantine.jsonl", "pixels.npy",
    }  # fmt: skip


def test_a_dataset_alone_is_no_list_of_the_letters_of_its_name(store, tmp_path: Path) -> None:
    data = hands(store, tmp_path / "d")
    for number, alone in enumerate([data, str(data)]):
        assert build(alone, tmp_path / f"t{number}", BuildOptions(size=32), quiet=True).samples == 6


def test_grey_and_enlarged(store, tmp_path: Path) -> None:
    data = hands(store, tmp_path / "d")
    summary = build([data], tmp_path / "t", BuildOptions(size=96, keypoints=21), quiet=True)
    dataset = Dataset(tmp_path / "t")
    assert images.open_stack(tmp_path / "t").shape == (6, 96, 96)
    assert summary.notes["enlarged"] == 6
    assert dataset.training["channels"] == 1
    first, before = next(iter(dataset)), next(iter(Dataset(data)))
    np.testing.assert_allclose(first.keypoints, (before.keypoints + np.array([0, 15])) * 1.2, rtol=1e-6)


def test_the_way_back_leads_through_the_crop_to_the_photo(drawn_dataset: Path, tmp_path: Path) -> None:
    crop(drawn_dataset, tmp_path / "c", CropOptions(size=128), quiet=True)
    build([tmp_path / "c"], tmp_path / "t", quiet=True)
    for before, after in zip(Dataset(drawn_dataset), Dataset(tmp_path / "t"), strict=True):
        assert after.parent_id == before.sample_id
        np.testing.assert_allclose(
            geometry.apply(after.transform, after.keypoints), before.keypoints, atol=1e-2
        )


def test_unlabelled_samples_are_dropped_and_unlabelled_points_stay_so(store, tmp_path: Path) -> None:
    wrist_only, some, none = hand("0"), hand("1"), hand("2")
    wrist_only.visibility[1:] = 0
    some.visibility[5:] = 0
    none.visibility[:] = 0
    data = store(tmp_path / "d", [wrist_only, some, none], {f"{i}.png": noise(50, 80) for i in range(3)})
    summary = build([data], tmp_path / "t20", quiet=True)
    assert (summary.samples, summary.dropped) == (1, {"no labelled keypoint of the chosen set": 2})
    assert summary.notes["samples_without_subject"] == 1
    (sample,) = Dataset(tmp_path / "t20")
    assert sample.visibility.tolist() == [2] * 5 + [0] * 16
    assert np.isnan(sample.keypoints[5:]).all()
    assert build([data], tmp_path / "t21", BuildOptions(keypoints=21), quiet=True).samples == 2


def test_broken_images_are_quarantined_and_rows_still_fit(store, tmp_path: Path) -> None:
    data = hands(store, tmp_path / "d", 150)
    (data / "3.png").unlink()
    (data / "70.png").write_bytes(b"not an image")
    summary = build([data], tmp_path / "t", quiet=True)
    assert (summary.samples, summary.quarantined) == (148, 2)
    dataset = Dataset(tmp_path / "t")
    assert [e["input"] for e in dataset.quarantine()] == ["s/3", "s/70"]
    for i, sample in enumerate(dataset):
        assert sample.image == f"pixels.npy#{i}"
        assert sample.sha256 == images.pixel_sha256(dataset.read_image(sample))


def test_samples_in_quarantine_are_not_counted_as_without_subject(store, tmp_path: Path) -> None:
    data = store(tmp_path / "d", [hand("0"), hand("1")], {"0.png": noise(50, 80), "1.png": noise(9, 9)})
    (data / "1.png").write_bytes(b"not an image")
    summary = build([data], tmp_path / "t", quiet=True)
    assert (summary.samples, summary.quarantined, summary.notes["samples_without_subject"]) == (1, 1, 1)


def test_pictures_of_16_bits_that_use_12_are_counted(store, tmp_path: Path) -> None:
    """As depth cameras write them; 1 uses all 16, and 2 is dark in 8. They came out nearly black."""
    data = hands(store, tmp_path / "d", 4)
    dim = noise(50, 80)[..., 0].astype(np.uint16) * 16
    for name, picture in (("0", dim), ("1", dim * 16), ("2", (dim >> 8).astype(np.uint8))):
        Image.fromarray(picture).save(data / f"{name}.png")
    Image.fromarray(dim).save(data / "3.png", "TIFF")
    told = "sample in a picture of 16 bits that uses 12 or fewer: it is nearly black"
    assert build([data], tmp_path / "t", quiet=True).notes[told] == 2
    assert crop(data, tmp_path / "c", CropOptions(by="keypoints"), quiet=True).notes[told] == 2
    (data / "0.png").unlink()
    (data / "3.png").unlink()
    assert told not in build([data], tmp_path / "u", quiet=True).notes


def test_all_images_broken(store, tmp_path: Path) -> None:
    data = hands(store, tmp_path / "d")
    for path in data.glob("*.png"):
        path.write_bytes(b"")
    summary = build([data], tmp_path / "t", quiet=True)
    assert (summary.samples, summary.quarantined) == (0, 6)
    assert images.open_stack(tmp_path / "t").shape == (0, 96, 96)


def test_splits_by_subject_source_and_list(store, tmp_path: Path) -> None:
    data = hands(store, tmp_path / "d", 20)
    build([data], tmp_path / "a", BuildOptions(test=0.2, val=0.1), quiet=True)
    homes = {}
    for sample in Dataset(tmp_path / "a"):
        assert homes.setdefault(sample.subject_id, sample.split) == sample.split
    assert Dataset(tmp_path / "a").training["splits"] == {"test": 4, "train": 14, "val": 2}
    samples = [replace(s, split="test" if s.subject_id == "p1" else "train") for s in Dataset(data)]
    given = store(tmp_path / "g", samples, {s.image: noise(50, 80) for s in samples})
    build([given], tmp_path / "b", quiet=True)
    assert [s.split for s in Dataset(tmp_path / "b")] == [s.split for s in samples]
    build([given], tmp_path / "c", BuildOptions(split="subject", seed=3), quiet=True)
    assert [s.split for s in Dataset(tmp_path / "c")] != [s.split for s in samples]
    names = tmp_path / "split.csv"
    names.write_text("subject_id,split\np0,train\np9,val\n")
    summary = build([given], tmp_path / "e", BuildOptions(split=names), quiet=True)
    assert (summary.samples, summary.dropped) == (4, {"not in the split list": 16})
    assert {s.subject_id: s.split for s in Dataset(tmp_path / "e")} == {"p0": "train", "p9": "val"}
    assert "row of the split list that names no sample" not in summary.notes
    names.write_text("subject_id,split\np0,train\np9,val\nP1,test\np10,test\n")
    summary = build([given], tmp_path / "f", BuildOptions(split=names), quiet=True)
    assert (summary.samples, summary.notes["row of the split list that names no sample"]) == (4, 2)
    names.write_text("subject_id,split\np0,test\np9,val\n")
    with pytest.raises(ConfigChanged, match="split changed"):
        build([given], tmp_path / "e", BuildOptions(split=names), quiet=True)


def test_a_split_that_stays_empty_for_want_of_people_is_told(store, tmp_path: Path) -> None:
    one, two = (hands(store, tmp_path / f"d{count}", count) for count in (2, 4))
    told = "empty split, as there are too few subjects: "
    asked = BuildOptions(test=0.3, val=0.3)
    notes = build([one], tmp_path / "one", asked, quiet=True).notes
    assert {note for note in notes if "split" in note} == {f"{told}test", f"{told}val"}
    notes = build([two], tmp_path / "two", asked, quiet=True).notes
    assert {note for note in notes if "split" in note} == {f"{told}train"}
    notes = build([one], tmp_path / "none", BuildOptions(test=0.0), quiet=True).notes
    assert not any("split" in note for note in notes)


def test_samples_count_by_their_source(store, tmp_path: Path) -> None:
    photos = hands(store, tmp_path / "photos")
    drawn = [replace(hand(f"d{i}", subject_id=f"q{i}"), source="a=b") for i in range(3)]
    more = store(tmp_path / "more", drawn, {s.image: noise(50, 80, 10 + i) for i, s in enumerate(drawn)})
    build([photos, more], tmp_path / "t", BuildOptions(weight=("s=0.5", "a=b=3"), val=0.3), quiet=True)
    dataset = Dataset(tmp_path / "t")
    split = read_split(dataset, "train")
    home = {sample.sample_id: sample.source for sample in dataset}
    assert split.weights.tolist() == [{"s": 0.5, "a=b": 3}[home[i]] for i in split.sample_ids]
    assert set(split.weights.tolist()) == {0.5, 3}
    build([photos, more], tmp_path / "u", BuildOptions(weight=("s=2",)), quiet=True)
    assert set(np.load(tmp_path / "u/weights.npy").tolist()) == {1, 2}
    with pytest.raises(ConfigChanged):
        build([photos, more], tmp_path / "u", quiet=True)
    build([photos, more], tmp_path / "u", overwrite=True, quiet=True)
    assert not (tmp_path / "u/weights.npy").exists()


@pytest.mark.parametrize(
    ("weight", "told"),
    [
        (("x=2",), "'x'; allowed: a source of the datasets: s"),
        (("s=2", "s=3"), "'s' twice; allowed: one number for each source"),
    ],
)
def test_weights_of_no_source_or_of_one_twice_are_refused(store, tmp_path: Path, weight, told: str) -> None:
    data = hands(store, tmp_path / "d")
    with pytest.raises(InputError, match=f"^--weight: {told}"):
        build([data], tmp_path / "t", BuildOptions(weight=weight), quiet=True)


def test_a_weight_of_a_source_that_is_not_trained_on_is_refused(store, tmp_path: Path) -> None:
    """It counted for nothing, without a word."""
    data = hands(store, tmp_path / "d", split="train")
    tested = replace(hand("t", subject_id="t", split="test"), source="r")
    more = store(tmp_path / "more", [tested], {tested.image: noise(50, 80, 10)})
    with pytest.raises(InputError, match=r"^--weight: 'r', with no sample in train; leave it out"):
        build([data, more], tmp_path / "t", BuildOptions(weight=("r=3",)), quiet=True)
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize("word", ["s", "s=", "=2", "s=0", "s=-1", "s=nan", "s=1001", "s=two"])
def test_a_weight_is_a_source_and_a_number(word: str) -> None:
    with pytest.raises(InputError, match="SOURCE=NUMBER, above 0 and up to 1,000"):
        BuildOptions(weight=(word,))


def test_of_several_weights_the_one_at_fault_is_told() -> None:
    """All of them were, as Python writes a list."""
    with pytest.raises(InputError, match="weight: 'b=0'; allowed: SOURCE=NUMBER"):
        BuildOptions(weight=("a=2", "b=0"))


def test_hands_that_two_datasets_label_in_the_same_photograph_are_counted(store, tmp_path: Path) -> None:
    """Each goes into the set twice: 0 by a link, 1 by its name; 2 has another hand, and 3 another file.

    Nor is a photograph in two splits, whatever the people in it are called.
    """
    first = hands(store, tmp_path / "first", 4)
    again = [replace(s, sample_id=f"r/{i}", subject_id=f"q{i}") for i, s in enumerate(Dataset(first))]
    for sample, image in zip(again, ("link.png", "../first/1.png", "../first/2.png", "3.png"), strict=True):
        sample.image = image
    again[2].keypoints[:] += 60
    second = store(tmp_path / "second", again, {"3.png": noise(50, 80, 10)})
    (second / "link.png").symlink_to(first / "0.png")
    write_info(second, {**Dataset(second).info, "refers_to": ["../first"]})
    twice = "sample of a hand that an earlier dataset has in the same photograph"
    for seed in range(4):
        asked = BuildOptions(test=0.5, seed=seed)
        notes = build([first, second], tmp_path / f"{seed}", asked, quiet=True).notes
        assert {note: count for note, count in notes.items() if "earlier" in note} == {twice: 2}
        homes = {sample.sample_id: sample.split for sample in Dataset(tmp_path / f"{seed}")}
        assert set(homes.values()) == {"train", "test"}
        assert all(homes[f"s/{i}"] == homes[f"r/{i}"] for i in range(3))


def test_a_split_that_parts_a_photograph_of_two_datasets_is_refused(store, tmp_path: Path) -> None:
    first = hands(store, tmp_path / "first", split="train")
    again = [replace(s, sample_id=f"r/{i}", split="test") for i, s in enumerate(Dataset(first))]
    for sample in again:
        sample.image, sample.subject_id = f"../first/{sample.image}", None
    second = store(tmp_path / "second", again, {})
    write_info(second, {**Dataset(second).info, "refers_to": ["../first"]})
    with pytest.raises(InputError, match=r"photos in more than one split \('s/0'"):
        build([first, second], tmp_path / "t", quiet=True)


@pytest.mark.parametrize("share", [{"test": 0.3}, {"val": 0.2}])
def test_shares_of_splits_that_are_not_drawn_are_refused(store, tmp_path: Path, share) -> None:
    """They were passed over without a word."""
    samples = [hand(f"{i}", subject_id=f"p{i}", split="train" if i else "test") for i in range(5)]
    data = store(tmp_path / "d", samples, {s.image: noise(50, 80) for s in samples})
    (tmp_path / "list.csv").write_text("sample_id,split\n0,train\n1,test\n")
    (name,) = share
    listed = str(tmp_path / "list.csv")
    for split, whose in ((None, "the source"), ("source", "the source"), (listed, "a list")):
        told = rf"^--{name}: 0\.., while the split is {whose}'s; leave it out, or have the split drawn"
        with pytest.raises(InputError, match=told):
            build([data], tmp_path / "t", BuildOptions(split=split, **share), quiet=True)
    assert build([data], tmp_path / "t", BuildOptions(split="subject", **share), quiet=True).samples == 5


def test_a_margin_without_a_crop_is_refused(store, tmp_path: Path) -> None:
    data = hands(store, tmp_path / "d")
    with pytest.raises(InputError, match=r"^--margin: 0\.3, without a crop; .*: --crop"):
        build([data], tmp_path / "t", BuildOptions(margin=0.3), quiet=True)


def test_copies_and_crops_with_the_same_pixels_are_the_same_photograph(store, tmp_path: Path) -> None:
    first = hands(store, tmp_path / "first")
    again = [replace(s, sample_id=f"r/{i}") for i, s in enumerate(Dataset(first))]
    second = store(tmp_path / "second", again, {s.image: noise(50, 80, i) for i, s in enumerate(again)})
    for name in ("first", "second"):
        crop(tmp_path / name, tmp_path / f"{name}-crops", CropOptions(by="keypoints"), quiet=True)
    told = "sample of a hand that an earlier dataset has in the same photograph"
    assert build([first, second], tmp_path / "t", quiet=True).notes[told] == 6
    crops = [tmp_path / "first-crops", tmp_path / "second-crops"]
    assert build(crops, tmp_path / "u", quiet=True).notes[told] == 6


def test_a_leaking_split_is_refused(store, tmp_path: Path) -> None:
    samples = [hand(f"{i}", subject_id="same", split=s) for i, s in enumerate(["train", "test"])]
    data = store(tmp_path / "d", samples, {s.image: noise(50, 80) for s in samples})
    with pytest.raises(InputError, match=r"1 subject in more than one split \('same'\)"):
        build([data], tmp_path / "t", quiet=True)
    assert build([data], tmp_path / "t", BuildOptions(split="subject"), quiet=True).samples == 2


def test_a_clip_is_in_one_split_alone(store, tmp_path: Path) -> None:
    """Ten people filmed two by two: where one of a clip goes, the other goes."""
    samples = [
        replace(hand(f"{i}", subject_id=f"p{i}", clip=f"take {i // 2}", frame=i % 2, track="left"), split=s)
        for i, s in enumerate(["train", "test"] * 5)
    ]
    data = store(tmp_path / "d", samples, {s.image: noise(50, 80) for s in samples})
    with pytest.raises(InputError, match=r"5 clips in more than one split \('take 0', 'take 1', 'take 2'\)"):
        build([data], tmp_path / "t", quiet=True)
    build([data], tmp_path / "t", BuildOptions(split="subject", test=0.4), quiet=True)
    made = list(Dataset(tmp_path / "t"))
    assert Dataset(tmp_path / "t").training["splits"] == {"test": 4, "train": 6}
    assert [s.split for s in made[::2]] == [s.split for s in made[1::2]]
    assert [(s.clip, s.frame, s.track) for s in made[:2]] == [("take 0", 0, "left"), ("take 0", 1, "left")]


def test_two_datasets_become_one_set_and_ids_must_differ(store, tmp_path: Path) -> None:
    one, other = hands(store, tmp_path / "one"), tmp_path / "other"
    store(other, [replace(hand("0"), sample_id="z/0", source="z", licence="MIT")], {"0.png": noise(50, 80)})
    summary = build([one, other], tmp_path / "t", quiet=True)
    assert summary.samples == 7
    info = Dataset(tmp_path / "t").info
    assert (info["sources"], info["licences"]) == (["s", "z"], ["MIT"])
    assert [entry["stage"] for entry in info["history"]] == ["make", "make", "build"]
    with pytest.raises(InputError, match=r"sample_id: 's/0' is in .*one too; give each sample once"):
        build([one, other, hands(store, tmp_path / "twin", 2)], tmp_path / "u", quiet=True)


@pytest.mark.parametrize(
    ("stored", "dtype", "peak1"),
    [("float32", "f4", False), ("float16", "f2", False), ("uint8-peak1", "u1", True)],
)
def test_stored_heatmaps_are_those_drawn_on_reading(
    store, tmp_path: Path, stored: str, dtype: str, peak1: bool
) -> None:
    build([hands(store, tmp_path / "d", 70)], tmp_path / "t", BuildOptions(store_heatmaps=stored), quiet=True)
    dataset = Dataset(tmp_path / "t")
    assert dataset.training["heatmaps"] == {"dtype": np.dtype(dtype).name, "peak1": peak1}
    maps = np.load(tmp_path / "t" / "heatmaps.npy", mmap_mode="r")
    assert (maps.shape, maps.dtype) == ((70, 20, 96, 96), np.dtype(dtype))
    for i, sample in enumerate(dataset):
        drawn = heatmaps.draw(sample.keypoints[1:], sample.visibility[1:], 96, 5.0, peak1=peak1)
        np.testing.assert_array_equal(maps[i], heatmaps.as_dtype(drawn, dtype))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"store_heatmaps": "uint8"}, "--store-heatmaps: uint8 leaves 3 levels"),
        ({"store_heatmaps": "uint8", "sigma": 10.0}, "uint8 leaves 1 level of"),
        ({"store_heatmaps": "jpeg"}, "'jpeg'; allowed: float32, float16, uint16 or uint8, for maps"),
        ({"store_heatmaps": "float64"}, "store_heatmaps: 'float64'; allowed: float32, float16, uint16 or"),
        ({"store_heatmaps": "<f4-peak1"}, "store_heatmaps: '<f4-peak1'; allowed: float32"),
        ({"size": 16}, "size: 16; allowed: a multiple of 16, 32 to 512"),
        ({"size": 100}, "size: 100; allowed: a multiple of 16"),
        ({"size": 528}, "size: 528; allowed: a multiple of 16"),
        ({"keypoints": 17}, "keypoints: 17; allowed: a whole number, 20 to 21"),
        ({"colour": "blue"}, "colour: 'blue'; allowed: true or false"),
        ({"sigma": 0.0}, "sigma: 0.0; allowed: 0.3 to 512"),
        ({"sigma": 100.0}, "sigma: 100.0; allowed: 0.3 to 96 pixels"),
        ({"crop": "magic"}, "'magic'; allowed: colour, keypoints, mask, bbox, box, or the folder of a run"),
        ({"backgrounds": []}, "backgrounds: []; allowed: own, white, noise, gradient"),
        ({"backgrounds": "nowhere"}, "--backgrounds: 'nowhere'; allowed: white, noise, gradient"),
        ({"split": "random"}, "--split: 'random'; allowed: source, subject or a CSV file"),
        ({"split": "source"}, "6 of 6 samples have none"),
        ({"test": 1.5}, "test: 1.5; allowed: 0 to 1"),
        ({"test": 0.6, "val": 0.5}, "shares of 0 or more"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_options_that_are_refused(store, tmp_path: Path, options: dict[str, object], message: str) -> None:
    data = hands(store, tmp_path / "d")
    with pytest.raises(InputError) as caught:
        build([data], tmp_path / "t", BuildOptions(**options), quiet=True)
    assert message in str(caught.value)
    assert not (tmp_path / "t").exists()


def test_inputs_that_are_refused(store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no dataset; allowed: one or more"):
        build([], tmp_path / "t")
    build([hands(store, tmp_path / "d")], tmp_path / "t", quiet=True)
    with pytest.raises(InputError, match="a training set; allowed: a dataset"):
        build([tmp_path / "t"], tmp_path / "u", quiet=True)
    with pytest.raises(InputError, match=r"a training set; .* crop before curate build"):
        crop(tmp_path / "t", tmp_path / "u", quiet=True)


def test_in_memory_the_result_is_the_same_whatever_the_workers(drawn_dataset: Path, tmp_path: Path) -> None:
    images.write(tmp_path / "grounds" / "a.png", noise(90, 120, 5))
    options = BuildOptions(crop="colour", backgrounds=tmp_path / "grounds", size=64)
    first = build([drawn_dataset], tmp_path / "1", options, quiet=True)
    build([drawn_dataset], tmp_path / "2", options, engine=Local(3), quiet=True)
    assert first.notes["labelled_points"] == 24 * 21
    for name in ("pixels.npy", "samples.parquet", "dataset.json"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    assert images.open_stack(tmp_path / "1").shape == (24, 64, 64)
    assert all(sample.attrs["found_by"] == "colour" for sample in Dataset(tmp_path / "1"))


def test_a_copy_takes_no_name_that_a_sample_has(store, tmp_path: Path) -> None:
    data = store(tmp_path / "d", [hand("a"), hand("a~2")], {})
    with pytest.raises(
        InputError, match=r"sample_id: 's/a~2', the name of a copy; .* with fewer backgrounds"
    ):
        build([data], tmp_path / "t", BuildOptions(backgrounds=["own", "white"]), quiet=True)


def test_in_memory_what_fails_is_counted_and_quarantined_with_its_picture(store, tmp_path: Path) -> None:
    plain = hand("plain")
    shared = [replace(plain, sample_id=f"s/{n}", image="two.png") for n in ("left", "right")]
    pictures = {"plain.png": np.full((50, 80, 3), 240, np.uint8), "two.png": noise(50, 80)}
    data = store(tmp_path / "d", [plain, *shared], pictures)
    summary = build([data], tmp_path / "t", BuildOptions(backgrounds="white"), quiet=True)
    assert summary.samples == 0
    assert summary.dropped == {"shares its photo with another hand and has no mask": 2}
    (entry,) = Dataset(tmp_path / "t").quarantine()
    assert entry == {"input": "s/plain", "reason": "no hand on a plain background is seen"}
    assert len(list((tmp_path / "t" / "quarantine").iterdir())) == 1
    boxes = build([data], tmp_path / "u", BuildOptions(crop="bbox"), quiet=True)
    assert boxes.dropped == {"no bbox to crop by": 3}


def test_in_memory_a_mask_of_other_origin_is_used(store, tmp_path: Path) -> None:
    """A mask of the photo's middle, on a picture in which no hand could be found."""
    mask = np.zeros((60, 80), np.uint8)
    mask[10:50, 20:60] = 255
    points = np.stack([np.linspace(22, 58, 21), np.linspace(12, 48, 21)], axis=1).astype(np.float32)
    sample = replace(hand("a"), keypoints=points, mask="m.png")
    data = store(tmp_path / "d", [sample], {"a.png": noise(60, 80), "m.png": mask})
    options = BuildOptions(crop="mask", margin=0.5, backgrounds="colour:#00ff00", size=48, colour=True)
    build([data], tmp_path / "t", options, quiet=True)
    pixels = images.open_stack(tmp_path / "t")[0].astype(int)
    green = np.abs(pixels - (0, 255, 0)).sum(axis=2) < 9
    assert green[:10].all()
    assert green[:, 38:].all()
    assert not green[13:35, 13:35].any()


def test_masks_are_kept_on_request(store, tmp_path: Path) -> None:
    """96 x 64 padded by 16 rows to 96 x 96, to 48 pixels: a hand in rows 8 to 56 is in rows 12 to 36."""
    mask = np.zeros((64, 96), np.uint8)
    mask[8:56, 4:84] = 255
    parts = (mask > 0) * np.uint8(5)  # as RHD numbers the parts of a left hand
    masks = {"a": "alpha.png", "b": "parts.png", "c": None, "d": "empty.png", "e": "small.png"}
    samples = [hand(name, mask=file, side="left") for name, file in masks.items()]
    pictures = {s.image: noise(64, 96) for s in samples}
    files = {"alpha.png": mask, "parts.png": parts, "empty.png": mask * 0, "small.png": mask[1:]}
    data = store(tmp_path / "d", samples, {**pictures, **files})
    summary = build([data], tmp_path / "t", BuildOptions(size=48, masks=True), quiet=True)
    dataset = Dataset(tmp_path / "t")
    assert [sample.sample_id for sample in dataset] == ["s/a", "s/b"]
    assert summary.dropped == {"no mask to keep": 1}
    assert [entry["input"] for entry in dataset.quarantine()] == ["s/d", "s/e"]
    expected = np.zeros((2, 48, 48), np.uint8)
    expected[:, 12:36, 2:42] = 255
    np.testing.assert_array_equal(np.load(tmp_path / "t" / "masks.npy"), expected)
    assert dataset.training["masks"] is True
    assert dataset.info["history"][-1]["options"]["masks"] is True
    without = build([data], tmp_path / "u", BuildOptions(size=48), quiet=True)
    assert without.samples == 5
    assert not (tmp_path / "u" / "masks.npy").exists()
    assert "masks" not in Dataset(tmp_path / "u").training


def test_masks_found_where_the_ground_is_replaced_are_kept(drawn_dataset: Path, tmp_path: Path) -> None:
    """By files, through `curate background`, and in memory, for each of two grounds."""
    background(drawn_dataset, tmp_path / "b", BackgroundOptions(backgrounds="white"), quiet=True)
    build([tmp_path / "b"], tmp_path / "files", BuildOptions(masks=True), quiet=True)
    assert build([drawn_dataset], tmp_path / "none", BuildOptions(masks=True), quiet=True).samples == 0
    summary = build(
        [drawn_dataset], tmp_path / "t", BuildOptions(backgrounds=["own", "white"], masks=True), quiet=True
    )
    assert summary.samples == 48
    one, two = (np.load(tmp_path / name / "masks.npy") for name in ("files", "t"))
    np.testing.assert_array_equal(two[::2], two[1::2])
    assert ((one > 127) != (two[::2] > 127)).mean() < 0.01
    points = np.stack([sample.keypoints for sample in Dataset(tmp_path / "t")]).astype(int)
    assert (two[np.arange(48)[:, None], points[..., 1], points[..., 0]] > 127).mean() > 0.95


def test_with_masks_a_picture_needs_no_points_and_an_empty_mask_says_that_there_is_no_hand(
    store, tmp_path: Path
) -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[8:56, 8:40] = 255
    unlabelled = [Sample(f"s/{name}", "s", f"{name}.png", mask=f"{name}-mask.png") for name in "ab"]
    files = {"a.png": noise(64, 64), "b.png": noise(64, 64), "a-mask.png": mask, "b-mask.png": mask * 0}
    data = store(tmp_path / "d", unlabelled, files)
    assert build([data], tmp_path / "t", BuildOptions(size=32, masks=True), quiet=True).samples == 2
    stored = np.load(tmp_path / "t" / "masks.npy")
    assert (stored[0] == mask[::2, ::2]).all()
    assert not stored[1].any()
    assert build([data], tmp_path / "u", BuildOptions(size=32), quiet=True).samples == 0
    grounds = BuildOptions(size=32, colour=True, masks=True, backgrounds=("own", "colour:#0000ff"))
    assert build([data], tmp_path / "v", grounds, quiet=True).samples == 4
    before = np.load(tmp_path / "v" / "pixels.npy")[[s.sample_id == "s/b~2" for s in Dataset(tmp_path / "v")]]
    assert (before == (0, 0, 255)).all()  # nothing is before that ground


def test_real_photographs_in_memory(store, real_data: Path, tmp_path: Path) -> None:
    """The 1600 x 1200 photos of 11k Hands: all come through; the ground is white, the hand as it was."""
    paths = sorted((real_data / "11k_hands" / "Hands").glob("*.jpg"))
    samples = [
        replace(hand(path.stem), image=relative_to_out(path, tmp_path / "d"), subject_id=path.stem)
        for path in paths
    ]
    for sample in samples:
        sample.visibility[:] = 1
    data = store(tmp_path / "d", samples, {})
    white = build(
        [data], tmp_path / "w", BuildOptions(crop="colour", backgrounds="white", colour=True), quiet=True
    )
    build([data], tmp_path / "p", BuildOptions(crop="colour", colour=True), quiet=True)
    assert white.samples == len(paths)
    before, after = (images.open_stack(tmp_path / name).astype(int) for name in "pw")
    hand_share = (np.abs(after - before).max(axis=3) <= 2).mean(axis=(1, 2))
    ground_share = (after.min(axis=3) == 255).mean(axis=(1, 2))
    assert (hand_share > 0.2).all()
    assert (ground_share > 0.2).all()

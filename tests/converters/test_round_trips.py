"""convert -> export -> convert: what a format holds comes back as it was; what it cannot hold is counted."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from converters.table import FORMATS
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.convert import convert
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import SCHEMA, Sample, to_batch
from curate.data.source import Source
from curate.data.stage import Stage
from curate.export import Export, export

WIDTH, HEIGHT = 320, 240
PIXELS = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
NAMES = ("labelme", "coco", "yolo-pose", "cvat", "label-studio")


def _work(samples: list[Sample]) -> Part:
    return Part(to_batch(samples))


def make(root: Path, samples: list[Sample]) -> Dataset:
    """A dataset beside the images it refers to."""
    for ref in {s.image for s in samples}:
        path = (root / ref).resolve()
        if "#" not in ref and not path.exists():
            images.write(path, PIXELS)
    Stage("made", root, {}, quiet=True).run([samples], _work)
    return Dataset(root)


def there_and_back(dataset: Dataset, name: str, folder: Path) -> tuple[Export, Dataset]:
    row = FORMATS[name]
    summary = export(dataset, row.write, name, folder / name, quiet=True)
    convert(row.read, name, Source(folder / name), folder / f"{name}-back", quiet=True)
    return summary, Dataset(folder / f"{name}-back")


@contextmanager
def workplace() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


# Beyond 1: a hand whose points all lie within is one of shares, and refused.
coordinates = st.floats(1.125, HEIGHT - 0.125, width=32)
hands = st.tuples(
    st.lists(st.tuples(coordinates, coordinates), min_size=kp.COUNT, max_size=kp.COUNT),
    # the wrist is labelled: a hand without any point is no hand for some formats
    st.lists(st.sampled_from([0, 1, 2]), min_size=kp.COUNT - 1, max_size=kp.COUNT - 1),
    st.sampled_from([1, 2]),
    st.sampled_from(["left", "right", None]),
    st.sampled_from([0, 0, 1]),
)


def sample_of(number: int, hand: Any) -> Sample:
    points, seen, wrist, side, image = hand
    visibility = np.array([wrist, *seen], np.uint8)
    xy = np.where(visibility[:, None] > 0, np.array(points, np.float32), np.nan)
    sample = Sample(f"toy/{number}", "toy", f"../photos/{image or f'p{number}'}.png", WIDTH, HEIGHT)
    sample.keypoints, sample.visibility, sample.side = xy.astype(np.float32), visibility, side
    sample.label_source = "manual"
    sample.bbox = np.array([0, 0, WIDTH, HEIGHT], np.float32)  # a single point has none of its own
    return sample


def labels(hand: Any) -> tuple[Any, ...]:
    """What annotations tell of a hand: where two in an image are alike to the last digit, they are one."""
    points, seen, wrist, _, image = hand
    visibility = (wrist, *seen)
    return image, visibility, tuple(point for point, v in zip(points, visibility, strict=True) if v)


def by_points(samples: list[Sample]) -> list[Sample]:
    return sorted(
        samples, key=lambda s: (s.visibility.tobytes(), np.nan_to_num(s.keypoints).round(2).tobytes())
    )


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15)
@given(drawn=st.lists(hands, min_size=1, max_size=4, unique_by=labels))
def test_points_visibility_and_side_come_back(name: str, drawn: list[Any]) -> None:
    samples = [sample_of(number, hand) for number, hand in enumerate(drawn)]
    with workplace() as folder:
        summary, back = there_and_back(make(folder / "data", samples), name, folder)
        found = list(back)
        assert not back.quarantine()
        assert len(found) == len(samples)
        for before, after in zip(by_points(samples), by_points(found), strict=True):
            assert after.visibility.tolist() == before.visibility.tolist()
            np.testing.assert_allclose(after.keypoints, before.keypoints, rtol=0, atol=1e-4)
            assert (after.width, after.height) == (WIDTH, HEIGHT)
            if "side" not in summary.lost:
                assert after.side == before.side
            assert (back.read_image(after) == PIXELS).all()


@settings(max_examples=15)
@given(drawn=st.lists(hands, min_size=1, max_size=4, unique_by=labels), data=st.data())
def test_coco_brings_every_field_back(drawn: list[Any], data: st.DataObject) -> None:
    """All fields but the paths and hashes of files, and to the last bit."""
    numbers = st.floats(-1e6, 1e6, width=32)
    text = st.text(max_size=5).filter(lambda t: t.isprintable())
    samples = [sample_of(number, hand) for number, hand in enumerate(drawn)]
    for sample in samples:
        sample.aspect = data.draw(st.sampled_from(["dorsal", "palmar", None]))
        sample.subject_id, sample.parent_id = data.draw(st.tuples(st.none() | text, st.none() | text))
        sample.label_source = data.draw(st.sampled_from(["manual", "auto:toy", "render", None]))
        sample.score, sample.tilt, sample.rotation = (data.draw(st.none() | numbers) for _ in range(3))
        sample.split = data.draw(st.sampled_from(["train", "val", "test", None]))
        sample.licence = "CC BY 4.0"
        sample.attrs = data.draw(st.dictionaries(text, st.none() | text | st.integers(-9, 9), max_size=2))
        sample.bbox = data.draw(st.none() | st.just(np.array([1.1, 2.2, 3.3, 4.4], np.float32)))
        shift = data.draw(numbers)
        sample.clip, sample.track = data.draw(st.tuples(st.none() | text, st.none() | text))
        sample.frame = data.draw(st.none() | st.integers(0, 9))
        scores = np.array(
            data.draw(st.lists(numbers | st.just(np.nan), min_size=21, max_size=21)), np.float32
        )
        sample.keypoint_scores = data.draw(st.none() | st.just(scores))
        sample.transform = data.draw(st.none() | st.just(np.array([[1, 0.1, shift], [0, 1, 0.3]])))
        sample.xyz = data.draw(st.none() | st.just(np.full((kp.COUNT, 3), shift, np.float32)))
        sample.K = np.array([[300.5, 0, 160], [0, 301, 120], [0, 0, 1]])
    with workplace() as folder:
        before = make(folder / "data", samples)
        summary, after = there_and_back(before, "coco", folder)
        assert summary.lost == {}
        kept = [name for name in SCHEMA.names if name not in ("image", "sha256")]
        one, two = (set_.table(kept).sort_by("sample_id").to_pylist() for set_ in (before, after))
        assert one == two


def test_the_same_dataset_gives_the_same_bytes(tmp_path: Path) -> None:
    hand = ([(1.5, 2.25)] * kp.COUNT, [2] * 20, 1, "left", 1)
    data = make(tmp_path / "data", [sample_of(n, hand) for n in range(3)])
    for name in NAMES:
        for turn in ("a", "b"):
            export(data, FORMATS[name].write, name, tmp_path / turn / name, quiet=True)
    one, two = (
        {p.relative_to(tmp_path / turn): p.read_bytes() for p in (tmp_path / turn).rglob("*") if p.is_file()}
        for turn in ("a", "b")
    )
    assert one == two
    assert not any(str(tmp_path).encode() in content for content in one.values())


@pytest.mark.parametrize("name", NAMES)
def test_pictures_of_every_kind_are_carried_over(name: str, tmp_path: Path) -> None:
    """An image that EXIF turns, twins of one name, a file that is gone: right, apart, counted."""
    root = tmp_path / "data"
    (tmp_path / "photos" / "b").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PIXELS).save(tmp_path / "photos" / "turned.jpg", exif=exif, quality=95)
    images.write(tmp_path / "photos" / "twin.png", PIXELS)
    images.write(tmp_path / "photos" / "b" / "twin.png", 255 - PIXELS)
    refs = ["turned.jpg", "twin.png", "b/twin.png", "gone.png"]
    samples = []
    for number, ref in enumerate(refs):
        hand = ([(10.0 + number, 20.0)] * kp.COUNT, [2] * 20, 2, None, 0)
        samples.append(sample_of(number, hand))
        samples[-1].image = f"../photos/{ref}"
    samples[0].width, samples[0].height = HEIGHT, WIDTH
    dataset = make(root, samples)
    (tmp_path / "photos" / "gone.png").unlink()
    summary, back = there_and_back(dataset, name, tmp_path)
    assert summary.lost["image missing or unreadable"] == 1
    assert {images.probe(back.root / s.image).orientation for s in back} == {1}
    found = {round(float(s.keypoints[0, 0])): back.read_image(s) for s in back}
    assert sorted(found) == [10, 11, 12]
    assert (found[10] == images.read(tmp_path / "photos" / "turned.jpg")).all()
    assert (found[11] == PIXELS).all()
    assert (found[12] == 255 - PIXELS).all()


@pytest.fixture
def five(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Five pictures, of which a folder of an export takes two."""
    monkeypatch.setattr(files, "A_FOLDER", 2)
    points = np.random.default_rng(1).uniform(10, 200, (5, kp.COUNT, 2)).astype(np.float32)
    samples = [
        Sample(
            f"s/{i}",
            "s",
            f"../pictures/{i}.png",
            WIDTH,
            HEIGHT,
            keypoints=points[i],
            visibility=np.full(kp.COUNT, kp.VISIBLE, np.uint8),
        )
        for i in range(5)
    ]
    return make(tmp_path / "data", samples)


@pytest.mark.parametrize("name", NAMES)
def test_very_many_images_are_spread_over_folders(name: str, five: Dataset, tmp_path: Path) -> None:
    summary, back = there_and_back(five, name, tmp_path)
    assert summary.complete
    placed = sorted((tmp_path / name).rglob("*.png"))
    assert [path.parent.name for path in placed] == ["00000", "00000", "00001", "00001", "00002"]
    assert [Path(sample.image).name for sample in back] == [f"{i}.png" for i in range(5)]
    points = [np.stack([sample.keypoints for sample in samples]) for samples in (back, five)]
    assert np.allclose(*points, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "table", "told"),
    [
        ("csv", "samples.csv", "images/00001/2.png"),
        ("fiftyone", "samples.json", '"data/00001/2.png"'),
        ("datumaro", "annotations/default.json", '"00001/2.png"'),
    ],
)
def test_what_is_only_written_names_the_folders(
    name: str, table: str, told: str, five: Dataset, tmp_path: Path
) -> None:
    export(five, FORMATS[name].write, name, tmp_path / name, quiet=True)
    assert told in (tmp_path / name / table).read_text("utf-8-sig")
    assert len(list((tmp_path / name).rglob("0000?/*.png"))) == 5


def test_a_training_set_is_exported_as_png(tmp_path: Path) -> None:
    hand = ([(1.5, 2.25)] * kp.COUNT, [2] * 20, 1, "left", 1)
    samples = [sample_of(n, hand) for n in range(2)]
    stack = np.stack([PIXELS[:96, :96, 0], PIXELS[:96, 96:192, 0]])
    for row, sample in enumerate(samples):
        sample.image, sample.width, sample.height = images.stack_ref(row), 96, 96
    dataset = make(tmp_path / "data", samples)
    np.save(tmp_path / "data" / "pixels.npy", stack)
    _, back = there_and_back(dataset, "coco", tmp_path)
    found = {s.sample_id: back.read_image(s, grey=True) for s in back}
    assert (found["toy/0"] == stack[0]).all()
    assert (found["toy/1"] == stack[1]).all()


@pytest.mark.parametrize("name", ["labelme", "coco", "cvat", "label-studio"])
def test_hands_outside_the_image_keep_their_points(name: str, tmp_path: Path) -> None:
    hand = ([(-30.5, 400.25)] * kp.COUNT, [2] * 20, 1, None, 0)
    _, back = there_and_back(make(tmp_path / "data", [sample_of(0, hand)]), name, tmp_path)
    (sample,) = back
    assert (sample.keypoints == np.float32([-30.5, 400.25])).all()


def test_labelme_says_what_it_cannot_hold(tmp_path: Path) -> None:
    hand = ([(1.5, 2.25)] * kp.COUNT, [2] * 20, 1, "left", 0)
    sample = sample_of(0, hand)
    sample.subject_id, sample.split, sample.attrs, sample.label_source = "p1", "train", {"a": 1}, "render"
    sample.xyz, sample.K = np.ones((kp.COUNT, 3), np.float32), np.eye(3)
    sample.keypoint_scores = np.ones(kp.COUNT, np.float32)
    sample.depth, sample.clip, sample.frame, sample.track = "0.png", "take", 0, "left"
    summary, _ = there_and_back(make(tmp_path / "data", [sample]), "labelme", tmp_path)
    names = (
        *("K", "attrs", "bbox", "clip", "depth", "frame", "keypoint_scores", "label_source", "sample_id"),
        *("source", "split", "subject_id", "track", "xyz"),
    )
    assert summary.lost == dict.fromkeys(names, 1)


def test_labelme_says_whose_labels_become_a_persons(tmp_path: Path) -> None:
    sample = sample_of(0, ([(1.5, 2.25)] * kp.COUNT, [2] * 20, 1, "left", 0))
    sample.label_source = None
    summary, (back,) = there_and_back(make(tmp_path / "data", [sample]), "labelme", tmp_path)
    assert back.label_source == "manual"
    assert summary.lost["label_source"] == 1


def test_coco_says_which_licences_of_one_picture_it_lost(tmp_path: Path) -> None:
    samples = [sample_of(n, ([(9.5 + n, 2.25)] * kp.COUNT, [2] * 20, 1, "left", 1)) for n in range(4)]
    for sample, licence in zip(samples, (None, "CC BY 4.0", "MIT", "CC BY 4.0"), strict=True):
        sample.licence = licence
    summary, back = there_and_back(make(tmp_path / "data", samples), "coco", tmp_path)
    assert summary.lost == {"licence": 1}
    assert {sample.licence for sample in back} == {"CC BY 4.0"}


def test_label_studio_counts_every_hand_of_a_render(tmp_path: Path) -> None:
    """They come back as those of a network of that name."""
    samples = [sample_of(n, ([(9.5 + n, 2.25)] * kp.COUNT, [2] * 20, 1, "left", 1)) for n in range(3)]
    for sample in samples:
        sample.label_source = "render"
    summary, back = there_and_back(make(tmp_path / "data", samples), "label-studio", tmp_path)
    assert summary.lost["label_source"] == 3
    assert [sample.label_source for sample in back] == ["auto:render"] * 3


@pytest.mark.parametrize("name", ["labelme", "cvat", "label-studio"])
def test_a_hand_without_a_labelled_keypoint_is_left_out_and_counted(name: str, tmp_path: Path) -> None:
    bare = Sample("toy/bare", "toy", "../photos/bare.png", WIDTH, HEIGHT, side="left")
    points = [(50.0, 50.0 + number) for number in range(kp.COUNT)]
    whole = sample_of(1, (points, [2] * (kp.COUNT - 1), 2, "left", 0))
    summary, back = there_and_back(make(tmp_path / "data", [bare, whole]), name, tmp_path)
    assert summary.lost["left out: sample without a labelled keypoint"] == 1
    assert not summary.complete
    assert len(back) == 1

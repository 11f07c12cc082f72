"""The checks find what was planted, and leave sound hands alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.basics import heatmaps, images
from curate.data.dataset import write_info, write_table
from curate.data.sample import Sample, to_batch
from curate.hands.drawn_hands import Person, draw_hand
from qa.check_quality import inspect
from qa.checks.check import Hit
from qa.checks.table import CHECKS
from qa.measures.palm import palm_turn
from qa.view import View, open_view

COUNT = 24
CHECK = {check.id: check for check in CHECKS}


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Drawn hands of six subjects with their images as files; subjects 0-3 train, 4 val, 5 test."""
    folder = tmp_path_factory.mktemp("drawn")
    rng = np.random.default_rng(7)
    people = [Person.sample(rng) for _ in range(6)]
    samples = []
    for i in range(COUNT):
        subject, side = i % 6, ("left", "right")[i // 6 % 2]
        image, points = draw_hand(rng, people[subject], side, width=160, height=120)
        images.write(folder / f"{i}.png", image)
        split = ("train", "train", "train", "train", "val", "test")[subject]
        samples.append(
            Sample(
                f"drawn/{i:03d}",
                "drawn",
                str(folder / f"{i}.png"),
                160,
                120,
                side,
                "dorsal",
                f"person {subject}",
                points,
                np.full(21, 2, np.uint8),
                label_source="render",
                licence="MIT",
                split=split,
            )
        )
    return samples


@pytest.fixture
def hands(drawn: list[Sample]) -> list[Sample]:
    """The drawn hands, a copy to plant errors in."""
    return [copy_of(sample) for sample in drawn]


def copy_of(sample: Sample, **changes: Any) -> Sample:
    values = {name: getattr(sample, name) for name in Sample.__slots__} | changes
    values["keypoints"], values["visibility"] = values["keypoints"].copy(), values["visibility"].copy()
    return Sample(**values)


def write_dataset(root: Path, samples: list[Sample], **info: Any) -> Path:
    root.mkdir(exist_ok=True)
    write_table(root, [to_batch(samples)])
    write_info(root, {"samples": len(samples), "sources": [], "licences": [], "history": [], **info})
    return root


def hits(root: Path, check: str) -> list[Hit]:
    view = open_view([root], workers=1, quiet=True)
    return list(CHECK[check].run(view, CHECK[check].limits).hits)


def crops_of(samples: list[Sample], size: int = 64) -> tuple[np.ndarray, list[Sample]]:
    """A 20-point training set: each hand's box in the middle of a square crop."""
    pixels, crops = [], []
    for row, sample in enumerate(samples):
        low, high = sample.keypoints[1:].min(axis=0), sample.keypoints[1:].max(axis=0)
        scale = 0.8 * size / (high - low).max()
        points = (sample.keypoints - (low + high) / 2) * scale + size / 2
        visibility = sample.visibility.copy()
        visibility[0] = 0
        matrix = np.array([[scale, 0, 0], [0, scale, 0]], float)
        matrix[:, 2] = size / 2 - scale * (low + high) / 2
        grey = images.read(sample.image, grey=True)
        pixels.append(cv2.warpAffine(grey, matrix, (size, size)))
        crops.append(
            copy_of(
                sample,
                sample_id=f"{sample.sample_id}/crop",
                image=images.stack_ref(row),
                width=size,
                height=size,
                keypoints=points.astype(np.float32),
                visibility=visibility,
                parent_id=sample.sample_id,
            )
        )
    return np.stack(pixels), crops


def write_training(root: Path, samples: list[Sample], pixels: np.ndarray, sigma: float = 3.0) -> Path:
    root.mkdir(exist_ok=True)
    np.save(root / "pixels.npy", pixels)
    training = {"size": pixels.shape[1], "sigma": sigma, "keypoints": 20, "channels": 1}
    return write_dataset(root, samples, training=training)


def finger_wise_reversed(points: np.ndarray) -> np.ndarray:
    chains = points[..., 1:, :].reshape(*points.shape[:-2], 5, 4, 2)[..., ::-1, :]
    return np.concatenate([points[..., :1, :], chains.reshape(*points.shape[:-2], 20, 2)], axis=-2)


def mirror_side(sample: Sample) -> None:
    sample.side = {"left": "right", "right": "left"}[sample.side or ""]


def reverse_order(sample: Sample) -> None:
    sample.keypoints = finger_wise_reversed(sample.keypoints)


def to_origin(sample: Sample) -> None:
    sample.keypoints[11] = 0


def collapse(sample: Sample) -> None:
    sample.keypoints = sample.keypoints[8] + (sample.keypoints - sample.keypoints[8]) / 200


def wrong_size(sample: Sample) -> None:
    sample.width, sample.height = 120, 160


def break_image(sample: Sample) -> None:
    sample.image += ".gone"


def beyond_frame(sample: Sample) -> None:
    sample.keypoints[12] = (1.25 * (sample.width or 0), 60.0)


def unlabel_most(sample: Sample) -> None:
    sample.visibility[8:] = 0


PLANTED: list[tuple[str, Callable[[Sample], None]]] = [
    ("handedness", mirror_side),
    ("finger-order", reverse_order),
    ("placeholder-points", to_origin),
    ("coincident-points", collapse),
    ("image-size", wrong_size),
    ("unreadable-image", break_image),
    ("out-of-frame", beyond_frame),
    ("few-points", unlabel_most),
]


@pytest.mark.parametrize(("check", "plant"), PLANTED, ids=[check for check, _ in PLANTED])
def test_a_planted_error_is_found_and_only_it(
    tmp_path: Path, hands: list[Sample], check: str, plant: Callable[[Sample], None]
) -> None:
    for i in (3, 17):
        plant(hands[i])
    found = hits(write_dataset(tmp_path / "d", hands), check)
    assert sorted(hit.row or 0 for hit in found) == [3, 17]
    assert all((hit.severity or CHECK[check].severity) == "error" for hit in found)


def test_sound_hands_give_no_finding(tmp_path: Path, hands: list[Sample]) -> None:
    summary = inspect(write_dataset(tmp_path / "d", hands), tmp_path / "qa", fail_on="info", quiet=True)
    assert summary.checks == dict.fromkeys(CHECK, 0)
    assert summary.verdict.startswith("Fit to build a training set from")
    assert not summary.failed


def test_a_sound_training_set_gives_no_finding(tmp_path: Path, hands: list[Sample]) -> None:
    pixels, crops = crops_of(hands)
    root = write_training(tmp_path / "t", crops, pixels)
    summary = inspect(root, tmp_path / "qa", fail_on="info", quiet=True)
    assert summary.checks == dict.fromkeys(CHECK, 0)
    assert summary.verdict.startswith("Fit to train on")


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("aspect", ["dorsal", "palmar"])
@given(angle=st.floats(0, 2 * np.pi), stretch=st.floats(0.5, 1.5), wrist=st.booleans())
def test_palm_turn_tells_the_side_at_any_angle(
    side: str, aspect: str, angle: float, stretch: float, wrist: bool
) -> None:
    right_dorsal = np.array([[100, 180], [68, 152]] + [[0, 0]] * 19, float)
    right_dorsal[[5, 9, 13, 17]] = [[86, 130], [100, 126], [112, 129], [124, 139]]
    mirror = np.array([1.0 if (side == "right") == (aspect == "dorsal") else -1.0, stretch])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (right_dorsal * mirror) @ turn.T
    if not wrist:
        points[0] = np.nan
    expected = 1 if (side == "right") == (aspect == "dorsal") else -1
    assert np.sign(palm_turn(points[None])[0]) == expected


def test_palm_turn_is_the_sine_of_the_angle_at_the_wrist() -> None:
    points = np.zeros((1, 21, 2))
    points[0, 5], points[0, 17] = (-1, -1), (1, -1)
    assert palm_turn(points)[0] == pytest.approx(1.0)
    points[0, 17] = (0, -2)
    assert palm_turn(points)[0] == pytest.approx(np.sqrt(0.5))


def test_handedness_is_not_judged_without_side_or_palm(tmp_path: Path, hands: list[Sample]) -> None:
    hands[0].side = None
    hands[1].aspect = None
    for i in (2, 3):
        mirror_side(hands[i])
    hands[2].visibility[[0, 1]] = 0  # neither wrist nor thumb CMC
    hands[3].visibility[0] = 0  # the thumb's CMC serves
    view = open_view([write_dataset(tmp_path / "d", hands)], workers=1, quiet=True)
    outcome = CHECK["handedness"].run(view, CHECK["handedness"].limits)
    assert outcome.checked == COUNT - 3
    assert [hit.row for hit in outcome.hits] == [3]


def test_finger_order_survives_a_missing_wrist_and_a_fist(flat_hand: np.ndarray) -> None:
    from qa.checks.point_order import backward_fingers

    fist = flat_hand.astype(float)
    for base in (5, 9, 13, 17):  # fingers folded back over the palm, seen from it
        along = fist[0] - fist[base]
        fist[base + 1] = fist[base] - 0.05 * along
        fist[base + 2] = fist[base] + 0.25 * along
        fist[base + 3] = fist[base] + 0.45 * along
    backward = finger_wise_reversed(flat_hand.astype(float))
    lone = backward.copy()
    lone[0] = np.nan
    counts, measured = backward_fingers(np.stack([flat_hand.astype(float), fist, backward, lone]))
    assert counts.tolist() == [0, 0, 5, 5]
    assert measured.tolist() == [5, 5, 5, 5]


def test_a_wrong_order_map_is_told_once_for_the_set(tmp_path: Path, hands: list[Sample]) -> None:
    for sample in hands:
        reverse_order(sample)
    (hit,) = hits(write_dataset(tmp_path / "d", hands), "finger-order-set")
    assert hit.score > 0.95


def test_few_points_weighs_what_is_missing(tmp_path: Path, hands: list[Sample]) -> None:
    hands[0].visibility[0] = 0
    hands[1].visibility[20] = 0
    hands[2].visibility[12:] = 0
    hands[3].visibility[11:] = 0
    found = hits(write_dataset(tmp_path / "d", hands), "few-points")
    assert {hit.row: hit.severity for hit in found} == {0: "info", 1: "warning", 2: "warning", 3: "error"}


def test_out_of_frame_weighs_visibility_distance_and_crops(tmp_path: Path, hands: list[Sample]) -> None:
    for sample, x in zip(hands, (160.0, 160.0, 176.5, 400.0, 159.99), strict=False):
        sample.keypoints[12] = (x, 60.0)
    for i in (1, 2):
        hands[i].visibility[12] = 1
    hands[3].parent_id = "a photograph"
    found = hits(write_dataset(tmp_path / "d", hands), "out-of-frame")
    assert {hit.row: hit.severity for hit in found} == {0: "error", 1: "warning", 2: "error", 3: "warning"}


def test_one_close_pair_is_no_collapse_but_a_copy_is(tmp_path: Path, hands: list[Sample]) -> None:
    hands[0].keypoints[8] = hands[0].keypoints[12] + 0.2
    hands[1].keypoints[8] = hands[1].keypoints[12]
    assert [hit.row for hit in hits(write_dataset(tmp_path / "d", hands), "coincident-points")] == [1]


def test_subject_leaks_are_found_across_datasets(tmp_path: Path, hands: list[Sample]) -> None:
    train = write_dataset(tmp_path / "a", [copy_of(s, split="train") for s in hands[:6]])
    test = write_dataset(
        tmp_path / "b", [copy_of(s, split="test", sample_id="b" + s.sample_id) for s in hands[6:8]]
    )
    summary = inspect([train, test], tmp_path / "qa", quiet=True)
    assert summary.checks["subject-leak"] == 2
    rows = json.loads((tmp_path / "qa" / "findings.json").read_text())
    messages = [row["message"] for row in rows if row["check"] == "subject-leak"]
    assert "Subject person 0 stands in several splits: 1 in test, 1 in train." in messages


def test_crops_of_one_photograph_in_two_splits_are_found(tmp_path: Path, hands: list[Sample]) -> None:
    for sample in hands:
        sample.subject_id, sample.parent_id = None, sample.sample_id
    hands[5].parent_id = hands[0].sample_id  # test and train
    hands[1].parent_id = hands[0].sample_id  # train and train
    (hit,) = hits(write_dataset(tmp_path / "d", hands), "parent-leak")
    assert hit.words["name"] == hands[0].sample_id


@pytest.mark.parametrize("filled", [False, True], ids=["computed", "given"])
def test_duplicates_weigh_by_split(tmp_path: Path, hands: list[Sample], filled: bool) -> None:
    hands[6].image = hands[0].image  # train and train, one file
    copy = tmp_path / "copy.png"
    copy.write_bytes(Path(hands[1].image).read_bytes())
    hands[7].image = str(copy)  # train and train, two files
    hands[5].image = hands[2].image  # test and train
    if filled:
        for sample in hands:
            sample.sha256 = images.pixel_sha256(images.read(sample.image))
    found = hits(write_dataset(tmp_path / "d", hands), "exact-duplicates")
    assert [(hit.row, hit.severity) for hit in found] == [(5, "error"), (7, "warning")]


def test_a_shifted_crop_is_found_in_its_split(tmp_path: Path, hands: list[Sample]) -> None:
    pixels, crops = crops_of(hands)
    for sample in crops:
        if sample.split == "test":
            sample.keypoints += np.float32([-4, -10])  # of 64
    root = write_training(tmp_path / "t", crops, pixels)
    (bias,) = hits(root, "crop-centre")
    assert (bias.split, bias.severity) == ("test", "error")
    assert bias.score == pytest.approx(10 / 64, abs=1e-6)
    (drift,) = hits(root, "crop-centre-drift")
    assert (drift.split, drift.words["train"]) == ("test", "(+0.0 %, +0.0 %)")


def test_whole_photographs_have_no_crop_centre(tmp_path: Path, hands: list[Sample]) -> None:
    view = open_view([write_dataset(tmp_path / "d", hands)], workers=1, quiet=True)
    for name in ("crop-centre", "crop-centre-drift", "heatmap-peak", "heatmap-levels"):
        assert CHECK[name].run(view, CHECK[name].limits).checked == 0


def stored_heatmaps(view: View, sigma: float = 3.0) -> np.ndarray:
    return heatmaps.draw(view.points[:, 1:], view.visibility[:, 1:], 64, sigma)


def test_stored_heatmaps_are_compared_with_the_keypoints(tmp_path: Path, hands: list[Sample]) -> None:
    pixels, crops = crops_of(hands)
    root = write_training(tmp_path / "t", crops, pixels)
    maps = stored_heatmaps(open_view([root], workers=1, quiet=True))
    maps[4, 7] = np.roll(maps[4, 7], 2, axis=1)
    maps[9, 2] *= 1.02
    np.save(root / "heatmaps.npy", maps.astype(np.float16))
    peaks, masses = hits(root, "heatmap-peak"), hits(root, "heatmap-mass")
    assert [(hit.row, hit.words["keypoint"]) for hit in peaks] == [(4, "index_tip")]
    assert [(hit.row, hit.words["keypoint"]) for hit in masses] == [(9, "thumb_ip")]
    assert not hits(root, "heatmap-levels")


def test_formula_one_as_eight_bits_is_refused(tmp_path: Path, hands: list[Sample]) -> None:
    pixels, crops = crops_of(hands)
    root = write_training(tmp_path / "t", crops, pixels, sigma=5.0)
    maps = stored_heatmaps(open_view([root], workers=1, quiet=True), 5.0)
    np.save(root / "heatmaps.npy", heatmaps.as_dtype(maps, "uint8"))
    (hit,) = hits(root, "heatmap-levels")
    assert hit.score == 3


def test_an_empty_set_is_an_error(tmp_path: Path) -> None:
    summary = inspect(write_dataset(tmp_path / "d", []), tmp_path / "qa", quiet=True)
    assert summary.failed
    assert summary.checks["no-samples"] == 1


def real_hands(real_data: Path) -> list[Sample]:
    """The test photographs of 11k Hands with MediaPipe's labels and the publisher's side and aspect."""
    with open(real_data / "11k_hands" / "HandInfo.csv", newline="") as file:
        about = {row["imageName"]: row for row in csv.DictReader(file)}
    samples = []
    for path in sorted((real_data / "11k_hands_224" / "labels" / "test").glob("*.txt")):
        values = np.loadtxt(path, ndmin=2)[0, 5:].reshape(21, 3)
        image = real_data / "11k_hands_224" / "images" / "test" / f"{path.stem}.jpg"
        aspect, side = about[image.name]["aspectOfHand"].split()
        samples.append(
            Sample(
                path.stem,
                "11k",
                str(image),
                224,
                224,
                side,
                aspect,
                about[image.name]["id"],
                (values[:, :2] * 224).astype(np.float32),
                values[:, 2].astype(np.uint8),
                split="test",
            )
        )
    return samples


def blamed(root: Path, samples: list[Sample], check: str) -> float:
    """Share of the samples that the check calls wrong."""
    found = hits(write_dataset(root, samples), check)
    return sum((hit.severity or CHECK[check].severity) == "error" for hit in found) / len(samples)


@pytest.mark.parametrize(("check", "plant"), PLANTED, ids=[check for check, _ in PLANTED])
def test_real_labels_pass_and_errors_planted_in_them_are_caught(
    tmp_path: Path, real_data: Path, check: str, plant: Callable[[Sample], None]
) -> None:
    samples = real_hands(real_data)[::3]
    assert blamed(tmp_path / "untouched", samples, check) <= 0.01
    for sample in samples:
        plant(sample)
    assert blamed(tmp_path / "planted", samples, check) >= 0.99

"""Errors planted in drawn hands and in real labels: each check finds its own, and sound hands pass."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qa_sets import CHECK, crops_of, hits, mirror_side, reverse_order, save, save_training, view_of

from curate.data.sample import Sample
from qa.check_quality import check_quality
from qa.checks.table import CHECKS
from qa.options import QualityOptions


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
    found = hits(check, view_of(tmp_path, hands))
    assert sorted(hit.row or 0 for hit in found) == [3, 17]
    assert all((hit.severity or CHECK[check].severity) == "error" for hit in found)


def test_sound_hands_give_no_finding(tmp_path: Path, hands: list[Sample]) -> None:
    summary = check_quality(
        save(tmp_path / "d", hands), tmp_path / "qa", QualityOptions(fail_on="info"), quiet=True
    )
    assert summary.checks == dict.fromkeys(CHECK, 0)
    assert summary.verdict.startswith("Fit to build a training set from")
    assert not summary.failed


def test_a_sound_training_set_gives_no_finding(tmp_path: Path, hands: list[Sample]) -> None:
    pixels, crops = crops_of(hands)
    root = save_training(tmp_path / "t", crops, pixels)
    summary = check_quality(root, tmp_path / "qa", QualityOptions(fail_on="info"), quiet=True)
    assert summary.checks == dict.fromkeys(CHECK, 0)
    assert summary.verdict.startswith("Fit to train on")


def test_an_empty_set_is_an_error(tmp_path: Path) -> None:
    summary = check_quality(save(tmp_path / "d", []), tmp_path / "qa", quiet=True)
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
    found = hits(check, view_of(root, samples))
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


def test_every_check_is_explained_in_the_docs() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "qa.md").read_text("utf-8")
    assert [check.id for check in CHECKS if f"| `{check.id}` |" not in page] == []

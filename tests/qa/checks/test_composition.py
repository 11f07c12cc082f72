"""Checks of what a set is made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from qa_sets import again, hits, opened, photo, save, told, view_of

from curate.basics import images
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from qa.review.apply import apply_decisions
from qa.review.decisions import SCHEMA, pixel_state, sample_sha


def test_what_is_rare_is_told(tmp_path: Path, drawn: list[Sample]) -> None:
    people = [
        {"skinColor": "dark" if i == 3 else "fair", "gender": "male", "age": 20 + i % 2} for i in range(60)
    ]
    found = hits("balance", view_of(tmp_path, again(drawn, 60, attrs=people)))
    (hit,) = found
    assert (hit.severity, hit.score) == ("warning", 59)
    assert (hit.words["what"], hit.words["least"], hit.words["few"]) == ("skinColor", "dark", 1)


def test_what_is_told_of_one_alone(tmp_path: Path, drawn: list[Sample]) -> None:
    """It was put in the plural: "1 of 1 samples of the test split were labelled"."""
    one = again(drawn, 2, label_source=["manual", "auto:openpose"], attrs=[{"skinColor": "dark"}, {}])
    one[0].visibility[1:] = 0
    view = view_of(tmp_path, one)
    told_in_test = "Labelled by a network and not reviewed: 1 of 1 sample in the test split."
    assert told("auto-label-in-test", view) == [told_in_test]
    assert told("few-points", view)[0].startswith("1 of 21 keypoints is labelled; missing: thumb_cmc")
    (rare,) = told("balance", view_of(tmp_path / "60", again(drawn, 60, aspect=["palmar"] + ["dorsal"] * 59)))
    assert rare == "aspect: 'palmar' has 1 of 60 samples, and 'dorsal' has 59."


def test_automatic_labels_belong_in_no_test(tmp_path: Path, drawn: list[Sample]) -> None:
    sources = ["auto:openpose"] * 8 + ["manual"] * 2
    reviewed: list[Any] = [{"decision": "accept"} if i == 1 else {} for i in range(10)]
    (hit,) = hits(
        "auto-label-in-test", view_of(tmp_path, again(drawn, 10, label_source=sources, attrs=reviewed))
    )
    assert hit.words == {"bad": 3, "samples": "5 samples"}


def test_licences_are_noted(tmp_path: Path, drawn: list[Sample]) -> None:
    told = ["MIT", None, "RHD: research only", "CC-BY-4.0"]
    found = hits("licence", view_of(tmp_path, again(drawn, 4, licence=told)))
    assert [hit.words["what"] for hit in found] == [
        "no licence is recorded",
        "the licence is RHD: research only",
    ]


def test_a_review_makes_a_network_s_labels_fit_for_the_test(tmp_path: Path, flat_hand: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    samples = []
    for i in range(3):
        images.write(tmp_path / "set/images" / f"{i}.png", rng.integers(0, 256, (200, 200, 3), np.uint8))
        sample = photo(i, width=200, height=200, image=f"images/{i}.png", keypoints=flat_hand, split="test")
        sample.visibility, sample.label_source = np.full(21, 2, np.uint8), "auto:openpose"
        samples.append(sample)
    root = save(tmp_path / "set", samples)
    assert [hit.score for hit in hits("auto-label-in-test", opened(root))] == [3]
    dataset = Dataset(root)
    lines = [
        {
            "schema": SCHEMA,
            "dataset_sha": dataset.fingerprint,
            "sample_id": sample.sample_id,
            "sample_sha": sample_sha(sample, pixel_state(dataset.read_image(sample))),
            "decision": decision,
            "reviewer": "ann",
            "ts": "2026-01-01T10:00:00.000Z",
            **({"patch": {"points": {"wrist": [1, 2, 2]}}} if decision == "patch" else {}),
        }
        for sample, decision in zip(samples, ("accept", "patch", "fix"), strict=True)
    ]
    path = tmp_path / "decisions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    apply_decisions(root, path, tmp_path / "next", quiet=True)
    (left,) = hits("auto-label-in-test", opened(tmp_path / "next"))
    assert left.words == {"bad": 1, "samples": "3 samples"}  # what is still to be fixed

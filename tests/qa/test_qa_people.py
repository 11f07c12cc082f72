"""Checks of what is told of people and runs, of splits told apart, of a network's predictions; anonymity."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.dataset import Dataset, write_info, write_table
from curate.data.predictions import Predictions, write_predictions
from curate.data.sample import Sample, to_batch
from curate.hands.drawn_hands import Person, draw_hand
from qa.check_quality import inspect
from qa.checks.check import Hit
from qa.checks.table import CHECKS
from qa.review.decisions import SCHEMA, apply_decisions, pixel_state, sample_sha
from qa.view import View, open_view

CHECK = {check.id: check for check in CHECKS}


def hits(check: str, view: View, **limits: float) -> list[Hit]:
    return list(CHECK[check].run(view, {**CHECK[check].limits, **limits}).hits)


def save(root: Path, samples: list[Sample]) -> Path:
    root.mkdir(exist_ok=True)
    write_table(root, [to_batch(samples)])
    stage = {"stage": "convert", "counts": {"out": len(samples)}}
    write_info(root, {"samples": len(samples), "sources": [], "licences": [], "history": [stage]})
    return root


def view_of(root: Path, samples: list[Sample]) -> View:
    return open_view([save(root / "set", samples)], workers=1, quiet=True)


def photo(number: int, subject: str = "p1", aspect: str = "dorsal", **values: Any) -> Sample:
    sample = Sample(f"s/Hand_{number:04d}", "s", "none.png", 200, 150, "right", aspect, subject)
    return dataclasses.replace(sample, **values)


def told(check: str, view: View) -> list[str]:
    outcome = CHECK[check].run(view, CHECK[check].limits)
    return [finding.message for finding in CHECK[check].findings(view, outcome)]


def test_a_person_has_one_gender_and_one_age(tmp_path: Path) -> None:
    samples = [
        photo(0, "ann", attrs={"gender": "female", "age": 30}),
        photo(1, "ann", attrs={"gender": "female", "age": 32}),
        photo(2, "bob", attrs={"gender": "male", "age": 20}),
        photo(3, "bob", attrs={"gender": "female", "age": 44, "skinColor": "dark"}),
        photo(4, attrs={"gender": "male"}, subject_id=None),
    ]
    assert told("subject-facts", view_of(tmp_path, samples)) == [
        "Of subject bob the source tells gender female and male; age 20 and 44."
    ]


def test_a_slip_inside_a_run_is_told_with_its_neighbours(tmp_path: Path) -> None:
    aspects = ["dorsal"] * 12 + ["palmar"] + ["dorsal"] * 12 + ["palmar"] * 12
    samples = [photo(i, "p1" if i < 24 else "p2", aspect) for i, aspect in enumerate(aspects)]
    view = view_of(tmp_path, samples)
    assert told("label-run", view) == [
        "Called palmar right of p1, between dorsal right of p1 and dorsal right of p1: a run of 1, where 12 "
        "are usual.",
        "Called dorsal right of p2, between dorsal right of p1 and palmar right of p2: a run of 1, where 12 "
        "are usual.",
    ]
    # Beside a gap in the numbers others may be missing; where short runs are usual they say nothing.
    far = [photo(i + 100 * (i > 12), "p1", aspect) for i, aspect in enumerate(aspects[:25])]
    assert hits("label-run", view_of(tmp_path, far)) == []
    mixed = [photo(i, f"p{i // 2}") for i in range(30)]
    assert hits("label-run", view_of(tmp_path, mixed)) == []


def posed(count: int, *, test: float) -> list[Sample]:
    """Crops of hands of `count` / 4 people, every third in test; hands there are turned by `test` degrees."""
    rng = np.random.default_rng(2)
    samples = []
    for i in range(count):
        if i % 4 == 0:
            person = Person.sample(rng)
        points = draw_hand(rng, person, "right", width=48, height=48)[1] * 4
        sample = photo(i, f"p{i // 4}", parent_id=f"photo {i}", width=192, height=192)
        sample.split = "test" if i // 4 % 3 == 0 else "train"
        turn = np.radians(test if sample.split == "test" else 0.0)
        spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        sample.keypoints = ((points - 96) @ spin.T + 96).astype(np.float32)
        sample.visibility = np.full(21, 2, np.uint8)
        samples.append(sample)
    return samples


def test_splits_of_other_poses_are_told_apart_and_alike_ones_are_not(tmp_path: Path) -> None:
    assert hits("split-classifier", view_of(tmp_path, posed(240, test=0))) == []
    (hit,) = hits("split-classifier", view_of(tmp_path, posed(240, test=60)))
    assert (hit.split, hit.severity) == ("test", "error")
    assert hit.score > 0.9
    few = [dataclasses.replace(s, subject_id=s.split) for s in posed(240, test=60)]
    assert hits("split-classifier", view_of(tmp_path, few)) == []  # two people differ: that says nothing


def predictions(path: Path, samples: list[Sample], off: dict[int, float]) -> Path:
    """What a network might say: the labels, moved in some samples."""
    points = np.stack([s.keypoints for s in samples])
    for row, far in off.items():
        points[row, 8, 0] += far
    said = Predictions(
        [s.sample_id for s in samples],
        np.stack([s.keypoints for s in samples]),
        np.stack([s.visibility for s in samples]),
        points,
        np.ones((len(samples), kp.COUNT), np.float32),
        192,
    )
    write_predictions(path, said, split="test", weights_sha256="", training_set="")
    return path


def test_labels_far_from_a_network_s_predictions_are_noted(tmp_path: Path) -> None:
    samples = posed(40, test=0)
    root = save(tmp_path / "set", samples)
    path = predictions(tmp_path / "predictions.parquet", samples, {7: 40.0, 9: 10.0})
    inspect(root, tmp_path / "qa", predictions=[path], fail_on="never", quiet=True)
    rows = json.loads((tmp_path / "qa/findings.json").read_text())
    (found,) = [row for row in rows if row["check"] == "baseline-residual"]
    assert found["sample_id"] == "s/Hand_0007"
    assert found["score"] == pytest.approx(40 / 192 * 96, rel=1e-3)
    assert found["message"].startswith("The network puts index_tip 20 px (of 96) from its label")
    with pytest.raises(InputError, match="predictions of none of these samples"):
        inspect(save(tmp_path / "other", [photo(999)]), tmp_path / "qa2", predictions=[path], quiet=True)
    with pytest.raises(InputError, match=r"no predictions .* predictions.parquet of curate evaluate"):
        inspect(root, tmp_path / "qa2", predictions=[root / "samples.parquet"], quiet=True)


def test_nothing_that_is_written_names_a_person_where_that_is_asked(tmp_path: Path) -> None:
    samples = posed(40, test=0)
    for i, sample in enumerate(samples):
        sample.subject_id = f"Jane Doe {i // 4}"
        sample.split = ("train", "test")[i % 2]  # leaks, which are told of people
        sample.attrs = {"gender": ("male", "female")[i % 2]}
    root = save(tmp_path / "set", samples)
    inspect(root, tmp_path / "named", fail_on="never", quiet=True)
    inspect(root, tmp_path / "qa", anonymise=True, fail_on="never", quiet=True)
    for path in (tmp_path / "qa").iterdir():
        assert b"Jane" not in path.read_bytes(), path
    assert b"Jane" in (tmp_path / "named/report.html").read_bytes()
    rows = json.loads((tmp_path / "qa/findings.json").read_text())
    leak = next(row for row in rows if row["check"] == "subject-leak")
    assert leak["message"] == "Subject person 1 stands in several splits: 2 in test, 2 in train."


def test_a_review_makes_a_network_s_labels_fit_for_the_test(tmp_path: Path, flat_hand: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    samples = []
    for i in range(3):
        images.write(tmp_path / "set/images" / f"{i}.png", rng.integers(0, 256, (200, 200, 3), np.uint8))
        sample = photo(i, width=200, height=200, image=f"images/{i}.png", keypoints=flat_hand, split="test")
        sample.visibility, sample.label_source = np.full(21, 2, np.uint8), "auto:openpose"
        samples.append(sample)
    root = save(tmp_path / "set", samples)
    assert [hit.score for hit in hits("auto-label-in-test", open_view([root], workers=1, quiet=True))] == [3]
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
    (left,) = hits("auto-label-in-test", open_view([tmp_path / "next"], workers=1, quiet=True))
    assert left.words == {"bad": 1, "count": 3}  # what is still to be fixed

"""Labels against what a trained network predicts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from qa_sets import hits, photo, posed, save

from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.predictions import Predictions, read_predictions, write_predictions
from curate.data.sample import Sample
from qa.check_quality import check_quality
from qa.measures.residuals import Residuals, read_residuals
from qa.options import QualityOptions
from qa.view import View


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


def test_labels_far_from_a_network_s_predictions_are_told(tmp_path: Path) -> None:
    samples = posed(40, test=0)
    root = save(tmp_path / "set", samples)
    path = predictions(tmp_path / "predictions.parquet", samples, {7: 40.0, 9: 10.0})
    check_quality(root, tmp_path / "qa", QualityOptions(predictions=[path]), quiet=True)
    rows = json.loads((tmp_path / "qa/findings.json").read_text())
    (found,) = [row for row in rows if row["check"] == "baseline-residual"]
    assert found["sample_id"] == "s/Hand_0007"
    assert found["score"] == pytest.approx(40 / 192 * 96, rel=1e-3)
    assert found["message"].startswith("The network puts index_tip 20 px (of 96) from its label")
    other = save(tmp_path / "other", [photo(999)])
    with pytest.raises(InputError, match="predictions of none of these samples"):
        check_quality(other, tmp_path / "qa2", QualityOptions(predictions=[path]), quiet=True)
    options = QualityOptions(predictions=[root / "samples.parquet"])
    with pytest.raises(InputError, match=r"no predictions .* predictions.parquet of curate evaluate"):
        check_quality(root, tmp_path / "qa2", options, quiet=True)
    assert not (tmp_path / "qa2").exists()


def found_by(tmp_path: Path, samples: list[Sample], path: Path, check: str) -> list[dict[str, object]]:
    root = save(tmp_path / "set", samples)
    options = QualityOptions(predictions=(path,))
    check_quality(root, tmp_path / "qa", options, quiet=True)
    rows = json.loads((tmp_path / "qa/findings.json").read_text())
    return [row for row in rows if row["check"] == check]


def test_it_weighs_what_is_usual_and_whether_the_network_is_sure(tmp_path: Path) -> None:
    samples = posed(40, test=0)
    path = predictions(tmp_path / "predictions.parquet", samples, {7: 40.0, 8: 40.0, 9: 14.0})
    said = read_predictions(path)
    score = said.score.copy()
    score[8] = 0.1
    write_predictions(
        path, dataclasses.replace(said, score=score), split="test", weights_sha256="", training_set=""
    )
    found = found_by(tmp_path, samples, path, "baseline-residual")
    told = {row["sample_id"]: (row["severity"], row["threshold"]) for row in found}
    assert told == {
        "s/Hand_0007": ("error", 9),
        "s/Hand_0008": ("warning", 6),  # the network is not sure
        "s/Hand_0009": ("warning", 6),  # 7 px
    }


def test_a_keypoint_that_the_network_seldom_finds_is_not_held_against_labels(tmp_path: Path) -> None:
    samples = posed(40, test=0)
    path = predictions(tmp_path / "predictions.parquet", samples, {i: 2.0 * i for i in range(40)})
    assert not found_by(tmp_path, samples, path, "baseline-residual")


def test_the_keypoint_that_broke_the_limit_is_named_and_scored(tmp_path: Path) -> None:
    samples = posed(40, test=0)
    path = predictions(tmp_path / "predictions.parquet", samples, {i: 2.0 * i for i in range(40)})
    said = read_predictions(path)
    points = said.predicted.copy()
    points[39, 11, 0] += 24  # 12 px, and the index finger's tip 39 px, as it often is
    write_predictions(
        path, dataclasses.replace(said, predicted=points), split="test", weights_sha256="", training_set=""
    )
    (found,) = found_by(tmp_path, samples, path, "baseline-residual")
    assert (found["severity"], found["score"]) == ("error", pytest.approx(12, rel=1e-3))
    assert str(found["message"]).startswith("The network puts middle_dip 12 px (of 96) from its label")


def test_labels_that_changed_since_are_not_judged(tmp_path: Path) -> None:
    samples = posed(40, test=0)
    path = predictions(tmp_path / "predictions.parquet", samples, {7: 40.0})
    samples[7].keypoints[8, 0] += 40  # mended
    for sample in samples[8:]:
        sample.keypoints *= 0.5  # the same, in pixels of a smaller picture
    save(tmp_path / "set", samples)
    ids = [sample.sample_id for sample in samples]
    points = np.stack([sample.keypoints for sample in samples]).astype(np.float64)
    distance = read_residuals([path], ids, points).distance
    assert np.isnan(distance[7]).all()
    assert np.isfinite(distance[[6, 8, 39]]).all()


def test_labels_that_a_network_confirms_are_no_outliers(many: View) -> None:
    points = many.points
    points[7, 11] += (35.0, 10.0)
    view = dataclasses.replace(many, keypoints=points.astype(np.float32))
    severity = {hit.row: hit.severity for hit in hits("pose-outlier", view)}
    assert severity[7] == "error"
    near = np.full(points.shape[:2], 1.0)
    confirmed = dataclasses.replace(view, residuals=Residuals(near, near))
    assert {hit.row: hit.severity for hit in hits("pose-outlier", confirmed)}[7] == "warning"
    near[7, 11] = 7.0
    assert {hit.row: hit.severity for hit in hits("pose-outlier", confirmed)}[7] == "error"

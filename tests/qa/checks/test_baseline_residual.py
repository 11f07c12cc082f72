"""Labels against what a trained network predicts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from qa_sets import (
    photo,
    posed,
    save,
)

from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data.predictions import Predictions, write_predictions
from curate.data.sample import Sample
from qa.check_quality import QualityOptions, check_quality


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

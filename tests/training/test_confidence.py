"""What a run's scores mean: fitted on val, kept in run.json, and given to whoever opens it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curate.basics import files
from curate.basics.errors import SchemaError
from curate.data.dataset import Dataset
from curate.networks import inference
from curate.networks.answer import Answer
from curate.options.train import TrainOptions
from curate.scoring import calibration
from curate.scoring.precision import Threshold
from curate.train import train
from curate.training import fit
from curate.training.card import card
from curate.training.confidence import fit_confidence
from curate.training.examples import Examples
from curate.training.run import open_run

MakePath = Callable[..., Path]


def guesses(examples: Examples, share: float, score: float) -> Callable[..., Answer]:
    """Stands for a network that places this share of the points right, and gives each the same score."""

    def predict(*_: object) -> Answer:
        points = np.nan_to_num(examples.all_keypoints(np.arange(len(examples)))[0])
        right = np.random.default_rng(0).uniform(size=points.shape[:2]) < share
        points = np.where(right[..., None], points, points + 50).astype(np.float32)
        return Answer(points, np.full(points.shape[:2], score, np.float32))

    return predict


def fitted_to(predict: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Stands for `fit_confidence`, of a network that predicts so."""

    def fitted(*given: Any) -> dict[str, Any] | None:
        monkeypatch.setattr(inference, "predict", predict)
        return fit_confidence(*given)

    return fitted


def test_the_temperature_brings_scores_to_the_share_that_is_right(
    make_set: MakePath, make_run: MakePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A score of 0.9 for points of which three in four are right: its odds of 9 become 3, by a temperature
    of 2."""
    examples = Examples(Dataset(make_set(["val"] * 60)), "val")
    monkeypatch.setattr(inference, "predict", guesses(examples, 0.75, 0.9))
    told = fit_confidence(open_run(make_run()).network, examples, "val")
    assert told is not None
    assert told["temperature"] == pytest.approx(2, rel=0.1)
    assert (told["split"], told["points"], told["within_px"]) == ("val", 60 * 20, 9)
    assert told["threshold"] is None  # no score of it tells of 95 % that are right


@pytest.mark.parametrize(("share", "said"), [(0.25, "they are off by 0.3"), (0.75, "")])
def test_a_training_says_where_its_scores_are_not_to_be_relied_on(
    make_set: MakePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, said: str
) -> None:
    """A temperature brings a score of 0.9 to a half at the least, where one point in four is right."""
    training_set = make_set(["train", "train", *["val"] * 30], size=32)
    examples = Examples(Dataset(training_set), "val")
    monkeypatch.setattr(fit, "fit_confidence", fitted_to(guesses(examples, share, 0.9), monkeypatch))
    for _ in range(2):  # when it is done, and when it is found done
        told = str(train(training_set, tmp_path / "run", "toy-points", TrainOptions(epochs=1), quiet=True))
        assert ("do not rely on its scores" in told) == bool(said)
        assert said in told
        assert "which hands can be trusted: from none on are 95 % of the points of split val right" in told


@pytest.mark.parametrize("sure", [1, 30])
def test_a_training_says_where_its_threshold_rests_on_few_hands(
    make_set: MakePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sure: int
) -> None:
    training_set = make_set(["train", "train", *["val"] * 60], size=32)
    examples = Examples(Dataset(training_set), "val")
    right = np.arange(60)[:, None] < sure

    def predict(*_: object) -> Answer:
        points = np.nan_to_num(examples.all_keypoints(np.arange(60))[0])
        scores = np.broadcast_to(np.where(right, 0.9, 0.6), (60, 21)).astype(np.float32)
        return Answer((points + 50 * ~right[..., None]).astype(np.float32), scores)

    monkeypatch.setattr(fit, "fit_confidence", fitted_to(predict, monkeypatch))
    made = train(training_set, tmp_path / "run", "toy-points", TrainOptions(epochs=1), quiet=True)
    assert made.threshold is not None
    assert (made.threshold.hands, made.threshold.of) == (sure, 60)
    told = f"can be trusted, {made.threshold.score:g}, rests on only 1 of 60 hands of split val"
    assert (told in str(made)) == (sure == 1)
    assert "which hands can be trusted" not in str(made)
    assert made.as_json()["threshold"]["hands"] == sure
    last = f"This rests on {sure} of 60 hands of split val."
    assert last in card(open_run(tmp_path / "run"))


def test_the_threshold_leaves_out_hands_whose_points_are_wrong(
    make_set: MakePath, make_run: MakePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 60 hands, 40 with a score of 0.9 have all points right, and 20 with one of 0.6 have none."""
    examples = Examples(Dataset(make_set(["val"] * 60)), "val")

    def predict(*_: object) -> Answer:
        points = np.nan_to_num(examples.all_keypoints(np.arange(60))[0])
        bad = (np.arange(60) % 3 == 0)[:, None]
        scores = np.broadcast_to(np.where(bad, 0.6, 0.9), (60, 21)).astype(np.float32)
        return Answer((points + 50 * bad[..., None]).astype(np.float32), scores)

    monkeypatch.setattr(inference, "predict", predict)
    run = make_run()
    told = fit_confidence(open_run(run).network, examples, "val")
    assert told is not None
    known = open_run(confident(run, told)).threshold
    assert known == Threshold(told["threshold"]["score"], 0.95, 40, 60)
    tempered = calibration.tempered(np.array([0.6, 0.9]), told["temperature"])
    assert tempered[0] < known.score <= tempered[1]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_all_are_right_or_none_nothing_is_known(
    make_set: MakePath, make_run: MakePath, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    examples = Examples(Dataset(make_set(["val"] * 4)), "val")
    monkeypatch.setattr(inference, "predict", guesses(examples, share, 0.9))
    assert fit_confidence(open_run(make_run()).network, examples, "val") is None


def test_a_training_keeps_it_where_there_is_a_validation_split(
    make_set: MakePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        fit, "fit_confidence", lambda _, examples, split: {"temperature": 1.5, "split": split}
    )
    for name, splits in {"val": ["train", "train", "val"], "test": ["train", "train", "test"]}.items():
        training_set = make_set(splits, size=32)
        train(training_set, tmp_path / name, "toy-points", TrainOptions(epochs=1), quiet=True)
    with_val, without = (json.loads((tmp_path / name / "run.json").read_text()) for name in ("val", "test"))
    assert without["confidence"] is None
    assert with_val["confidence"] == {"temperature": 1.5, "split": "val"}
    assert open_run(tmp_path / "val").temperature == 1.5
    assert open_run(tmp_path / "test").temperature == 1


def confident(run: Path, told: object) -> Path:
    files.write_json(run / "run.json", {**json.loads((run / "run.json").read_text()), "confidence": told})
    return run


def test_scores_are_given_tempered_and_points_are_not_touched(make_run: MakePath) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (2, 32, 32), np.uint8)
    run = make_run("figure12", size=32)
    plain = open_run(run).predict(pixels)
    warm = open_run(confident(run, {"temperature": 2.0})).predict(pixels)
    np.testing.assert_array_equal(warm.points, plain.points)
    known = plain.scores > 0
    odds = plain.scores[known] / (1 - plain.scores[known])
    np.testing.assert_allclose(warm.scores[known], np.sqrt(odds) / (1 + np.sqrt(odds)), rtol=1e-4)
    assert (warm.scores[~known] == 0).all()


@pytest.mark.parametrize(
    "told",
    [
        *({"temperature": 0}, {"temperature": "hot"}, {"temperature": True}, {"temperature": None}, {}, 2.0),
        {"temperature": 1.0, "threshold": 0.9},
        {"temperature": 1.0, "threshold": {"score": 0.9}},
        {"temperature": 1.0, "threshold": {"score": 7, "precision": 0.95, "hands": 1, "of": 1}},
    ],
)
def test_a_temperature_or_threshold_that_is_none_is_refused(make_run: MakePath, told: object) -> None:
    with pytest.raises(SchemaError, match="confidence"):
        open_run(confident(make_run(size=32), told))

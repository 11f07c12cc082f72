"""A run that finds masks, or points in whole photographs, as a finder: for crop, build and predict."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from curate.basics import engine, files, images
from curate.basics.errors import InputError, SchemaError
from curate.build import build
from curate.cli import main
from curate.crop import crop
from curate.data.dataset import Dataset, write_info, write_table
from curate.data.sample import Sample, to_batch
from curate.hands.photograph import Photograph
from curate.networks.answer import Answer
from curate.options.build import BuildOptions
from curate.options.crop import CropOptions
from curate.options.predict import PredictOptions
from curate.predict import predict
from curate.taggers.finder import RunFinder
from curate.taggers.table import finder_of, with_runs
from curate.training.run import Run

MakePath = Callable[..., Path]
HANDS = ((20, 30, 60, 80), (200, 40, 80, 120))  # x, y, w, h


@pytest.fixture(scope="module")
def brightness(make_run: MakePath) -> Path:
    """A run that takes what is bright for a hand."""
    root = make_run("toy-mask", size=64, channels=3)
    weights = torch.load(root / "weights.pt", weights_only=True)
    weights["layer.weight"].fill_(40)
    weights["layer.bias"].zero_()
    weights["place"].zero_()
    torch.save(weights, root / "weights.pt")
    told = json.loads((root / "run.json").read_text())
    told["weights_sha256"] = files.sha256(root / "weights.pt")
    (root / "run.json").write_text(json.dumps(told))
    return root


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A dataset: a photo of two hands, one of none, and a sample with a box of its own."""
    two = np.full((240, 320, 3), 20, np.uint8)
    for x, y, w, h in HANDS:
        two[y : y + h, x : x + w] = 235
    images.write(tmp_path / "photos/two.png", two)
    images.write(tmp_path / "photos/none.png", np.full((240, 320, 3), 20, np.uint8))
    images.write(tmp_path / "photos/known.png", two)
    box = np.array([10, 10, 50, 50], np.float32)
    samples = [
        Sample("s/two", "s", "two.png"),
        Sample("s/none", "s", "none.png"),
        Sample("s/known", "s", "known.png", bbox=box),
    ]
    write_table(tmp_path / "photos", [to_batch(samples)])
    write_info(tmp_path / "photos", {"samples": 3, "history": []})
    return tmp_path / "photos"


def test_each_hand_has_its_box_the_largest_first(brightness: Path, photos: Path) -> None:
    find = finder_of(str(brightness)).find_all
    assert find is not None
    found = find(Photograph(photos, Sample("a", "s", "two.png")))
    # Within a pixel of the 64 that the network sees of 320.
    np.testing.assert_allclose([hand.box for hand in found], HANDS[::-1], atol=5)
    assert {hand.by for hand in found} == {f"run:{brightness.name}"}
    assert all(hand.score is not None and 0.9 < hand.score <= 1 for hand in found)
    assert find(Photograph(photos, Sample("a", "s", "none.png"))) == []


def test_crop_goes_by_a_run_and_records_its_weights_not_its_place(
    brightness: Path, photos: Path, tmp_path: Path
) -> None:
    crop(photos, tmp_path / "crops", CropOptions(by=str(brightness), margin=0.0, size=None), quiet=True)
    two, none, known = Dataset(tmp_path / "crops")
    assert two.attrs["found_by"] == known.attrs["found_by"] == f"run:{brightness.name}"
    assert none.attrs["found_by"] == "whole photo"
    assert abs((two.width or 0) - 120) <= 10
    options = json.loads((tmp_path / "crops/dataset.json").read_text())["history"][-1]["options"]
    finder = with_runs(str(brightness))[str(brightness)]
    assert isinstance(finder.find, RunFinder)
    assert options["by"] == f"run:{brightness.name} {finder.find.content}"
    assert str(brightness.parent) not in json.dumps(options)


def test_build_crops_by_a_run_on_the_way(brightness: Path, photos: Path, tmp_path: Path) -> None:
    samples = list(Dataset(photos))
    for sample in samples:
        sample.keypoints[:] = 100.0
        sample.visibility[:] = 2
    write_table(photos, [to_batch(samples)])
    write_info(photos, {"samples": 3, "history": []})
    options = BuildOptions(size=32, crop=str(brightness), margin=0.0)
    build([photos], tmp_path / "set", options, quiet=True)
    pixels = np.load(tmp_path / "set/pixels.npy")
    assert pixels[0].mean() > 140  # the larger hand, which fills two thirds of its square
    assert pixels[1].mean() == 20


@pytest.mark.parametrize("workers", [1, 2])
def test_predict_makes_a_sample_of_each_hand(
    brightness: Path, make_run: MakePath, photos: Path, tmp_path: Path, workers: int
) -> None:
    options = PredictOptions(finder=str(brightness), min_score=0.0)
    result = predict(
        make_run(size=32), [photos], tmp_path / "out", options, engine=engine.Local(workers), quiet=True
    )
    assert (result.photos, result.hands) == (3, 4)
    made = {sample.sample_id: sample for sample in Dataset(tmp_path / "out")}
    assert list(made) == ["s/two", "s/two~2", "s/none", "s/known"]
    name = f"run:{brightness.name}"
    assert [sample.attrs["found_by"] for sample in made.values()] == [name, name, "whole photo", "bbox"]
    np.testing.assert_allclose(made["s/two"].bbox, HANDS[1], atol=5)
    assert (tmp_path / "out" / "pictures").is_dir()


def test_a_further_hand_takes_no_name_that_is_given(
    brightness: Path, make_run: MakePath, photos: Path, tmp_path: Path
) -> None:
    """Each has a picture of its own, whose ground is that of its photo."""
    images.write(photos / "known.png", np.full((240, 320, 3), 120, np.uint8))
    box = np.array([10, 10, 50, 50], np.float32)
    samples = [Sample("s/two", "s", "two.png"), Sample("s/two~2", "s", "known.png", bbox=box)]
    write_table(photos, [to_batch(samples)])
    write_info(photos, {"samples": 2, "history": []})
    options = PredictOptions(finder=str(brightness), min_score=0.0)
    predict(make_run(size=32), [photos], tmp_path / "out", options, quiet=True)
    told = json.loads((tmp_path / "out" / "predictions.json").read_text())["predictions"]
    assert [entry["sample_id"] for entry in told] == ["s/two", "s/two~3", "s/two~2"]
    grounds = [int(images.read(tmp_path / "out" / entry["picture"])[230, 5, 0]) for entry in told]
    assert grounds == pytest.approx([20, 20, 120], abs=6)


def test_a_run_of_points_finds_the_hand_in_the_whole_photograph(
    make_run: MakePath, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its box is that of the points, and there is none where their scores are below a half in the mean."""
    scores = np.full((1, 21), 0.6, np.float32)

    def answered(_: Run, pixels: np.ndarray, left: np.ndarray | None = None, **_more: bool) -> Answer:
        corners = np.array([[8.0, 12.0], [20.0, 24.0]], np.float32)
        return Answer(corners[np.arange(21) % 2][None], scores)

    monkeypatch.setattr(Run, "predict", answered)
    find = finder_of(str(make_run(size=32))).find
    found = find(Photograph(photos, Sample("a", "s", "two.png")))
    assert found is not None
    # 320 x 240 in the middle of 32 x 32: ten pixels each, and 40 above it.
    np.testing.assert_allclose(found.box, [80, 80, 120, 120])
    assert found.score == pytest.approx(0.6)
    scores[:] = 0.4
    assert find(Photograph(photos, Sample("a", "s", "two.png"))) is None


def test_what_is_no_run_that_finds_hands_is_refused(
    make_run: MakePath, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    points = make_run(size=32)
    told = json.loads((points / "run.json").read_text())
    (points / "run.json").write_text(json.dumps({**told, "crop": {"by": "keypoints", "margin": 0.3}}))
    with pytest.raises(InputError, match="finds points in crops by keypoints; allowed: one that finds masks"):
        crop(photos, tmp_path / "out", CropOptions(by=str(points)), quiet=True)
    with pytest.raises(SchemaError, match=r"not the folder of a run: there is no run\.json in it"):
        predict(points, [photos], tmp_path / "out", PredictOptions(finder=str(photos)), quiet=True)
    assert main(["crop", str(photos), "--by", "nowhere", "--out", str(tmp_path / "out")]) == 2
    assert "the folder of a run that finds masks" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

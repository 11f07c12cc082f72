"""A run as a tagger: where it looks in a photograph, and what it says of each, in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from curate.basics import images
from curate.basics.errors import InputError
from curate.data.sample import Sample
from curate.hands.finding import FINDERS, Finder, Found
from curate.hands.photograph import Photograph
from curate.networks.answer import Answer
from curate.taggers.looks import UPRIGHT
from curate.taggers.run import RunTagger, found_by_looks, looks_of, open_tagger
from curate.taggers.tagger import Tagged
from curate.training.run import Run, open_run

MakeRun = Callable[..., Path]
SKIN, GROUND = (198, 134, 100), (250, 250, 248)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A square of skin at (40, 20, 60, 60) of 160 x 120 pixels."""
    picture = np.full((120, 160, 3), GROUND, np.uint8)
    picture[20:80, 40:100] = SKIN
    images.write(tmp_path / "a.png", picture)
    return tmp_path / "a.png"


def spread(_: Run, pixels: np.ndarray, left: np.ndarray) -> Answer:
    """Stands for a network whose points span the middle half of whatever it looks at."""
    size = pixels.shape[1]
    points = np.full((len(pixels), 21, 2), size / 4, np.float32)
    points[:, 1:] = 3 * size / 4
    return Answer(points, np.full((len(pixels), 21), 0.5, np.float32), None, None)


def told(run: Path, crop: dict[str, object]) -> Path:
    """The run, trained on crops that were cut so."""
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "crop": crop}))
    return run


class Brightest:
    """Stands for a network: every keypoint is at the brightest pixel; it keeps which hands were left."""

    name, threshold, form = "brightest", None, (64, 1)

    def __init__(self) -> None:
        self.left: list[list[bool]] = []

    def predict(self, pixels: np.ndarray, left: np.ndarray | None = None) -> Answer:
        assert left is not None
        self.left.append(left.tolist())
        rows, columns = np.divmod(pixels.reshape(len(pixels), -1).argmax(1), 64)
        points = np.repeat(np.stack([columns, rows], -1)[:, None] + np.float32(0.5), 21, 1)
        return Answer(points, np.full((len(pixels), 21), 0.5, np.float32), None, None)


def test_looks_at_images_are_led_back_and_put_together() -> None:
    """Of each image the spot is found where it is, and a mirrored left hand is shown as a right one."""
    y, x = np.mgrid[:64, :64] + 0.5
    spots = np.array([[20.5, 30.5], [40.5, 22.5]])
    pixels = np.stack([255 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / 30) for u, v in spots]).astype(np.uint8)
    model = Brightest()
    found = found_by_looks(model, looks_of(6), pixels, np.array([True, False]))
    np.testing.assert_allclose(found.points, np.repeat(spots[:, None], 21, 1), atol=1.0)
    np.testing.assert_allclose(found.scores, 0.5)
    assert model.left == [[True, False], [False, True]] * 3


class Bright:
    """Stands for a network that finds the bright part of an image as a hand, and no points."""

    name, threshold, form, right_hands = "bright", None, (64, 1), False

    def predict(self, pixels: np.ndarray, left: np.ndarray | None = None) -> Answer:
        points = np.full((len(pixels), 21, 2), np.nan, np.float32)
        return Answer(points, np.zeros((len(pixels), 21), np.float32), pixels.copy(), None)


def test_masks_of_looks_are_led_back_and_averaged() -> None:
    """Each look, led back, is the picture again; where turns lose a corner, the edge is repeated."""
    y, x = np.mgrid[:64, :64] + 0.5
    blob = 255 * np.exp(-(((x - 20) / 12) ** 2) - ((y - 36) / 7) ** 2)
    pixels = np.stack([blob, blob.T]).astype(np.uint8)
    found = found_by_looks(Bright(), looks_of(6), pixels, np.zeros(2, bool))
    assert found.masks is not None
    np.testing.assert_allclose(found.masks.astype(int), pixels, atol=3)
    flipped = found_by_looks(Bright(), looks_of(2), pixels, np.zeros(2, bool))
    np.testing.assert_array_equal(flipped.masks, pixels)
    assert np.isnan(found.points).all()


def tag(run: Path, *photographs: Photograph) -> list[Tagged | InputError]:
    return open_tagger(str(run), 1).tag(photographs)


@pytest.mark.parametrize(
    ("sample", "found_by", "looked_at"),
    [
        ({}, "colour", (40, 20, 60)),
        ({"bbox": np.array([100, 80, 40, 20], np.float32)}, "bbox", (100, 70, 40)),
        ({"bbox": np.array([500, 80, 40, 20], np.float32)}, "whole photo", (0, -20, 160)),
        ({"transform": np.eye(3)[:2]}, "whole photo", (0, -20, 160)),
    ],
    ids=["by colour", "by bbox", "a bbox elsewhere", "a crop"],
)
def test_where_it_looks_by_hand(
    make_run: MakeRun, photo: Path, sample: dict[str, np.ndarray], found_by: str, looked_at: tuple[int, ...]
) -> None:
    """Without a margin the square is that of the box; the box by colour is known to a pixel or so."""
    run = told(make_run(size=32), {"by": "colour", "margin": 0})
    (tagged,) = tag(run, Photograph(photo.parent, Sample("s/a", "s", photo.name, **sample)))
    assert isinstance(tagged, Tagged)
    assert tagged.found_by == found_by
    np.testing.assert_allclose(tagged.looked_at, (*looked_at, looked_at[2]), atol=1.5)


def test_points_are_those_of_the_photograph(
    make_run: MakeRun, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the box (20, 20, 64, 64), the middle half spans (36, 36) to (68, 68)."""
    monkeypatch.setattr(Run, "predict", spread)
    run = told(make_run(size=32), {"by": "colour", "margin": 0})
    box = np.array([20, 20, 64, 64], np.float32)
    (tagged,) = tag(run, Photograph(photo.parent, Sample("s/a", "s", photo.name, bbox=box)))
    assert isinstance(tagged, Tagged)
    np.testing.assert_allclose(tagged.keypoints[[0, 20]], [[36, 36], [68, 68]], atol=1e-4)
    assert tagged.scores.tolist() == [0.5] * 21
    assert tagged.found.all()


def test_trained_on_keypoint_crops_it_looks_again_around_its_points(
    make_run: MakeRun, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First at (20, 20, 64), then around (36, 36) to (68, 68) without a margin: (36, 36, 32)."""
    monkeypatch.setattr(Run, "predict", spread)
    run = told(make_run(size=32), {"by": "keypoints", "margin": 0})
    box = np.array([20, 20, 64, 64], np.float32)
    (tagged,) = tag(run, Photograph(photo.parent, Sample("s/a", "s", photo.name, bbox=box)))
    assert isinstance(tagged, Tagged)
    assert tagged.looked_at.tolist() == [36, 36, 32, 32]
    np.testing.assert_allclose(tagged.keypoints[[0, 20]], [[44, 44], [60, 60]], atol=1e-4)
    assert tagged.found_by == "bbox"


def test_a_broken_photograph_does_not_hold_up_the_others(make_run: MakeRun, photo: Path) -> None:
    data = photo.read_bytes()
    (photo.parent / "b.png").write_bytes(data[:50] + bytes(len(data) - 70) + data[-20:])
    names = ["b.png", "a.png", "b.png"]
    photographs = [Photograph(photo.parent, Sample(f"s/{n}", "s", name)) for n, name in enumerate(names)]
    run = make_run(size=32)
    broken, fine, again = tag(run, *photographs)
    assert isinstance(fine, Tagged)
    assert isinstance(broken, InputError)
    assert isinstance(again, InputError)
    assert tag(run, photographs[0])[0].reason == broken.reason
    assert tag(run) == []


def test_labels_name_the_runs_folder(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(size=32).rename(tmp_path / "my first run")
    assert open_tagger(str(tmp_path / "my first run"), 1).label_source == "auto:my-first-run"


@pytest.mark.parametrize(
    ("given", "attrs", "closer"),
    [(False, {}, False), (True, {}, True), (True, {"found_by": "own"}, False)],
    ids=["its own finder's", "a bbox", "a bbox of its own finder's"],
)
def test_what_its_own_finder_found_is_not_looked_for_once_more(
    make_run: MakeRun,
    photo: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: bool,
    attrs: dict[str, object],
    closer: bool,
) -> None:
    """The network's points span half of what it is shown: each closer look is half as large."""
    monkeypatch.setattr(Run, "predict", spread)
    box = np.array([40, 20, 60, 60], np.float32)
    own = Finder("own", False, True, lambda _: Found(box, "own"))
    tagger = RunTagger(
        open_run(make_run(size=32)),
        (UPRIGHT,),
        ("keypoints", 0.0),
        order=("bbox", "own"),
        finders={**FINDERS, "own": own},
        settled=frozenset({"own"}),
    )
    sample = Sample("s/a", "s", photo.name, bbox=box if given else None, attrs=attrs)
    (tagged,) = tagger.tag([Photograph(photo.parent, sample)])
    assert isinstance(tagged, Tagged)
    assert tagged.looked_at[2] == pytest.approx(30 if closer else 60)

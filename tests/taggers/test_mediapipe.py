"""MediaPipe in a Python of its own, stood in for by a small package that finds a bright square."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from curate.basics import images
from curate.basics.errors import InputError
from curate.data.sample import Sample
from curate.hands.photograph import Photograph
from curate.taggers.mediapipe import PYTHON, content, open_tagger
from curate.taggers.tagger import Tagged

# Both interfaces find the same. All 21 points are at the middle of what is bright; the hand is a "Left" one
# where that is on the left half of the picture. A picture that is all black kills the process.
PACKAGE = """
import os
from types import SimpleNamespace as Any

__version__ = "%s"

def find(pixels):
    if not pixels.any():
        os._exit(7)
    rows, columns = (pixels[..., 0] > 200).nonzero()
    if not len(rows):
        return None
    x, y = (columns.mean() + 0.5) / pixels.shape[1], (rows.mean() + 0.5) / pixels.shape[0]
    return [Any(x=x, y=y)] * 21, "Left" if x < 0.5 else "Right"

class Hands:
    def __init__(self, **options):
        assert options["static_image_mode"] and options["max_num_hands"] == 1
    def process(self, pixels):
        found = find(pixels)
        if found is None:
            return Any(multi_hand_landmarks=None)
        told = Any(classification=[Any(label=found[1], score=0.75)])
        return Any(multi_hand_landmarks=[Any(landmark=found[0])], multi_handedness=[told])

solutions = Any(hands=Any(Hands=Hands))
ImageFormat = Any(SRGB=1)

def Image(image_format, data):
    return data
"""
TASKS = """
import types
from types import SimpleNamespace as Any
from mediapipe import find

class HandLandmarker:
    def detect(self, pixels):
        found = find(pixels)
        if found is None:
            return Any(hand_landmarks=[], handedness=[])
        return Any(hand_landmarks=[found[0]], handedness=[[Any(category_name=found[1], score=0.75)]])
    @classmethod
    def create_from_options(cls, options):
        assert options.base_options.model_asset_path.endswith(".task")
        return cls()

def HandLandmarkerOptions(**options):
    return Any(**options)

vision = Any(HandLandmarker=HandLandmarker, HandLandmarkerOptions=HandLandmarkerOptions)
"""
BASE = "from types import SimpleNamespace as BaseOptions\n"


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str = "0.10.21") -> None:
    """A Python that has the package."""
    package = folder / "site" / "mediapipe"
    (package / "tasks" / "python" / "core").mkdir(parents=True)
    (package / "__init__.py").write_text(PACKAGE % version)
    (package / "tasks" / "__init__.py").touch()
    (package / "tasks" / "python" / "__init__.py").write_text(TASKS)
    (package / "tasks" / "python" / "core" / "__init__.py").touch()
    (package / "tasks" / "python" / "core" / "base_options.py").write_text(BASE)
    python = folder / "python"
    numpy = Path(np.__file__).parents[1]
    python.write_text(f'#!/bin/sh\nPYTHONPATH={folder}/site:{numpy} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv(PYTHON, str(python))


@pytest.fixture
def photo(tmp_path: Path) -> Photograph:
    """A bright square about (40, 60) of 160 x 120 pixels."""
    picture = np.full((120, 160, 3), 30, np.uint8)
    picture[50:70, 30:50] = 250
    return stored(tmp_path, "a.png", picture)


def stored(folder: Path, name: str, picture: np.ndarray, **known: object) -> Photograph:
    images.write(folder / name, picture)
    return Photograph(folder, Sample(f"s/{name}", "s", name, **known))  # type: ignore[arg-type]


def tag(photographs: list[Photograph], where: str = "", looks: int = 1) -> list[Tagged]:
    told = open_tagger(where, looks).tag(photographs)
    assert all(isinstance(one, Tagged) for one in told)
    return [one for one in told if isinstance(one, Tagged)]


@pytest.mark.parametrize("looks", [1, 4, 6])
def test_points_are_those_of_the_photograph(
    photo: Photograph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    install(tmp_path, monkeypatch)
    (tagged,) = tag([photo], looks=looks)
    np.testing.assert_allclose(tagged.keypoints, np.tile([40.0, 60.0], (21, 1)), atol=1)
    assert tagged.scores.tolist() == [0.75] * 21
    assert tagged.found_by == "mediapipe"
    assert (tagged.apart is None) == (looks == 1)
    assert tagged.apart is None or tagged.apart.max() < 1


@pytest.mark.parametrize(
    ("version", "task", "side"),
    [("0.10.21", False, "right"), ("0.10.21", True, "right"), ("1.2.3", True, "left")],
)
def test_the_side_is_that_of_a_picture_that_is_not_mirrored(
    photo: Photograph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, task: bool, side: str
) -> None:
    """The package says "Left". Old ones mean a mirrored picture; a look that is mirrored is turned back."""
    install(tmp_path, monkeypatch, version)
    (tmp_path / "hand.task").write_bytes(b"a model")
    where = str(tmp_path / "hand.task") if task else ""
    assert [one.side for one in tag([photo], where)] == [side]
    assert [one.side for one in tag([photo], where, looks=2)] == [side]
    assert content(where).split()[0] == version


def test_no_hand_is_no_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    (tagged,) = tag([stored(tmp_path, "grey.png", np.full((50, 50, 3), 99, np.uint8))])
    assert not tagged.found.any()
    assert not tagged.scores.any()
    assert tagged.side is None


def test_a_bbox_is_looked_at_alone(
    photo: Photograph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two bright squares, the one that the bbox is around."""
    install(tmp_path, monkeypatch)
    picture = photo.read().copy()
    picture[50:70, 110:130] = 250
    (tagged,) = tag([stored(tmp_path, "two.png", picture, bbox=np.array([110, 50, 20, 20], np.float32))])
    np.testing.assert_allclose(tagged.keypoints[0], [120, 60], atol=1)
    assert tagged.found_by == "bbox"


def test_it_is_started_again_where_it_died(
    photo: Photograph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch)
    deadly = stored(tmp_path, "black.png", np.zeros((50, 50, 3), np.uint8))
    died, fine = open_tagger("", 1).tag([deadly, photo])
    assert isinstance(died, InputError)
    assert "ended with 7" in str(died)
    assert isinstance(fine, Tagged)


def test_what_does_not_start_is_told_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no such file"):
        content(str(tmp_path / "nowhere.task"))
    monkeypatch.setenv(PYTHON, str(tmp_path / "no-python"))
    with pytest.raises(InputError, match=f"cannot be started.*set {PYTHON}"):
        content("")
    (tmp_path / "broken").write_text("#!/bin/sh\necho no such module >&2\nexit 1\n")
    (tmp_path / "broken").chmod(0o755)
    monkeypatch.setenv(PYTHON, str(tmp_path / "broken"))
    with pytest.raises(InputError, match=r"MediaPipe ended with 1 \(no such module\)"):
        content("")

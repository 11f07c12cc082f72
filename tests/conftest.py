"""What several tests share: where real samples lie, and small hands to test on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from curate.basics import images
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage

settings.register_profile("repository", deadline=None, max_examples=30, derandomize=True)
settings.load_profile("repository")

# What runs the tests may ignore these, as nohup and shells do for what runs in the background.
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, default)

ROOT = Path(__file__).resolve().parents[1]

Store = Callable[[Path, list[Sample], dict[str, np.ndarray]], Path]


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What commands remember of the datasets that they made is no user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real samples; tests of it skip where it is absent."""
    folder = Path(os.environ.get("HAND_CURATE_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "SOURCES.md").exists():
        pytest.skip("no real samples here: set HAND_CURATE_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def has_blender() -> bool:
    """Whether there is a Blender here; where there is none, tests expect `curate render` to say so."""
    from render import blender

    try:
        blender.find()
    except blender.BlenderError:
        return False
    return True


@pytest.fixture
def flat_hand() -> np.ndarray:
    """(21, 2) keypoints of an open right hand from the back, fingers up, in a 200 x 200 image."""
    rays = [(-70, -60), (-30, -110), (0, -120), (28, -112), (55, -90)]
    points = [(100.0, 180.0)]
    for dx, dy in rays:
        points += [(100 + dx * t, 180 + dy * t) for t in (0.45, 0.7, 0.86, 1.0)]
    return np.array(points, np.float32)


def _drawn(folder: Path, photos: int) -> Path:
    from curate.demo import Shoot, draw

    draw(Shoot("tagged", (240, 180), photos, 0, 0), folder)
    return folder


@pytest.fixture(scope="session")
def drawn_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 24 drawn hands of 6 subjects, 240 x 180 pixels."""
    return _drawn(tmp_path_factory.mktemp("drawn") / "dataset", 24)


@pytest.fixture(scope="session")
def drawn_labelme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four drawn hands as Labelme files."""
    from converters.table import FORMATS
    from curate.data.dataset import Dataset
    from curate.export import export

    folder = tmp_path_factory.mktemp("labelme")
    dataset = Dataset(_drawn(folder / "dataset", 4))
    export(dataset, FORMATS["labelme"].write, "labelme", folder / "labels")
    return folder / "labels"


@pytest.fixture(scope="session")
def store() -> Store:
    """Makes a dataset at a folder, of these samples and image files; returns the folder."""

    def make(folder: Path, samples: list[Sample], pictures: dict[str, np.ndarray]) -> Path:
        Stage("make", folder, {}).run([samples], _part)
        for name, picture in pictures.items():
            images.write(folder / name, picture)
        return folder

    return make


def _part(samples: list[Sample]) -> Part:
    return Part(to_batch(samples))

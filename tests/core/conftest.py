"""What tests of the core share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from curate import images
from curate.sample import Sample, to_batch
from curate.stage import Part, Stage

Store = Callable[[Path, list[Sample], dict[str, np.ndarray]], Path]


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

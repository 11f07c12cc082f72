"""What tests of QA share: hands to look at, and the helpers of qa_sets.py."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from curate.data.sample import Sample
from curate.hands.drawn_hands import Person, draw_hand
from qa.view import View

sys.path.insert(0, str(Path(__file__).resolve().parent))

from qa_sets import copy_of, draw_hands, view_of


@pytest.fixture(scope="session")
def _drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    splits = ("train", "train", "train", "train", "val", "test")
    return draw_hands(tmp_path_factory.mktemp("drawn"), 7, splits, 4, (160, 120))


@pytest.fixture
def hands(_drawn: list[Sample]) -> list[Sample]:
    """24 drawn hands of six subjects with images of 160 x 120: subjects 0 to 3 train, 4 val, 5 test."""
    return [copy_of(sample) for sample in _drawn]


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Twelve drawn hands of six subjects with images of 200 x 150: 0 to 2 train, 3 val, 4 and 5 test."""
    splits = ("train", "train", "train", "val", "test", "test")
    return draw_hands(tmp_path_factory.mktemp("pixels"), 5, splits, 2, (200, 150))


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> View:
    """150 hands of 30 people without images; points as drawn hands have them, every second a right hand."""
    rng = np.random.default_rng(11)
    people = [Person.sample(rng) for _ in range(30)]
    samples = []
    for i in range(150):
        side = ("left", "right")[i % 2]
        _, points = draw_hand(rng, people[i % 30], side, width=48, height=36)
        sample = Sample(f"s/{i}", "s", "none.png", 480, 360, side, "dorsal", keypoints=points * 10)
        seen = np.full(21, 2, np.uint8)
        samples.append(dataclasses.replace(sample, subject_id=f"p{i % 30}", visibility=seen))
    return view_of(tmp_path_factory.mktemp("many"), samples)

"""A hand cut out in a part of its photograph lies where it lies in the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from curate.basics import images
from curate.data.sample import Sample
from curate.hands.drawn_hands import Person, draw_hand
from curate.hands.frame import Frame
from curate.hands.photograph import Photograph


@pytest.mark.parametrize("width", [597, 598, 600])
def test_a_hand_found_in_a_part_lies_where_it_does_in_the_whole(width: int, tmp_path: Path) -> None:
    """It is found on an image that is seldom a whole fraction as large: 598 px become 199, not 199.3."""
    shifts = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        picture, _ = draw_hand(rng, Person.sample(rng), "right", width=width, height=448)
        images.write(tmp_path / "photo.png", picture)
        photo = Photograph(tmp_path, Sample("a", "a", "photo.png"))
        part, size = (width - 448, 0, 448, 448), (96, 96)
        whole = images.cut(photo.matte().alpha, part, size).astype(np.float64)
        found = photo.matte_of_part(Frame(1, part, size)).alpha.astype(np.float64)
        slope = np.gradient(whole, axis=1)
        shifts.append(-(slope * (found - whole)).sum() / np.square(slope).sum())
    assert abs(np.median(shifts)) < 0.1

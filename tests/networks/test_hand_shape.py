"""The shape of hands: what it makes of maps with two peaks, and of which sets it is told."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from curate.hands.drawn_hands import Person, draw_hand
from curate.networks.decode import decode_softmax
from curate.networks.hand_shape import HandShape
from curate.networks.losses import gaussians
from curate.networks.open_hand import OpenHand

SIZE = 64
THUMB, TIP = 1, 8  # base of the thumb, tip of the index finger


def drawn(count: int, seed: int = 0) -> NDArray[np.float64]:
    """(N, 21, 2) points of open hands, left and right ones."""
    rng = np.random.default_rng(seed)
    people = [Person.sample(rng) for _ in range(count)]
    return np.stack(
        [
            draw_hand(rng, person, "left" if i % 2 else "right", width=SIZE, height=SIZE)[1]
            for i, person in enumerate(people)
        ]
    ).astype(np.float64)


SHAPE = HandShape.of(drawn(120))
HAND = drawn(1, seed=9)[0]


def logits_of(
    hand: NDArray[np.floating], others: dict[int, tuple[float, float, float]] | None = None
) -> Tensor:
    """(1, 21, SIZE, SIZE); others: x, y and height of a second peak of a map, whose first is 1 high."""
    maps = torch.stack([_peak(x, y) for x, y in hand])
    for k, (x, y, height) in (others or {}).items():
        maps[k] += height * _peak(x, y)
    return (maps + 1e-6).log()[None]


def _peak(x: float, y: float) -> Tensor:
    return gaussians(torch.tensor([[[float(x), float(y)]]]), 1.5, SIZE)[0, 0]


def test_of_two_peaks_the_one_is_read_that_fits_the_other_keypoints() -> None:
    far = (*(2 * HAND[TIP] - HAND[THUMB]).clip(9, SIZE - 9), 1.5)
    logits = logits_of(HAND, {THUMB: far})
    assert SHAPE is not None
    alone, _ = decode_softmax(logits)
    told, scores = decode_softmax(logits, shape=SHAPE)
    assert alone[0, THUMB].tolist() == pytest.approx(far[:2], abs=0.3)
    assert told[0].numpy() == pytest.approx(HAND, abs=0.3)
    # The score stays what the map says of this place: 1 of 2.5.
    assert scores[0, THUMB].item() == pytest.approx(0.4, abs=0.02)


def test_a_bent_finger_stays_bent() -> None:
    odd = HAND.copy()
    odd[TIP] += 0.4 * (odd[TIP - 3] - odd[TIP])
    points, _ = decode_softmax(logits_of(odd), shape=SHAPE)
    assert points[0].numpy() == pytest.approx(odd, abs=0.3)


@given(
    turn=st.floats(-math.pi, math.pi), scale=st.floats(0.5, 0.8), mirrored=st.booleans(), k=st.integers(0, 20)
)
@settings(max_examples=40, deadline=None)
def test_turn_size_and_side_do_not_matter(turn: float, scale: float, mirrored: bool, k: int) -> None:
    middle = HAND.mean(0)
    across = (HAND - middle) * (-1 if mirrored else 1, 1) * scale
    cos, sin = math.cos(turn), math.sin(turn)
    hand = across @ np.array([[cos, sin], [-sin, cos]]) + SIZE / 2
    wrong = hand[k] + np.array([cos, sin]) * 0.7 * scale * np.ptp(HAND, axis=0).max()
    if not ((wrong > 4) & (wrong < SIZE - 4)).all():
        wrong = 2 * hand[k] - wrong
    if not ((wrong > 4) & (wrong < SIZE - 4)).all():
        return
    points, _ = decode_softmax(logits_of(hand, {k: (*wrong, 1.2)}), shape=SHAPE)
    assert points[0, k].numpy() == pytest.approx(hand[k], abs=0.5)


def test_it_is_told_of_many_hands_that_are_alike() -> None:
    hands = drawn(60)
    assert HandShape.of(hands) is not None
    assert HandShape.of(hands[:39]) is None
    cut = hands.copy()
    cut[:21, TIP] = np.nan
    assert HandShape.of(cut) is None  # 39 are left
    rng = np.random.default_rng(0)
    assert HandShape.of(rng.uniform(0, SIZE, (200, 21, 2))) is None
    assert HandShape.of(np.ones((200, 21, 2))) is None


def test_a_map_that_is_not_finite_gives_no_point() -> None:
    logits = logits_of(HAND)
    logits[0, THUMB, 3, 3] = torch.nan
    points, scores = decode_softmax(logits, shape=SHAPE)
    assert points[0, THUMB].isnan().all()
    assert scores[0, THUMB] == 0
    assert points[0, TIP].numpy() == pytest.approx(HAND[TIP], abs=0.3)


def test_it_lies_among_weights_and_is_taken_from_them() -> None:
    assert SHAPE is not None
    weights = {"a": torch.zeros(1), **SHAPE.named()}
    assert sorted(weights) == ["a", "shape.mean", "shape.precision", "shape.pull"]
    taken = HandShape.taken(weights, 21)
    assert [*weights] == ["a"]
    assert taken is not None
    assert taken.pull.equal(SHAPE.pull)
    assert HandShape.taken(weights, 21) is None


@pytest.mark.parametrize("broken", ["missing", "other", "type"])
def test_a_damaged_one_is_refused(broken: str) -> None:
    assert SHAPE is not None
    weights = SHAPE.named()
    if broken == "missing":
        del weights["shape.pull"]
    elif broken == "type":
        weights["shape.pull"] = weights["shape.pull"].double()
    with pytest.raises(ValueError, match=r"shape\.(pull|mean) is not of"):
        HandShape.taken(weights, 20 if broken == "other" else 21)


def distributions(logits: Tensor) -> Tensor:
    return logits.flatten(2).softmax(-1).view(logits.shape)


@given(seed=st.integers(0, 10_000), k=st.integers(0, 20), x=st.floats(4, 60), y=st.floats(4, 60))
@settings(max_examples=30, deadline=None)
def test_without_torch_the_same_cells_are_chosen(seed: int, k: int, x: float, y: float) -> None:
    assert SHAPE is not None
    maps = distributions(logits_of(drawn(1, seed)[0], {k: (x, y, 1.5)}))
    found = SHAPE.without_torch().cells(maps[0].numpy().astype(np.float64))
    wanted = SHAPE.cells(maps)[0].numpy()
    apart = np.abs(np.subtract(np.divmod(found, SIZE), np.divmod(wanted, SIZE))).max()
    assert apart <= 1  # where two cells are as likely, the last digit decides


def test_a_fist_is_read_map_by_map() -> None:
    assert SHAPE is not None
    fist = HAND.copy()
    for base in range(5, 21, 4):
        fist[base + 1 : base + 4] = fist[base] + (fist[0] - fist[base]) * [[0.1], [0.3], [0.4]]
    maps = distributions(logits_of(fist, {TIP: (50.0, 12.0, 1.5)}))[0].numpy().astype(np.float64)
    assert SHAPE.without_torch().cells(maps).tolist() == maps.reshape(21, -1).argmax(1).tolist()


def test_a_shape_is_the_same_once_it_was_stored(tmp_path: Path) -> None:
    assert SHAPE is not None
    shape = SHAPE.without_torch()
    (tmp_path / "shape.npz").write_bytes(shape.content())
    again = OpenHand.read(tmp_path / "shape.npz")
    assert again.content() == shape.content()
    np.testing.assert_array_equal(again.pull, shape.pull)

"""Which hands are sifted out: each limit by itself, by hand-worked values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.basics.errors import InputError
from curate.basics.settings import settings_of
from curate.hands.sifting import (
    Judged,
    Limits,
    Reason,
    Verdict,
    explain_limits,
    judge,
    read_limits,
    reasons_in,
    tightened,
)


@pytest.fixture
def hand(flat_hand: np.ndarray) -> Judged:
    """A right hand from the back, all points sure, 125 pixels wide and 120 high."""
    return Judged(flat_hand.astype(float), np.full(21, 0.9), (200, 200), "right", "dorsal")


def without(hand: Judged, *points: int) -> Judged:
    places = hand.points.copy()
    places[list(points)] = np.nan
    return replace(hand, points=places)


def moved(hand: Judged, point: int, to: tuple[float, float]) -> Judged:
    places = hand.points.copy()
    places[point] = to
    return replace(hand, points=places)


def scored(hand: Judged, point: int, score: float) -> Judged:
    scores = hand.scores.copy()
    scores[point] = score
    return replace(hand, scores=scores)


def apart(point: int, pixels: float) -> np.ndarray:
    told = np.full(21, np.nan)
    told[1:] = 0.1
    told[point] = pixels
    return told


def told(verdict: Verdict) -> list[tuple[str, tuple[str, ...]]]:
    return [(reason.limit, reason.points) for reason in verdict.reasons]


def test_a_hand_without_fault_is_kept(hand: Judged) -> None:
    """Its strain is that of its scores: a tenth short of 1 where three tenths may be."""
    verdict = judge(hand, Limits())
    assert verdict.reasons == ()
    assert verdict.certain
    assert verdict.hardness == pytest.approx(0.1 / 0.3)


def test_a_wrist_that_is_not_found_is_no_fault(hand: Judged) -> None:
    assert judge(without(hand, 0), Limits()).reasons == ()


def test_each_limit_by_itself(hand: Judged) -> None:
    """Beyond it the hand goes, with the reason and the points; at it, it stays."""
    assert hand.longer == 125
    cases = [
        (without(hand, 8), Limits(missing=1), Limits(), "missing", ("index_tip",)),
        (scored(hand, 4, 0.3), Limits(), Limits(point_score=0.31), "point_score", ("thumb_tip",)),
        (hand, Limits(hand_score=0.89), Limits(hand_score=0.91), "hand_score", ()),
        (
            replace(hand, looks_apart=apart(12, 6.25)),
            Limits(looks_apart=0.05),
            Limits(looks_apart=0.049),
            "looks_apart",
            ("middle_tip",),
        ),
        (
            replace(hand, taggers_apart=apart(12, 6.25)),
            Limits(taggers_apart=0.05),
            Limits(taggers_apart=0.049),
            "taggers_apart",
            ("middle_tip",),
        ),
        (replace(hand, side="left"), Limits(turn=1), Limits(), "turn", ()),
        (replace(hand, aspect="palmar"), Limits(turn=1), Limits(), "turn", ()),
        (hand, Limits(smallest=125), Limits(smallest=126), "smallest", ()),
        (replace(hand, frame=(152.5, 200)), Limits(), Limits(cut_off=0), "", ()),
        (replace(hand, frame=(152.0, 200)), Limits(cut_off=1), Limits(), "cut_off", ("little_tip",)),
        (moved(hand, 8, (79.0, 103.0)), Limits(joint=0), Limits(), "joint", ("index_dip",)),
    ]
    for judged, loose, strict, limit, points in cases:
        assert judge(judged, loose).reasons == (), limit
        assert told(judge(judged, strict)) == ([(limit, points)] if limit else [])


def test_a_share_of_one_switches_its_check_off(hand: Judged) -> None:
    """Points that lie farther apart than the hand is long are kept then, and by limits so much looser."""
    far = replace(hand, looks_apart=apart(12, 150), taggers_apart=apart(4, 400))
    assert judge(far, Limits(looks_apart=1, taggers_apart=1)).reasons == ()
    hardness = judge(far, Limits()).hardness
    assert judge(far, tightened(Limits(), hardness)).reasons == ()


def test_swapped_fingers_and_fingers_read_from_the_tip(hand: Judged) -> None:
    swapped = hand.points.copy()
    swapped[9:13], swapped[13:17] = hand.points[13:17], hand.points[9:13]
    assert "fan" in dict(told(judge(replace(hand, points=swapped), Limits())))
    backward = hand.points.copy()
    for base in (5, 9):
        backward[base : base + 4] = hand.points[base : base + 4][::-1]
    assert ("backward", ()) in told(judge(replace(hand, points=backward), Limits(fan=180)))


def test_a_hand_with_no_point_at_all_misses_them_and_nothing_else(hand: Judged) -> None:
    verdict = judge(without(hand, *range(21)), Limits())
    assert [reason.limit for reason in verdict.reasons] == ["missing"]
    assert not verdict.certain


def test_what_is_not_known_of_the_side_is_not_held_against_it(hand: Judged) -> None:
    for side, aspect in ((None, "dorsal"), ("left", None), (None, None)):
        assert judge(replace(hand, side=side, aspect=aspect), Limits()).reasons == ()


def test_every_reason_counts(hand: Judged) -> None:
    worst = replace(scored(without(hand, 20), 4, 0.01), side="left")
    assert [limit for limit, _ in told(judge(worst, Limits()))] == ["missing", "point_score", "turn"]


@given(score=st.floats(0, 1), share=st.floats(0, 0.5), strictness=st.floats(0.05, 0.95))
def test_hardness_says_which_limits_it_would_still_keep_to(
    score: float, share: float, strictness: float
) -> None:
    points = np.stack([np.linspace(20, 120, 21), np.linspace(20, 80, 21) ** 1.1], axis=1)
    hand = Judged(points, np.full(21, score), (200, 200), looks_apart=apart(3, 100 * share))
    limits = Limits(point_score=0, hand_score=strictness, looks_apart=1 - strictness, fan=180, joint=0)
    verdict = judge(hand, limits)
    assert verdict.certain
    assert (verdict.hardness <= 1) == (not verdict.reasons)


def test_limits_are_read_as_they_are_explained(tmp_path: Path) -> None:
    text = explain_limits(Limits())
    (tmp_path / "limits.yaml").write_text(text)
    assert read_limits(tmp_path / "limits.yaml") == Limits()
    assert all(f"\n{name}: " in text for name in settings_of(Limits))
    (tmp_path / "limits.yaml").write_text("hand_score: 0.8\n")
    assert read_limits(tmp_path / "limits.yaml") == Limits(hand_score=0.8)
    assert read_limits(None) == Limits()


@pytest.mark.parametrize(
    "text", ["hand_scor: 0.8", "hand_score: 2", "hand_score: high", "- 1", "missing: 0.5"]
)
def test_what_are_no_limits_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "limits.yaml").write_text(text)
    with pytest.raises(InputError, match=r"limits\.yaml"):
        read_limits(tmp_path / "limits.yaml")


def test_reasons_are_told_in_lines_and_what_is_none_is_left_out() -> None:
    told = Reason("looks_apart", 0.21, 0.05, ("ring_tip",)).as_json()
    attrs = {"sifted": [told, {"limit": "fan", "found": 7.0, "allowed": 6.0}, "no reason", {}]}
    assert reasons_in(attrs) == [
        "sifted out for looks_apart: 0.21, allowed 0.05 (ring_tip)",
        "sifted out for fan: 7.0, allowed 6.0",
    ]
    assert reasons_in({"sifted": 3}) == reasons_in({}) == []


def test_a_hand_as_hard_as_limits_are_tightened_to_is_at_the_limit() -> None:
    """Half as hard as allowed: a least score of 0.3 becomes 0.65, a most of 0.05 becomes 0.025."""
    limits = tightened(Limits(), 0.5)
    assert (limits.point_score, limits.hand_score) == (0.65, 0.85)
    assert (limits.looks_apart, limits.taggers_apart) == (0.025, 0.05)
    assert limits.fan == Limits().fan
    assert tightened(Limits(), 100).point_score == 0
    assert tightened(Limits(), 100).looks_apart == 1

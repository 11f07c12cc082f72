"""Skin is coloured by melanin and blood."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.look import tone
from render.look.tone import Tone

SHARES = st.floats(0.01, 0.4)


@given(SHARES, st.floats(0.004, 0.03))
def test_more_melanin_is_darker_in_every_channel(melanin: float, blood: float) -> None:
    assert (tone.colour(Tone(melanin * 1.1, blood)) < tone.colour(Tone(melanin, blood)) + 1e-9).all()


def test_blood_takes_green_and_leaves_red() -> None:
    pale, flushed = tone.colour(Tone(0.03, 0.005)), tone.colour(Tone(0.03, 0.02))
    red, green, _ = flushed / pale
    assert green < 0.8 < red


def test_a_white_thing_is_white() -> None:
    assert tone.linear_rgb(np.ones(31)) == pytest.approx([1, 1, 1], abs=0.04)


def test_haemoglobin_shows_its_two_bands() -> None:
    # Oxygenated blood absorbs at 540 and 580 nm more than at 560 (Prahl).
    at = dict(zip(tone.WAVELENGTHS, tone.reflectance(Tone(0.02, 0.02)), strict=True))
    assert at[540] < at[560] > at[570]
    assert at[650] > 2 * at[540]


def test_typology_angles() -> None:
    # Grey of L* 50 + x has b* 0: a right angle. Y of L* 50 is ((50 + 16) / 116)^3 = 0.184.
    assert tone.ita(np.array([0.2, 0.2, 0.2])) == pytest.approx(90, abs=1)
    assert tone.ita(np.array([0.16, 0.16, 0.16])) == pytest.approx(-90, abs=1)
    fair, dark = tone.colour(Tone(0.012, 0.01)), tone.colour(Tone(0.35, 0.01))
    assert tone.ita(fair) > 45
    assert tone.ita(dark) < -30


@pytest.mark.parametrize(
    ("angle", "name"),
    [(50, "light"), (41, "intermediate"), (20, "tan"), (0, "brown"), (-30, "dark"), (-60, "dark")],
)
def test_bins(angle: float, name: str) -> None:
    assert tone.ita_bin(angle) == name


def test_local_changes_agree_with_the_whole_colour() -> None:
    melanin, blood = tone.log_change(Tone(0.08, 0.012))
    there = tone.colour(Tone(0.08, 0.012)) * np.exp(0.2 * melanin + 0.2 * blood)
    assert there == pytest.approx(tone.colour(Tone(0.096, 0.0144)), rel=0.03)


def test_people_are_drawn_from_fair_to_dark() -> None:
    rng = np.random.default_rng(0)
    people = [tone.sample_tone(rng, (0.012, 0.32), (0.007, 0.024)) for _ in range(500)]
    found = {tone.ita_bin(tone.ita(tone.colour(p))) for p in people}
    assert found == {name for name, _ in tone.ITA_BINS}

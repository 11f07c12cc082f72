"""The bones and the build of a hand: published lengths, and how people differ. numpy only.

Lengths: Buryanov and Kotiuk, "Proportions of hand segments", Int. J. Morphol. 28(3), 2010 (means of 66
X-rayed hands, millimetres). Breadths and thicknesses follow Greiner, "Hand anthropometry of U.S. Army
personnel", 1991. Spreads between people are about 5 % of each length in both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Rows thumb .. little: metacarpal, proximal, middle, distal phalanx, soft tissue beyond the last bone. A
# thumb has no middle phalanx.
SEGMENTS = np.array(
    [
        [46.22, 31.57, 0.0, 21.67, 5.67],
        [68.12, 39.78, 22.38, 15.82, 3.84],
        [64.60, 44.63, 26.33, 17.40, 3.95],
        [58.00, 41.37, 25.65, 17.30, 3.95],
        [53.69, 32.74, 18.11, 15.96, 3.73],
    ]
)
# In photographs fingers are a little longer against the palm than in the X-rays; the index finger least.
SEEN = np.array([1.035, 1.01, 1.035, 1.04, 1.045])
# Where the metacarpals start: the row of wrist bones, seen from the wrist's centre (mm, hand frame).
_CARPUS = np.array(
    [[-24.0, 20.5, -9.0], [-16.0, 28.0, 0.0], [-2.0, 30.0, 1.0], [8.0, 29.2, 0.0], [19.0, 27.4, -3.0]]
)
# Direction of each metacarpal: degrees from +y towards the thumb, and out of the back.
_SPLAY = np.array([[43.0, -14.0], [11.2, -1.0], [2.5, -0.5], [-6.5, -1.5], [-14.0, -4.5]])
# Fingers at rest in the model's own pose: apart, so that the skin between them is modelled.
_REST_SPREAD = np.array([33.0, 9.5, 0.5, -8.5, -20.0])
# Half the breadth of a finger (mm) at its base, the middle of its first bone, its PIP (thumb: MCP), the
# middle of its second bone, its DIP (IP), the middle of its last bone, and its tip.
RADII = np.array(
    [
        [14.0, 12.6, 11.4, 10.4, 10.8, 11.2, 9.4],
        [9.4, 10.0, 10.1, 9.2, 8.9, 8.7, 7.5],
        [9.4, 10.1, 10.3, 9.4, 9.1, 8.9, 7.7],
        [9.0, 9.5, 9.6, 8.8, 8.5, 8.4, 7.3],
        [8.0, 8.3, 8.3, 7.7, 7.5, 7.3, 6.4],
    ]
)
# A keypoint a row: mm of the mean hand (187 mm) along its finger, away from the thumb's side and out of the
# back, from the centre of rotation to where MediaPipe Hands 0.10.21 puts its point on renders of this model.
LABELS = np.array([
    [20.7, -1.5, 0],  # wrist
    [11.7, -2.5, 0],  # thumb
    [-2.2, -0.3, 0],
    [-4.6, 0.6, 0],
    [-9.0, -1.0, 0],
    [-2.3, 1.1, 0],  # index
    [-4.1, 0.3, 0],
    [-4.3, 0.1, 0],
    [-5.8, 0.4, 0],
    [-0.7, -0.8, 0],  # middle
    [-5.0, -0.6, 0],
    [-6.1, -0.4, 0],
    [-7.9, -0.1, 0],
    [3.1, -0.9, 0],  # ring
    [-1.6, -0.9, 0],
    [-4.1, -0.9, 0],
    [-7.1, -0.7, 0],
    [2.7, 1.2, 0],  # little
    [-0.9, 2.0, 0],
    [-1.1, 1.7, 0],
    [-5.1, 0.7, 0],
])  # fmt: skip
# What is added where the palm is seen: there labels follow creases and the ball of the thumb, not the
# knuckles. From labels of photographs that show the backs and the palms of the same people.
PALM_LABELS = np.zeros((21, 3))
PALM_LABELS[[0, 1, 2, 3, 5, 9, 13, 17], 0] = [-3.0, -8.5, -5.0, -2.5, 5.0, 5.0, 5.0, 5.0]

# By how much each metacarpal is longer where the row of knuckles is oblique: factors of how oblique it is.
OBLIQUE = np.array([0.0, -1.5, -0.5, 0.5, 1.5])

Five = tuple[float, float, float, float, float]  # thumb .. little


@dataclass(frozen=True, slots=True)
class Build:
    """How one person's hand differs from the mean.

    Attributes
    ----------
    size: of the whole hand. breadth: of palm and wrist. thickness: of the fingers. lengths: of each finger.
        metacarpals: of each finger's bone in the palm. All are factors around 1.
    thumb_base: how much further from the wrist the thumb starts, mm.
    knuckles: how far joints stand out of fingers, 0 smooth .. 1 bony.
    lean: 0 plump .. 1 tendons and veins show.
    age: 0 young .. 1 old: depth and number of folds. nails: length of the free nail, mm.
    seed: of all that has no number here, such as where folds and veins run.
    """

    size: float = 1.0
    breadth: float = 1.0
    thickness: float = 1.0
    lengths: Five = (1.0, 1.0, 1.0, 1.0, 1.0)
    metacarpals: Five = (1.0, 1.0, 1.0, 1.0, 1.0)
    thumb_base: float = 0.0
    knuckles: float = 0.5
    lean: float = 0.5
    age: float = 0.3
    nails: float = 1.0
    seed: int = 0


def sample_build(rng: np.random.Generator) -> Build:
    """A person drawn at random: women's hands are 0.92 of men's in length, 0.88 in breadth (Greiner 1991)."""
    slight = rng.random()
    size = 1.02 - 0.09 * slight + 0.035 * rng.standard_normal()
    lengths = SEEN + 0.035 * rng.standard_normal() + 0.025 * np.clip(rng.standard_normal(5), -2, 2)
    # How oblique the row of knuckles is differs between people by 3 degrees; it is hardly ever jagged.
    oblique = 0.015 * rng.standard_normal() * OBLIQUE
    metacarpals = 1 + oblique + np.array([0.03, 0.005, 0.005, 0.005, 0.005]) * rng.standard_normal(5)
    return Build(
        size=float(np.clip(size, 0.84, 1.14)),
        breadth=float(np.clip(1.01 - 0.09 * slight + 0.035 * rng.standard_normal(), 0.85, 1.12)),
        thickness=float(np.clip(1.07 - 0.13 * slight + 0.05 * rng.standard_normal(), 0.82, 1.25)),
        lengths=five(lengths),
        metacarpals=five(metacarpals),
        thumb_base=float(np.clip(rng.normal(2.5, 2.5), -4, 8)),
        knuckles=float(rng.random()),
        lean=float(rng.random()),
        age=float(rng.beta(1.5, 2.5)),
        nails=float(rng.choice([0.5, 1.5, 4.0], p=[0.5, 0.35, 0.15]) * rng.uniform(0.6, 1.4)),
        seed=int(rng.integers(2**31)),
    )


def five(values: Floats) -> Five:
    a, b, c, d, e = values.tolist()
    return (a, b, c, d, e)


def joints(build: Build) -> Floats:
    """Rotation centres (21, 3) of the flat hand, fingers apart; metres, hand frame. Tips end the flesh."""
    points = np.zeros((21, 3))
    for finger, segments in enumerate(SEGMENTS):
        splay, lift = np.radians(_SPLAY[finger])
        place = _CARPUS[finger] * [build.breadth, 1, 1]
        place[1] += build.thumb_base if finger == 0 else 0.0
        length = segments * np.array([build.metacarpals[finger], *[build.lengths[finger]] * 4])
        along = _along(splay * build.breadth, lift)
        spread = np.radians(_REST_SPREAD[finger])
        if finger == 0:
            chain = [place, place + length[0] * along]
            chain.append(chain[-1] + length[1] * _along(spread, np.radians(-10)))
            chain.append(
                chain[-1] + (length[3] + length[4]) * _along(spread - np.radians(4), np.radians(-10))
            )
        else:
            chain = [place + length[0] * along]
            outward = _along(spread, np.radians(-1.5))
            for step in (length[1], length[2], length[3] + length[4]):
                chain.append(chain[-1] + step * outward)
        points[1 + 4 * finger : 5 + 4 * finger] = chain
    return points * build.size / 1000


def radii(build: Build) -> Floats:
    """Half the breadth (5, 7) of the fingers at the stations of RADII, metres."""
    knob = np.array([0, -0.5, 1, -0.5, 0.8, 0, 0]) * 0.05 * (build.knuckles - 0.4)
    values: Floats = RADII * (1 + knob) * build.thickness * build.size / 1000
    return values


def stations(joints_: Floats) -> Floats:
    """Where along each finger (5, 7) the stations of RADII lie, metres from its first joint."""
    chains = joints_[1:].reshape(5, 4, 3)
    ends = np.concatenate(
        [np.zeros((5, 1)), np.cumsum(np.linalg.norm(np.diff(chains, axis=1), axis=2), 1)], 1
    )
    first, second, tip = ends[:, 1], ends[:, 2], ends[:, 3]
    columns = [0 * first, first / 2, first, (first + second) / 2, second, 0.55 * second + 0.45 * tip, tip]
    return np.stack(columns, axis=1)


def _along(turn: float, lift: float) -> Floats:
    return np.array([-np.sin(turn) * np.cos(lift), np.cos(turn) * np.cos(lift), np.sin(lift)])

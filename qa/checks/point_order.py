"""Checks of points under the wrong name: of the other hand, of a swapped finger, from tip to palm."""

from __future__ import annotations

import numpy as np

from curate.basics import keypoints as kp
from curate.basics.wording import counted, verb
from curate.hands.shape import backward_fingers, fan_angles, joint_angles, palm_turn
from qa.checks.check import Check, Hit, Limits, Outcome, graded_outcome, sample_outcome
from qa.measures.arrays import Flags, Floats, Names, Rows, blocks
from qa.measures.likelier import confirmed, likelier, other_face
from qa.view import View

_BENT = np.array([base + joint for base in kp.BASES[1:] for joint in (1, 2)])  # PIPs and DIPs
_THUMB, _LITTLE = range(1, 5), range(17, 21)
_FINGERS = 3  # of a hand, without which their order is not judged


def handedness(view: View, limits: Limits) -> Outcome:
    """Side and aspect against the turn from the index to the little MCP, see `palm_turn`.

    Judged where the sine of that turn is more than `turn`: a palm seen edge-on says nothing. The direction of
    the fingers is not used, since it turns round in a fist. Seen from the knuckles, along the palm, the turn
    can be reversed, too: a model of the hand must agree (`other_face`).
    """
    turn = palm_turn(view.points)
    sides = np.select([view.side == "right", view.side == "left"], [1, -1], 0)
    aspects = np.select([view.aspect == "dorsal", view.aspect == "palmar"], [1, -1], 0)
    told = sides * aspects
    judged = (told != 0) & (np.abs(turn) > limits["turn"])
    wrong = confirmed(
        judged & (np.sign(turn) != told),
        lambda rows: other_face(view.hands(rows), view.side[rows], view.aspect[rows], limits["facing"]),
    )

    def words(i: int) -> dict[str, object]:
        other = "left" if view.side[i] == "right" else "right"
        return {"found": other, "side": view.side[i], "aspect": view.aspect[i]}

    return sample_outcome(judged, wrong, np.abs(turn), limits["turn"], words)


def finger_order(view: View, limits: Limits) -> Outcome:
    """Fingers numbered from the tip to the palm, as RHD stores them.

    The score is the share of a hand's fingers that seem to be. In a fist some do: where it is not all five, a
    model of the hand must fit better once they are reversed.
    """
    backward, measured, wrong = _backward(view.points, view.side, limits["share"])
    share = np.divide(backward, measured, out=np.zeros(len(view)), where=measured > 0)

    def words(i: int) -> dict[str, object]:
        are = verb(int(backward[i]), "is", "are")
        return {"backward": int(backward[i]), "fingers": counted(int(measured[i]), "finger"), "are": are}

    return sample_outcome(measured >= _FINGERS, wrong, share, limits["share"], words)


def _backward(points: Floats, sides: Names, share: float) -> tuple[Rows, Rows, Flags]:
    """How many fingers seem to run backward, how many could be judged, and which hands are wrong, (n,)."""
    backward, measured = backward_fingers(points)
    suspected = (measured >= _FINGERS) & (backward >= share * measured)
    certain = suspected & (backward == len(kp.TIPS))

    def judge(rows: Rows) -> Flags:
        return likelier(points[rows], points[rows][:, list(kp.TIP_TO_PALM)], sides[rows])

    return backward, measured, certain | confirmed(suspected & ~certain, judge)


def finger_order_set(view: View, limits: Limits) -> Outcome:
    """Share of the hands whose fingers run from tip to palm: many of them mean a wrong order map."""
    count = bad = 0
    for rows in blocks(len(view)):
        _, measured, wrong = _backward(view.hands(rows), view.side[rows], limits["fingers"])
        count += int((measured >= _FINGERS).sum())
        bad += int(wrong.sum())
    if not count or bad <= limits["share"] * count:
        return Outcome(count)
    share = bad / count
    return Outcome(count, [Hit(share, limits["share"], words={"bad": bad, "hands": counted(count, "hand")})])


def mcp_fan(view: View, limits: Limits) -> Outcome:
    """The rays from the palm's near end to the four MCPs turn one way; swapped fingers break that.

    The score is the angle, in degrees, by which two neighbours stand the wrong way round. Seen from the
    knuckles they can: a model of the hand must fit better once the two fingers are swapped, or the thumb and
    the little finger.
    """
    points = view.points
    turn, angles = palm_turn(points), fan_angles(points)
    back = -angles.min(axis=1)
    judged = np.isfinite(back) & (np.abs(turn) > limits["turn"])

    def swapped_fits(rows: Rows) -> Flags:
        neighbours, ends = points[rows], points[rows]
        for hand, finger in zip(neighbours, angles[rows].argmin(axis=1), strict=True):
            first = kp.BASES[1 + finger]
            hand[first : first + 8] = np.roll(hand[first : first + 8], 4, axis=0)
        ends[:, [*_THUMB, *_LITTLE]] = ends[:, [*_LITTLE, *_THUMB]]
        fits = likelier(points[rows], neighbours, view.side[rows])
        return fits | likelier(points[rows], ends, view.side[rows])

    def words(i: int) -> dict[str, object]:
        first = int(angles[i].argmin())
        return {"one": kp.FINGERS[first + 1], "other": kp.FINGERS[first + 2]}

    wrong = confirmed(judged & (back > limits["warning"]), swapped_fits)
    return graded_outcome(judged, back, limits, words, confirmed=wrong)


def fold_back(view: View, limits: Limits) -> Outcome:
    """Smallest angle inside a PIP or DIP joint (fingers 2 to 5), degrees: swapped joints fold back.

    So do bent fingers that are seen from their tips: a model of the hand must fit better by `gain` once the
    joint is swapped with the one before it, or with the one behind.
    """
    points = view.points
    inside = joint_angles(points)
    flat = np.where(np.isfinite(inside), inside, np.inf)
    least = flat.min(axis=1)
    judged = np.isfinite(least)
    joint = _BENT[flat.argmin(axis=1)]

    def swapped_fits(rows: Rows) -> Flags:
        each, fits = np.arange(len(rows)), np.zeros(len(rows), bool)
        for neighbour in (joint[rows] - 1, joint[rows] + 1):
            swapped = points[rows]
            swapped[each, neighbour] = points[rows, joint[rows]]
            swapped[each, joint[rows]] = points[rows, neighbour]
            fits |= likelier(points[rows], swapped, view.side[rows], limits["gain"])
        return fits

    limit = limits["degrees"]
    wrong = confirmed(judged & (least < limit), swapped_fits)
    return sample_outcome(judged, wrong, least, limit, lambda i: {"joint": kp.NAMES[joint[i]]}, rank=-least)


CHECKS: tuple[Check, ...] = (
    Check(
        "handedness",
        "Side and aspect agree with the points",
        "error",
        "sample",
        handedness,
        "Labelled a {side} hand seen from its {aspect} side, but its points are arranged like a {found} "
        "hand's.",
        "Look at the picture: the side or aspect is wrong, the image was mirrored but its side was not "
        "swapped, or the thumb was taken for the little finger.",
        {"turn": 0.1, "facing": 0.1},
        alone=True,
    ),
    Check(
        "finger-order",
        "Fingers are numbered from palm to tip",
        "error",
        "sample",
        finger_order,
        "{backward} of {fingers} {are} numbered from tip to palm.",
        "Reverse the four points of each finger in the source or in its order map.",
        {"share": 0.4},
        alone=True,
    ),
    Check(
        "finger-order-set",
        "The source's keypoint order is mapped correctly",
        "error",
        "dataset",
        finger_order_set,
        "In {bad} of {hands} the fingers are numbered from tip to palm: the order map is wrong.",
        "Correct the keypoint order of the source's converter or mapping, and convert again.",
        {"share": 0.05, "fingers": 0.4},
    ),
    Check(
        "mcp-fan",
        "Fingers lie side by side in their order",
        "warning",
        "sample",
        mcp_fan,
        "The MCPs of the {one} and {other} fingers are in the wrong order, by {score:.0f}°.",
        "Check whether two fingers were swapped.",
        {"warning": 2.0, "error": 6.0, "turn": 0.1},
        alone=True,
    ),
    Check(
        "fold-back",
        "No finger folds back on itself",
        "warning",
        "sample",
        fold_back,
        "The angle inside {joint} is only {score:.0f}°.",
        "Check whether neighbouring joints were swapped.",
        {"degrees": 35.0, "gain": 20.0},
        alone=True,
    ),
)

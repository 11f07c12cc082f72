"""Checks of points under the wrong name: of the other hand, of a swapped finger, from tip to palm."""

from __future__ import annotations

import numpy as np

from curate.basics import keypoints as kp
from curate.basics.wording import counted, verb
from curate.hands.shape import backward_fingers, fan_angles, joint_angles, palm_turn
from qa.checks.check import Check, Hit, Limits, Outcome, graded_outcome, sample_outcome
from qa.measures.arrays import blocks
from qa.view import View


def handedness(view: View, limits: Limits) -> Outcome:
    """Side and aspect against the turn from the index to the little MCP, see `palm_turn`.

    Judged where the sine of that turn is more than `turn`: a palm seen edge-on says nothing. The direction of
    the fingers is not used, since it turns round in a fist.
    """
    turn = palm_turn(view.points)
    sides = np.select([view.side == "right", view.side == "left"], [1, -1], 0)
    aspects = np.select([view.aspect == "dorsal", view.aspect == "palmar"], [1, -1], 0)
    told = sides * aspects
    judged = (told != 0) & (np.abs(turn) > limits["turn"])
    wrong = judged & (np.sign(turn) != told)

    def words(i: int) -> dict[str, object]:
        other = "left" if view.side[i] == "right" else "right"
        return {"found": other, "side": view.side[i], "aspect": view.aspect[i]}

    return sample_outcome(judged, wrong, np.abs(turn), limits["turn"], words)


def finger_order(view: View, limits: Limits) -> Outcome:
    """Fingers numbered from the tip to the palm, as RHD stores them."""
    backward, measured = backward_fingers(view.points)
    judged = measured >= 3
    share = np.divide(backward, measured, out=np.zeros(len(view)), where=measured > 0)

    def words(i: int) -> dict[str, object]:
        are = verb(int(backward[i]), "is", "are")
        return {"backward": int(backward[i]), "fingers": counted(int(measured[i]), "finger"), "are": are}

    return sample_outcome(judged, judged & (share >= limits["share"]), share, limits["share"], words)


def finger_order_set(view: View, limits: Limits) -> Outcome:
    """Share of the hands whose fingers run from tip to palm: many of them mean a wrong order map."""
    count = bad = 0
    for rows in blocks(len(view)):
        backward, measured = backward_fingers(view.hands(rows))
        judged = measured >= 3
        count += int(judged.sum())
        bad += int((backward[judged] >= limits["fingers"] * measured[judged]).sum())
    if not count or bad <= limits["share"] * count:
        return Outcome(count)
    share = bad / count
    return Outcome(count, [Hit(share, limits["share"], words={"bad": bad, "hands": counted(count, "hand")})])


def mcp_fan(view: View, limits: Limits) -> Outcome:
    """The rays from the palm's near end to the four MCPs turn one way; swapped fingers break that.

    The score is the angle, in degrees, by which two neighbours stand the wrong way round.
    """
    points = view.points
    turn, angles = palm_turn(points), fan_angles(points)
    back = -angles.min(axis=1)
    judged = np.isfinite(back) & (np.abs(turn) > limits["turn"])

    def words(i: int) -> dict[str, object]:
        first = int(angles[i].argmin())
        return {"one": kp.FINGERS[first + 1], "other": kp.FINGERS[first + 2]}

    return graded_outcome(judged, back, limits, words)


def fold_back(view: View, limits: Limits) -> Outcome:
    """Smallest angle inside a PIP or DIP joint (fingers 2 to 5), degrees: swapped joints fold back."""
    inside = joint_angles(view.points)
    flat = np.where(np.isfinite(inside), inside, np.inf)
    least = flat.min(axis=1)
    judged = np.isfinite(least)

    def words(i: int) -> dict[str, object]:
        place = int(flat[i].argmin())
        return {"joint": kp.NAMES[5 + 4 * (place // 2) + 1 + place % 2]}

    limit = limits["degrees"]
    return sample_outcome(judged, judged & (least < limit), least, limit, words, rank=-least)


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
        {"turn": 0.1},
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
        {"share": 0.6},
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
        {"share": 0.05, "fingers": 0.6},
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
        "Check whether neighbouring joints were swapped; bent fingers seen from their tips may look so.",
        {"degrees": 35.0},
        alone=True,
    ),
)

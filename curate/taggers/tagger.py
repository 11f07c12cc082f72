"""The contract of a tagger: it takes photographs, and returns the keypoints of the hand in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.wording import counted, percent, verb
from curate.data.sample import Sample
from curate.data.stage import relative_to_out
from curate.hands.finding import FOUND_BY, NONE, Find, with_found_by
from curate.hands.photograph import Photograph
from curate.hands.relabelled import forgotten
from curate.scoring.precision import PRECISION, Threshold

UNMEASURED = 0.7  # the threshold of a tagger that tells none
LOOKED_AT = "looked_at"  # in a sample's attrs: the part of the photograph that its points were looked for in


@dataclass(frozen=True, slots=True)
class Tagged:
    """The hand in one photograph.

    Attributes
    ----------
    keypoints: (21, 2), pixels of the photograph; NaN where none was found. scores: (21,), 0 to 1.
    found_by: how the hand was found: a name of `curate.hands.finding`, or the tagger's name if it finds
        hands by itself.
    looked_at: (4,) x, y, w, h, pixels: the part of the photograph that was searched for keypoints.
    apart: (21,) pixels by which several looks differ on each keypoint, the root mean square of their
        distances from `keypoints`; NaN where fewer than two found it. None: there was one look.
    side: "left" or "right" if the tagger reports it; else None.
    taken_for_right: its side is not known, and the tagger knows only right hands.
    """

    keypoints: NDArray[np.floating]
    scores: NDArray[np.floating]
    found_by: str
    looked_at: NDArray[Any]
    apart: NDArray[np.floating] | None = None
    side: str | None = None
    taken_for_right: bool = False

    @property
    def found(self) -> NDArray[np.bool_]:
        """(21,) which keypoints were found."""
        return np.asarray(np.isfinite(self.keypoints).all(axis=1))

    @property
    def score(self) -> float:
        """Mean score of the keypoints that were found; 0 where none was."""
        return float(self.scores[self.found].mean()) if self.found.any() else 0.0


def nothing(found_by: str, looked_at: NDArray[Any]) -> Tagged:
    """A result without a keypoint."""
    return Tagged(np.full((kp.COUNT, 2), np.nan), np.zeros(kp.COUNT), found_by, looked_at)


class Tagger(Protocol):
    """Finds keypoints.

    Attributes
    ----------
    label_source: recorded as the source of its labels, "auto:NAME".
    threshold: the score from which its hands can be trusted; None: there were no labels to choose it on, or
        they gave none.
    """

    @property
    def label_source(self) -> str: ...

    @property
    def threshold(self) -> Threshold | None: ...

    def tag(self, photographs: Sequence[Photograph]) -> list[Tagged | InputError]:
        """For each photograph its hand, or the error why it cannot be used; the others still get theirs.

        The same photographs give the same result, whatever was asked before, in any process.
        """


def ask(tagger: Tagger, photographs: Sequence[Photograph]) -> list[Tagged | InputError]:
    """A tagger's answers for photographs. Raises InputError if they break its contract."""
    name = f"tagger {type(tagger).__module__}:{type(tagger).__qualname__}"
    answers = tagger.tag(photographs)
    if len(answers) != len(photographs):
        found = f"{counted(len(answers), 'answer')} for {counted(len(photographs), 'photograph')}"
        raise InputError(name, found, field="tag", allowed="one each")
    for said in answers:
        if isinstance(said, InputError):
            continue
        if not isinstance(said, Tagged):
            raise InputError(
                name, f"a {type(said).__name__}", field="tag", allowed="a Tagged, or an InputError"
            )
        for field, shape in (("keypoints", (kp.COUNT, 2)), ("scores", (kp.COUNT,))):
            if (given := np.shape(getattr(said, field))) != shape:
                raise InputError(name, f"shape {given}", field=f"tag: {field}", allowed=f"shape {shape}")
    return answers


def least_score(tagger: Tagger) -> tuple[float, str]:
    """The score from which a tagger's hands are to be trusted, and where that is from, for people."""
    known = tagger.threshold
    if known is None:
        wanted = f"no score is known from which {percent(PRECISION)} of the points are right"
        why = "as there was no split val to choose it on, or no score there was high enough"
        return UNMEASURED, f"{wanted}, {why}"
    reach = f"{known.hands} {verb(known.hands, 'reaches', 'reach')} it"
    told = f"of the {counted(known.of, 'hand')} that it was chosen on, {reach}"
    return known.score, f"from it on, {percent(known.precision)} of the points are right; {told}"


def tag_in_order(
    taggers: Sequence[Tagger], opened: Sequence[Photograph | InputError], find: Find | None = None
) -> Iterator[tuple[Photograph, list[Tagged]] | InputError]:
    """Each photograph with what the taggers found in it, or why it cannot be used.

    find: the finder that is asked where no bbox is known; where it sees no hand there is none.
    """
    views = opened if find is None else [_around_hand(one, find) for one in opened]
    usable = [view for view in views if isinstance(view, Photograph)]
    answers = zip(*(ask(tagger, usable) for tagger in taggers), strict=True)
    for photograph, view in zip(opened, views, strict=True):
        if isinstance(photograph, InputError):
            yield photograph
        elif isinstance(view, InputError):
            yield view
        elif view is None:
            yield photograph, [nothing(NONE, photograph.square)] * len(taggers)
        else:
            answer = next(answers)
            refused = [said for said in answer if isinstance(said, InputError)]
            by = "bbox" if view is photograph else view.sample.attrs[FOUND_BY]
            said = [_found_by(by, said) for said in answer if isinstance(said, Tagged)]
            yield refused[0] if refused else (photograph, said)


def _found_by(by: str, said: Tagged) -> Tagged:
    """With the name of what told the bbox."""
    return replace(said, found_by=by) if said.found_by == "bbox" else said


def is_placed(sample: Sample) -> bool:
    """Whether it is known where the hand is, so that no finder is asked: it has a bbox, or was cut out."""
    return sample.bbox is not None or sample.transform is not None


def _around_hand(opened: Photograph | InputError, find: Find) -> Photograph | InputError | None:
    """The photograph of the hand that a finder sees; None where it sees none.

    One with a bbox, or that was cut from another, stays as it is.
    """
    if isinstance(opened, InputError):
        return opened
    if is_placed(opened.sample):
        return opened
    try:
        hand = find(opened)
    except InputError as error:
        return error
    if hand is None:
        return None
    view = opened.around(hand.box)
    view.sample = with_found_by(view.sample, hand.by)
    return view


def open_photograph(root: Path, sample: Sample) -> Photograph | InputError:
    """The photograph of a sample, or why it cannot be used."""
    try:
        return Photograph(root, sample)
    except InputError as error:
        return error


def labelled(photograph: Photograph, tagged: Tagged, label_source: str, out: Path) -> Sample:
    """The photograph's sample as one of a dataset at `out`, with what was found as its labels alone."""
    found, sample = tagged.found, forgotten(photograph.sample)
    return replace(
        sample,
        image=relative_to_out(photograph.path, out),
        width=photograph.info.width,
        height=photograph.info.height,
        mask=None,
        depth=None,
        xyz=None,
        keypoints=np.where(found[:, None], tagged.keypoints, np.nan).astype(np.float32),
        visibility=np.where(found, kp.VISIBLE, kp.UNLABELLED).astype(np.uint8),
        label_source=label_source,
        score=tagged.score,
        keypoint_scores=tagged.scores.astype(np.float32),
        attrs={
            **sample.attrs,
            FOUND_BY: tagged.found_by,
            LOOKED_AT: [round(float(value), 2) for value in tagged.looked_at],
        },
    )

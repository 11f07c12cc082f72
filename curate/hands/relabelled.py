"""What a sample says of the labels that it has, which no longer holds once others take their place."""

from __future__ import annotations

from dataclasses import replace

from curate.data.sample import Sample
from curate.hands.oriented import untold
from curate.hands.sifting import CERTAIN, HARDNESS, LOOKS_APART, SIFTED, TAGGERS_APART

# In a sample's attrs: what a reviewer decided, and why there is no hand in it.
DECISION, NO_HAND = "decision", "no_hand"
_OF_LABELS = {DECISION, NO_HAND, CERTAIN, HARDNESS, LOOKS_APART, SIFTED, TAGGERS_APART}


def unjudged(sample: Sample) -> Sample:
    """The sample without what its attrs say of how right its labels are."""
    attrs = {name: value for name, value in sample.attrs.items() if name not in _OF_LABELS}
    return replace(sample, attrs=attrs)


def forgotten(sample: Sample) -> Sample:
    """The sample without that, nor the side, aspect and angles that its points or their tagger told."""
    return untold(unjudged(sample))

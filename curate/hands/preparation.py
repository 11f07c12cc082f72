"""How a photo becomes pictures of a training set: its hand is cut out, and put before other backgrounds."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from curate.basics.errors import InputError
from curate.basics.images import Pixels
from curate.data.part import Part
from curate.data.sample import generator, to_batch
from curate.data.training_set import Form
from curate.hands.compositing import Backdrops, composite
from curate.hands.cropping import SHARED_WITHOUT_MASK, Dropped, find_hand
from curate.hands.finding import FINDERS, Finder
from curate.hands.frame import Frame
from curate.hands.masks import Matte
from curate.hands.photograph import DIM, Photograph
from curate.options.build import OWN
from curate.options.crop import Cropping


class Prepared(NamedTuple):
    """The pictures that a photo becomes.

    Attributes
    ----------
    frame: the part that became the pictures. found_by: what the hand was found by; None: the photo is whole.
    pictures: an S x S image for each ground. masks: for each picture the share of each pixel that belongs to
        a hand, 255 for all of it; empty if the set keeps no masks.
    alone: the last ground without the hand; None: it is not asked for, or not of this photo.
    """

    frame: Frame
    found_by: str | None
    pictures: list[Pixels]
    masks: list[Pixels]
    alone: Pixels | None


@dataclass(frozen=True, slots=True)
class Preparation:
    """How photos become pictures.

    Attributes
    ----------
    form: of the training set. cropping: how hands are cut out; None: the photo is padded to a square.
    grounds: the backgrounds; each photo becomes a picture before each of them; None is its own.
    seed: of the choice of backgrounds. alone: share of the photos whose last ground becomes a sample without
        the hand, too.
    finders: the table, with the run that `cropping` names.
    """

    form: Form
    cropping: Cropping | None = None
    grounds: tuple[Backdrops | None, ...] = (None,)
    seed: int = 0
    alone: float = 0.0
    finders: Mapping[str, Finder] = field(default_factory=lambda: FINDERS)

    @classmethod
    def of(
        cls,
        form: Form,
        cropping: Cropping | None,
        backgrounds: Sequence[str | os.PathLike[str]],
        seed: int,
        alone: float = 0.0,
        finders: Mapping[str, Finder] = FINDERS,
    ) -> Preparation:
        """With backgrounds as `Backdrops.of` takes them, or OWN. Raises InputError as that does."""
        grounds = tuple(None if what == OWN else Backdrops.of(what) for what in backgrounds)
        return cls(form, cropping, grounds, seed, alone, finders)

    @property
    def backgrounds(self) -> list[str]:
        """For dataset.json: the same for the same grounds, wherever their images lie."""
        return [OWN if ground is None else ground.identity for ground in self.grounds]

    @property
    def replaces(self) -> bool:
        """Whether a hand is put before another ground."""
        return any(ground is not None for ground in self.grounds)

    def names(self, sample_id: str) -> list[str]:
        """The id of the sample before each ground: the first keeps that of the photo's."""
        return [f"{sample_id}~{n}" if n > 1 else sample_id for n in range(1, len(self.grounds) + 1)]

    @staticmethod
    def name_alone(sample_id: str) -> str:
        """The id of the sample that shows a photo's ground without the hand."""
        return f"{sample_id}~0"

    def check_names(self, sample_ids: Iterable[str]) -> None:
        """Raises InputError where a sample has an id that another one is going to have."""
        known = set(sample_ids)
        alone = [self.name_alone] if self.alone else []
        made = (name for i in known for name in (*self.names(i)[1:], *(call(i) for call in alone)))
        taken = next((name for name in made if name in known), None)
        if taken is not None:
            remedy = "give it another id, or build with fewer backgrounds"
            raise InputError("build", f"{taken!r}, the name of a copy", field="sample_id", remedy=remedy)

    def survey(self) -> Part:
        """What cannot be used in the folders of the grounds, as `Backdrops.survey` finds it."""
        told = Part(to_batch([]))
        for ground in self.grounds:
            if ground is not None:
                told.count(ground.survey())
        return told

    def apply(self, photograph: Photograph, shared: bool, part: Part) -> Prepared:
        """A photo cut, put before each ground, and brought to the set's size.

        Parameters
        ----------
        shared: the photo shows other samples, too.
        part: counts "padded_to_a_square", "whole_photo_of_several_hands", "enlarged", DIM, what
            `find_hand` counts, and unreadable backdrops.

        Raises
        ------
        Dropped, BadMask and InputError: there is nothing to cut, or to put before a ground.
        """
        frame, found_by = self._frame(photograph, shared, part.notes)
        colour = self.replaces or (self.cropping is not None and self.finders[self.cropping.by].pixels)
        image = photograph.read(frame.shrink, grey=self.form.channels == 1 and not colour)
        part.notes[DIM] += photograph.dim
        pixels = frame.of(self.form.in_colour(image))
        matte = _matte(photograph, frame, shared) if self.replaces else None
        hands = _hands(photograph, frame, matte, shared) if self.form.masks else None
        names = self.names(photograph.sample.sample_id)
        behind = [
            None
            if ground is None
            else self.form.in_colour(self._drawn(ground, name, photograph, frame, part))
            for name, ground in zip(names, self.grounds, strict=True)
        ]
        pictures = [
            pixels if ground is None or matte is None else composite(pixels, matte, ground)
            for ground in behind
        ]
        alone = behind[-1] if self._stands_alone(photograph.sample.sample_id) else None
        masks = [] if hands is None else [hands[ground is None] for ground in behind]
        return Prepared(frame, found_by, pictures, masks, alone)

    def _stands_alone(self, sample_id: str) -> bool:
        """Whether this photo is of those whose last ground becomes a sample, too."""
        # To seed a generator takes as long as to blur a small image: not for nothing.
        return self.alone > 0 and self.alone > generator(self.seed, self.name_alone(sample_id)).random()

    def _frame(self, photograph: Photograph, shared: bool, notes: Counter[str]) -> tuple[Frame, str | None]:
        found_by = None
        if self.cropping is None:
            part = np.floor(photograph.square)
            notes["padded_to_a_square"] += photograph.info.width != photograph.info.height
            notes["whole_photo_of_several_hands"] += shared
        else:
            found = find_hand(self.cropping, photograph, shared, notes, self.finders)
            part, found_by = found.box, found.by
        frame = Frame.around(photograph.info, part, self.form.size, enlarge=True)
        notes["enlarged"] += frame.shrink * frame.box[2] < self.form.size
        return frame, found_by

    def _drawn(
        self, ground: Backdrops, name: str, photograph: Photograph, frame: Frame, part: Part
    ) -> Pixels:
        """What comes behind a hand: the part that `curate background` would put there."""
        if ground.plain:
            return ground.of_one_colour(*frame.size)
        rng, info = generator(self.seed, name), photograph.info
        return frame.of(ground.draw(rng, info.width // frame.shrink, info.height // frame.shrink, part))


def _matte(photograph: Photograph, frame: Frame, shared: bool) -> Matte:
    if shared and photograph.sample.mask is None:
        raise Dropped(SHARED_WITHOUT_MASK)
    return photograph.matte_of_part(frame)


def _hands(
    photograph: Photograph, frame: Frame, matte: Matte | None, shared: bool
) -> tuple[Pixels, Pixels] | None:
    """The masks before another ground, where but one hand is left, and before the photo's own.

    By the sample's own mask, else as the hand was found to replace its ground.
    """
    known = photograph.hands_of_part(frame, shared)
    if known is None and matte is not None:
        known = (matte.alpha, matte.alpha)
    return known

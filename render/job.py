"""The job: everything that decides the pictures, and which of them an index stands for.

Picture `index` is the same wherever and whenever it is rendered. Its view follows from the job alone: the
cells of the angle grid come one after the other, then all again, as often as asked for. In each run of as
many pictures of a cell as there are combinations of model, side and aspect, every combination occurs once, in
an order drawn from the seed. More pictures an angle append to the list and change none of it. No bpy here.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

import numpy as np

from curate.basics import settings
from curate.basics.errors import InputError
from curate.basics.settings import Range, choice, choices, flag, share, span, text, texts, whole
from render.angles import Cell, Grid, cells
from render.look import grounds, lights

SOURCE = "render"
MAX_PICTURES = 10_000_000

# Streams of random numbers of our own. `render.plan` draws from (seed, index), `render.people.cast` from
# (seed, person, 1).
_ANGLES, _ORDER = 101, 102


def _drawn_from(kinds: Mapping[str, type[lights.Light] | type[grounds.Ground]]) -> str:
    return "; ".join([*(f"{name}: {kind.about}" for name, kind in kinds.items()), "drawn from these"])


# What follows is one class a section of job.yaml. A field is all it takes to add a key: its default, its
# limits and a line on it, which `curate render --explain` prints.


@dataclass(frozen=True, slots=True)
class Hands:
    """Whose hands."""

    people: int = whole(
        60, 1, 100_000, "people, each with a build and a skin of their own (procedural hands)"
    )


@dataclass(frozen=True, slots=True)
class Pose:
    """How fingers are held."""

    kinds: tuple[str, ...] = choices(
        ("flat", "relaxed", "gesture"),
        ("flat", "relaxed", "gesture"),
        "flat: as laid on a table, fingers together or apart; gesture: each finger by itself",
    )


@dataclass(frozen=True, slots=True)
class Skin:
    """Tone and surface of the skin."""

    melanin: Range = span((0.012, 0.32), 0.003, 0.6, "share of melanin in the epidermis, from fair to dark")
    blood: Range = span((0.007, 0.024), 0.001, 0.1, "share of blood in the dermis, from pale to flushed")
    subsurface: float = share(0.0, "of light that comes out elsewhere than it went in; takes a fifth longer")
    bump: Range = span((0.6, 1.0), 0, 3, "strength of folds, tendons and veins")


@dataclass(frozen=True, slots=True)
class Accessories:
    """What is worn; each the share of pictures that have it."""

    polish: float = share(0.12, "nail polish")
    rings: float = share(0.2, "rings")
    watch: float = share(0.08, "a watch")
    sleeve: float = share(0.35, "a sleeve")


@dataclass(frozen=True, slots=True)
class Light:
    """What lights the hand."""

    kinds: tuple[str, ...] = choices(("studio", "environment"), lights.LIGHTS, _drawn_from(lights.LIGHTS))


@dataclass(frozen=True, slots=True)
class Ground:
    """What is behind the hand."""

    kinds: tuple[str, ...] = choices(("table", "environment"), grounds.GROUNDS, _drawn_from(grounds.GROUNDS))
    folder: str = text("", "a folder of images", "where the pictures behind the hand lie")
    hover: bool = flag(True, "two in five hands are up to 12 mm above the table")


@dataclass(frozen=True, slots=True)
class Camera:
    """The camera, and what it does to the picture."""

    distance: Range = span((0.35, 0.7), 0.15, 5, "metres to the hand")
    fill: Range = span((0.55, 0.9), 0.1, 1, "share of the picture's side that fingers and palm take up")
    off_centre: float = share(0.7, "how far the hand may be from the middle, of the room that there is")
    exposure: Range = span(
        (1.0, 1.4), 0.05, 8, "brightness of a white thing under the hand's light; 1 is white"
    )
    contrast: Range = span((0.2, 0.8), 0, 1, "of the camera's tone curve")
    blur: Range = span((0.0, 0.8), 0, 10, "sigma, pixels")
    noise: Range = span((0.0, 0.02), 0, 0.5, "of the sensor at mid grey, of the full range")
    quality: Range = span((80, 95), 10, 100, "of the JPEG file")


@dataclass(frozen=True, slots=True)
class View:
    """What a picture shows: which hand, from which side; angles in degrees (`render.angles`)."""

    model: str
    side: str
    aspect: str
    tilt: float
    rotation: float
    roll: float


@dataclass(frozen=True, slots=True)
class Job:
    """A job of curate render."""

    angles: tuple[str, ...] = texts(
        ("tilt=0..45 rotation=0..360 roll=0",),
        "one text or a list of them, of AXIS=0,30,45 or 0:345:15 (start:stop:step) or 0..45 (drawn), "
        "with AXIS of tilt, rotation, roll",
        "angles in degrees; lists and ranges are crossed",
        lambda given: str(Grid.of(given)),
    )
    per_angle: int = whole(1, 1, MAX_PICTURES, "pictures of each combination of angles")
    random: int | None = whole(
        None, 1, MAX_PICTURES, "instead of the grid, this many pictures in all, each of angles drawn from it"
    )
    models: tuple[str, ...] = texts(
        ("procedural",),
        "one or a list of names and files",
        "hands to take turns",
    )
    side: str = choice("both", ("left", "right", "both"), "which hand, anatomically")
    aspect: str = choice("dorsal", ("dorsal", "palmar", "both"), "back or palm towards the camera")
    size: int = whole(256, 32, 4096, "width and height of a picture, pixels")
    samples: int = whole(8, 1, 65536, "paths traced a pixel")
    denoise: bool = flag(True, "clean the picture of the paths' noise (OpenImageDenoise)")
    seed: int = whole(0, 0, 2**32 - 1, "of everything that is drawn by chance")
    hands: Hands = field(default_factory=Hands)
    pose: Pose = field(default_factory=Pose)
    skin: Skin = field(default_factory=Skin)
    accessories: Accessories = field(default_factory=Accessories)
    light: Light = field(default_factory=Light)
    ground: Ground = field(default_factory=Ground)
    camera: Camera = field(default_factory=Camera)

    @classmethod
    def of(cls, file: str | os.PathLike[str] | None = None, **given: Any) -> Job:
        """From a job.yaml, and what is given besides; None is not given.

        Raises
        ------
        InputError: no such file, an unknown key, a value that is not allowed, more than MAX_PICTURES.
        """
        stored = settings.load(file, remedy="start from: curate render --explain") if file else {}
        job = settings.parse(cls, stored, file or "job")
        told = {name: value for name, value in given.items() if value is not None}
        job = settings.parse(cls, told, "options", base=job)
        if len(job) > MAX_PICTURES:
            raise InputError("curate render", f"{len(job):,} pictures", allowed=f"at most {MAX_PICTURES:,}")
        return job

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON values: equal for equal jobs, however they were written."""
        return asdict(self)

    def explain(self) -> str:
        """As a job.yaml that says what each key means and allows."""
        head = "# A job of curate render. Keep what you change, and give the file with --job.\n"
        return f"{head}{settings.explain(self)}\n"

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The combinations of angles; of --random, what is drawn from."""
        return _cells(self.angles, self.random is not None)

    @property
    def hands_in_turn(self) -> tuple[tuple[str, str, str], ...]:
        """Every combination of model, side and aspect."""
        sides = ("left", "right") if self.side == "both" else (self.side,)
        aspects = ("dorsal", "palmar") if self.aspect == "both" else (self.aspect,)
        return tuple(itertools.product(self.models, sides, aspects))

    def __len__(self) -> int:
        return self.random or len(self.cells) * self.per_angle

    def sample_id(self, index: int) -> str:
        """The name of picture `index`: another in each job, so that several jobs' pictures go together.

        How many pictures there are has no part in it: more leave the first their names.
        """
        told = {
            k: v for k, v in self.as_json().items() if k not in ("per_angle", "random", "models", "ground")
        }
        told["models"] = [os.path.basename(model) for model in self.models]
        told["ground"] = self.ground.kinds
        key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:6]
        return f"{SOURCE}/{key}-{index:07d}"

    def view(self, index: int) -> View:
        """What picture `index` shows. Raises IndexError: 0 <= index < len(job) does not hold."""
        if not 0 <= index < len(self):
            raise IndexError(f"no picture {index}; there are {len(self)}")
        turns = self.hands_in_turn
        round_, place = divmod(index, len(self.cells))
        block, turn = divmod(round_, len(turns))
        order = np.random.default_rng([self.seed, block, place, _ORDER]).permutation(len(turns))
        angles = self.cells[place].draw(np.random.default_rng([self.seed, index, _ANGLES]))
        model, side, aspect = turns[order[turn]]
        return View(model, side, aspect, *angles)


def pick(text: str, total: int) -> list[int]:
    """Indices from "0,5,100:119" (start:stop or start:stop:step, inclusive), sorted, each once.

    Raises
    ------
    InputError: no whole number, a range that is empty, an index that is not below `total`.
    """
    allowed = f"whole numbers below {total} and start:stop or start:stop:step, as in 0,5,100:119"
    found: set[int] = set()
    for part in text.split(","):
        words = part.split(":")
        if len(words) > 3 or not all(word.strip().isdecimal() for word in words):
            raise InputError("--indices", repr(part), allowed=allowed)
        start, *rest = map(int, words)
        stop, step = rest[0] if rest else start, rest[1] if len(rest) == 2 else 1
        if not start <= stop < total or step < 1:
            raise InputError("--indices", repr(part), allowed=allowed)
        found.update(range(start, stop + 1, step))
    return sorted(found)


def runs(indices: Sequence[int]) -> str:
    """Sorted indices as `pick` reads them, short: "0,5,100:119"."""
    edges = [i for i in range(1, len(indices)) if indices[i] != indices[i - 1] + 1]
    stretches = (
        (indices[a], indices[b - 1]) for a, b in zip([0, *edges], [*edges, len(indices)], strict=True)
    )
    return ",".join(f"{first}:{last}" if last > first else str(first) for first, last in stretches)


@cache
def _cells(angles: tuple[str, ...], whole_grids: bool) -> tuple[Cell, ...]:
    return cells(map(Grid.of, angles), whole=whole_grids)

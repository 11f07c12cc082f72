"""A job: everything that decides the pictures, and what each of them shows. No bpy.

What picture `index` shows follows from the job alone. Blender traces shots, each of which gives `takes`
successive pictures (`render.takes`). The shots go through the cells of the angle grid in order, then through
all of them again, as often as asked for. Models, sides and aspects take turns: with n combinations of them,
the first n shots of a cell show each combination once, in an order drawn from the seed, and so do the next n.
A larger `per_angle` therefore adds pictures at the end and changes none.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from curate.basics import settings
from curate.basics.errors import InputError
from curate.basics.numerals import is_digits
from curate.basics.settings import (
    Options,
    Range,
    choice,
    choices,
    flag,
    number,
    share,
    span,
    text,
    texts,
    whole,
)
from render.angles import Grid
from render.look import grounds, lights

if TYPE_CHECKING:
    import numpy as np

SOURCE = "render"
MAX_PICTURES = 10_000_000

# The last fifteen are the signs of `render.hand.signs`.
POSES = (
    *("flat", "relaxed", "gesture"),
    *("fist", "thumbs-up", "point", "v", "three", "four", "five", "stop", "horns", "call", "gun", "ok"),
    *("pinch", "grasp", "claw"),
)

LAID = POSES[:2]  # poses whose thumbs and neighbouring fingers lie as the settings of `Pose` say

THUMBS = ("out", "beside", "under", "over")

PICTURES = "a folder of images, for the kind picture"  # what ground.folder must be

# How a second hand lies to the first (`render.pair`).
LIES = ("apart", "touching", "before")

# What ends the name of a stream of random numbers (`Job.stream`), so that no two are the same. A shot's own
# stream is named by its number alone.
PERSON = 1
TAKE = 105
_ANGLES, _ORDER, _EMPTY, _HELD, _WAYS, _SECOND = 101, 102, 103, 104, 106, 107


def _help(kinds: Mapping[str, type[lights.Light] | type[grounds.Ground]]) -> str:
    return "; ".join([*(f"{name}: {kind.about}" for name, kind in kinds.items()), "each picture draws one"])


# One class for each section of job.yaml. A key is added by a field: with its default, its limits, and the
# line that `curate render --explain` prints.


@dataclass(frozen=True, slots=True)
class Hands(Options):
    """Whose hands, and how many."""

    people: int = whole(
        60,
        1,
        100_000,
        "people that the hands belong to, each with their own skin and, if procedural, their own build",
    )
    two: float = share(0.0, "share of pictures with two hands, a left and a right one; needs side: both")
    lie: tuple[str, ...] = choices(
        LIES,
        LIES,
        "how two hands lie; each picture draws one; touching: side by side; before: one hides a part of the "
        "other, and on a table lies on it; hands that cannot lie so without passing through each other are "
        "apart",
    )
    strangers: float = share(
        0.2,
        "share of pictures with two hands in which these belong to two people; the pairs are always the same",
    )


@dataclass(frozen=True, slots=True)
class Pose(Options):
    """How fingers are held."""

    kinds: tuple[str, ...] = choices(
        POSES[:3],
        POSES,
        "each picture draws one; flat: as if laid on a table, fingers together or apart; gesture: each "
        "finger by itself; fist and the following are signs",
    )
    thumbs: tuple[str, ...] = choices(
        THUMBS[:1],
        THUMBS,
        "how flat and relaxed hands hold the thumb; each picture draws one; out: away from the palm, near or "
        "far; beside: along the index finger; under: bent in front of the palm; over: on the back of the "
        "index finger",
    )
    touching: float = share(
        0.0, "share of flat and relaxed hands with neighbouring fingers that touch, some or all"
    )
    crossed: float = share(0.0, "share of flat and relaxed hands with one finger laid over its neighbour")
    wrist: float = number(8.5, 0, 40, "how far wrists are bent and turned: standard deviation, degrees")


@dataclass(frozen=True, slots=True)
class Skin(Options):
    """Tone and surface of the skin."""

    melanin: Range = span((0.012, 0.32), 0.003, 0.6, "share of melanin in the epidermis, from fair to dark")
    blood: Range = span((0.007, 0.024), 0.001, 0.1, "share of blood in the dermis, from pale to flushed")
    subsurface: float = share(
        0.0,
        "share of light that leaves the skin elsewhere than it enters; above 0, rendering is a fifth slower",
    )
    bump: Range = span((0.6, 1.0), 0, 3, "strength of folds, tendons and veins")
    contrast: Range = span((1.0, 1.0), 0, 3, "strength of darker or redder places, such as folds")


@dataclass(frozen=True, slots=True)
class Accessories(Options):
    """What is worn or held: for each, the share of pictures that have it."""

    polish: float = share(0.12, "nail polish")
    rings: float = share(0.2, "rings")
    watch: float = share(0.08, "a watch")
    sleeve: float = share(0.35, "a sleeve")
    held: float = share(0.0, "something in the hand, if it has room: a rod, a cup, a box or a ball")


@dataclass(frozen=True, slots=True)
class Light(Options):
    """What lights the hand."""

    kinds: tuple[str, ...] = choices(("studio", "environment"), lights.LIGHTS, _help(lights.LIGHTS))


@dataclass(frozen=True, slots=True)
class Ground(Options):
    """What is behind the hand."""

    kinds: tuple[str, ...] = choices(("table", "environment"), grounds.GROUNDS, _help(grounds.GROUNDS))
    folder: str = text(
        "", "a folder of images", "folder of pictures, one of which is drawn as the background"
    )
    hover: bool = flag(True, "whether two in five hands are held up to 12 mm above the table")


@dataclass(frozen=True, slots=True)
class Camera(Options):
    """The camera, and what it does to the picture."""

    distance: Range = span((0.35, 0.7), 0.15, 5, "metres to the hand")
    fill: Range = span((0.55, 0.9), 0.1, 1, "share of the picture's side that fingers and palm take up")
    off_centre: float = share(0.7, "how far the hand may be from the middle; at 1 it may touch the edge")
    edge: float = share(0.0, "share of pictures whose edge cuts the arm at the wrist, or near it")
    beyond: Range = span(
        (-0.12, 0.06), -0.3, 0.5, "how far the wrist is beyond that edge, as a share of the picture's side"
    )
    cut_off: float = share(0.0, "share of pictures whose edge cuts off the end of a finger or more")
    exposure: Range = span(
        (1.0, 1.4), 0.05, 8, "brightness of a white object in the hand's light; 1 is white"
    )
    contrast: Range = span((0.2, 0.8), 0, 1, "contrast of the camera's tone curve")
    blur: Range = span((0.0, 0.8), 0, 10, "blur of a lens out of focus: sigma in pixels")
    motion: Range = span(
        (0.0, 0.0), 0, 0.3, "how far the picture moves during exposure, as a share of its side"
    )
    cast: float = number(
        0.025, 0, 0.5, "how far colours are off: standard deviation of the factors of R, G and B"
    )
    noise: Range = span(
        (0.0, 0.02), 0, 0.5, "noise of the sensor: twice its sigma at mid grey, where 1 is white"
    )
    quality: Range = span((80, 95), 10, 100, "quality of the JPEG file")


@dataclass(frozen=True, slots=True)
class View:
    """What a picture shows: which hand, which side of it, and its angles in degrees (`render.angles`)."""

    model: str
    side: str
    aspect: str
    tilt: float
    rotation: float
    roll: float

    @property
    def other_side(self) -> str:
        """The side of the other hand of a person."""
        return "left" if self.side == "right" else "right"


@dataclass(frozen=True, slots=True)
class Job(Options):
    """A job of curate render."""

    angles: tuple[str, ...] = texts(
        ("tilt=0..45 rotation=0..360 roll=0",),
        "one text or a list of them, of AXIS=0,30,45 or 0:345:15 (start:stop:step) or 0..45 (drawn), "
        "where AXIS is tilt, rotation or roll",
        "angles in degrees; lists and ranges give all combinations, intervals are drawn from",
        lambda given: str(Grid.of(given)),
        metavar='"tilt=0,30,45 rotation=0:345:15 roll=-5..5"',
    )
    per_angle: int = whole(1, 1, MAX_PICTURES, "pictures per combination of angles")
    random: int | None = whole(
        None,
        1,
        MAX_PICTURES,
        "pictures in all, each with angles drawn from the grid, instead of the whole grid",
    )
    models: tuple[str, ...] = texts(
        ("procedural",),
        "one or a list of names and files",
        "hands to render, in turn",
        metavar="NAME|FILE",
    )
    side: str = choice("both", ("left", "right", "both"), "which hand, anatomically")
    aspect: str = choice("dorsal", ("dorsal", "palmar", "both"), "back or palm towards the camera")
    takes: int = whole(
        1,
        1,
        64,
        "pictures made from each hand that Blender traces (tracing is most of the work): each shows another "
        "part of the render, mirrored or turned by quarters where side and angles allow, with its own camera "
        "and, except on a table, its own background",
    )
    empty: float = share(0.0, "share of pictures without a hand, which show only the background")
    size: int = whole(256, 32, 4096, "width and height of a picture, pixels")
    samples: int = whole(8, 1, 65536, "paths traced per pixel")
    denoise: bool = flag(True, "OpenImageDenoise removes the noise of path tracing (--no-denoise leaves it)")
    seed: int = whole(0, 0, 2**32 - 1, "seed of all that is drawn at random")
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
        job = settings.parse(cls, stored, file or "options")
        told = {name: value for name, value in given.items() if value is not None}
        job = settings.parse(cls, told, "options", base=job)
        if len(job) > MAX_PICTURES:
            found = f"{len(job):,} pictures"
            raise InputError(file or "options", found, allowed=f"at most {MAX_PICTURES:,}")
        for key, found, helps in _misfits(job):
            if file is not None and key.partition(".")[0] not in told:
                raise InputError(file, found, field=key, **helps)
            if "." in key:
                raise InputError("options", found, field=key, **helps)
            raise InputError(f"--{key.replace('_', '-')}", found, **helps)
        return job

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON values: equal for equal jobs, however they were written."""
        return asdict(self)

    def explain(self) -> str:
        """The job as a job.yaml whose comments say what each key means and allows."""
        head = "# A job of curate render. Keep the lines that you change, and give the file with --job.\n"
        return f"{head}{settings.explain(self)}\n"

    @property
    def cells(self) -> tuple[Grid, ...]:
        """The combinations of angles, each once; with `random`, the grids to draw from."""
        return _cells(self.angles, self.random is not None)

    @property
    def hands_in_turn(self) -> tuple[tuple[str, str, str], ...]:
        """Every combination of model, side and aspect."""
        sides = ("left", "right") if self.side == "both" else (self.side,)
        return tuple(itertools.product(self.models, sides, self.aspects))

    @property
    def aspects(self) -> tuple[str, ...]:
        """Which sides of hands are seen."""
        return ("dorsal", "palmar") if self.aspect == "both" else (self.aspect,)

    def __len__(self) -> int:
        return self.random or len(self.cells) * self.per_angle

    def sample_id(self, index: int) -> str:
        """The name of picture `index`. Different jobs give different names: their datasets can be joined.

        A job that differs in nothing but having more pictures keeps the names of those that it shares.
        """
        named = {k: v for k, v in self.as_json().items() if k not in ("per_angle", "random")}
        named["models"] = [os.path.basename(model) for model in self.models]
        named["ground"] = self.ground.kinds
        if not self.hands.two:  # the same pictures, however a second hand would lie
            named["hands"] = {"people": self.hands.people}
        # JSON tells 80 and 80.0 apart; as qualities they are one.
        named["camera"]["quality"] = [int(q) if q == int(q) else q for q in self.camera.quality]
        key = hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:6]
        return f"{SOURCE}/{key}-{index:07d}"

    @property
    def shots(self) -> int:
        """How many shots are traced, each for `takes` successive pictures; the last may have fewer."""
        return -(-len(self) // self.takes)

    def is_empty(self, shot: int) -> bool:
        """Whether a shot shows no hand."""
        return bool(self.stream(shot, _EMPTY).random() < self.empty)

    def held(self, shot: int) -> np.random.Generator | None:
        """The random numbers for what the hand of a shot holds; None where it holds nothing."""
        rng = self.stream(shot, _HELD)
        return rng if rng.random() < self.accessories.held else None

    def second(self, shot: int) -> np.random.Generator | None:
        """The random numbers for the second hand of a shot; None where it has none."""
        rng = self.stream(shot, _SECOND)
        return rng if rng.random() < self.hands.two else None

    def ways(self, shot: int) -> np.random.Generator:
        """The random numbers for how thumb and neighbouring fingers of a shot's hand lie."""
        return self.stream(shot, _WAYS)

    def stream(self, *name: int) -> np.random.Generator:
        """Random numbers that depend on the seed and on these numbers alone."""
        import numpy as np  # here, as a job is asked for its settings without any being drawn

        return np.random.default_rng([self.seed, *name])

    def cell(self, shot: int) -> Grid:
        """The combination of angles that a shot shows, or is drawn from."""
        return self.cells[shot % len(self.cells)]

    def view(self, shot: int) -> View:
        """What the first take of a shot shows. Raises IndexError unless 0 <= shot < shots."""
        if not 0 <= shot < self.shots:
            raise IndexError(f"no shot {shot}; there are {self.shots}")
        turns = self.hands_in_turn
        round_, place = divmod(shot, len(self.cells))
        block, turn = divmod(round_, len(turns))
        order = self.stream(block, place, _ORDER).permutation(len(turns))
        angles = self.cell(shot).draw(self.stream(shot, _ANGLES))
        model, side, aspect = turns[order[turn]]
        return View(model, side, aspect, *angles)


def _misfits(job: Job) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Settings that contradict others: key, what was found, and what is allowed or would help."""
    usual, pictures = Job(), "picture" in job.ground.kinds
    if job.random and job.per_angle != usual.per_angle:
        yield "per_angle", f"{job.per_angle}, beside random", {"remedy": "leave one of them out"}
    if pictures and not job.ground.folder:
        yield "ground.folder", "not given", {"allowed": PICTURES}
    if job.ground.folder and not pictures:
        remedy = "name the kind picture in ground.kinds, too"
        yield "ground.folder", job.ground.folder, {"remedy": remedy}
    for key, remedy in _idle(job):
        section, name = key.split(".")
        found = getattr(getattr(job, section), name)
        if found != getattr(getattr(usual, section), name):
            yield key, str(found), {"remedy": remedy}
    if job.hands.two and job.side != "both":
        allowed = "both, where there are pictures with two hands (hands.two)"
        yield "side", job.side, {"allowed": allowed}
    if not job.random and job.per_angle % job.takes:
        yield "per_angle", str(job.per_angle), {"allowed": f"a multiple of takes, {job.takes}"}


def _idle(job: Job) -> Iterator[tuple[str, str]]:
    """Settings that have no effect beside the others: key, and what would give it one."""
    kinds = job.ground.kinds
    if not job.hands.two:
        for name in ("lie", "strangers"):
            yield f"hands.{name}", "say how many pictures have two hands: hands.two"
    if job.hands.people == 1:
        yield "hands.strangers", "let the hands belong to two people or more: hands.people"
    if not set(LAID) & set(job.pose.kinds):
        for name in ("thumbs", "touching", "crossed"):
            yield f"pose.{name}", f"name the kind {' or '.join(LAID)} in pose.kinds, too"
    if not job.camera.edge:
        yield "camera.beyond", "say how many pictures cut the arm at the wrist: camera.edge"
    if "table" not in kinds:
        yield "ground.hover", "name the kind table in ground.kinds, too"
    lit_by = {grounds.GROUNDS[kind].lit_by for kind in kinds}
    if "" not in lit_by and not lit_by >= set(job.light.kinds):
        alone = f"that is not lit by {' and '.join(lit_by)} alone"
        yield "light.kinds", f"name a kind in ground.kinds, too, {alone}"


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
        if len(words) > 3 or not all(is_digits(word.strip()) for word in words):
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
def _cells(angles: tuple[str, ...], whole_grids: bool) -> tuple[Grid, ...]:
    grids = map(Grid.of, angles)
    return tuple(
        dict.fromkeys(grids if whole_grids else itertools.chain.from_iterable(map(Grid.cells, grids)))
    )

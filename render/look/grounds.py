"""The grounds of `ground.kinds`: what each consists of, and how one is drawn at random.

A new ground is a class here, listed in GROUNDS, and one function: in `render.worker.grounds` where Blender
renders it, or, for a `CutOut`, in `render.finish`, which puts it behind the rendered hand. Positions are in
the shot's world (`render.shot`). numpy only, since Blender's interpreter reads this module, too; and only
where a ground is drawn, since the command's help names the kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from render.look import RGB, Vector

if TYPE_CHECKING:
    from render.look.tone import Tone


@dataclass(frozen=True, slots=True)
class Site:
    """What a ground is drawn from: the same random numbers for every kind.

    Attributes
    ----------
    point, normal: a plane that the hand lies on, or just above: a point of it, metres, and its unit vector
        towards the camera's side.
    white, warm, gloss: drawn evenly from 0 to 1.
    seed: for a random generator of the ground's own.
    folder: the job's `ground.folder`.
    skin: of the person whose hand it is.
    """

    point: Vector
    normal: Vector
    white: float
    warm: float
    gloss: float
    seed: int
    folder: str
    skin: Tone


@dataclass(frozen=True, slots=True)
class Ground:
    """What all grounds have in common.

    Attributes
    ----------
    kind: its name in a job. about: what `curate render --explain` says of it.
    exposure: how brightly pictures with it are exposed, against those of a white table.
    lit_by: the kind of light that it needs; "" for any.
    cut_out: whether Blender renders the hand in front of nothing.
    """

    kind: ClassVar[str]
    about: ClassVar[str]
    # Tables are overexposed in photographs of hands; what is seen of a room or a street is not.
    exposure: ClassVar[float] = 0.65
    lit_by: ClassVar[str] = ""
    cut_out: ClassVar[bool] = False

    @classmethod
    def draw(cls, site: Site) -> Ground:
        """One at random."""
        return cls()


@dataclass(frozen=True, slots=True)
class Table(Ground):
    """A white plane, on which the hand throws its shadow.

    Attributes
    ----------
    point, normal: as in Site.
    reach: half the length of a side, metres.
    colour: linear RGB.
    roughness: 0 a mirror .. 1 chalk.
    """

    kind: ClassVar[str] = "table"
    about: ClassVar[str] = "white, with the hand's shadow, as in 11k Hands"
    exposure: ClassVar[float] = 1.0
    point: Vector
    normal: Vector
    reach: float
    colour: RGB
    roughness: float

    @classmethod
    def draw(cls, site: Site) -> Table:
        """White or light grey, a little warm or cold."""
        grey = 0.86 + 0.12 * site.white
        colour = (grey, grey * (1 - 0.03 * site.warm), grey * (1 - 0.06 * site.warm + 0.04))
        return cls(site.point, site.normal, 3.0, colour, 0.35 + 0.4 * site.gloss)


@dataclass(frozen=True, slots=True)
class CutOut(Ground):
    """A ground that `render.finish` puts behind the hand."""

    cut_out: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Environment(CutOut):
    """The environment map that lights the hand. Blender renders it as a pass of its own."""

    kind: ClassVar[str] = "environment"
    about: ClassVar[str] = "the map that lights the hand"
    lit_by: ClassVar[str] = "environment"


@dataclass(frozen=True, slots=True)
class Colour(CutOut):
    """One colour all over. colour: linear RGB."""

    kind: ClassVar[str] = "colour"
    about: ClassVar[str] = "any one colour"
    colour: RGB

    @classmethod
    def draw(cls, site: Site) -> Colour:
        """Any dye."""
        import numpy as np

        from render.look.colour import dye

        return cls(dye(np.random.default_rng(site.seed)))


@dataclass(frozen=True, slots=True)
class Picture(CutOut):
    """Part of a picture of the user's. folder: where it is chosen from; seed: of what is chosen."""

    kind: ClassVar[str] = "picture"
    about: ClassVar[str] = "part of a picture from `folder`"
    folder: str
    seed: int

    @classmethod
    def draw(cls, site: Site) -> Picture:
        """One of the job's folder."""
        return cls(site.folder, site.seed)


@dataclass(frozen=True, slots=True)
class Computed(CutOut):
    """A ground that is drawn by numbers. seed: of what is drawn."""

    seed: int

    @classmethod
    def draw(cls, site: Site) -> Computed:
        """One that the seed decides."""
        return cls(site.seed)


@dataclass(frozen=True, slots=True)
class Wall(Computed):
    """A painted wall or the like, on which the hand throws a soft shadow."""

    kind: ClassVar[str] = "wall"
    about: ClassVar[str] = "computed: painted, tiled or wooden, mostly light, with a soft shadow"


@dataclass(frozen=True, slots=True)
class Clutter(Computed):
    """Rooms, things and people of `render.look.clutter`, none of them a hand."""

    kind: ClassVar[str] = "clutter"
    about: ClassVar[str] = "computed: rooms, things and people without hands, as a webcam sees them"


@dataclass(frozen=True, slots=True)
class Owner(Computed):
    """Clutter, and before it the person whose hand it is.

    Attributes
    ----------
    melanin, blood: of the skin, as in `Tone`.
    """

    kind: ClassVar[str] = "owner"
    about: ClassVar[str] = "computed: clutter, and in front of it the hand's owner, with the same skin"
    melanin: float
    blood: float

    @classmethod
    def draw(cls, site: Site) -> Owner:
        """Somebody with the skin of the hand."""
        return cls(site.seed, site.skin.melanin, site.skin.blood)


GROUNDS: dict[str, type[Ground]] = {
    ground.kind: ground for ground in (Table, Environment, Colour, Picture, Wall, Clutter, Owner)
}

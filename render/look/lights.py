"""The lights of `light.kinds`: what each consists of, and how one is drawn at random.

A new light is a class here, listed in LIGHTS, and a function in `render.worker.lights` that sets it up in
Blender. Positions are in the shot's world (`render.shot`). numpy only, since Blender's interpreter reads this
module, too; and only where a light is drawn, since the command's help names the kinds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from render.look import RGB, Vector, triple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# The environment maps that come with Blender.
ENVIRONMENTS = ("city", "courtyard", "forest", "interior", "night", "studio", "sunrise", "sunset")


@dataclass(frozen=True, slots=True)
class Lamp:
    """A round lamp that shines forwards.

    Attributes
    ----------
    position: of its middle, metres.
    target: the point that it faces, metres.
    size: diameter, metres.
    watts: radiant power.
    colour: linear RGB; (1, 1, 1) is white.
    """

    position: Vector
    target: Vector
    size: float
    watts: float
    colour: RGB


@dataclass(frozen=True, slots=True)
class Light:
    """What all lights have in common.

    Attributes
    ----------
    kind: its name in a job. about: what `curate render --explain` says of it.
    lamps: may be none.
    """

    kind: ClassVar[str]
    about: ClassVar[str]
    lamps: tuple[Lamp, ...]

    @property
    def name(self) -> str:
        """What the sample's row calls it."""
        return self.kind

    @classmethod
    def draw(cls, facing: Floats, distance: float, rng: np.random.Generator) -> Light:
        """One at random.

        Parameters
        ----------
        facing: (3,) unit vector out of the side of the hand that the camera sees.
        distance: metres from the camera to the hand, which is at (0, 0, -distance).
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Studio(Light):
    """An even sky, and soft lamps on the side of the hand that the camera sees.

    Attributes
    ----------
    strength: of the sky; 1 lights a white thing as bright as white.
    colour: of the sky, linear RGB.
    """

    kind: ClassVar[str] = "studio"
    about: ClassVar[str] = "one to three soft lamps and an even sky"
    strength: float
    colour: RGB

    @classmethod
    def draw(cls, facing: Floats, distance: float, rng: np.random.Generator) -> Studio:
        """One to three lamps, 0.7 to 2 m from the hand."""
        lamps = _soft_lamps(facing, distance, rng)
        return cls(lamps, float(rng.uniform(0.4, 1.2)), triple(1 + 0.03 * rng.normal(size=3)))


@dataclass(frozen=True, slots=True)
class Environment(Light):
    """One of Blender's environment maps, and a flash.

    Attributes
    ----------
    map_name: one of ENVIRONMENTS.
    turn: of the map about x, y and z, radians.
    strength: 1 leaves the map as bright as it is.
    """

    kind: ClassVar[str] = "environment"
    about: ClassVar[str] = "Blender's own environment maps"
    map_name: str
    turn: Vector
    strength: float

    @property
    def name(self) -> str:
        """The map's."""
        return self.map_name

    @classmethod
    def draw(cls, facing: Floats, distance: float, rng: np.random.Generator) -> Environment:
        """A map, turned at random."""
        # A studio's lamps and sky are drawn and not used, so that all later draws are the same for any kind.
        _soft_lamps(facing, distance, rng)
        map_name, turn = str(rng.choice(ENVIRONMENTS)), triple(rng.uniform(0, 2 * math.pi, 3))
        strength = float(rng.uniform(0.4, 1.2))
        rng.normal(size=3)
        return cls((_flash(distance, rng),), map_name, turn, strength)


LIGHTS: dict[str, type[Light]] = {light.kind: light for light in (Studio, Environment)}


def _soft_lamps(facing: Floats, distance: float, rng: np.random.Generator) -> tuple[Lamp, ...]:
    import numpy as np

    hand = np.array([0.0, 0.0, -distance])
    lamps = []
    for _ in range(int(rng.integers(1, 4))):
        direction = facing + 0.75 * rng.standard_normal(3)
        direction /= np.linalg.norm(direction)
        if direction @ facing < 0.25:
            direction += (0.35 - direction @ facing) * facing
            direction /= np.linalg.norm(direction)
        away = rng.uniform(0.7, 2.0)
        warmth = rng.normal(0, 0.06)
        lamps.append(
            Lamp(
                position=triple(hand + away * direction),
                target=triple(hand),
                size=float(rng.uniform(0.25, 1.3)),
                watts=float(rng.uniform(0.3, 1.0) * 4 * away**2),
                colour=(1 + warmth, 1.0, 1 - warmth),
            )
        )
    return tuple(lamps)


def _flash(distance: float, rng: np.random.Generator) -> Lamp:
    """A soft light beside the camera. Without one, a hand before the sun would be black."""
    x, y = (0.25 * rng.standard_normal(2)).tolist()
    return Lamp(
        position=(x, y, 0.1),
        target=(0.0, 0.0, -distance),
        size=0.3,
        watts=float(rng.uniform(0.25, 0.9) * 4 * distance**2),
        colour=(1.0, 1.0, 1.0),
    )

"""Shots made by hand: a picture of 64 x 64 pixels in which a test says what matters to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from render.cut import Cut
from render.look.grounds import GROUNDS, Ground, Site
from render.look.lights import LIGHTS, Light
from render.look.tone import Tone
from render.shot import Finish, Hand, Row, Shot, Skin, Take

SIZE = 64
GREY = (0.25, 0.25, 0.25)
FACING = np.array([0.0, 0.6, 0.8])
SITE = Site(
    point=(0.0, 0.1, -0.5),
    normal=(0.0, 0.6, 0.8),
    white=0.5,
    warm=1.0,
    gloss=0.25,
    seed=7,
    folder="there",
    skin=Tone(0.05, 0.01),
)
SKIN = Skin(
    back_colour=GREY,
    palm_colour=(0.5, 0.4, 0.3),
    melanin=(0.1, 0.2, 0.3),
    blood=(0.0, 0.2, 0.1),
    nail_bed=GREY,
    nail_edge=GREY,
    polish=GREY,
    polished=0.0,
    roughness=0.5,
    nail_roughness=0.3,
    crease=0.5,
    subsurface=0.0,
    subsurface_mm=1.2,
    bump=0.8,
    atlas_box=(-0.1, 0.0, 0.1, 0.2),
)
FINISH = Finish(
    exposure=1.0,
    metered="right",
    albedo=GREY,
    balance=(1.0, 1.0, 1.0),
    contrast=0.0,
    saturation=1.0,
    blur=0.0,
    motion=(0.0, 0.0),
    sharpen=0.0,
    noise=0.0,
    quality=95,
    seed=0,
)
WHOLE = Cut(0, 0, SIZE, mirrored=False, quarters=0)
ROW = Row(
    sample_id="render/abcdef-0000007",
    subject_id="procedural-0-00000",
    side="right",
    aspect="dorsal",
    tilt=10.0,
    rotation=20.0,
    licence="MIT",
    attrs={"model": "procedural"},
)


def light(kind: str) -> Light:
    return LIGHTS[kind].draw(FACING, 0.5, np.random.default_rng(1))


def ground(kind: str) -> Ground:
    return GROUNDS[kind].draw(SITE)


def take(**changes: Any) -> Take:
    """A picture of the whole render."""
    usual: dict[str, Any] = {
        "index": 7,
        "cut": WHOLE,
        "ground": ground("table"),
        "finish": FINISH,
        "rows": (ROW,),
    }
    return Take(**{**usual, **changes})


def hand(**changes: Any) -> Hand:
    """A right hand without skin, all of whose keypoints are in the picture's middle, 1 m away."""
    usual: dict[str, Any] = {
        "model": "hand.npz",
        "side": "right",
        "skin": SKIN,
        "vertices": np.zeros((0, 3), np.float32),
        "keypoints": np.tile([0.0, 0.0, -1.0], (21, 1)),
        "radius": np.full(21, 0.01),
    }
    return Hand(**{**usual, **changes})


def shot(**changes: Any) -> Shot:
    """A camera of focal length 64 px that looks at nothing: at 1 m a centimetre is 0.64 px."""
    usual: dict[str, Any] = {
        "index": 7,
        "width": SIZE,
        "height": SIZE,
        "samples": 1,
        "denoise": False,
        "light": light("studio"),
        "takes": (take(),),
        "hands": (hand(),),
        "K": np.array([[64.0, 0, 32], [0, 64, 32], [0, 0, 1]]),
    }
    return Shot(**{**usual, **changes})

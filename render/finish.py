"""From a render to a sample: the picture that a camera would store of the light, and the labels."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.images import Pixels
from curate.data import depth as depth_maps
from curate.data.sample import Sample
from curate.hands import kinematics
from curate.hands.compositing import Backdrops
from render.cut import Cut
from render.hand.model import PART_OF_BONE, PERSON, mirrored, of_side, part_of_side
from render.job import PICTURES, SOURCE
from render.look import clutter, rooms
from render.look.colour import encoded, linear
from render.look.grounds import Clutter, Colour, Environment, Ground, Owner, Picture, Wall
from render.look.tone import Tone
from render.shot import Finish, Shot, Take

Floats = NDArray[np.float64]
Light = NDArray[np.floating[Any]]

# A joint is hidden where the surface is nearer to the camera by more than this many times its radius.
_FLESH = 2.2
# The share of the light's colour, as a power, that the white balance takes out.
_BALANCED = 0.6
# Metres; where a ray hits nothing, Blender's depth is far greater.
_FAR = 100.0


def finish(
    shot: Shot, indices: Collection[int], rendered: str | os.PathLike[str], root: str | os.PathLike[str]
) -> list[Sample]:
    """Write pictures, masks and depth of a shot's takes into the dataset at `root`; returns the rows.

    Parameters
    ----------
    indices: of the pictures to be made, each a take of the shot.
    rendered: the multilayer EXR that Blender made of the shot.

    Raises
    ------
    InputError: the EXR cannot be read, lacks a pass, or has another size.
    """
    passes = read_passes(rendered, shot.width, shot.height)
    taken = (take for take in shot.takes if take.index in indices)
    return [row for take in taken for row in _finished(shot, take, passes, Path(root))]


def place_of(index: int) -> str:
    """The path of a picture's files within images/, masks/ and depth/, without suffix.

    No folder holds more than `files.A_FOLDER`: the first lie in images/ itself, others in numbered folders.
    """
    within = f"{index // files.A_FOLDER:04d}/" if index >= files.A_FOLDER else ""
    return f"{within}{index:07d}"


def _finished(shot: Shot, take: Take, passes: Passes, root: Path) -> list[Sample]:
    """A picture's files, and the rows of its hands."""
    seen = passes.of(take.cut)
    pixels = develop(seen, take.finish, take.ground)
    stem = place_of(take.index)
    data = images.encode(pixels, ".jpg", quality=take.finish.quality)
    sha256 = images.pixel_sha256(images.decode(data, stem))
    rows = [_row(shot, take, number, seen, sha256) for number in range(len(take.rows))]
    files.write(root / rows[0].image, data)
    images.write(root / f"masks/{stem}.png", seen.parts)
    near = np.where(seen.depth < _FAR, seen.depth, np.nan)
    files.write(root / f"depth/{stem}.png", depth_maps.encode(near))
    return rows


def _row(shot: Shot, take: Take, number: int, seen: Passes, sha256: str) -> Sample:
    """The row of one of the hands, or of a picture without any."""
    cut, known, stem = take.cut, take.rows[number], place_of(take.index)
    row = Sample(
        sample_id=known.sample_id,
        source=SOURCE,
        image=f"images/{stem}.jpg",
        width=cut.size,
        height=cut.size,
        side=known.side,
        aspect=known.aspect,
        subject_id=known.subject_id,
        K=cut.intrinsics(shot.K),
        mask=f"masks/{stem}.png",
        depth=f"depth/{stem}.png",
        label_source="render",
        licence=known.licence,
        tilt=known.tilt,
        rotation=known.rotation,
        sha256=sha256,
        attrs=known.attrs,
    )
    if shot.hands:
        hand, left = shot.hands[number], known.side == "left"
        points, xyz = cut.points(shot.projected(number)), cut.rays(hand.keypoints * [1, -1, -1])
        row.keypoints, row.xyz = points.astype(np.float32), xyz.astype(np.float32)
        row.visibility = visibility(points, xyz[:, 2], hand.radius, seen, left)
        row.bbox = _box(of_side(seen.parts, left))
    return row


@dataclass(frozen=True, slots=True, eq=False)
class Passes:
    """What Blender made of a shot, or the part of it that a take shows.

    Attributes
    ----------
    light: (H, W, 3) linear, black where alpha is 0. alpha: (H, W).
    depth: (H, W) along the camera's axis, metres. parts: (H, W) RHD class ids.
    sky: (H, W, 3) linear, the environment where it is seen beside the hand.
    """

    light: Light
    alpha: Light
    depth: Light
    parts: NDArray[np.uint8]
    sky: Light

    def of(self, cut: Cut) -> Passes:
        """The part of them in a cut. A mirrored one makes left hands right ones, and the reverse."""
        light, alpha, depth, parts, sky = (
            cut.pixels(getattr(self, name)) for name in ("light", "alpha", "depth", "parts", "sky")
        )
        return Passes(light, alpha, depth, mirrored(parts) if cut.mirrored else parts, sky)


def read_passes(path: str | os.PathLike[str], width: int, height: int) -> Passes:
    """The passes of a multilayer EXR as Blender writes it.

    Raises
    ------
    InputError: no EXR, a pass is missing, or the picture is not `width` x `height`.
    """
    import OpenEXR

    try:
        with OpenEXR.File(os.fspath(path), separate_channels=True) as file:
            channels = {
                name: channel.pixels for part in file.parts for name, channel in part.channels.items()
            }
    except Exception as error:  # OpenEXR's own exceptions differ in nothing but their text
        raise InputError(path, f"is no OpenEXR file ({error})") from None

    def passed(*endings: str) -> Light:
        found = [values for name, values in channels.items() if name.endswith(endings)]
        if len(found) != 1 or found[0].shape != (height, width):
            held = ", ".join(f"{name} {values.shape}" for name, values in sorted(channels.items()))
            raise InputError(path, f"holds {held}", allowed=f"one pass {endings[0]} of {width} x {height}")
        return np.asarray(found[0], np.float32)

    light = np.stack([passed(f"Combined.{channel}") for channel in "RGB"], -1)
    # Blender before 5.0 names these IndexMA and Env.
    parts = np.rint(passed("Material Index.X", "IndexMA.X")).astype(np.uint8)
    sky = np.stack([passed(f"Environment.{channel}", f"Env.{channel}") for channel in "RGB"], -1)
    return Passes(light, passed("Combined.A"), passed("Depth.Z"), parts, sky)


def develop(seen: Passes, finish: Finish, ground: Ground) -> Pixels:
    """The picture (H, W, 3) uint8 RGB that a camera would store of the light.

    Exposed by the light that falls on the hand, as an incident meter does, with most of that light's colour
    taken out; then out of focus and blurred by motion; then with the contrast, colour, sharpening and noise
    of a phone.
    """
    gain = _gain(seen, finish)
    light: Light = seen.light * gain
    if ground.cut_out:
        light = light + behind(ground, seen, gain)
    light = light * np.array(finish.balance, np.float32)
    if finish.blur > 0.05:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), finish.blur))
    light = _moved(light, finish.motion)
    tone = encoded(np.clip(light, 0, 1))
    tone = tone + np.float32(finish.contrast) * (_steep(tone) - tone)
    grey = tone.mean(axis=2, keepdims=True)
    tone = grey + np.float32(finish.saturation) * (tone - grey)
    if finish.sharpen > 0:
        tone = tone + np.float32(finish.sharpen) * (tone - cv2.GaussianBlur(tone, (0, 0), 1.2))
    noise = np.random.default_rng(finish.seed).standard_normal(tone.shape, np.float32)
    tone = tone + np.float32(finish.noise) * noise * np.sqrt(
        np.clip(tone, 0.02, 1) * (1.02 - np.clip(tone, 0, 1))
    )
    pixels: Pixels = np.clip(np.rint(255 * tone), 0, 255).astype(np.uint8)
    return pixels


def _gain(seen: Passes, finish: Finish) -> Light:
    """The factors (3,) of R, G and B by which light is exposed."""
    hand = of_side(seen.parts, finish.metered == "left")
    sent = seen.light[hand].mean(axis=0) if hand.any() else np.array(finish.albedo)
    falling = np.maximum(sent / finish.albedo, 1e-6)
    gain = finish.exposure / falling.mean() * (falling.mean() / falling) ** _BALANCED
    return np.asarray(gain, np.float32)


def _moved(light: Light, motion: tuple[float, float]) -> Light:
    """Light (H, W, 3) blurred along a straight line (x, y), pixels, whose middle is where the labels are."""
    length = float(np.hypot(*motion))
    if length < 0.5:
        return light
    reach = int(length / 2) + 2
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for share in np.linspace(-0.5, 0.5, 4 * reach + 1):
        x, y = np.array(motion) * share + reach
        column, row = int(x), int(y)
        right, below = x - column, y - row
        kernel[row : row + 2, column : column + 2] += np.outer([1 - below, below], [1 - right, right])
    return np.asarray(cv2.filter2D(light, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def _steep(tone: Light) -> Light:
    return tone * tone * (3 - 2 * tone)


@singledispatch
def behind(ground: Ground, seen: Passes, gain: Light) -> Light:
    """A cut-out ground as it is seen beside the hand, linear RGB (H, W, 3): black where the hand is.

    Parameters
    ----------
    gain: (3,) of the exposure, for grounds that are lit as the hand is.
    """
    raise NotImplementedError(f"render.finish has no function for the ground {ground.kind!r}")


@behind.register
def _(ground: Environment, seen: Passes, gain: Light) -> Light:
    return seen.sky * gain  # black where the hand is, as Blender renders it


@behind.register
def _(ground: Colour, seen: Passes, gain: Light) -> Light:
    return _beside(seen, np.array(ground.colour, np.float32))


@behind.register
def _(ground: Picture, seen: Passes, gain: Light) -> Light:
    height, width = seen.alpha.shape
    drawn = backdrops(ground.folder).draw(np.random.default_rng(ground.seed), width, height)
    return _beside(seen, linear(drawn.astype(np.float32) / 255))


@behind.register
def _(ground: Clutter, seen: Passes, gain: Light) -> Light:
    return _beside(seen, clutter.draw(np.random.default_rng(ground.seed), len(seen.alpha)))


@behind.register
def _(ground: Owner, seen: Passes, gain: Light) -> Light:
    rng, size = np.random.default_rng(ground.seed), len(seen.alpha)
    hand = seen.parts > PERSON
    box = _box(hand)
    if box is None:
        return _beside(seen, clutter.draw(rng, size))
    skin, bright = Tone(ground.melanin, ground.blood), float((seen.light[hand] * gain).mean())
    return _beside(seen, clutter.with_owner(rng, size, skin, box, bright))


@behind.register
def _(ground: Wall, seen: Passes, gain: Light) -> Light:
    rng = np.random.default_rng(ground.seed)
    return _beside(seen, rooms.shadowed(rooms.wall(rng, len(seen.alpha)), seen.alpha, rng))


def _beside(seen: Passes, light: Light) -> Light:
    return (1 - seen.alpha[..., None]) * light


def backdrops(folder: str) -> Backdrops:
    """The pictures of a folder. Raises InputError: no such folder, or none in it."""
    if not folder:
        raise InputError("ground.folder", "not given", allowed=PICTURES)
    path = Path(folder).absolute()
    try:
        return Backdrops.of(path)
    except InputError:  # its message is about `curate background`, which knows other backdrops, too
        found = "no image in this folder" if path.is_dir() else "no such folder"
        raise InputError(path, found, field="ground.folder", allowed=PICTURES) from None


def visibility(
    points: Floats, away: Floats, radius: Floats, surface: Passes, left: bool
) -> NDArray[np.uint8]:
    """COCO visibility (21,): 2 where the surface before a keypoint is near, and of its own part or the next.

    Other keypoints are hidden (1), those outside the picture, too, as they are known.

    Parameters
    ----------
    points: (21, 2) in the picture, pixels. away: (21,) along the camera's axis, metres.
    radius: (21,) of the flesh around each, metres. left: whether it is a left hand.
    """
    depth, parts = surface.depth, surface.parts
    size = parts.shape[0]
    seen = np.full(kp.COUNT, kp.HIDDEN, np.uint8)
    for index, (x, y) in enumerate(np.floor(points).astype(int)):
        if not (0 <= x < size and 0 <= y < size):
            continue
        window = (slice(max(y - 1, 0), y + 2), slice(max(x - 1, 0), x + 2))
        near = np.isin(parts[window], [part_of_side(part, left) for part in _kin(index)])
        before = away[index] - depth[window]
        if (near & (before < _FLESH * radius[index])).any():
            seen[index] = kp.VISIBLE
    return seen


def _kin(keypoint: int) -> list[int]:
    """Class ids, on a right hand, of the bone that moves a keypoint and of the bones next to it."""
    mine = kinematics.bone_of_keypoint(keypoint)
    bones = {mine, kinematics.parent(mine)}
    bones |= {b for b in range(kinematics.BONES) if kinematics.parent(b) == mine}
    return [int(PART_OF_BONE[b]) for b in sorted(bones)]


def _box(mask: NDArray[np.bool_]) -> NDArray[np.float32] | None:
    """x, y, width, height (4,), pixels, of a mask (H, W); None where it is empty."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return None
    x0, y0, x1, y1 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return np.array([x0, y0, x1 - x0, y1 - y0], np.float32)

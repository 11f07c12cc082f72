"""From pixels to what any network finds in them, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.wording import counted
from curate.networks import table
from curate.networks.answer import Answer, joined
from curate.networks.network import Decoded, Network, place_of, told_as
from curate.networks.pixels import to_float

_BATCH = 32  # images at a time


def predict_turned(
    network: Network, pixels: NDArray[np.uint8], left: NDArray[np.bool_] | None = None
) -> Answer:
    """What a network finds in images in the mean of four quarter turns, each turned back.

    A point is the mean of the turns that have one; a score that of all four, 0 in those without a point.

    Parameters, raises: as predict.
    """
    turns = [
        _turned_back(predict(network, np.rot90(pixels, quarters, (1, 2)), left), quarters, network.spec.size)
        for quarters in range(4)
    ]
    points, scores, masks, xyz, _ = zip(*turns, strict=True)
    return Answer(
        _mean(points),
        np.mean(scores, 0, dtype=np.float32),
        None if masks[0] is None else np.rint(np.mean(masks, 0)).astype(np.uint8),
        None if xyz[0] is None else _mean(xyz),
    )


def predict(network: Network, pixels: NDArray[np.uint8], left: NDArray[np.bool_] | None = None) -> Answer:
    """What a network finds in images.

    Computed in float32 on the network's device, a few images at a time.

    Parameters
    ----------
    pixels: (N, S, S) or (N, S, S, 3) uint8.
    left: (N,), True for left hands, which matter to a network that is shown right ones alone. None: all
        are taken for right.

    Raises
    ------
    ValueError: images of another size or kind than the network is made for.
    InputError: its `decode` gives something else than its contract says.
    """
    size, channels = network.spec.size, network.spec.channels
    if pixels.shape[1:] != ((size, size) if channels == 1 else (size, size, channels)):
        raise ValueError(f"images of shape {pixels.shape[1:]} for a network made for {network.spec}")
    if not len(pixels):
        return Answer(np.empty((0, kp.COUNT, 2), np.float32), np.empty((0, kp.COUNT), np.float32))
    mirrored = np.zeros(len(pixels), bool) if left is None or not network.right_hands else left
    was_training = network.training
    network.eval()
    with torch.no_grad():
        parts = [
            _find(network, pixels[first : first + _BATCH], mirrored[first : first + _BATCH])
            for first in range(0, len(pixels), _BATCH)
        ]
    network.train(was_training)
    return joined(parts)


def _find(network: Network, pixels: NDArray[np.uint8], mirrored: NDArray[np.bool_]) -> Answer:
    """What is in a batch, some images of which are shown mirrored."""
    shown = np.array(pixels)
    shown[mirrored] = shown[mirrored, :, ::-1]
    device = next(network.parameters()).device
    decoded = network.decode(network(to_float(torch.from_numpy(shown).to(device))))
    _require_contract(network, decoded, len(pixels))
    keypoints = kp.subset(network.spec.keypoints)
    points = np.full((len(pixels), kp.COUNT, 2), np.nan, np.float32)
    scores = np.zeros((len(pixels), kp.COUNT), np.float32)
    masks = xyz = None
    if decoded.points is not None:
        points[:, keypoints] = _array(decoded.points)
        points[mirrored, :, 0] = network.spec.size - points[mirrored, :, 0]
        scores[:, keypoints] = 1.0 if decoded.scores is None else _array(decoded.scores)
        scores[~np.isfinite(points).all(-1)] = 0.0
    if decoded.mask is not None:
        masks = np.rint(255 * np.clip(np.nan_to_num(_array(decoded.mask)), 0, 1)).astype(np.uint8)
        masks[mirrored] = masks[mirrored, :, ::-1]
    if decoded.xyz is not None:
        xyz = np.full((len(pixels), kp.COUNT, 3), np.nan, np.float32)
        xyz[:, keypoints] = _array(decoded.xyz)
        xyz[mirrored, :, 0] *= -1
    return Answer(points, scores, masks, xyz)


def _require_contract(network: Network, decoded: Any, count: int) -> None:
    """Raise InputError where `decode` gave no Decoded, not what its row says, or another shape, which numpy
    might stretch."""
    name = told_as(network)
    if not isinstance(decoded, Decoded):
        raise InputError(name, f"a {type(decoded).__name__}", field="decode", allowed="a Decoded")
    size, keypoints = network.spec.size, network.spec.keypoints
    shapes = {
        "points": (count, keypoints, 2),
        "scores": (count, keypoints),
        "mask": (count, size, size),
        "xyz": (count, keypoints, 3),
    }
    promised = table.promised(place_of(network))
    for field, given in decoded._asdict().items():
        if given is None and field not in promised:
            continue
        if not isinstance(given, Tensor):
            found = "None" if given is None else f"a {type(given).__name__}"
            allowed = "a tensor, as its row says" if field in promised else "a tensor, or None"
            raise InputError(name, found, field=f"decode: {field}", allowed=allowed)
        if given.shape != shapes[field]:
            found = f"shape {tuple(given.shape)} for {counted(count, 'image')}"
            raise InputError(name, found, field=f"decode: {field}", allowed=f"shape {shapes[field]}")


def _turned_back(found: Answer, quarters: int, size: int) -> Answer:
    """What was found in images that np.rot90 had turned, in the images as they are."""
    points, masks, xyz = found.points, found.masks, found.xyz
    for _ in range(quarters):
        # np.rot90 brings what was at (x, y) to (y, size - x).
        points = np.stack([size - points[..., 1], points[..., 0]], -1)
        xyz = None if xyz is None else np.stack([-xyz[..., 1], xyz[..., 0], xyz[..., 2]], -1)
    masks = None if masks is None else np.rot90(masks, -quarters, (1, 2))
    return found._replace(points=points, masks=masks, xyz=xyz)


def _mean(several: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The mean of those that are there, NaN where none is."""
    stack = np.stack(several)
    known = np.isfinite(stack)
    count = known.sum(0)
    total = np.where(known, stack, 0).sum(0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _array(values: Tensor) -> NDArray[np.float32]:
    return np.asarray(values.float().cpu().numpy())

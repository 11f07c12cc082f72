"""Small training sets of drawn hands, and runs on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from curate.basics import images
from curate.basics import keypoints as kp
from curate.data.dataset import write_info, write_table
from curate.data.sample import Sample, to_batch
from curate.hands.drawn_hands import Person, draw_hand
from curate.networks import table
from curate.networks.network import Spec
from curate.training.run import finish_run
from tests.toy_networks import TOYS

MakeSet = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def toys() -> Iterator[None]:
    """The toy networks stand in the table."""
    with pytest.MonkeyPatch.context() as patch:
        for name, row in TOYS.items():
            patch.setitem(table.TABLE, name, row)
        yield


@pytest.fixture(scope="session")
def make_set(tmp_path_factory: pytest.TempPathFactory) -> MakeSet:
    """Makes a training set as `curate build` does, of drawn hands with the given splits."""

    def make(
        splits: list[str],
        *,
        size: int = 96,
        channels: int = 1,
        ids: list[str] | None = None,
        masks: bool = False,
        **training: Any,
    ) -> Path:
        root = tmp_path_factory.mktemp("set")
        samples, stack, stencils = [], [], []
        for number, split in enumerate(splits):
            rng = np.random.default_rng(number)
            side = "left" if number % 2 else "right"
            picture, points = draw_hand(rng, Person.sample(rng), side, width=size, height=size)
            stack.append(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if channels == 1 else picture)
            hull = cv2.convexHull(points.round().astype(np.int32))
            stencils.append(cv2.fillConvexPoly(np.zeros((size, size), np.uint8), hull, 255))
            visibility = np.full(kp.COUNT, kp.VISIBLE, np.uint8)
            visibility[number % kp.COUNT] = kp.HIDDEN
            samples.append(
                Sample(
                    ids[number] if ids else f"drawn/{number}",
                    "drawn",
                    images.stack_ref(number),
                    width=size,
                    height=size,
                    side=side,
                    split=split,
                    keypoints=points,
                    visibility=visibility,
                )
            )
        if masks:
            np.save(root / "masks.npy", np.stack(stencils))
            training["masks"] = True
        np.save(root / "pixels.npy", np.stack(stack))
        write_table(root, [to_batch(samples)])
        shape = {"size": size, "channels": channels, "keypoints": 20, "sigma": 5.0, **training}
        write_info(root, {"samples": len(samples), "history": [], "training": shape})
        return root

    return make


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a finished run whose network was never trained."""

    def make(network: str = "toy-points", *, size: int = 96, channels: int = 1, keypoints: int = 20) -> Path:
        root = tmp_path_factory.mktemp("run")
        torch.manual_seed(0)
        kind = table.load(network)
        preset = next(iter(kind.presets.values()))
        spec = Spec(size, channels, keypoints, preset.recipe.loss)
        described = {"name": network, **asdict(spec), **preset.options}
        finish_run(root, kind(spec, **preset.options), described, {"config": {}})
        return root

    return make

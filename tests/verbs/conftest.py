"""Small training sets of drawn hands, and runs on them."""

from __future__ import annotations

from collections.abc import Callable
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
from curate.networks.figure12 import Figure12
from curate.training.run import NetworkInput, write_weights
from curate.training.run import write_info as write_run_info

MakeSet = Callable[..., Path]


@pytest.fixture(scope="session")
def make_set(tmp_path_factory: pytest.TempPathFactory) -> MakeSet:
    """Makes a training set as `curate build` does, of drawn hands with the given splits."""

    def make(
        splits: list[str],
        *,
        size: int = 96,
        channels: int = 1,
        ids: list[str] | None = None,
        **training: Any,
    ) -> Path:
        root = tmp_path_factory.mktemp("set")
        samples, stack = [], []
        for number, split in enumerate(splits):
            rng = np.random.default_rng(number)
            picture, points = draw_hand(rng, Person.sample(rng), "right", width=size, height=size)
            stack.append(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if channels == 1 else picture)
            visibility = np.full(kp.COUNT, kp.VISIBLE, np.uint8)
            visibility[number % kp.COUNT] = kp.HIDDEN
            sample_id = ids[number] if ids else f"drawn/{number}"
            samples.append(
                Sample(sample_id, "drawn", images.stack_ref(number), width=size, height=size, split=split,
                       keypoints=points, visibility=visibility)
            )  # fmt: skip
        np.save(root / "pixels.npy", np.stack(stack))
        write_table(root, [to_batch(samples)])
        shape = {"size": size, "channels": channels, "keypoints": 20, "sigma": 5.0, **training}
        write_info(root, {"samples": len(samples), "history": [], "training": shape})
        return root

    return make


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a finished run whose network was never trained."""

    def make(*, size: int = 96, channels: int = 1, keypoints: int = 20, loss: str = "softmax") -> Path:
        root = tmp_path_factory.mktemp("run")
        torch.manual_seed(0)
        made_for = NetworkInput(size, channels, keypoints, standardised=True, loss=loss)
        write_run_info(root, made_for, {"config": {}})
        write_weights(root, Figure12(keypoints, channels))
        return root

    return make

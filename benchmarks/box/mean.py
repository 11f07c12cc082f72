"""The mean of the weights of runs of which one began with another's weights, or all with the same.

Further rounds make a network better at what they show and a little worse at the rest; weights half-way
between are as good as the better of the two at either, or better (Wortsman et al. 2022, arXiv:2109.01903).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import update_bn

from curate.data.dataset import Dataset
from curate.networks.network import Network
from curate.networks.pixels import to_float
from curate.training.confidence import CONFIDENCE, fit_confidence
from curate.training.examples import Examples
from curate.training.run import finish_run, open_run

IMAGES, BATCH = 1024, 64  # from which batch statistics are taken


def mean_of(runs: Sequence[Path], training_set: Path, out: Path) -> None:
    """A run at `out` like the last of `runs`, with the mean of the weights of all.

    The statistics of batch normalisation, and what scores mean, are taken from the training set.
    """
    opened = [open_run(run) for run in runs]
    network, info = opened[-1].network, dict(opened[-1].info)
    info["config"] = {**info["config"], "mean_of": [run.info["weights_sha256"] for run in opened]}
    blend([run.network.state_dict() for run in opened], network, training_set)
    val = Examples(Dataset(training_set), "val")
    info[CONFIDENCE] = fit_confidence(network, val, "val")
    out.mkdir(parents=True, exist_ok=True)
    finish_run(out, network, info.pop("network"), info)


def blend(weights: Sequence[Mapping[str, Tensor]], network: Network, training_set: Path) -> None:
    """Give a network the mean of some weights, and batch statistics of the training set."""
    mean = {
        name: torch.stack([own[name].float() for own in weights]).mean(0).to(value.dtype)
        for name, value in network.state_dict().items()
    }
    network.load_state_dict(mean)
    update_bn(_images(training_set), network)


def _images(training_set: Path) -> Iterator[Tensor]:
    examples = Examples(Dataset(training_set), "train")
    rows = np.random.default_rng(0).permutation(len(examples))[:IMAGES]
    for some in np.split(np.sort(rows), range(BATCH, len(rows), BATCH)):
        yield to_float(torch.from_numpy(examples.pixels(some)))

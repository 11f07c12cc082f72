"""The heads of one run, side by side: how each of them reads the test split, and what would mend it.

    python benchmarks/three_heads.py RUN SET [--split test] [--bias -4 -10]

Mean squared errors (dx^2 + dy^2, in pixels^2) of regression, disks and score maps of a run of the network
`heads`, of each image as it is and in the mean of four quarter turns; and of each map both as published, by
the expectation over all of it, and near its highest cell. With --bias, each image is moved right and down by
so many pixels first, its edge repeated, as their crops were: their hands lay about (60, 54) of 128 px.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.data.dataset import Dataset
from curate.networks.heads import HEADS, ThreeHeads
from curate.scoring import metrics
from curate.training.examples import Examples
from curate.training.run import Run, open_run


def errors(run: Run, examples: Examples, bias: tuple[int, int], *, turns: bool) -> metrics.Array:
    """(N, 21) distances in pixels."""
    rows = np.arange(len(examples))
    truth, visibility = examples.all_keypoints(rows)
    found = run.predict(moved(examples.pixels(rows), bias), examples.left[rows], turns=turns)
    return metrics.distances(found.points, truth + np.array(bias, np.float32), visibility > 0)


def moved(pixels: NDArray[np.uint8], bias: tuple[int, int]) -> NDArray[np.uint8]:
    """Images (N, S, S[, 3]) moved right and down."""
    size = pixels.shape[1]
    down, right = (np.clip(np.arange(size) - by, 0, size - 1) for by in reversed(bias))
    return pixels[:, down][:, :, right]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("training_set", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--bias", type=int, nargs=2, default=(0, 0), metavar=("X", "Y"))
    arguments = parser.parse_args()
    run = open_run(arguments.run)
    assert isinstance(run.network, ThreeHeads)
    examples = Examples(Dataset(arguments.training_set), arguments.split)
    print(f"{len(examples)} images of {examples.size} px, split {arguments.split}; MSE, px²; in brackets EPE")
    for head in HEADS:
        for whole in (True, False) if head != "regression" else (False,):
            run.network.head, run.network.whole = head, whole
            for turns in (False, True):
                table = errors(run, examples, tuple(arguments.bias), turns=turns)
                told = f"{metrics.mean_squared_error(table):7.2f} ({metrics.epe_mean(table):5.2f})"
                how = (
                    ", read as a whole"
                    if whole
                    else ""
                    if head == "regression"
                    else ", read near its highest cell"
                )
                print(f"{told}  {head}{how}{', four turns' if turns else ''}", flush=True)


if __name__ == "__main__":
    main()

"""The heads of one run, side by side: how each of them reads the test split, and what would mend it.

    python benchmarks/three_heads.py RUN SET [--split test]

Mean squared errors (dx^2 + dy^2, in pixels^2) of regression, disks and score maps of a run of the network
`heads`, of each image as it is and in the mean of four quarter turns; and of each map both as published, by
the expectation over all of it, and near its highest cell.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from curate.data.dataset import Dataset
from curate.networks.heads import HEADS, ThreeHeads
from curate.scoring import metrics
from curate.training.examples import Examples
from curate.training.run import Run, open_run


def errors(run: Run, examples: Examples, *, turns: bool) -> metrics.Array:
    """(N, 21) distances in pixels."""
    rows = np.arange(len(examples))
    truth, visibility = examples.all_keypoints(rows)
    found = run.predict(examples.pixels(rows), examples.left[rows], turns=turns)
    return metrics.distances(found.points, truth, visibility > 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("training_set", type=Path)
    parser.add_argument("--split", default="test")
    arguments = parser.parse_args()
    run = open_run(arguments.run)
    assert isinstance(run.network, ThreeHeads)
    examples = Examples(Dataset(arguments.training_set), arguments.split)
    print(f"{len(examples)} images of {examples.size} px, split {arguments.split}; MSE, px²; in brackets EPE")
    for head in HEADS:
        for whole in (True, False) if head != "regression" else (False,):
            run.network.head, run.network.whole = head, whole
            for turns in (False, True):
                table = errors(run, examples, turns=turns)
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

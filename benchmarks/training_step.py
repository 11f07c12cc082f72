"""CPU cost of a training step of figure 12: direct convolutions in float32 against the step that we use.

    python benchmarks/training_step.py [--rounds N] [--batch 32] [--size 96]

Both do the same work on the same batch: forward, softmax cross-entropy, backward, AdamW. They take turns
in one process; printed are the medians of process CPU time over all threads, and their ratio.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import torch
from torch import Tensor, nn

from curate.basics.memory import keep_freed_memory
from curate.networks.figure12 import Figure12
from curate.networks.losses import softmax_cross_entropy
from curate.networks.network import Spec


def direct_network() -> nn.Module:
    """Figure 12 as one would write it from the paper."""
    relu, pool = nn.ReLU, nn.MaxPool2d
    return nn.Sequential(
        *(nn.Conv2d(1, 64, 3, padding=1), relu(), nn.Conv2d(64, 64, 3, padding=1), relu(), pool(2)),
        *(nn.Conv2d(64, 128, 3, padding=1), relu(), nn.Conv2d(128, 128, 3, padding=1), relu(), pool(2)),
        *(nn.ZeroPad2d((11, 12, 11, 12)), nn.Conv2d(128, 160, 24), relu()),
        *(nn.Conv2d(160, 160, 1), relu(), nn.ConvTranspose2d(160, 20, 4, stride=4, bias=False)),
    )


class Step:
    """One network with its optimiser."""

    def __init__(self, network: nn.Module, bfloat16: bool) -> None:
        self.network, self.bfloat16 = network, bfloat16
        self.optimiser = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=1e-4, fused=True)

    def __call__(self, images: Tensor, keypoints: Tensor, weights: Tensor) -> float:
        """Seconds of CPU time that a step took."""
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            logits = self.network(images)
        loss = softmax_cross_entropy(logits, keypoints, weights, sigma=2.5)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--size", type=int, default=96, help="pixels a side")
    options = parser.parse_args()

    keep_freed_memory()
    torch.manual_seed(0)
    torch.set_num_threads(min(2, torch.get_num_threads()))
    images = torch.randn(options.batch, 1, options.size, options.size)
    keypoints = torch.rand(options.batch, 20, 2) * options.size
    weights = torch.ones(options.batch, 20)
    spec = Spec(options.size, 1, 20, "softmax")
    steps = {
        "direct, float32": Step(direct_network(), bfloat16=False),
        "figure 12 here, float32": Step(Figure12(spec, standardised=False), bfloat16=False),
        "figure 12 here, bfloat16": Step(Figure12(spec, standardised=False), bfloat16=True),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(options.rounds + 1):
        for name, step in steps.items():
            seconds = step(images, keypoints, weights)
            if turn:  # the first is a warm-up
                times[name].append(seconds)
    base = median(times["direct, float32"])
    for name, values in times.items():
        print(f"{name:26} {median(values):7.3f} CPU s a step   {base / median(values):5.2f} x")


if __name__ == "__main__":
    main()

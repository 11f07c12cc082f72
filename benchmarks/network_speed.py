"""Weights of each network of the table, and images a second of one core, one image at a time, in float32.

    python benchmarks/network_speed.py [--sizes 112 128 224] [--images 10] [NETWORK ...]

CPU time, so that it is told alike on a busy machine; new weights, since they do not change it.
"""

from __future__ import annotations

import argparse
import time

import torch

from curate.networks import table
from curate.networks.network import Spec


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=sorted(table.TABLE))
    parser.add_argument("--sizes", nargs="+", type=int, default=[112, 128, 224])
    parser.add_argument("--images", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.networks:
        needs, kind = table.row(name).needs, table.load(name)
        for preset, chosen in kind.presets.items():
            for size in (size for size in arguments.sizes if size % needs.stride == 0):
                spec = Spec(size, max(needs.channels), max(needs.keypoints), chosen.recipe.loss)
                network = kind(spec, **chosen.options).eval()
                count = sum(weight.numel() for weight in network.parameters())
                image = torch.rand(1, spec.channels, size, size)
                with torch.inference_mode():
                    network.decode(network(image))
                    begun = time.process_time()
                    for _ in range(arguments.images):
                        network.decode(network(image))
                    spent = time.process_time() - begun
                rate = arguments.images / spent
                print(
                    f"{name} {preset}: {count:,} weights, {size} px: {rate:.1f} images a second", flush=True
                )


if __name__ == "__main__":
    main()

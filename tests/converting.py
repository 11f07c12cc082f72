"""What the tests of formats share: a source read whole, and a small dataset to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from curate.basics import images
from curate.data.dataset import Dataset, write_info, write_table
from curate.data.part import Part
from curate.data.sample import Sample, from_batch, to_batch
from curate.data.source import Source


def read_all(
    read: Callable[..., Iterator[Part]], root: Path, mapping: Path | None = None, **places: Any
) -> tuple[list[Sample], Part]:
    """All samples of a source, and a part with all that was counted."""
    samples: list[Sample] = []
    total = Part(to_batch([]))
    for part in read(Source(root, **places), mapping=mapping):
        samples += from_batch(part.batch)
        total.count(part)
    return samples, total


def small_dataset(root: Path, samples: list[Sample], picture: images.Pixels) -> Dataset:
    """A dataset of these samples, each with the same picture."""
    for sample in samples:
        images.write(root / sample.image, picture)
    write_table(root, [to_batch(samples)])
    write_info(root, {"samples": len(samples), "sources": [], "licences": [], "history": []})
    return Dataset(root)

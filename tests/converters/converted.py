"""What the tests of formats that are only read share: a source converted as `curate convert` does it."""

from __future__ import annotations

from pathlib import Path

from converters.table import FORMATS
from curate.convert import ConvertOptions, convert
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.data.source import Source
from curate.data.stage import Summary


def converted(name: str, root: Path, images: Path | None = None) -> tuple[Summary, list[Sample], list[str]]:
    """What is told, the samples, and "input: reason" of the quarantine; made beside the source."""
    out = root.with_name(f"{root.name}-converted")
    summary = convert(
        FORMATS[name].read, name, Source(root, images), out, ConvertOptions(), overwrite=True, quiet=True
    )
    dataset = Dataset(out)
    return summary, list(dataset), [f"{line['input']}: {line['reason']}" for line in dataset.quarantine()]

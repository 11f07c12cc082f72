"""Hugging Face: Parquet shards with the images in them, and a dataset card (huggingface.co/docs/datasets).

`datasets.load_dataset(FOLDER)` reads it from the disk, and from the Hub once the folder is uploaded as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from converters.parts import licences
from converters.parts.lost_fields import count_lost
from converters.parts.parquet_shards import MEANINGS, SPLIT_NAMES, write_parquet
from converters.parts.shards import SHARD_MB, Shard
from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import UnreadableImage, UnsafeReference
from curate.basics.wording import counted
from curate.data.dataset import Dataset
from curate.data.sample import SCHEMA
from curate.hands.overlay import contact_sheet, draw_skeleton

NAME = "hf"
_HELD = frozenset(SCHEMA.names)
_SHEET = "preview.webp"
_SHOWN, _COLUMNS, _CELL = 12, 6, 180  # hands of the sheet, in rows of so many, pixels
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write(dataset: Dataset, out: Path, engine: Engine = ONE, *, shard_mb: int = SHARD_MB) -> Counter[str]:
    """Write data/*.parquet, one row per hand with the bytes of its images; README.md, and its picture.

    Our split `val` is called `validation` there; samples without a split go to `train`.

    Returns
    -------
    What was changed or left out, with counts.
    """
    counts = count_lost(dataset, _HELD)
    schema, shards, changed = write_parquet(dataset, out, engine, shard_mb)
    counts.update(changed)
    sheet = _sheet(dataset)
    if sheet:
        files.write(out / _SHEET, sheet)
    files.write(out / "README.md", _card(dataset, schema, shards, shows=bool(sheet)).encode())
    return +counts


def _sheet(dataset: Dataset) -> bytes:
    """Some hands with their points, from all over the dataset; nothing where none opens."""
    pictures: list[images.Pixels] = []
    step = max(1, len(dataset) // _SHOWN)
    for row, sample in enumerate(dataset):
        if len(pictures) == _SHOWN:
            break
        if row % step == 0:
            with suppress(UnreadableImage, UnsafeReference):
                image = dataset.read_image(sample)
                pictures.append(draw_skeleton(image, sample.keypoints, sample.visibility, size=_CELL))
    columns = min(_COLUMNS, len(pictures))
    return images.encode(contact_sheet(pictures, columns=columns, cell=_CELL), ".webp") if pictures else b""


# The card ---------------------------------------------------------------------------------------------


def _card(dataset: Dataset, schema: pa.Schema, shards: Sequence[Shard], *, shows: bool) -> str:
    head = yaml.safe_dump(_head(dataset, shards), sort_keys=False, allow_unicode=True, width=1000)
    parts = [
        f"---\n{head}---\n",
        f"# {_title(dataset)}\n",
        f"{counted(sum(s.samples for s in shards), 'hand')}, each with up to 21 keypoints. "
        "A row is one hand in one image.\n",
        f"![Hands with their keypoints]({_SHEET})\n" if shows else "",
        _use(schema),
        _table("Splits", ("split", "hands", "files"), _splits(shards)),
        _table("Columns", ("column", "what it holds"), [(f"`{n}`", MEANINGS[n]) for n in schema.names]),
        _keypoints(),
        _origin(dataset),
    ]
    return "\n".join(part for part in parts if part)


def _title(dataset: Dataset) -> str:
    names = ", ".join(_plain(source) for source in dataset.info["sources"][:3])
    return f"Hand keypoints: {names}" if names else "Hand keypoints"


def _head(dataset: Dataset, shards: Sequence[Shard]) -> dict[str, Any]:
    """The card's metadata, by which the Hub sorts and shows it."""
    total = sum(shard.samples for shard in shards)
    splits = [split for split in SPLIT_NAMES if any(shard.split == split for shard in shards)]
    return {
        "pretty_name": _title(dataset),
        **_licence_keys(dataset.info["licences"]),
        "task_categories": ["keypoint-detection"],
        "tags": ["hand", "hand-pose-estimation", "keypoints"],
        "size_categories": [next((name for limit, name in _SIZES if total < limit), "1M<n<10M")],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": SPLIT_NAMES[split], "path": f"data/{SPLIT_NAMES[split]}-*"} for split in splits
                ],
            }
        ],
    }


def _licence_keys(texts: Sequence[str]) -> dict[str, Any]:
    names = sorted({licences.short_name(text) for text in texts})
    if not names:
        return {"license": "unknown"}
    if licences.OTHER not in names:
        return {"license": names[0] if len(names) == 1 else names}
    return {"license": licences.OTHER, "license_name": "see-below"}


def _use(schema: pa.Schema) -> str:
    lines = [
        "from datasets import load_dataset",
        "import numpy as np",
        "",
        'hands = load_dataset("THIS FOLDER, OR ITS NAME ON THE HUB")',
        "row = next(iter(next(iter(hands.values()))))",
        'picture = row["image"]  # a PIL image',
        'points = np.array(row["keypoints"], float).reshape(21, 2)  # NaN where not labelled',
        'seen = np.array(row["visibility"]) == 2',
    ]
    if "xyz" in schema.names:
        lines.append('metres = np.array(row["xyz"] or [np.nan] * 63, float).reshape(21, 3)')
    return "```python\n" + "\n".join(lines) + "\n```\n"


def _splits(shards: Sequence[Shard]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for split, name in SPLIT_NAMES.items():
        own = [shard for shard in shards if shard.split == split]
        if own:
            rows.append((name, f"{sum(shard.samples for shard in own):,}", f"{len(own):,}"))
    return rows


def _keypoints() -> str:
    order = ", ".join(f"{i} {name}" for i, name in enumerate(kp.NAMES))
    return (
        f"## Keypoints\n\n{order}.\n\n"
        "Coordinates are continuous: (0, 0) is the outer corner of the top-left pixel, whose centre is at "
        "(0.5, 0.5). Points outside the image keep their true coordinates. A mirrored hand keeps the order "
        "of its points: only `side` changes.\n"
    )


def _origin(dataset: Dataset) -> str:
    lines = ["## Where it comes from\n"]
    lines += [f"- source: {_plain(source)}" for source in dataset.info["sources"]]
    lines += [f"- licence: {_plain(text)}" for text in dataset.info["licences"]]
    if not dataset.info["licences"]:
        lines.append("- licence: not told")
    for step in dataset.info["history"]:
        stage, version, counts = (step.get(key) for key in ("stage", "version", "counts"))
        made = counts.get("out") if isinstance(counts, dict) else None
        told = f": {counted(made, 'sample')}" if isinstance(made, int) else ""
        lines.append(f"- {_plain(str(stage))} (hand-curate {_plain(str(version))}){told}")
    return "\n".join(lines) + "\n"


def _table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
    return f"## {title}\n\n" + "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text of the dataset as Markdown that says it and does nothing else."""
    kept = " ".join(text.split())[:200]
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#|!~&" else c for c in kept)

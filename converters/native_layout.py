"""What the writers of the publishers' own layouts share: images in one file format, and what is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from curate.basics import files, images
from curate.data.dataset import Dataset
from curate.data.sample import to_numpy

_FORMATS = {".jpg": "JPEG", ".png": "PNG"}


def put_as(dataset: Dataset, ref: str, path: Path) -> bool:
    """Put the image that `ref` (a value of the field `image`) names at `path`, in the format of its suffix.

    An upright file of that format is copied as it is; others are written anew.

    Returns
    -------
    Whether it was written anew.

    Raises
    ------
    UnreadableImage: the image does not open.
    """
    if "#" not in ref:
        source = dataset.root / ref
        info = images.probe(source)
        if info.orientation == 1 and info.format == _FORMATS[path.suffix]:
            files.write(path, source.read_bytes())
            return False
    images.write(path, images.read_ref(dataset.root, ref))
    return True


def count_lost(dataset: Dataset, fields: Iterable[str]) -> Counter[str]:
    """How many samples hold a value in each of the fields that a format has no place for."""
    lost = Counter[str]()
    wanted = list(fields)
    for batch in dataset.batches():
        for name in wanted:
            if name == "keypoints":
                lost[name] += int(np.count_nonzero(to_numpy(batch, "visibility").any(axis=1)))
            else:
                lost[name] += batch.num_rows - batch.column(name).null_count
    return +lost

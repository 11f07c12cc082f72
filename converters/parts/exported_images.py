"""The images of an export: each one once, upright, under a name that any system can hold."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from curate.basics import files, images
from curate.basics.errors import UnreadableImage
from curate.data.dataset import Dataset
from curate.data.sample import file_stem

_COPIED = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
}


def put(dataset: Dataset, refs: Sequence[str], folder: Path) -> tuple[dict[str, Path], Counter[str]]:
    """Copy the images that `refs` (values of the field `image`) name into `folder`.

    An upright file is copied as it is. One that its EXIF tag turns, which tools disagree on, and a row of
    a training set are written as PNG. A file keeps its name, unless two images share it.

    Returns
    -------
    The new file of each ref, and counts of what was left out (unreadable images) or turned.
    """
    unique = sorted(set(refs))
    taken = Counter(_plain_stem(ref).lower() for ref in unique)
    placed: dict[str, Path] = {}
    counts = Counter[str]()
    for ref in unique:
        stem = _plain_stem(ref)
        if taken[stem.lower()] > 1:
            stem = file_stem(ref)
        try:
            placed[ref] = _put_one(dataset, ref, folder / stem, counts)
        except UnreadableImage:
            counts["image missing or unreadable"] += 1
    return placed, counts


def put_as(dataset: Dataset, ref: str, path: Path) -> bool:
    """Put the image that `ref` names at `path`, in the format of its suffix (.jpg or .png).

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
        if info.orientation == 1 and path.suffix in _COPIED.get(info.format, ()):
            files.write(path, source.read_bytes())
            return False
    images.write(path, images.read_ref(dataset.root, ref))
    return True


def _put_one(dataset: Dataset, ref: str, target: Path, counts: Counter[str]) -> Path:
    source = dataset.root / ref
    if "#" not in ref:
        info = images.probe(source)
        suffix = source.suffix.lower()
        if info.orientation == 1 and suffix in _COPIED.get(info.format, ()):
            path = target.with_name(target.name + suffix)
            _copy(source, path)
            return path
        counts["image turned upright or written anew as PNG"] += 1
    path = target.with_name(target.name + ".png")
    if not path.exists():
        images.write(path, images.read_ref(dataset.root, ref))
    return path


def _copy(source: Path, path: Path) -> None:
    if path.exists() and path.stat().st_size == source.stat().st_size:
        return  # an export that was killed goes on
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.copyfile(source, temporary)
    temporary.replace(path)


def _plain_stem(ref: str) -> str:
    if "#" in ref:
        return f"row_{int(ref.partition('#')[2]):07d}"
    return re.sub(r"[^A-Za-z0-9._-]+", "_", Path(ref).stem).strip("._") or "image"

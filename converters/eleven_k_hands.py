"""11k Hands: HandInfo.csv and Hands/*.jpg (Afifi 2019, sites.google.com/view/11khands); no keypoints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from converters.parts.cells import inert
from converters.parts.exported_images import WITHOUT_IMAGE, put_as
from converters.parts.hand_info import COLUMNS, METADATA, TABLE, read_hand_info, stem
from converters.parts.known_formats import refusal
from converters.parts.lost_fields import count_lost
from curate.basics import files, images
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError, UnreadableImage
from curate.data.dataset import ROWS, Dataset
from curate.data.part import LEFT_OUT, Part
from curate.data.sample import Sample, make_batch
from curate.data.source import Source, posix_path

NAME = "11khands"
LICENCE = "11k Hands: free for reasonable academic fair use"
SIZE = (1600, 1200)
_HELD = frozenset({"sample_id", "source", "side", "aspect", "subject_id", "attrs"})


def read(source: Source) -> Iterator[Part]:
    """Yield a sample for each row that has its photo.

    Parameters
    ----------
    source: the folder of HandInfo.csv, or the file itself under any name; photos are in Hands/ beside it,
        directly beside it, or in `source.images`.

    Raises
    ------
    InputError: no HandInfo.csv, one that is not such a table, or no folder of photos.
    """
    path = _find_table(source)
    info = read_hand_info(path)
    photos, twins = _photos(source, path.parent)
    rows = [row for key, row in info.stems.items() if key in photos]
    tally = Part(quarantine=info.quarantine, notes=info.notes)
    tally.absent["row without its photo"] += len(info.stems) - len(rows)
    tally.dropped["photo without a row"] += len(photos.keys() - info.stems.keys())
    tally.dropped["photo of the same name as another"] += twins
    tally.dropped = +tally.dropped
    yield tally
    for start in range(0, len(rows), ROWS):
        chosen = rows[start : start + ROWS]
        files = [photos[stem(info.names[row])] for row in chosen]
        sizes = [_size(file) for file in files]
        resized = sum(size not in (SIZE, (None, None)) for size in sizes)
        yield Part(
            make_batch(
                len(chosen),
                sample_id=[f"{NAME}/{Path(info.names[row]).stem}" for row in chosen],
                source=NAME,
                image=files,
                width=[width for width, _ in sizes],
                height=[height for _, height in sizes],
                side=[info.side[row] for row in chosen],
                aspect=[info.aspect[row] for row in chosen],
                subject_id=[info.subject_id[row] for row in chosen],
                attrs=[info.attrs[row] for row in chosen],
                licence=LICENCE,
            ),
            notes=Counter(
                {"photo of another size than the published 1600 x 1200": resized} if resized else {}
            ),
        )


def write(dataset: Dataset, out: Path, engine: Engine = ONE) -> Counter[str]:
    """Write HandInfo.csv and Hands/*.jpg as published; if an image has several hands, only the first.

    Photo names of the publisher's form (Hand_0000002) and numeric ids of people are kept; others are
    numbered. Upright JPEG files are copied, other images written as JPEG.

    Returns
    -------
    How many values of each field the layout could not hold, images written anew, and samples left out.
    """
    counts = count_lost(dataset, _HELD)
    table = dataset.table(["image", "subject_id"])
    names = _numbered(table.column("image").to_pylist(), "Hand_")
    people = _numbered(table.column("subject_id").to_pylist(), "")
    refs = dict.fromkeys(table.column("image").to_pylist())
    anew = put_as(dataset, {ref: out / "Hands" / f"{names[ref]}.jpg" for ref in refs}, engine)
    counts["image written anew as JPEG"] += sum(anew.values())
    written = set[str]()
    lines = [",".join(COLUMNS)]
    for sample in dataset:
        if sample.image in written:
            counts[LEFT_OUT + "further hand in an image"] += 1
        elif sample.image not in anew:
            counts[WITHOUT_IMAGE] += 1
        else:
            written.add(sample.image)
            counts["subject_id replaced by a number"] += people.get(sample.subject_id) != sample.subject_id
            counts["sample_id"] += sample.source != NAME  # the names of the photos tell the ids of our own
            counts["source"] += sample.source != NAME
            counts["attrs"] += bool(sample.attrs.keys() - set(METADATA))
            lines.append(_line(sample, people, names))
    files.write(out / TABLE, "".join(f"{line}\r\n" for line in lines).encode())
    return +counts


def _numbered(values: list[str | None], prefix: str) -> dict[str | None, str]:
    """A name of the publisher's form, PREFIX and seven digits, for each value: its own, or the next free."""
    form = re.compile(re.escape(prefix) + r"[0-9]{7}")
    names: dict[str | None, str] = {None: ""}
    taken = set[str]()
    distinct = list(dict.fromkeys(value for value in values if value is not None))
    for value in distinct:
        own = posix_path(value).stem
        if form.fullmatch(own) and own not in taken:
            names[value] = own
            taken.add(own)
    free = (name for name in (f"{prefix}{i:07d}" for i in count(1)) if name not in taken)
    for value in distinct:
        if value not in names:
            names[value] = next(free)
    return names


def _line(sample: Sample, people: dict[str | None, str], names: dict[str | None, str]) -> str:
    aspect = f"{sample.aspect or ''} {sample.side or ''}".strip()
    known = {
        **sample.attrs,
        "id": people[sample.subject_id],
        "aspectOfHand": aspect,
        "imageName": f"{names[sample.image]}.jpg",
    }
    cells = []
    for column in COLUMNS:
        value = known.get(column, "")
        quoted = isinstance(value, str)
        cells.append('"{}"'.format(inert(value).replace('"', '""')) if quoted else str(value))
    return ",".join(cells)


def _size(path: str) -> tuple[int, int] | tuple[None, None]:
    """Width and height; none for a photo that does not open, which `convert` reports."""
    try:
        info = images.probe(path)
    except UnreadableImage:
        return None, None
    return info.width, info.height


def _find_table(source: Source) -> Path:
    root = source.root
    if root.is_file():
        return root
    if not root.is_dir():
        raise InputError(root, "no such file or folder", allowed=f"a folder with {TABLE}")
    for path in sorted(root.iterdir()):
        if path.name.lower() == TABLE.lower():
            source.places.require(path)
            return path
    raise refusal(root, f"no {TABLE} in it", allowed="the folder that holds it, or the file itself", own=NAME)


def _photos(source: Source, beside: Path) -> tuple[dict[str, str], int]:
    """Lower-case stem -> absolute path of each photo; and how many share a name with another."""
    below = [path for path in sorted(beside.iterdir()) if path.name.lower() == "hands"]
    folders = [folder for folder in (source.images, *below, beside) if folder and folder.is_dir()]
    photos: dict[str, str] = {}
    for folder in folders:
        twins = 0
        for path in sorted(sorted(folder.iterdir()), key=images.rank):
            if path.suffix.lower() in images.SUFFIXES and not path.name.startswith("."):
                twins += stem(path.name) in photos
                photos.setdefault(stem(path.name), str(path.absolute()))
        if photos:
            return photos, twins
    raise InputError(beside, "no photos", allowed="Hands/*.jpg", remedy="if they lie elsewhere: --images DIR")

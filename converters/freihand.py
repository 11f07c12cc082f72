"""FreiHAND (Zimmermann et al. 2019) in its own layout.

    FreiHAND_pub_v2/training_K.json  training_xyz.json  evaluation_K.json  evaluation_xyz.json
                    training/rgb/00000000.jpg  training/mask/00000000.jpg  evaluation/rgb/00000000.jpg

Each table is a list with one entry a photograph: K (3, 3), and xyz (21, 3) in metres, in the camera's frame
and in our order. The training photographs come four times, on different backgrounds: picture number i + N
* version belongs to entry i of N. All hands are right hands. The 2D points are the projections.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from converters.parts import json_files
from converters.parts.cameras import project
from converters.parts.gathered import NOT_TOLD, from_tables, gathered, narrow, seen, shaped
from converters.parts.known_formats import refusal
from converters.parts.pictures import NO_ANNOTATION, NO_IMAGE
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.wording import counted
from curate.data.part import Part
from curate.data.sample import Sample
from curate.data.source import Source, texts_below

NAME = "freihand"
LICENCE = "FreiHAND: research only, no commercial use, cite Zimmermann et al. 2019"
_SPLITS = {"training": "train", "evaluation": "test"}
_VERSIONS = {"training": 4, "evaluation": 1}
_SIDE = 224  # pixels, of each photograph
_PICTURE = re.compile(r"([0-9]{8})\.jpe?g", re.IGNORECASE)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_MATRIX = msgspec.json.Decoder(list[list[float]])


class _Set(NamedTuple):
    """The training or the evaluation set."""

    name: str
    cameras: Path
    points: Path
    folder: Path


def read(source: Source) -> Iterator[Part]:
    """Yield a sample for each picture; the versions of a photograph are one clip, which no split divides.

    Raises
    ------
    InputError: no such folder, no table of points in it, or none that can be used.
    """
    tally = Part()
    sets = _sets(source)
    hands = from_tables(sets, lambda one: _hands(one, source, tally), source, tally)
    yield from gathered(hands, tally, note=NOT_TOLD)


def _hands(one: _Set, source: Source, tally: Part) -> Iterator[Sample]:
    cameras, points = (json_files.load(_LIST, path, source.places) for path in (one.cameras, one.points))
    if len(cameras) != len(points):
        found = f"{counted(len(points), 'entry', 'entries')}; {one.cameras.name} has {len(cameras)}"
        raise InputError(one.points, found, allowed="one entry for each camera")
    pictures = _pictures(one.folder / "rgb", tally)
    masks = dict(_pictures(one.folder / "mask", tally))
    first = {number for number, _ in pictures}
    tally.absent[NO_IMAGE] += sum(i not in first for i in range(len(points)))
    for number, image in pictures:
        if number >= _VERSIONS[one.name] * len(points):
            tally.dropped[NO_ANNOTATION] += 1
            continue
        entry = number % len(points)
        with tally.quarantining(f"{one.name}/rgb/{image.name}"):
            yield _hand(one, entry, image, cameras[entry], points[entry], masks.get(entry))


def _sets(source: Source) -> list[_Set]:
    """The sets that have points. Raises InputError where there is none."""
    root = source.root
    inner = root / "FreiHAND_pub_v2"
    base = inner if inner.is_dir() else root
    sets = [
        _Set(name, base / f"{name}_K.json", base / f"{name}_xyz.json", base / name)
        for name in _SPLITS
        if (base / f"{name}_xyz.json").is_file()
    ]
    if not sets:
        found = "no training_xyz.json or evaluation_xyz.json"
        raise refusal(root, found, allowed="the folder FreiHAND_pub_v2", own=NAME)
    return sets


def _pictures(folder: Path, tally: Part) -> list[tuple[int, Path]]:
    """The pictures of a folder with their numbers, in order."""
    found = []
    for path in texts_below(folder, tally) if folder.is_dir() else ():
        if match := _PICTURE.fullmatch(path.name):
            found.append((int(match[1]), path))
        else:
            tally.notes["file that is not called as FreiHAND's pictures are, passed over"] += 1
    return sorted(found)


def _hand(
    one: _Set, entry: int, image: Path, camera: msgspec.Raw, points: msgspec.Raw, mask: Path | None
) -> Sample:
    of_camera, of_points = (f"{table.name}[{entry}]" for table in (one.cameras, one.points))
    K = shaped(json_files.entry(_MATRIX, camera, one.cameras, of_camera), (3, 3), one.cameras, of_camera)
    places = json_files.entry(_MATRIX, points, one.points, of_points)
    xyz = shaped(places, (kp.COUNT, 3), one.points, of_points)
    spots = narrow(project(xyz, K))
    return Sample(
        f"{NAME}/{one.name}/{image.stem}",
        NAME,
        str(image.absolute()),
        _SIDE,
        _SIDE,
        side="right",
        keypoints=spots,
        visibility=seen(spots),
        xyz=narrow(xyz),
        K=K,
        mask=str(mask.absolute()) if mask else None,
        label_source="auto:mano-fit",
        clip=f"{NAME}/{one.name}/{entry:08d}",
        split=_SPLITS[one.name],
        licence=LICENCE,
    )

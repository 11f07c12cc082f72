"""Ultralytics YOLO pose: one text file per image, one line per hand.

A line holds class, box (cx cy w h) and 21 x (x y v), or 21 x (x y), all as shares of the image's width and
height with the origin at its corner (docs.ultralytics.com/datasets/pose). The order of the points is ours.

Visibility: sets that ever use 2 follow COCO (1 labelled but hidden, 2 visible). In sets that never do, such
as Ultralytics' own hand-keypoints, 1 says no more than that a point is labelled, and is read as visible.
Files that `write` made say `visibility: coco` in data.yaml, and are read as they are. `0 0` is no label.
"""

from __future__ import annotations

import codecs
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.parts import config_advice
from converters.parts.by_image import by_image
from converters.parts.exported_images import WITHOUT_IMAGE, put, size_of
from converters.parts.gathered import IMPOSSIBLE_BOX
from converters.parts.lost_fields import count_lost
from converters.parts.point_order import ASSUMED, by_the_rest
from converters.parts.text_lines import UTF16
from converters.parts.yolo_config import COCO, Config, read_config
from converters.parts.yolo_files import Pair, find_pairs
from curate.basics import files, geometry, images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError, UnreadableImage
from curate.basics.numerals import as_number, is_plain
from curate.basics.paths import read_file
from curate.basics.wording import counted
from curate.data.dataset import Dataset
from curate.data.part import LEFT_OUT, Part
from curate.data.sample import Sample, make_batch
from curate.data.source import Source
from curate.data.split import SPLITS

NAME = "yolo-pose"
_HEAD = 5  # class and box
_NUMBERS = {_HEAD + 3 * kp.COUNT: 3, _HEAD + 2 * kp.COUNT: 2}  # numbers a line -> numbers a point
_FILES = 2048  # a part
_LOOKED_AT = 256  # files whose hands a flip_idx is held against
_MAX_BYTES = 10_000_000  # of a label file: 7,000 hands in one image
# A share beyond this is a coordinate in pixels that nobody divided by the image's size.
_FARTHEST = 2.0
_SHIFT = 0.01  # pixels; what float32 boxes stray is less
_TWO = re.compile(rb"(?<![\d.eE+-])2(?:\.0*)?(?![\d.eE])")
_LFS = b"version https://git-lfs"
_HELD = frozenset({"sample_id", "source", "keypoints", "bbox", "split"})


def read(source: Source) -> Iterator[Part]:
    """Yield a sample for each line.

    Parameters
    ----------
    source: a folder with images/{train,val,test} and labels/{train,val,test}, or {train,val,test}/images and
        {train,val,test}/labels, or images/ and labels/, at any depth; data.yaml is optional. Images that are
        not there are looked for by name in `source.images`.

    `label_source` stays null: the format does not say who labelled.

    Raises
    ------
    InputError: no such folders, or a data.yaml with another keypoint count.
    """
    root = source.root
    if not root.is_dir():
        raise InputError(root, "no such folder", allowed="a folder with images/ and labels/")
    tally = Part()
    pairs = find_pairs(source, tally)
    config = read_config(root)
    tally.notes.update(config.notes)
    labelled = []
    for pair in pairs:
        if pair.image is None:
            tally.quarantine.append((_relative(root, pair.label), pair.why or "no image of its name"))
        elif pair.label is None:
            tally.dropped["image without a label file"] += 1
        else:
            labelled.append(pair)
    if not config.sizes:
        config.sizes, config.sizes_by = _sizes(labelled), "other lines of the set say"
    coco = config.visibility == COCO or any(_uses_two(pair.label) for pair in labelled if pair.label)
    if labelled and not coco:
        tally.notes["visibility: the set never uses 2, so 1 was read as visible"] += 1
    tally.notes.update(_flip_advice(root, labelled[:_LOOKED_AT], config))
    yield tally
    for start in range(0, len(labelled), _FILES):
        yield _read_part(root, labelled[start : start + _FILES], config, coco)


def write(dataset: Dataset, out: Path, engine: Engine = ONE) -> Counter[str]:
    """Write images/{split}, labels/{split} and data.yaml, whose flip_idx is the identity, as for one hand.

    A point outside the image becomes unlabelled, since Ultralytics refuses such files. Boxes are clipped; a
    hand without a box gets one around its points. A hand with neither a box nor points in the image is left
    out, and so is an image left without hands. Samples without a split go to train; all hands of an image go
    to the split of the first.

    Returns
    -------
    How many values of each field the format could not hold, and what was changed or left out.
    """
    counts = count_lost(dataset, _HELD)
    hands: dict[str, Counter[str]] = {}  # of each split and image, those that have a line
    splits: dict[str, str] = {}
    for sample in dataset:
        own = sample.split or "train"
        split = splits.setdefault(sample.image, own)
        counts["sample in the split of another hand of its image"] += split != own
        counts["sample without a split, put into train"] += sample.split is None and split == own
        counts["sample_id"] += sample.source != NAME  # the names of the files tell the ids of our own
        counts["source"] += sample.source != NAME
        if _line(dataset, sample, counts):
            hands.setdefault(split, Counter())[sample.image] += 1
    del splits
    for split, of_image in sorted(hands.items()):
        placed, changed = put(dataset, of_image, out / "images" / split, engine)
        counts.update(changed)
        counts[WITHOUT_IMAGE] += of_image.total() - sum(of_image[ref] for ref in placed)
        for here in by_image(dataset, placed):
            lines = filter(None, (_line(dataset, hand, Counter()) for hand in here))
            label = Path(placed.name(here[0].image)).with_suffix(".txt")
            files.write(out / "labels" / split / label, "".join(f"{line}\n" for line in lines).encode())
    files.write(out / "data.yaml", _data_yaml(sorted(hands)).encode())
    return +counts


# Reading ---------------------------------------------------------------------------------------------


def _sizes(pairs: Sequence[Pair]) -> set[int]:
    """How many numbers a point has in most lines, as all lines of a set should have; empty if no line tells.

    If there are as many lines with v as without, it is three (x, y, v): a line with v that is cut off may
    look like one without v, but not the other way round.
    """
    files = (_text(_bytes(pair.label)) for pair in pairs if pair.label)
    rows = Counter(len(_tokens(line)) for data in files for line in data.splitlines())
    told = [length for length in _NUMBERS if rows[length]]  # x, y and v is the first
    return {_NUMBERS[max(told, key=rows.__getitem__)]} if told else set()


def _uses_two(path: Path) -> bool:
    """Whether a file's visibility is ever 2."""
    data = _text(_bytes(path))
    if not _TWO.search(data):
        return False
    rows = map(_tokens, data.splitlines())
    return any(_TWO.fullmatch(v) for row in rows if _NUMBERS.get(len(row)) == 3 for v in row[_HEAD + 2 :: 3])


def _flip_advice(root: Path, pairs: Sequence[Pair], config: Config) -> list[str]:
    """What to write instead of each flip_idx that the hands in these files contradict."""
    if not config.flips:
        return []
    lines, tally = _Lines(), Part()
    for pair in pairs:
        _parse(root, pair, config, lines, tally)
    values = np.array(lines.values, np.float64).reshape(-1, _HEAD + 3 * kp.COUNT)
    points = _in_our_order(values, config, tally.notes)[..., :2]
    points[(points == 0).all(axis=2)] = np.nan
    places = (config.order(int(values[0, 0])).places if len(values) else None) or config_advice.OURS
    told = (
        config_advice.of_flip(flip, f"flip_idx of {name}", points, places)
        for name, flip in config.flips.items()
    )
    return [advice for advice in told if advice]


def _bytes(path: Path) -> bytes:
    """The content of a label file; empty if it is unreadable, which `_parse` reports."""
    try:
        return read_file(path, _MAX_BYTES)
    except OSError:
        return b""


def _text(data: bytes) -> bytes:
    """The content without a byte order mark, in UTF-8 also if it was in UTF-16."""
    if data.startswith(UTF16):
        return data.decode("utf-16", "replace").encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _tokens(line: bytes) -> list[bytes]:
    """The numbers of a line. They may stand between commas; decimal commas would not give a hand's count."""
    return (line.replace(b",", b" ") if b"," in line else line).split()


@dataclass(slots=True)
class _Lines:
    """The well-formed lines of several files, in order."""

    values: list[list[float]] = field(default_factory=list)  # 68 numbers; v is NaN where the file has none
    where: list[tuple[Pair, int, int]] = field(default_factory=list)  # pair, hand of the file, line


def _read_part(root: Path, pairs: Sequence[Pair], config: Config, coco: bool) -> Part:
    part = Part()
    lines = _Lines()
    for pair in pairs:
        _parse(root, pair, config, lines, part)
    values = np.array(lines.values, np.float64).reshape(-1, _HEAD + 3 * kp.COUNT)
    points = values[:, _HEAD:].reshape(-1, kp.COUNT, 3)
    sizes = np.full((len(values), 2), np.nan)
    known: dict[str, tuple[int, int] | None] = {}
    for row, (pair, _, line) in enumerate(lines.where):
        if reason := _fault(values[row], points[row]):
            part.quarantine.append((f"{_relative(root, pair.label)} line {line}", reason))
            continue
        if pair.key not in known:
            known[pair.key] = _size(root, pair, part)
        size = known[pair.key]
        if size is None:
            part.dropped["image unreadable"] += 1
        elif refusal := config.order(int(values[row, 0])).refusal:
            part.dropped[f"line of no known hand: {refusal}"] += 1
        else:
            sizes[row] = size
    good = np.flatnonzero(np.isfinite(sizes[:, 0]))
    if len(good):
        where = [lines.where[row] for row in good]
        part.batch = _batch(values[good], sizes[good], where, config, coco, part.notes)
    part.notes = +part.notes
    return part


def _parse(root: Path, pair: Pair, config: Config, lines: _Lines, part: Part) -> None:
    label = pair.label
    assert label is not None
    name = _relative(root, label)
    try:
        data = _text(read_file(label, _MAX_BYTES))
    except OSError as error:
        part.quarantine.append((name, f"cannot be read ({error.strerror})"))
        return
    if data.startswith(_LFS):
        part.quarantine.append((name, "a Git-LFS pointer, not the labels; run: git lfs pull"))
        return
    if not data.strip():
        part.notes["image without a hand (its label file is empty)"] += 1
        return
    hand = 0
    seen: dict[tuple[float, ...], list[float]] = {}  # the lines of this file by their points
    for number, line in enumerate(data.splitlines(), 1):
        tokens = _tokens(line)
        if not tokens:
            continue
        hand += 1
        try:
            row = _row(tokens, config, part.notes)
        except ValueError as error:
            part.quarantine.append((f"{name} line {number}", str(error)[:100]))
            continue
        before = seen.setdefault(tuple(row[_HEAD:]), row)
        if before is not row:
            if before == row:
                part.notes["line that stands in its file before, left out"] += 1
                continue
            part.notes["hand with the same points as another of its image"] += 1
        lines.values.append(row)
        lines.where.append((pair, hand - 1, number))


def _row(tokens: list[bytes], config: Config, notes: Counter[str]) -> list[float]:
    """The 68 numbers of a line, v being NaN where it has none.

    In a line without v, a negative coordinate says that there is no point, as Ultralytics reads it.

    Raises
    ------
    ValueError: says why these are not the numbers of a hand.
    """
    size = _NUMBERS.get(len(tokens))
    if size is None:
        raise ValueError(
            f"{counted(len(tokens), 'number')}; allowed: 68 (class, box, 21 x (x y v)) or 47 (without v)"
        )
    if config.sizes and size not in config.sizes:  # such as a file cut off where a line without v would end
        raise ValueError(f"{len(tokens)} numbers, {size} per point, which is not what {config.sizes_by}")
    row = _numbers(tokens)
    if not all(map(math.isfinite, row)):  # before a missing v becomes NaN: a NaN in the file is no number
        raise ValueError("a number that is not finite")
    if size == 3:
        return row
    points = [(row[i], row[i + 1]) for i in range(_HEAD, len(row), 2)]
    absent = sum(x < 0 or y < 0 for x, y in points)
    notes["point with a negative coordinate in a line without v, read as unlabelled"] += absent
    whole = [(x, y, math.nan) if x >= 0 and y >= 0 else (0.0, 0.0, 0.0) for x, y in points]
    return [*row[:_HEAD], *(n for point in whole for n in point)]


def _numbers(tokens: list[bytes]) -> list[float]:
    read = float if is_plain(b" ".join(tokens)) else as_number  # to look at each alone takes twice as long
    row: list[float] = []
    for token in tokens:
        try:
            row.append(read(token))
        except ValueError:
            found = token[:20].decode("utf-8", "replace")
            raise ValueError(f"{found!r}; allowed: decimal numbers, such as 0.25") from None
    return row


def _fault(row: NDArray[np.float64], points: NDArray[np.float64]) -> str:
    """Why a line cannot be used; empty where it can."""
    shares = np.concatenate([row[1:_HEAD], points[:, :2].reshape(-1)])
    if row[0] < 0 or row[0] != int(row[0]):
        return f"class {row[0]:g}; allowed: 0, 1, 2, ..."
    if np.abs(shares).max() > _FARTHEST:
        worst = shares[np.abs(shares).argmax()]
        return f"coordinate {worst:g}; allowed: shares of the image's size; divide pixels by width and height"
    if row[3] < 0 or row[4] < 0:
        return f"a box of {row[3]:g} x {row[4]:g}"
    seen = points[:, 2]
    odd = seen[~np.isnan(seen) & ~np.isin(seen, (0, 1, 2))]
    return f"visibility {odd[0]:g}; allowed: 0, 1 or 2" if len(odd) else ""


def _size(root: Path, pair: Pair, part: Part) -> tuple[int, int] | None:
    assert pair.image is not None
    try:
        info = images.probe(pair.image)
    except UnreadableImage as error:
        part.quarantine.append((_relative(root, pair.image), error.reason))
        return None
    return info.width, info.height


def _relative(root: Path, path: Path | None) -> str:
    assert path is not None
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _batch(
    values: NDArray[np.float64],
    sizes: NDArray[np.float64],
    where: Sequence[tuple[Pair, int, int]],
    config: Config,
    coco: bool,
    notes: Counter[str],
) -> Any:
    points = _in_our_order(values, config, notes)
    at_zero = (points[..., :2] == 0).all(axis=2)
    stated = points[..., 2]
    seen = np.where(np.isnan(stated), kp.VISIBLE, stated)
    if not coco:
        seen = np.where(seen == 1, kp.VISIBLE, seen)
    notes["point at (0, 0) with v > 0, read as unlabelled"] += int((at_zero & (stated > 0)).sum())
    notes["point with v = 0 at a place, read as unlabelled"] += int((~at_zero & (stated == 0)).sum())
    seen = np.where(at_zero, kp.UNLABELLED, seen)
    box = np.concatenate([values[:, 1:3] - values[:, 3:5] / 2, values[:, 3:5]], axis=1) * np.tile(sizes, 2)
    flat = (values[:, 3:5] == 0).any(axis=1)
    notes[IMPOSSIBLE_BOX] += int((flat & values[:, 1:5].any(axis=1)).sum())
    box[flat] = np.nan
    return make_batch(
        len(values),
        sample_id=[f"{NAME}/{pair.key}#{hand}" if hand else f"{NAME}/{pair.key}" for pair, hand, _ in where],
        source=NAME,
        image=[str(pair.image) for pair, _, _ in where],
        width=sizes[:, 0].astype(np.int32),
        height=sizes[:, 1].astype(np.int32),
        side=[config.side(int(number)) for number in values[:, 0]],
        keypoints=points[..., :2] * sizes[:, None],
        visibility=seen,
        bbox=box,
        split=[pair.split for pair, _, _ in where],
    )


def _in_our_order(values: NDArray[np.float64], config: Config, notes: Counter[str]) -> NDArray[np.float64]:
    points = values[:, _HEAD:].reshape(-1, kp.COUNT, 3)
    for number in sorted({int(number) for number in values[:, 0]}):
        order, rows = config.order(number), values[:, 0] == number
        if order.places is not None:
            points[rows] = points[rows][:, list(order.places)]
        if order.placed:
            notes[by_the_rest(order.placed)] += int(rows.sum())
        elif config.has_points(number) and not order.known:
            notes[ASSUMED] += int(rows.sum())
    return points


# Writing ---------------------------------------------------------------------------------------------


def _line(dataset: Dataset, sample: Sample, counts: Counter[str]) -> str:
    """The line of one hand; empty, and counted, if it cannot be written."""
    try:
        size = np.array(_frame(dataset, sample), np.float64)
    except UnreadableImage:
        counts[WITHOUT_IMAGE] += 1
        return ""
    shares = sample.keypoints.astype(np.float64) / size
    labelled = sample.visibility > kp.UNLABELLED
    # A point at exactly (0, 0) would be read as unlabelled, too.
    within = labelled & ((shares >= 0) & (shares <= 1)).all(axis=1) & (shares > 0).any(axis=1)
    counts["point outside the image, written as unlabelled"] += int((labelled & ~within).sum())
    box = _clipped_box(sample, shares[within], size, counts)
    if box is None:
        counts[LEFT_OUT + "sample without a box, or points in the image to draw one around"] += 1
        return ""
    numbers = [repr(float(n)) for n in box]
    for i in range(kp.COUNT):
        x, y = shares[i].tolist()
        numbers += [repr(x), repr(y), str(sample.visibility[i])] if within[i] else ["0", "0", "0"]
    return " ".join(["0", *numbers])


def _frame(dataset: Dataset, sample: Sample) -> tuple[int, int]:
    """Width and height of its image, which is opened if they are unknown. Raises UnreadableImage."""
    if sample.width is None or sample.height is None:
        return size_of(dataset.root, sample.image)
    return sample.width, sample.height


def _clipped_box(
    sample: Sample, shares: NDArray[np.float64], size: NDArray[np.float64], counts: Counter[str]
) -> NDArray[np.float64] | None:
    """Box (cx, cy, w, h) as shares of the image: the sample's, or one around the points with a margin."""
    if sample.bbox is not None:
        box = sample.bbox.astype(np.float64) / np.tile(size, 2)
    else:
        around = geometry.bounding_box(shares)
        if around is None:
            return None
        margin = 0.1 * around[2:].max()
        box = around + np.array([-margin, -margin, 2 * margin, 2 * margin])
    low, high = np.clip(box[:2], 0, 1), np.clip(box[:2] + box[2:], 0, 1)
    if (high <= low).any():
        return None
    if sample.bbox is None:
        counts["sample without a box, which gets one around its points"] += 1
    else:
        moved = np.abs(np.concatenate([low, high]) - np.concatenate([box[:2], box[:2] + box[2:]])).max()
        counts["bbox clipped to the image"] += int(moved * size.max() > _SHIFT)
    return np.concatenate([(low + high) / 2, high - low])


def _data_yaml(splits: Sequence[str]) -> str:
    folders = {split: f"images/{split}" for split in splits}
    folders.setdefault("train", next(iter(folders.values()), "images/train"))
    folders.setdefault("val", f"{folders['train']}  # for want of others: curate select --val 0.2")
    lines = [f"{split}: {folders[split]}" for split in SPLITS if split in folders]
    return "\n".join(
        [
            # Ultralytics takes a path for one from where it is started; without, it starts from this file. It
            # wants both train and val.
            *lines,
            f"kpt_shape: [{kp.COUNT}, 3]",
            "# A mirrored hand keeps its points: index 0 is the wrist on both sides.",
            f"flip_idx: {list(range(kp.COUNT))}",
            "names:",
            "  0: hand",
            "# 0 unlabelled, 1 labelled but hidden, 2 visible",
            f"visibility: {COCO}",
            "",
        ]
    )

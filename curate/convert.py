"""`curate convert`: a source in its publisher's layout -> a dataset.

A converter (`curate.data.source`) reads the annotations. What every source needs is done here: each image's
header is opened and compared with its annotation, paths are made relative to the dataset, pictures are copied
on request, and metadata of another file is joined.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from curate.basics import files, images
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError, UnreadableImage, UnsafeInput
from curate.basics.paths import Places, is_text, require_apart, require_place, require_text, require_there
from curate.basics.settings import NoOptions, Options, require_options
from curate.data import soundness
from curate.data.dataset import ROWS, rebatch
from curate.data.part import Part
from curate.data.sample import SCHEMA, Misfit, file_stem, labelled_points
from curate.data.source import Source, files_below
from curate.data.stage import Stage, Summary, relative_to_out
from curate.options.convert import ConvertOptions

Reader = Callable[..., Iterator[Part]]  # of a Source and the format's own options

# Files whose content decides what a converter yields; of others (images, archives) the size is enough.
_ANNOTATIONS = frozenset({".json", ".csv", ".txt", ".xml", ".yaml", ".yml", ".pickle", ".pkl", ".mat"})
FIRST_ALONE = "animation or file of several pages, of which the first picture alone was read"
_COPIED_ROWS = 256  # a batch where files are copied: little is lost when a run is killed


class Enricher(Protocol):
    """Joins columns from another file to samples, and counts what it could not join in the Part's notes."""

    @property
    def fingerprint(self) -> str:
        """Hash of the content it joins from."""

    def __call__(self, batch: pa.RecordBatch) -> Part:
        """The same rows with more known about them."""


def convert(
    read: Reader,
    name: str,
    source: Source | str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: ConvertOptions = ConvertOptions(),
    *,
    own: Options = NoOptions(),
    enrich: Enricher | None = None,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Summary:
    """Make a dataset from a source.

    Each image's header is opened, unless `options.probe` is false: sizes are filled in, and an image that is
    unreadable, or not of the size in its annotation, is quarantined. So is a hand whose points all lie within
    -1 to 1: these are shares of the image's size, not pixels.

    Parameters
    ----------
    read, name: the converter's reader and the format's name. source: the input, or its folder or file.
    out: the dataset folder, neither within the source nor around it.
    own: the format's own options. enrich: joins metadata to each batch (`converters.parts.hand_info`).

    Raises
    ------
    InputError: no such source, an empty one, one without the format's files, `out` in a wrong place, or a
        converter that yields values that no dataset can hold.
    ConfigChanged: `out` was made with other options, or from other content.
    """
    require_options(options, ConvertOptions)
    source, out = _absolute(source, Path(out)), Path(out)
    _check_place(source, out)
    record = {
        "format": name,
        "source_sha256": fingerprint(*source.given),
        "enriched_from_sha256": enrich.fingerprint if enrich else None,
        **options.record(),
        **own.record(),
    }
    parts = _read(read, name, source, own)
    first = next(parts, None)  # a source that is refused leaves no folder behind
    size = _COPIED_ROWS if options.copy else ROWS
    place = _Place(name, source, out, source.places, _masks_in(source.masks))
    pieces = _divide(chain([first] if first else [], parts), size, options.limit)
    pieces = _with_stray_masks(pieces, () if options.limit else place.masks)
    work = partial(_settle, place, enrich=enrich, options=options)
    copied = _pictures(source) if options.copy else ()
    stage = Stage(
        "convert",
        out,
        record,
        others=copied,
        refers_to=source.folders,
        engine=engine,
        overwrite=overwrite,
        quiet=quiet,
    )
    return stage.run(pieces, work)


def fingerprint(*places: Path) -> str:
    """Hash of folders or files: relative names and sizes, and the content of annotations.

    Times of change do not count. Hidden files and linked folders are left out, and so is the content of files
    that cannot be read or lie elsewhere, which the converter is to tell of.

    Raises
    ------
    InputError: no such file or folder, or an empty one.
    """
    digest = hashlib.sha256()
    for place in places:
        require_there(place)
        base = place if place.is_dir() else place.parent
        count = 0
        try:
            for path, held in _files(place):
                count += 1
                content = _content(path) if held else ""
                name = path.relative_to(base)
                digest.update(os.fsencode(f"{name}\0{path.stat().st_size}\0{content}\n"))
        except OSError as error:
            raise InputError(place, f"not readable ({error.strerror}: {error.filename})") from None
        if not count:
            raise InputError(place, "an empty folder", allowed="a source with its annotations and images")
        digest.update(b"\n")
    return digest.hexdigest()


def _files(place: Path) -> Iterator[tuple[Path, bool]]:
    """The file, or all below the folder; and whether each lies there, and not where a link leads to."""
    within = Places([place])
    for path in files_below(place) if place.is_dir() else [place]:
        if path.is_file():
            yield path, within.hold(path)


def _pictures(source: Source) -> tuple[Path, ...]:
    """What a source's folders hold beside annotations: where that is copied, its content counts."""
    found = (path for place in source.given for path, held in _files(place) if held)
    return tuple(path for path in found if path.suffix.lower() not in _ANNOTATIONS)


def _content(path: Path) -> str:
    if path.suffix.lower() not in _ANNOTATIONS:
        return ""
    try:
        return files.sha256(path)
    except OSError as error:
        return str(error.strerror)


def _read(read: Reader, name: str, source: Source, own: Options) -> Iterator[Part]:
    """What a converter yields. Raises InputError: it is none of what it may."""
    where, allowed = f"converter {name}", "a Part with a batch of to_batch or make_batch"
    try:
        for part in read(source, **own.values()):
            if not isinstance(part, Part):
                raise InputError(where, f"yields a {type(part).__name__}", allowed=allowed)
            if not part.batch.schema.equals(SCHEMA):
                raise InputError(where, "yields a Part of other columns", allowed=allowed)
            yield part
    except Misfit as error:
        found = error.found if error.sample is None else f"{error.found} (sample {error.sample!r})"
        raise InputError(where, found, field=error.field, allowed=error.allowed) from error


def _absolute(source: Source | str | os.PathLike[str], out: Path) -> Source:
    """The same with absolute paths; a data.yaml that only describes a folder stands for it."""
    source = source if isinstance(source, Source) else Source(Path(source))
    root = Path(source.root).absolute()
    if root.suffix.lower() in (".yaml", ".yml") and root.is_file():
        root = root.parent
    images, masks = (Path(place).absolute() if place else None for place in (source.images, source.masks))
    return Source(root, images, masks, out.absolute() / "images")


def _check_place(source: Source, out: Path) -> None:
    for place in source.given:
        require_text(place)
        require_place(place)
        require_apart(out, place, "source")


def _divide(parts: Iterator[Part], size: int, limit: int | None) -> Iterator[Part]:
    """The same rows and counts in parts of `size` rows, whatever a converter's own division."""
    waiting = Part()

    def batches() -> Iterator[pa.RecordBatch]:
        left = limit
        for part in parts:
            waiting.count(part)
            batch = part.batch if left is None else part.batch.slice(0, left)
            if part.of_each is not None:
                waiting.notes[part.of_each] -= part.batch.num_rows - batch.num_rows
            yield batch
            if left is not None:
                left -= batch.num_rows
                if left == 0:
                    return

    for batch in rebatch(batches(), size):
        counted, waiting = waiting, Part()
        yield replace(counted, batch=batch)
    yield waiting  # what was counted behind the last row


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the source is and where the dataset will be: no absolute path reaches the output.

    places: where the source's files may lie.
    converter: the format's name, for people.
    masks: those of a folder beside the source, by the stem of their image's name.
    """

    converter: str
    source: Source
    out: Path
    places: Places
    masks: dict[str, str]
    _folders: dict[str, str] = field(default_factory=dict, repr=False)

    def name(self, path: str) -> str:
        """How people are told of a file: relative to the source."""
        for root in self.source.given:
            if path.startswith(f"{root}/"):
                return path[len(f"{root}/") :]
        return os.path.basename(path)

    def relative(self, path: str) -> str:
        """The path as seen from the dataset."""
        folder, _, name = path.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = relative_to_out(folder or "/", self.out)
        return f"{self._folders[folder]}/{name}"

    def copy(self, path: str, folder: str) -> str:
        """Copy an image into a folder of the dataset, once whatever samples share it.

        Raises UnreadableImage.
        """
        if self.source.extract and path.startswith(f"{self.source.extract}/"):
            return self.relative(path)  # it is there already
        name = Path(self.name(path))
        target = f"{folder}/{file_stem(str(name.with_suffix('')))}{name.suffix.lower()}"
        data = images.load(path)
        images.examine(data, path)  # what is no image is not passed on
        files.write(self.out / target, data)
        return target


def _settle(place: _Place, part: Part, *, enrich: Enricher | None, options: ConvertOptions) -> Part:
    """What every source needs, for one batch."""
    settled = Part(part.batch)
    settled.count(part)
    if enrich and part.batch.num_rows:
        enriched = enrich(settled.batch)
        settled.count(enriched)
        settled.batch = enriched.batch
    remedy = f"correct it there, or what the converter {place.converter} makes of it"
    soundness.check(settled.batch, place.source.root, remedy=remedy)
    for column in ("label_source", "licence"):
        told = settled.batch.column(column)
        known = pa.scalar(getattr(options, column), told.type)
        settled.batch = _with(settled.batch, column, told.fill_null(known))
    if place.source.masks is not None:
        _attach_masks(place, settled)
    _refuse_outsiders(place, settled)
    _refuse_shares(place, settled)
    if options.probe:
        _probe(place, settled)
    _move(place, settled, "image", "images" if options.copy else None)
    _move(place, settled, "mask", "masks" if options.copy else None)
    _move(place, settled, "depth", "depth" if options.copy else None, needed=False)
    return settled


def _refuse_outsiders(place: _Place, part: Part) -> None:
    """Leave out samples whose image, mask or depth map leads out of the source, whoever leads there."""
    columns = [part.batch.column(name).to_pylist() for name in ("image", "mask", "depth")]
    refused: dict[str | None, str] = {}
    for path in dict.fromkeys(chain(*columns)):
        try:
            if path is not None:
                place.places.require(path)
        except UnsafeInput as error:
            refused[path] = error.reason
    if not refused:
        return
    keep = [row for row, paths in enumerate(zip(*columns, strict=True)) if refused.keys().isdisjoint(paths)]
    part.dropped["file outside the source"] += part.batch.num_rows - len(keep)
    part.quarantine.extend((place.name(str(path)), reason) for path, reason in refused.items())
    part.batch = part.batch.take(pa.array(keep, pa.int64()))


def _refuse_shares(place: _Place, part: Part) -> None:
    """Leave out hands whose points are shares of the picture, which would all lie in its corner."""
    points, seen = labelled_points(part.batch)
    farthest = np.abs(np.where(seen[..., None] > 0, points, 0.0)).max(axis=(1, 2), initial=0.0)
    shares = (farthest <= 1) & ((seen > 0).sum(axis=1) > 1)
    if not shares.any():
        return
    part.dropped["hand whose points are no pixels"] += int(shares.sum())
    refused = part.batch.filter(pa.array(shares))
    reason = "keypoints within -1 to 1; allowed: pixels; multiply shares by the picture's width and height"
    names = (refused.column(name).to_pylist() for name in ("sample_id", "image"))
    for sample_id, image in zip(*names, strict=True):
        part.quarantine.append((f"{place.name(image)}: {sample_id}", reason))
    part.batch = part.batch.filter(pa.array(~shares))


def _probe(place: _Place, part: Part) -> None:
    """Hold the images against what is claimed of them; fill in their sizes."""
    paths, widths, heights = (part.batch.column(key).to_pylist() for key in ("image", "width", "height"))
    found: dict[str, images.ImageInfo | None] = {}
    blamed = set[str]()
    keep = []
    for row, path in enumerate(paths):
        if path not in found:
            found[path] = _opened(place, part, path)
        info = found[path]
        if info is None:
            part.dropped["image unreadable"] += 1
        elif reason := _contradiction(info, widths[row], heights[row]):
            part.dropped["image of another size than claimed"] += 1
            if path not in blamed:
                part.quarantine.append((place.name(path), reason))
                blamed.add(path)
        else:
            widths[row], heights[row] = info.width, info.height
            keep.append(row)
    part.batch = _with(part.batch, "width", pa.array(widths, pa.int32()))
    part.batch = _with(part.batch, "height", pa.array(heights, pa.int32()))
    if len(keep) < len(paths):
        part.batch = part.batch.take(pa.array(keep, pa.int64()))


def _masks_in(folder: Path | None) -> dict[str, str]:
    """The masks of a folder by the stem of their names. Raises InputError where two share one."""
    found: dict[str, str] = {}
    for path in files_below(folder) if folder else ():
        if path.suffix.lower() not in images.SUFFIXES or not path.is_file() or not is_text(path.name):
            continue
        if path.stem in found:
            raise InputError(path, f"a second mask called {path.stem!r}", field="masks", allowed="one each")
        found[path.stem] = str(path)
    return found


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]  # noqa: PTH122


def _with_stray_masks(parts: Iterator[Part], masks: Iterable[str]) -> Iterator[Part]:
    """The same parts, and one that counts the masks that are called as no image of theirs."""
    left = set(masks)
    for part in parts:
        left.difference_update(map(_stem, part.batch.column("image").to_pylist()))
        yield part
    if left:
        yield Part(notes=Counter({"masks_of_no_sample": len(left)}))


def _attach_masks(place: _Place, part: Part) -> None:
    """Give each sample without a mask the one that is named as its image."""
    own, paths = (part.batch.column(key).to_pylist() for key in ("mask", "image"))
    given = [mask or place.masks.get(_stem(path)) for mask, path in zip(own, paths, strict=True)]
    part.notes["samples_without_mask"] += sum(mask is None for mask in given)
    part.notes = +part.notes
    part.batch = _with(part.batch, "mask", pa.array(given, pa.string()))


def _opened(place: _Place, part: Part, path: str) -> images.ImageInfo | None:
    try:
        info = images.probe(path)
    except UnreadableImage as error:
        part.quarantine.append((place.name(path), error.reason))
        return None
    if info.further:
        part.notes[FIRST_ALONE] += 1
    return info


def _contradiction(info: images.ImageInfo, width: int | None, height: int | None) -> str:
    """Why an image cannot be the annotated one; empty where it can."""
    if width in (None, info.width) and height in (None, info.height):
        return ""
    reason = f"the image is {info.width} x {info.height}; its annotation says {width} x {height}"
    if (width, height) == (info.height, info.width):
        turned = (
            f"its EXIF orientation is {info.orientation}" if info.orientation >= 5 else "no EXIF tag turns it"
        )
        reason += f" (transposed; {turned})"
    return reason


def _move(place: _Place, part: Part, column: str, folder: str | None, *, needed: bool = True) -> None:
    """Absolute paths to paths as seen from the dataset, of the files themselves or of copies.

    Without a file that is `needed` and cannot be copied its samples are dropped; others go on without it.
    """
    moved: dict[str | None, str | None] = {None: None}
    failed = set[str]()
    paths = part.batch.column(column).to_pylist()
    for path in dict.fromkeys(paths):
        if path is None:
            continue
        try:
            moved[path] = place.copy(path, folder) if folder else place.relative(path)
        except UnreadableImage as error:
            part.quarantine.append((place.name(path), f"{column} cannot be copied: {error.reason}"))
            moved[path] = None
            failed.add(path)
    if failed and needed:
        keep = [row for row, path in enumerate(paths) if path not in failed]
        part.dropped[f"{column} unreadable"] += len(paths) - len(keep)
        part.batch = part.batch.take(pa.array(keep, pa.int64()))
        paths = [paths[row] for row in keep]
    part.batch = _with(part.batch, column, pa.array([moved[path] for path in paths], pa.string()))


def _with(batch: pa.RecordBatch, column: str, values: pa.Array) -> pa.RecordBatch:
    place = SCHEMA.get_field_index(column)
    return batch.set_column(place, SCHEMA.field(place), values)

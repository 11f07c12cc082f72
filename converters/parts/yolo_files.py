"""Pairing the images of a YOLO set with their label files."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from converters.parts.known_formats import refusal
from converters.parts.sample_keys import escaped
from curate.basics import images
from curate.basics.errors import InputError, UnsafeInput
from curate.basics.paths import real
from curate.data.part import Part
from curate.data.source import BY_NAME, Source, files_below, folded, texts_below
from curate.data.split import split_of

_SUFFIXES = {"images": images.SUFFIXES, "labels": (".txt",)}
_CLASSES = "classes.txt"  # LabelImg's list of classes, which lies among the labels
_SPLIT = re.compile(r"[A-Za-z]+\d*")  # a folder of a split: train, val2017; not my-test-pictures

# The folders before and after images/ or labels/, and the stem of the file.
_Place = tuple[tuple[str, ...], tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Pair:
    """An image and its label file, either of which may be missing; `why` says why the image is missing."""

    key: str
    split: str | None
    image: Path | None
    label: Path | None
    why: str = ""


def find_pairs(source: Source, tally: Part) -> list[Pair]:
    """Pair images with label files, sorted by key: Ultralytics puts both under the same path, except that the
    last folder called images is called labels. Letter case may differ if that is unambiguous.

    Linked folders are entered if they lead to another place within the source; others are reported. A missing
    image is looked for in `source.images`: in the same folders; or by its name alone, if only one image and
    one label file have that name (`BY_NAME` counts them).

    Raises
    ------
    InputError: there are no label files.
    """
    found = _found(source, tally)
    if not found["labels"]:
        raise _without_labels(source.root)
    _forgive_case(found)
    lost = [place for place in found["labels"] if place not in found["images"]]
    for place in [place for place in lost if found["labels"][place].name.lower() == _CLASSES]:
        lost.remove(place)
        del found["labels"][place]
        tally.notes[f"{_CLASSES} among the labels, passed over"] += 1
    elsewhere, why = _elsewhere(source.images, lost, tally) if source.images else ({}, {})
    if (source.root / "images").is_file():
        told = "images is a file, as Git leaves a link that it cannot make; give the folder with --images"
        why = dict.fromkeys(lost, told) | why
    befores = [before for group in found.values() for before, _, _ in group]
    common = [
        words[0] for words in takewhile(lambda words: len(set(words)) == 1, zip(*befores, strict=False))
    ]
    if common and _split(common[-1]):
        common = common[:-1]
    pairs: dict[str, Pair] = {}
    for place in sorted(found["images"].keys() | found["labels"].keys()):
        before, after, stem = place
        words = (*after, *before[-1:], *(() if before else (source.root.name,)))
        split = next(filter(None, map(_split, words)), None)
        key = escaped("/".join((*before[len(common) :], *after, stem)))
        image = found["images"].get(place) or elsewhere.get(place)
        if key in pairs:
            tally.dropped["image of the same name as another"] += 1
        else:
            pairs[key] = Pair(key, split, image, found["labels"].get(place), why.get(place, ""))
    return list(pairs.values())


def _without_labels(root: Path) -> InputError:
    """The error that a folder is not a set; most often it is one of the folders of a set."""
    allowed = "labels/*.txt or labels/{train,val,test}/*.txt"
    within = root.resolve()
    at = max((i for i, name in enumerate(within.parts) if name.lower() in _SUFFIXES), default=0)
    if not at:
        return refusal(root, "no label files", allowed=allowed, own="yolo-pose")
    kind, above = within.parts[at], Path(*within.parts[:at])
    found = f"no label files, as it is in the folder {kind} of a set"
    return InputError(root, found, allowed=allowed, remedy=f"give the folder above {kind}: {above}")


def _found(source: Source, tally: Part) -> dict[str, dict[_Place, Path]]:
    found: dict[str, dict[_Place, Path]] = {"images": {}, "labels": {}}
    places = source.places
    for path in sorted(texts_below(source.root, tally, _files(source, tally)), key=images.rank):
        parts = path.relative_to(source.root).parts[:-1]
        kinds = [part.lower() for part in parts]
        at = max((i for i, kind in enumerate(kinds) if kind in found), default=None)
        if at is None or path.suffix.lower() not in _SUFFIXES[kinds[at]]:
            continue
        try:
            places.require(path)
        except UnsafeInput as error:
            tally.quarantine.append((path.relative_to(source.root).as_posix(), error.reason))
            continue
        if found[kinds[at]].setdefault((parts[:at], parts[at + 1 :], path.stem), path) != path:
            tally.dropped["image of the same name as another"] += 1
    return found


def _files(source: Source, tally: Part) -> Iterator[Path]:
    """The files below the root, also below linked folders that lie within it."""
    root = real(source.root)
    given = real(source.images) if source.images else None
    entered = {root}

    def enter(link: Path) -> bool:
        leads = real(link)
        name = link.relative_to(source.root)
        if leads.is_relative_to(root):
            new = leads not in entered and not real(link.parent).is_relative_to(leads)
            entered.add(leads)
            return new
        if given is None or not leads.is_relative_to(given):
            if {part.lower() for part in name.parts}.isdisjoint(_SUFFIXES):
                tally.notes["linked folder outside the source, not entered"] += 1
            else:
                reason = "a link that leads out of the source; give the folder of the images with --images"
                tally.quarantine.append((name.as_posix(), reason))
        return False

    return files_below(source.root, enter)


def _forgive_case(found: dict[str, dict[_Place, Path]]) -> None:
    """Move label files to the place of an image that differs from theirs only in letter case."""
    free = defaultdict(list)
    for place in found["images"].keys() - found["labels"].keys():
        free[_folded(place)].append(place)
    alone = [place for place in found["labels"] if place not in found["images"]]
    wanted = Counter(map(_folded, alone))
    for place in alone:
        folded = _folded(place)
        if len(free[folded]) == 1 and wanted[folded] == 1:
            found["labels"][free[folded][0]] = found["labels"].pop(place)


def _folded(place: _Place) -> str:
    before, after, stem = place
    return folded("/".join((*before, "", *after, "", stem)))


def _elsewhere(
    folder: Path, places: Sequence[_Place], tally: Part
) -> tuple[dict[_Place, Path], dict[_Place, str]]:
    """The images for label files in another folder; and, for the others, why there is none."""
    by_stem = defaultdict(list)
    for path in texts_below(folder, tally):
        if path.suffix.lower() in images.SUFFIXES:
            by_stem[folded(path.stem)].append(path)
    chosen: dict[_Place, Path] = {}
    why: dict[_Place, str] = {}
    by_name = set[_Place]()
    for place in places:
        before, after, stem = place
        theirs, split = _told((*before, *after))
        told = [(path, *_told(path.relative_to(folder).parts[:-1])) for path in by_stem[folded(stem)]]
        told = [(path, folders, of) for path, folders, of in told if None in (split, of) or of == split]
        same = [path for path, folders, _ in told if _agree(theirs, folders)]
        if not same:
            same = [path for path, folders, _ in told if not theirs or not folders]
            by_name.add(place)
        if len(same) == 1:
            chosen[place] = same[0]
        elif same:
            why[place] = f"{len(same)} images are called {stem!r}"
    claims = Counter(chosen.values())
    for place in [place for place, path in chosen.items() if claims[path] > 1]:
        why[place] = f"{claims[chosen[place]]} label files would take {chosen.pop(place).name!r}"
    tally.notes[BY_NAME] += len(by_name & chosen.keys())
    tally.notes = +tally.notes
    return chosen, why


def _told(folders: Sequence[str]) -> tuple[list[str], str | None]:
    """The folders that are not splits, lower case; and the split that the others name."""
    splits = [_split(folder) for folder in folders]
    plain = [
        folder.lower()
        for folder, split in zip(folders, splits, strict=True)
        if split is None and folder.lower() not in _SUFFIXES
    ]
    return plain, next(filter(None, splits), None)


def _agree(theirs: list[str], there: list[str]) -> bool:
    """Whether one of two lists of folders is the end of the other; two empty lists agree."""
    shared = min(len(theirs), len(there))
    return theirs[len(theirs) - shared :] == there[len(there) - shared :] if shared else theirs == there


def _split(folder: str) -> str | None:
    return split_of(folder) if _SPLIT.fullmatch(folder) else None

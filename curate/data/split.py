"""Who is trained on and who is tested on: by subject, never by image."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from io import TextIOWrapper
from pathlib import PurePosixPath

from curate.basics.errors import InputError
from curate.basics.paths import open_file
from curate.basics.wording import counted, verb

SPLITS = ("train", "val", "test")
_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}

# The columns by which a split list may name samples.
KEYS = ("sample_id", "subject_id", "image")


def split_of(name: str) -> str | None:
    """The split in the name of a file or a folder ("train2017", "hands_val"), if it names exactly one."""
    found = {_WORDS[word] for word in re.split(r"[^a-z]+", name.lower()) if word in _WORDS}
    return found.pop() if len(found) == 1 else None


def by_subject(
    subjects: Sequence[str | None],
    photos: Sequence[str],
    clips: Sequence[str | None],
    *,
    seed: int = 0,
    test: float = 0.1,
    val: float = 0.0,
) -> list[str]:
    """A split for each sample; no subject, no photo and no clip is in two.

    Samples without a subject are grouped by their clip and photo. Equal names of subjects, or of clips, count
    as the same, whatever the source: at worst, two stay together that need not. The result depends on the
    names and the seed, not on the samples' order.

    Parameters
    ----------
    subjects, photos, clips: per sample (`Dataset.photos`).
    test, val: shares of the samples, met as nearly as whole groups allow; a share above 0 gets at least one
        group where there are two.

    Raises
    ------
    InputError: shares that are negative or leave nothing to train on.
    """
    if test < 0 or val < 0 or test + val >= 1:
        allowed = "shares of 0 or more, below 1 together"
        raise InputError("--test, --val", f"{test:g}, {val:g}", allowed=allowed)
    group_of = _groups(subjects, photos, clips)
    sizes: dict[str, int] = defaultdict(int)
    for group in group_of:
        sizes[group] += 1
    waiting = sorted(sizes, key=lambda group: hashlib.sha256(f"{seed} {group}".encode()).digest())
    chosen: dict[str, str] = {}
    for name, share in (("test", test), ("val", val)):
        taken = _take(waiting, sizes, share * len(group_of))
        chosen.update(dict.fromkeys(taken, name))
        waiting = [group for group in waiting if group not in chosen]
    return [chosen.get(group, "train") for group in group_of]


def unfilled(splits: Collection[str | None], *, test: float, val: float) -> Counter[str]:
    """A note for each split that was asked for and got no group, as there were too few."""
    asked = ("train", *("val",) * (val > 0), *("test",) * (test > 0))
    lacking = [name for name in asked if name not in splits] if any(splits) else []
    return Counter(f"empty split, as there are too few subjects: {name}" for name in lacking)


def folds(
    subjects: Sequence[str | None],
    photos: Sequence[str],
    clips: Sequence[str | None],
    count: int,
) -> list[int]:
    """A number from 0 to `count` - 1, the fold, for each sample. Folds are of about equal size.

    The same samples stay together as in `by_subject`. The result depends on the names, not on the samples'
    order. Folds stay empty if there are fewer people.
    """
    group_of = _groups(subjects, photos, clips)
    sizes = Counter(group_of)
    # The largest first, each into the fold that is smallest by then; among equals, the hash decides.
    ordered = sorted(sizes, key=lambda group: (-sizes[group], hashlib.sha256(group.encode()).digest()))
    held = [0] * count
    chosen: dict[str, int] = {}
    for group in ordered:
        chosen[group] = held.index(min(held))
        held[chosen[group]] += sizes[group]
    return [chosen[group] for group in group_of]


def from_source(splits: Sequence[str | None], where: str | os.PathLike[str]) -> list[str]:
    """The split that the source gave each sample. Raises InputError if a sample has none."""
    missing = sum(split is None for split in splits)
    if missing:
        found = f"{missing:,} of {counted(len(splits), 'sample')} {verb(missing, 'has', 'have')} none"
        raise InputError(where, found, field="split", remedy="split by subject: --split subject")
    return [str(split) for split in splits]


def from_list(
    path: str | os.PathLike[str],
    sample_ids: Sequence[str],
    subjects: Sequence[str | None],
    images: Sequence[str],
) -> tuple[list[str | None], int]:
    """The split that a CSV file gives each sample; None for samples it does not name.

    The file has a header with `split` and one of `sample_id`, `subject_id` or `image` (a path as in the
    dataset, or its last part).

    Returns
    -------
    The splits, and the number of rows that name no sample.

    Raises
    ------
    InputError: a file that does not parse, another word than train, val or test, a name with two splits, or
        no name that fits a sample.
    """
    key, table, rows = _read_list(path)
    names: Sequence[str | None] = {"sample_id": sample_ids, "subject_id": subjects, "image": images}[key]
    found = [None if name is None else table.get(name) for name in names]
    there = set(names)
    if key == "image":
        last = [PurePosixPath(image).name for image in images]
        found = [split or table.get(name) for split, name in zip(found, last, strict=True)]
        there.update(last)
    if not any(found):
        allowed = f"names such as {_some([name for name in names if name is not None])}"
        raise InputError(path, "it names none of the samples", field=key, allowed=allowed)
    return found, sum(count for name, count in rows.items() if name not in there)


def check(
    splits: Sequence[str | None],
    subjects: Sequence[str | None],
    photos: Sequence[str],
    clips: Sequence[str | None],
    where: str | os.PathLike[str],
) -> None:
    """Raise InputError if a subject, a photo or a clip is in two splits; samples without one do not count."""
    for kind, names in (("subject", subjects), ("photo", photos), ("clip", clips)):
        home: dict[str, str] = {}
        placed = ((a, b) for a, b in zip(names, splits, strict=True) if a is not None and b is not None)
        torn = sorted({name for name, split in placed if home.setdefault(name, split) != split})
        if torn:
            raise InputError(
                where,
                f"{counted(len(torn), kind)} in more than one split ({_some(torn)})",
                field="split",
                remedy="split by subject: --split subject",
            )


def _groups(subjects: Sequence[str | None], photos: Sequence[str], clips: Sequence[str | None]) -> list[str]:
    """For each sample the name of the group that must stay together: subjects that share photos or clips."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    own = []
    for subject, photo, clip in zip(subjects, photos, clips, strict=True):
        a = f"photo {photo}"
        for kind, name in (("subject", subject), ("clip", clip)):
            if name is not None:
                one, other = root(a), root(f"{kind} {name}")
                # The first in the alphabet leads, so that the order of the samples does not matter.
                parent[max(one, other)] = min(one, other)
        own.append(a)
    return [root(name) for name in own]


def _take(groups: Sequence[str], sizes: dict[str, int], target: float) -> list[str]:
    """Groups, in order, as long as each brings the number of samples nearer to the target."""
    taken, count = [], 0
    for group in groups:
        if abs(count + sizes[group] - target) < abs(count - target):
            taken.append(group)
            count += sizes[group]
    if not taken and target > 0 and len(groups) > 1:
        taken = [min(groups, key=lambda group: sizes[group])]
    return taken


def _read_list(path: str | os.PathLike[str]) -> tuple[str, dict[str, str], Counter[str]]:
    """The column that names samples, the split of each name, and how many rows have it."""
    table: dict[str, str] = {}
    counts = Counter[str]()
    try:
        with TextIOWrapper(open_file(path), encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            keys = [key for key in KEYS if key in (rows.fieldnames or ())]
            if len(keys) != 1 or "split" not in (rows.fieldnames or ()):
                allowed = f"split and one of {', '.join(KEYS)}"
                raise InputError(path, f"columns {rows.fieldnames}", field="line 1", allowed=allowed)
            for row in rows:
                name, split = row[keys[0]], row["split"]
                line = f"line {rows.line_num}"
                if split not in SPLITS:
                    raise InputError(path, repr(split), field=line, allowed=", ".join(SPLITS))
                if table.setdefault(name, split) != split:
                    raise InputError(path, f"{name!r} is in {table[name]} on an earlier line", field=line)
                counts[name] += 1
    except OSError as error:
        raise InputError(path, f"cannot be opened ({error.strerror or error})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        remedy = "save it as CSV in UTF-8" if isinstance(error, UnicodeDecodeError) else ""
        raise InputError(path, f"not CSV in UTF-8 ({error})", remedy=remedy) from None
    return keys[0], table, counts


def _some(names: Sequence[str | None]) -> str:
    return ", ".join(repr(name) for name in list(dict.fromkeys(names))[:3])

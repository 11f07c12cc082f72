"""Checks of who was photographed, in which order, and from which photograph a crop comes."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np

from qa.checks.check import Check, Hit, Limits, Outcome, highest_first
from qa.measures.arrays import Names, Rows, grouped, is_known, numbered
from qa.severity import Severity
from qa.view import View, as_names

_LASTING = ("gender", "skinColor")  # a person has one of each
_NUMBER = re.compile(r"(\d{1,18})(?!.*\d)")


def same_burst(view: View, limits: Limits) -> Outcome:
    """Photographs of one subject and aspect, with neighbouring numbers, in different splits. Each photograph
    is reported once, with the next one that is in another split.

    Where the subject is unknown, the images must also look alike (hashes within `distance` bits), and the
    finding is a warning.
    """
    in_split = is_known(view.split)
    pairs: list[tuple[int, int]] = []
    for rows, values in _numbered(view):
        rows, values = rows[in_split[rows]], values[in_split[rows]]
        for step in range(1, len(rows)):  # others may have numbers in between
            close = values[step:] - values[:-step] <= limits["numbers"]
            if not close.any():
                break
            first, second = rows[:-step], rows[step:]
            close &= (view.split[first] != view.split[second]) & (view.aspect[first] == view.aspect[second])
            pairs += zip(first[close].tolist(), second[close].tolist(), strict=True)
    hits, told = [], set[int]()
    for a, b in pairs:
        if a in told:
            continue
        unknown = view.subject_id[a] is None or view.subject_id[b] is None
        far = int(np.bitwise_count(view.pixels.hashes[a, 0] ^ view.pixels.hashes[b, 0]))
        alike = view.pixels.error[a] is None and view.pixels.error[b] is None and far <= limits["distance"]
        if (unknown and alike) or (not unknown and view.subject_id[a] == view.subject_id[b]):
            words = {"other": view.sample_id[b], "splits": f"{view.split[a]} and {view.split[b]}"}
            severity: Severity = "warning" if unknown else "error"
            told.add(a)
            hits.append(Hit(1.0, limits["numbers"], row=a, severity=severity, words=words))
    return Outcome(int(in_split.sum()), sorted(hits, key=lambda hit: hit.severity or ""))


def subject_leak(view: View, limits: Limits) -> Outcome:
    """Subjects with samples in more than one split."""
    return _leak(view, view.subject_id, per_dataset=False)


def subject_facts(view: View, limits: Limits) -> Outcome:
    """Subjects with two genders, two skin tones, or ages more than `years` apart in the source's metadata."""
    told = defaultdict[str, dict[str, set[object]]](lambda: defaultdict(set))
    for subject, about in zip(view.subject_id, view.attrs, strict=True):
        if subject is None:
            continue
        for name in (*_LASTING, "age"):
            value = about.get(name)
            if isinstance(value, str | int | float):
                told[subject][name].add(value)
    hits = []
    for subject, facts in told.items():
        ages = [age for age in facts.pop("age", ()) if isinstance(age, int | float)]
        apart = max(ages) - min(ages) if ages else 0.0
        said = [f"{name} {' and '.join(sorted(map(str, v)))}" for name, v in facts.items() if len(v) > 1]
        if apart > limits["years"]:
            said.append(f"age {min(ages):g} and {max(ages):g}")
        if said:
            hits.append(Hit(float(len(said)), 0.0, words={"name": subject, "what": "; ".join(said)}))
    return Outcome(len(told), highest_first(hits))


def label_run(view: View, limits: Limits) -> Outcome:
    """Short runs of numbered photographs of one subject, side and aspect, where long runs are usual.

    A photographer takes ten pictures of a hand, then goes on to the next: a single one of another kind in
    between is often a slip of the table. A run is short up to `few`; it counts where most photographs of the
    series stand in runs of `usual` or more, and neither neighbour is more than `gap` numbers away.
    """
    hits: list[Hit] = []
    checked = 0
    for rows, values in _numbered(view):
        kinds = list(zip(view.subject_id[rows], view.side[rows], view.aspect[rows], strict=True))
        starts = [0, *(i for i in range(1, len(rows)) if kinds[i] != kinds[i - 1])]
        lengths = np.diff([*starts, len(rows)])
        if len(lengths) < 3 or np.median(np.repeat(lengths, lengths)) < limits["usual"]:
            continue
        checked += len(rows)
        for start, length in zip(starts, lengths.tolist(), strict=True):
            # A run at the end of the series, or beside a gap, may be part of a longer one.
            before, behind = start - 1, start + length
            if length > limits["few"] or before < 0 or behind >= len(rows):
                continue
            if max(values[start] - values[before], values[behind] - values[behind - 1]) > limits["gap"]:
                continue
            words = {
                "kind": _kind_text(kinds[start]),
                "before": _kind_text(kinds[before]),
                "behind": _kind_text(kinds[behind]),
                "others": int(np.median(np.repeat(lengths, lengths))),
            }
            hits += [
                Hit(float(length), limits["few"], row=int(rows[i]), words=words) for i in range(start, behind)
            ]
    return Outcome(checked, sorted(hits, key=lambda hit: hit.score))


def parent_leak(view: View, limits: Limits) -> Outcome:
    """Photographs with crops in more than one split (`parent_id`)."""
    return _leak(view, view.parent_id, per_dataset=True)


def clip_leak(view: View, limits: Limits) -> Outcome:
    """Recordings (`clip`) with frames in more than one split. Clips of the same name in two datasets count as
    one, as when `curate build` splits."""
    return _leak(view, view.clip, per_dataset=False)


def _leak(view: View, names: Names, *, per_dataset: bool) -> Outcome:
    """Names in more than one split; with `per_dataset`, the same name in two datasets means two things."""
    counts = defaultdict[tuple[int, str], Counter[str]](Counter)
    folder = view.dataset_of.tolist() if per_dataset else [0] * len(view)
    for where, name, split in zip(folder, names, view.split, strict=True):
        if name is not None and split is not None:
            counts[where, name][split] += 1
    hits = []
    for (_, name), splits in counts.items():
        if len(splits) > 1:
            text = ", ".join(f"{count} in {split}" for split, count in sorted(splits.items()))
            hits.append(Hit(float(len(splits)), 1.0, words={"name": name, "splits": text}))
    return Outcome(len(counts), hits)


def _kind_text(kind: tuple[str | None, str | None, str | None]) -> str:
    subject, side, aspect = kind
    hand = " ".join(filter(None, (aspect, side))) or "unknown"
    return f"{hand} of {subject}" if subject else hand


def _numbered(view: View) -> Iterator[tuple[Rows, Rows]]:
    """Series of samples whose ids end in a number: their rows and numbers, in the numbers' order.

    The ids of a series have the same text before the number, apart from the split's name (train/ in a path).
    """
    places: dict[str, int] = {}
    place, value = np.full(len(view), -1), np.zeros(len(view), np.intp)
    for row, name in enumerate(view.sample_id):
        match = _NUMBER.search(str(name))
        if match:
            stem = name[: match.start()]
            if view.split[row] is not None:
                stem = stem.replace(f"{view.split[row]}/", "")
            place[row], value[row] = places.setdefault(stem, len(places)), int(match[1])
    _, order = numbered(as_names(list(places)))
    named = np.flatnonzero(place >= 0)
    for found in grouped(order[place[named]]):
        rows = named[found]
        rows = rows[np.argsort(value[rows], kind="stable")]
        yield rows, value[rows]


CHECKS: tuple[Check, ...] = (
    Check(
        "same-burst",
        "Photographs of one burst are in one split",
        "error",
        "sample",
        same_burst,
        "Was taken in one burst with {other}, but is in another split ({splits}).",
        "Split by subject, or by blocks of consecutive numbers.",
        {"numbers": 2, "distance": 12},
    ),
    Check(
        "subject-leak",
        "Each person is in one split",
        "error",
        "dataset",
        subject_leak,
        "Subject {name} is in several splits: {splits}.",
        "Split by subject, as curate build does.",
    ),
    Check(
        "subject-facts",
        "What the source says of a person is consistent",
        "warning",
        "dataset",
        subject_facts,
        "The source contradicts itself on subject {name}: {what}.",
        "Check whether two people share an id, or one was given another's.",
        {"years": 2.0},
    ),
    Check(
        "label-run",
        "Neighbouring photographs are labelled alike",
        "info",
        "sample",
        label_run,
        "Labelled {kind}, between {before} and {behind}: a run of {score:.0f}, where {others} are usual.",
        "Look at the picture and its neighbours: the subject, side or aspect may be a mistake.",
        {"few": 2, "usual": 8, "gap": 12},
    ),
    Check(
        "parent-leak",
        "Crops of one photograph are in one split",
        "error",
        "dataset",
        parent_leak,
        "Crops of {name} are in several splits: {splits}.",
        "Split by subject or photograph, as curate build does.",
    ),
    Check(
        "clip-leak",
        "Frames of one recording are in one split",
        "error",
        "dataset",
        clip_leak,
        "Frames of the clip {name} are in several splits: {splits}.",
        "Split by subject or clip, as curate build does.",
    ),
)

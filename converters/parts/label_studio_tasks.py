"""The tasks in Label Studio's JSON and JSON-MIN, each with the regions of one of its annotations."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from converters.parts import json_files, labels
from converters.parts.coco_document import Id, text_id
from converters.parts.named_counts import brief, leave_out, quoted
from converters.parts.numbers import pixels
from curate.basics import images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.basics.numerals import as_number
from curate.basics.paths import Places, as_text
from curate.data.part import Part

OURS = "hand_curate"  # the key of our own data in a task's
POINT, RECTANGLE = "keypointlabels", "rectanglelabels"
_PICTURES = ("image", "img", "picture", "photo", "url", "ocr")
_COLUMNS = 50  # of a task's data that are kept, at most
_LONGEST = 200  # characters of a task's number, which may be text
_MOST = 1e9  # of a number
_FURTHER = (
    "further annotation of a task, not read (the ground truth, or the newest, was; --annotator WHO reads one "
    "person's)"
)
_HIDDEN = "hidden point that JSON-MIN does not name, read as visible; export as JSON"
_REGION = re.compile(r"hand-([0-9]{1,6})")
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class Sent(msgspec.Struct, omit_defaults=True):
    """What an exported task says of a hand: its id, and whether it had a box of its own."""

    sample_id: str
    has_bbox: bool = True


class _Result(msgspec.Struct):
    """An entry of the `result` of an annotation or a prediction."""

    type: str = ""
    value: dict[str, Any] = {}
    id: Id = None
    parentID: Id = None
    original_width: Any = None
    original_height: Any = None
    item_index: int | None = None
    meta: dict[str, Any] | None = None
    score: Any = None


class _Annotation(msgspec.Struct):
    """An annotation or a prediction."""

    result: list[Any] | None = None
    was_cancelled: bool | None = False
    ground_truth: bool | None = False
    updated_at: str | None = None
    created_at: str | None = None
    model_version: Any = None
    completed_by: Any = None

    @property
    def people(self) -> list[str]:
        """The names of the person who made it: a number, an e-mail address or both."""
        who = self.completed_by
        names = (who.get("email"), who.get("id")) if isinstance(who, dict) else (who,)
        return [str(name)[:_LONGEST] for name in names if isinstance(name, str | int) and name != ""]


class _Task(msgspec.Struct):
    """A task; `completions` is what annotations were called before version 1."""

    data: dict[str, Any]
    id: Id = None
    annotations: list[_Annotation] | None = None
    completions: list[_Annotation] | None = None
    predictions: list[Any] | None = None
    drafts: list[Any] | None = None


@dataclass(slots=True)
class Region:
    """A thing that was marked in a picture.

    Attributes
    ----------
    id, parent: names within the task. kind: keypointlabels, rectanglelabels or another.
    values: those of x, y, width, height (percent of the picture) and rotation (degrees) that it has.
    size: width and height of the picture, as written. remarks: choices, texts and notes about it.
    """

    id: str
    kind: str
    label: str = ""
    parent: str | None = None
    values: dict[str, float] = field(default_factory=dict)
    size: tuple[Any, Any] = (None, None)
    remarks: list[str] = field(default_factory=list)
    score: float | None = None


@dataclass(slots=True)
class Task:
    """A task with what is read of it.

    Attributes
    ----------
    key: its number, or its place in the file. picture: the picture's name or URL.
    tagger: the model of a prediction; None for an annotation.
    remarks: choices, texts and notes about the whole picture. sent: the hands that it was exported with.
    data: plain values of its other columns.
    """

    key: str
    picture: str
    regions: list[Region]
    tagger: str | None = None
    remarks: list[str] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the picture, pixels; None if no region tells. Raises InputError: fractions."""
        names = ("original_width", "original_height")
        sizes = (map(pixels, region.size, [self.key] * 2, names) for region in self.regions)
        return next(((w, h) for w, h in sizes if w is not None and h is not None), None)

    def sent_with(self, region: str, *, alone: bool) -> Sent | None:
        """What was exported with the hand of a region, by the name that `write` gave the region.

        If the task had and has (`alone`) one hand, it is that one under any name: JSON-MIN has no names."""
        match = _REGION.fullmatch(region)
        number = int(match[1]) if match else 0 if alone and len(self.sent) == 1 else len(self.sent)
        return self.sent[number] if number < len(self.sent) else None


def tasks_of(path: Path, name: str, places: Places, tally: Part, annotator: str | None = None) -> list[Task]:
    """The tasks of a file that have an annotation or a prediction; `tally` counts the others.

    Parameters
    ----------
    name: the file's, for reports. places: where it may lie. annotator: whose annotations to read.

    Raises
    ------
    UnsafeInput: it lies elsewhere. InputError: no JSON, or not Label Studio's.
    """
    with json_files.open_checked(path, places) as file:
        content = json_files.decode(_DECODER, file.read(), path)
    entries = content if isinstance(content, list) else [content]
    plain_tasks = [_as_task(entry, tally) for entry in entries]
    if entries and not any(plain_tasks):
        raise InputError(path, "no task", allowed="tasks with data and annotations")
    tasks: list[Task] = []
    for number, plain in enumerate(plain_tasks):
        try:
            if plain is None:
                raise InputError(path, "no task", allowed="an object with data")
            told = msgspec.convert(plain, _Task, strict=False)
            task = _read(told, f"row{number}", tally, annotator)
        except msgspec.ValidationError as error:
            tally.quarantine.append((f"{name}: [{number}]", json_files.invalid(path, error).reason))
        except InputError as error:
            tally.quarantine.append((f"{name}: [{number}]", error.reason))
        else:
            tasks += [task] if task is not None else []
    return tasks


def _as_task(entry: Any, tally: Part) -> dict[str, Any] | None:
    """An entry of any kind of export as a task of JSON; None if it is not one.

    JSON-MIN says what was chosen for points, but not for which: choices of `hidden` are counted.
    """
    if not isinstance(entry, dict):
        return None
    if isinstance(entry.get("data"), dict):
        return entry
    task = entry.get("task")
    if isinstance(task, dict) and isinstance(task.get("data"), dict):  # as it puts them into a storage
        return {**task, "annotations": [entry]}
    regions = {key: value for key, value in entry.items() if _is_regions(value)}
    if not regions and "annotation_id" not in entry:
        return None
    results = [
        {**region, "type": _kind(region), "value": region} for listed in regions.values() for region in listed
    ]
    hidden = {key: _hidden(value) for key, value in entry.items() if key not in regions}
    _note(tally.dropped, _HIDDEN, sum(hidden.values()))
    data = {key: entry[key] for key, count in hidden.items() if key != "id" and not count}
    done = {"result": results, "completed_by": entry.get("annotator")}
    return {"id": entry.get("id"), "data": data, "annotations": [done]}


def _hidden(value: Any) -> int:
    """How many texts in a column of JSON-MIN say that a point is hidden, and nothing else."""
    texts = [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
    words = [labels.words(text) for text in texts]
    alone = [" ".join(said) for said in words if len(said) == 1 or said == ["not", "visible"]]
    return sum(labels.said(text).visibility == kp.HIDDEN for text in alone)


def _is_regions(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) and _kind(v) for v in value)


def _kind(value: dict[str, Any]) -> str:
    return next((key for key in value if key.endswith("labels") and isinstance(value[key], list)), "")


def _read(told: _Task, number: str, tally: Part, annotator: str | None) -> Task | None:
    chosen, tagger = _chosen(told, tally, annotator)
    if chosen is None:
        return None
    columns = dict(told.data)
    ours = columns.pop(OURS, None)
    sent = msgspec.convert(ours, list[Sent]) if ours is not None else []
    name = _picture(columns)
    key = number if told.id is None else as_text(text_id(told.id, 0))[:_LONGEST]
    task = Task(key, columns.pop(name), [], tagger)
    task.sent = sent
    for column, value in columns.items():
        if not isinstance(value, str | int | float | bool | None):
            leave_out(tally.notes, "column that is no text or number, left out:", quoted(column))
        elif value is not None and len(task.data) == _COLUMNS:
            tally.notes[f"column of a task beyond the first {_COLUMNS}, left out"] += 1
        elif value is not None:
            task.data[column] = value
    _add_regions(task, chosen.result or [], tally)
    return task


def _chosen(told: _Task, tally: Part, annotator: str | None) -> tuple[_Annotation | None, str | None]:
    """The annotation to read and None; else the prediction and its model. The others are counted."""
    notes = tally.notes
    given = [*(told.annotations or []), *(told.completions or [])]
    done = [annotation for annotation in given if not annotation.was_cancelled]
    skipped = len(given) - len(done)
    _note(notes, "annotation that was skipped", skipped)
    _note(notes, "draft, not read", len(told.drafts or []))
    if annotator is not None:
        others = [one for one in done if annotator not in one.people]
        done = [one for one in done if annotator in one.people]
        for other in others:
            leave_out(notes, "annotation not read, of", brief((other.people or ["an unnamed person"])[0]))
        if not done:
            notes["task without an annotation of this person"] += 1
            return None, None
    if done:
        done.sort(key=lambda a: (bool(a.ground_truth), a.updated_at or a.created_at or ""))
        _note(notes, _FURTHER, len(done) - 1)
        return done[-1], None
    guesses = [guess for guess in told.predictions or [] if isinstance(guess, dict)]  # not a number alone
    if not guesses or skipped:
        notes["task without an annotation"] += 1
        return None, None
    _note(notes, "further prediction of a task, not read (the last was)", len(guesses) - 1)
    guess = msgspec.convert(guesses[-1], _Annotation, strict=False)
    return guess, "".join(str(guess.model_version or "").split())[:_LONGEST]


def _note(counts: Counter[str], what: str, count: int) -> None:
    if count:
        counts[what] += count


def _picture(columns: dict[str, Any]) -> str:
    """The column that names the picture. Raises InputError where none does, or several may."""
    texts = [key for key, value in columns.items() if isinstance(value, str)]
    known = [key for key in _PICTURES if key in texts]
    pictures = [
        key for key in texts if Path(columns[key].partition("?")[0]).suffix.lower() in images.SUFFIXES
    ]
    found = known[:1] or (pictures if len(pictures) == 1 else [])
    if not found:
        told = ", ".join(map(repr, list(columns)[:5])) or "nothing"
        raise InputError("", f"columns {told}", field="data", allowed="image, with a picture")
    return found[0]


def _add_regions(task: Task, results: list[Any], tally: Part) -> None:
    """Read an annotation's results: those of one id are one region."""
    regions: dict[str, Region] = {}
    remarks: dict[str, list[str]] = {}
    for number, entry in enumerate(results):
        try:
            result = msgspec.convert(entry, _Result, strict=False)
        except msgspec.ValidationError as error:
            leave_out(tally.dropped, "region of another form:", str(error).replace("`", ""))
            continue
        key = text_id(result.id, number)
        said = list(_said(result))
        if result.item_index:
            tally.dropped["region of a task's further picture"] += 1
        elif result.type.endswith("labels"):
            regions[key if key not in regions else f"{key}~{number}"] = _region(key, result, said)
        elif said:
            remarks.setdefault(key, []).extend(said)
        elif result.type == "relation":
            tally.notes["relation, not used"] += 1
        else:
            leave_out(tally.dropped, "region", brief(result.type or "without a type"))
    for key, said in remarks.items():
        (regions[key].remarks if key in regions else task.remarks).extend(said)
    task.regions = list(regions.values())


def _region(key: str, result: _Result, said: list[str]) -> Region:
    value = result.value
    listed = value.get(result.type)
    names = listed if isinstance(listed, list) else []
    numbers = ((name, _number(value.get(name))) for name in ("x", "y", "width", "height", "rotation"))
    return Region(
        key,
        result.type,
        str(names[0]) if names else "",
        None if result.parentID is None else text_id(result.parentID, 0),
        {name: number for name, number in numbers if number is not None},
        (result.original_width, result.original_height),
        said,
        _number(result.score),
    )


def _number(value: Any) -> float | None:
    """A number, also one in quotes; None for anything else, and for one that is far too large."""
    try:
        number = as_number(value) if isinstance(value, str) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) < _MOST else None


def _said(result: _Result) -> Iterator[str]:
    """What choices, texts and notes say."""
    for told in (result.value.get("choices"), result.value.get("text"), (result.meta or {}).get("text")):
        yield from (text for text in (told if isinstance(told, list) else [told]) if isinstance(text, str))

"""HandInfo.csv, the table of 11k Hands (Afifi 2019, sites.google.com/view/11khands).

One row a photo: id, age, gender, skinColor, accessories, nailPolish, aspectOfHand, imageName, irregularities.
`id` is the person; `aspectOfHand` says what the camera sees and which hand it is. When other tools save the
table again, its encoding, separator, line ends, column order and number formats change, ids lose their zeros,
and index columns appear. All of that is understood here.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from converters.parts.text_lines import UTF16
from curate.basics import files
from curate.basics.errors import InputError
from curate.basics.paths import read_file
from curate.basics.wording import counted
from curate.data.part import Part
from curate.data.sample import json_text, replace_columns
from curate.data.source import folded, posix_path

TABLE = "HandInfo.csv"
COLUMNS = (
    "id",
    "age",
    "gender",
    "skinColor",
    "accessories",
    "nailPolish",
    "aspectOfHand",
    "imageName",
    "irregularities",
)
_NEEDED = ("id", "aspectOfHand", "imageName")
_PUBLISHED: dict[str, frozenset[Any]] = {  # the values of each column of metadata
    "age": frozenset(range(18, 76)),
    "gender": frozenset({"female", "male"}),
    "skinColor": frozenset({"very fair", "fair", "medium", "dark"}),
    "accessories": frozenset({0, 1}),
    "nailPolish": frozenset({0, 1}),
    "irregularities": frozenset({0, 1}),
}
METADATA = tuple(_PUBLISHED)
_BLANK = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "?"})
_WHOLE = re.compile(r"([0-9]{1,9})(?:[.,]0*)?")
_MAX_BYTES = 64_000_000  # the published table has 0.8 MB


@dataclass(slots=True)
class HandInfo:
    """The table, cleaned: the published values, whatever tool saved it.

    Attributes
    ----------
    stems: base name of each photo without its suffix, lower case -> row in the columns below.
    names: base name as written. side, aspect, subject_id, attrs (JSON text): one value a row, or None.
    quarantine: (input, reason) of rows that do not parse. notes: values that the publisher does not use.
    """

    stems: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    side: list[str | None] = field(default_factory=list)
    aspect: list[str | None] = field(default_factory=list)
    subject_id: list[str | None] = field(default_factory=list)
    attrs: list[str | None] = field(default_factory=list)
    quarantine: list[tuple[str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)


def read_hand_info(path: Path) -> HandInfo:
    """Read HandInfo.csv, as published or as another tool saved it.

    Rows that do not parse are quarantined with their line. A value that the publisher does not use is
    counted, and kept if it is of the right kind. Ids get their seven digits back.

    Raises
    ------
    InputError: the file is not such a table (an HTML page, an Excel workbook, a Git-LFS pointer, binary
        data), or lacks a column.
    """
    lines = _text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = next((i for i, line in enumerate(lines) if line.strip(",;\t \"'")), None)
    if start is None:
        raise InputError(path, "an empty file", allowed="the columns " + ",".join(COLUMNS))
    separator = max(",;\t", key=lines[start].count)
    where = _header(path, lines[start], separator)
    info = HandInfo()
    for column in COLUMNS:
        if column not in where:
            info.notes[f"HandInfo.csv has no column {column}"] += 1
    columns = _Cells(where, width=1 + lines[start].count(separator), notes=info.notes)
    for number, line in enumerate(lines[start + 1 :], start + 2):
        if not line.strip(",;\t \"'"):
            continue
        try:
            _add_row(info, columns, _split(line, separator))
        except ValueError as error:
            info.quarantine.append((f"{path.name} line {number}", str(error)))
    columns.report()
    return info


def _text(path: Path) -> str:
    try:
        data = read_file(path, _MAX_BYTES)
    except OSError as error:
        raise InputError(path, f"cannot be opened ({error.strerror})") from None
    allowed = "the CSV table of 11k Hands"
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"version https://git-lfs"):
        raise InputError(path, "a Git-LFS pointer, not the table", remedy="run: git lfs pull")
    if head.startswith(b"pk\x03\x04"):
        raise InputError(path, "an Excel workbook", allowed=allowed, remedy="save it as CSV")
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise InputError(path, "a web page", allowed=allowed, remedy="download the file itself")
    if data.startswith(UTF16):
        encoding = "utf-16"
    elif b"\0" in data[:64]:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text:
        raise InputError(path, "binary data", allowed=allowed)
    return text


def _header(path: Path, line: str, separator: str) -> dict[str, int]:
    """Column name -> its place in a row."""
    known = {column.lower(): column for column in COLUMNS}
    where: dict[str, int] = {}
    try:
        cells = _split(line, separator)
    except ValueError as error:
        raise InputError(path, str(error), field="its header") from None
    for place, cell in enumerate(cells):
        column = known.get(re.sub(r"[\W_]+", "", cell).lower())
        if column in where:
            raise InputError(path, f"column {column} occurs twice", field="its header")
        if column:
            where[column] = place
    missing = [column for column in _NEEDED if column not in where]
    if missing:
        raise InputError(
            path, f"no column {', '.join(missing)}", field="its header", allowed=",".join(COLUMNS)
        )
    return where


def _split(line: str, separator: str) -> list[str]:
    """The cells of one line. No field of this table holds a line end, so a stray quote spoils one line."""
    if '"' not in line:
        return [cell.strip() for cell in line.split(separator)]
    try:
        cells = next(csv.reader((line,), delimiter=separator, skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ValueError(f"not CSV ({error})") from None
    return [cell.strip() for cell in cells]


@dataclass(slots=True)
class _Cells:
    """Turns cells into values; each of the few combinations of metadata that occur is worked out once."""

    where: dict[str, int]
    width: int
    notes: Counter[str]
    _made: dict[tuple[str, ...], tuple[str | None, list[tuple[str, str]]]] = field(default_factory=dict)
    _odd: dict[str, list[str]] = field(default_factory=dict)

    def get(self, cells: list[str], column: str) -> str:
        place = self.where.get(column)
        text = "" if place is None else cells[place]
        return "" if text.lower() in _BLANK else text

    def attrs(self, cells: list[str]) -> str | None:
        """The metadata as JSON."""
        raw = tuple(self.get(cells, column) for column in METADATA)
        if raw not in self._made:
            odd: list[tuple[str, str]] = []
            values: dict[str, Any] = {}
            for column, text in zip(METADATA, raw, strict=True):
                value = _value(column, text)
                if value is not None:
                    values[column] = value
                if text and value not in _PUBLISHED[column]:
                    odd.append((column, text))
            self._made[raw] = (json_text(values), odd)
        text_form, odd = self._made[raw]
        for column, text in odd:
            self.odd(column, text)
        return text_form

    def odd(self, column: str, text: str) -> None:
        """Count a value that the publisher does not use."""
        self._odd.setdefault(column, []).append(text)

    def report(self) -> None:
        """Put the odd values into the notes, each column with an example."""
        for column, texts in self._odd.items():
            self.notes[f"{column} not among the published values, such as {texts[0][:40]!r}"] += len(texts)


def _value(column: str, text: str) -> Any:
    """A cell's value: lower-case text in columns of text, else a whole number; None if it is neither."""
    if column in ("gender", "skinColor"):
        return " ".join(text.lower().split()) or None
    whole = _WHOLE.fullmatch(text)
    return int(whole[1]) if whole else {"true": 1, "yes": 1, "false": 0, "no": 0}.get(text.lower())


def _add_row(info: HandInfo, columns: _Cells, cells: list[str]) -> None:
    if len(cells) < columns.width or any(cells[columns.width :]):
        raise ValueError(f"{counted(len(cells), 'field')}; allowed: {columns.width}")
    name = columns.get(cells, "imageName")
    key = stem(name)
    if not key:
        raise ValueError("imageName is blank")
    if key in info.stems:
        raise ValueError(f"{name} is on an earlier line too")
    identity = columns.get(cells, "id")
    whole = _WHOLE.fullmatch(identity)
    if identity and not whole:
        raise ValueError(f"id: {identity!r}; allowed: a number, such as 0000027")
    aspect_text = columns.get(cells, "aspectOfHand")
    words = re.findall(r"[a-z]+", aspect_text.lower())
    aspects, sides = ([w for w in words if w in known] for known in (("dorsal", "palmar"), ("left", "right")))
    if len(words) != 2 or len(aspects) != 1 or len(sides) != 1:
        columns.odd("aspectOfHand", aspect_text)
    if not whole:
        columns.odd("id", identity)
    attrs = columns.attrs(cells)
    info.stems[key] = len(info.names)
    info.names.append(posix_path(name).name)
    info.side.append(sides[0] if len(sides) == 1 else None)
    info.aspect.append(aspects[0] if len(aspects) == 1 else None)
    info.subject_id.append(f"{int(whole[1]):07d}" if whole else None)
    info.attrs.append(attrs)


def stem(name: str) -> str:
    """The key of a photo: its base name without the suffix, in lower case, with %20 and the like decoded."""
    if "%" in name:
        name = unquote(name)
    if "/" in name or "\\" in name:
        name = posix_path(name).name
    return folded(name.rpartition(".")[0] or name)


@dataclass(frozen=True, slots=True)
class HandInfoJoin:
    """Joins the table to samples of any source whose images have the names of 11k Hands.

    Adds side, aspect, subject_id and metadata by the image's base name; the table wins over the sample.
    Samples that the table does not know stay as they are; they and contradictions are counted in the notes.
    """

    info: HandInfo
    fingerprint: str

    @classmethod
    def load(cls, path: Path) -> HandInfoJoin:
        """Read the table. Raises InputError as `read_hand_info`."""
        return cls(read_hand_info(path), files.sha256(path))

    def __call__(self, batch: pa.RecordBatch) -> Part:
        """The batch with what the table knows."""
        rows = [self.info.stems.get(stem(p)) for p in batch.column("image").to_pylist()]
        notes = Counter({"image not in HandInfo.csv": rows.count(None)})
        columns: dict[str, list[str | None]] = {}
        for name in ("side", "aspect", "subject_id", "attrs"):
            ours, theirs = getattr(self.info, name), batch.column(name).to_pylist()
            known = [ours[row] if row is not None else None for row in rows]
            pairs = list(zip(known, theirs, strict=True))
            if name == "attrs":
                columns[name] = [_merged(ours, theirs) for ours, theirs in pairs]
                continue
            differ = sum(None not in pair and pair[0] != pair[1] for pair in pairs)
            notes[f"{name} other than in HandInfo.csv"] += differ
            columns[name] = [ours if ours is not None else theirs for ours, theirs in pairs]
        return Part(replace_columns(batch, **columns), notes=+notes)


def _merged(ours: str | None, theirs: str | None) -> str | None:
    if ours is None or theirs is None:
        return ours or theirs
    return json_text({**json.loads(theirs), **json.loads(ours)})

"""Findings: what the checks found, with messages; written for programs, and read back."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Literal, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.basics import files
from curate.basics.errors import InputError
from curate.basics.paths import open_file
from curate.data import soundness
from qa.severity import SEVERITIES, Severity

Scope = Literal["sample", "split", "dataset"]

TABLE = "findings.parquet"

SCHEMA = pa.schema(
    [
        pa.field("check", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("scope", pa.string(), nullable=False),
        pa.field("dataset", pa.string()),
        pa.field("sample_id", pa.string()),
        pa.field("split", pa.string()),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("threshold", pa.float64(), nullable=False),
        pa.field("message", pa.string(), nullable=False),
        pa.field("remedy", pa.string(), nullable=False),
    ]
)

Row = dict[str, Any]  # a finding as the files hold it
Value = TypeVar("Value")
_AT_A_TIME = 1 << 16  # findings that are written together


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of findings.parquet.

    Attributes
    ----------
    check ... remedy: the columns of SCHEMA; `dataset` is the folder's name.
    row: the sample's row in the view. rows: the rows of its group, if the finding concerns a group.
    """

    check: str
    severity: Severity
    scope: Scope
    dataset: str | None
    sample_id: str | None
    split: str | None
    score: float
    threshold: float
    message: str
    remedy: str
    row: int | None = field(default=None, repr=False)
    rows: tuple[int, ...] = field(default=(), repr=False)

    def as_json(self) -> Row:
        """The finding as findings.json holds it."""
        return {name: getattr(self, name) for name in SCHEMA.names}


def identity(row: Row) -> tuple[str | None, ...]:
    """What identifies a finding across runs: the check and split, and the sample or, for a set or split, the
    message. The dataset's name does not count: a corrected version is in another folder."""
    if row["scope"] == "sample":
        return row["check"], row["sample_id"], row["split"], None
    return row["check"], None, row["split"], row["message"]


def write_findings(findings: Sequence[Finding], out: Path) -> None:
    """Write findings.parquet and findings.json to `out`, each atomically."""
    with (
        files.writing(out / TABLE) as file,
        pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer,
    ):
        for start in range(0, max(1, len(findings)), _AT_A_TIME):
            rows = [finding.as_json() for finding in findings[start : start + _AT_A_TIME]]
            writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
    write_json(out / "findings.json", Listed(findings, Finding.as_json))


def read_findings(folder: str | os.PathLike[str]) -> list[Row]:
    """The findings that `curate qa` wrote to a folder. Raises InputError, as `read_table`."""
    rows: list[Row] = read_table(folder).to_pylist()
    return rows


def read_table(folder: str | os.PathLike[str]) -> pa.Table:
    """The findings that `curate qa` wrote to a folder, as a table of SCHEMA: it takes less memory than rows.

    Raises
    ------
    InputError: the folder holds no findings.parquet, or not one of this version.
    PermissionError: it may not be read.
    """
    path = Path(folder) / TABLE
    # Suggest a command that works: `curate qa` replaces a spoilt QA folder, but writes into no other folder.
    again = " --overwrite" if path.exists() else ""
    out = path.parent if again or not path.parent.exists() else "QA"
    remedy = f"make one with: curate qa D --out {out}{again}"
    try:
        with open_file(path) as file:
            table = pq.read_table(file)
    except FileNotFoundError:
        raise InputError(path, "no such file", allowed="a folder of curate qa", remedy=remedy) from None
    except PermissionError:  # the file itself may be sound: do not advise to make it again
        raise
    except (OSError, pa.ArrowException) as error:
        raise InputError(path, f"not readable ({error})", remedy=remedy) from None
    if table.schema.remove_metadata() != SCHEMA:
        raise InputError(path, "columns of another version", remedy=remedy)
    soundness.check(table, path, remedy=remedy)
    strange = set(table.column("severity").unique().to_pylist()) - set(SEVERITIES)
    if strange:
        raise InputError(path, repr(min(strange)), field="severity", allowed=", ".join(SEVERITIES))
    for name in ("score", "threshold"):
        if pc.any(pc.is_nan(table.column(name))).as_py():
            raise InputError(path, repr(math.nan), field=name, allowed="a number", remedy=remedy)
    return table


class Listed(list[Any]):
    """A list for JSON whose entries are made one by one as they are written: those of a million findings
    would take gigabytes."""

    def __init__(self, values: Sequence[Value], entry: Callable[[Value], object]) -> None:
        """entry: makes what is written for a value."""
        super().__init__()
        self._values, self._entry = values, entry

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[object]:
        return map(self._entry, self._values)


def write_json(path: Path, content: object) -> None:
    """Write JSON, atomically: one value per line, text unescaped."""
    with files.writing(path) as file:
        text = TextIOWrapper(file, "utf-8")
        for piece in json.JSONEncoder(indent=1, ensure_ascii=False).iterencode(content):
            text.write(piece)
        text.write("\n")
        text.detach()

"""The review page: a folder that opens by double click, where a person looks through the samples and decides.

    index.html app.js style.css     the page; no server, nothing loaded from elsewhere
    data/index.js data/c0000.js ... what is in the set, in chunks of CHUNK rows
    atlas/a0000.webp ...            thumbnails, 16 x 16 to a file
    atlas/m0000.png ...             the hands' masks in the same places, where any is known

A page opened from a file may not fetch, so data are scripts that call a function. Rows stand worst first:
what a reviewer wants to see is in the first chunk and the first atlas. Thumbnails are pixels alone, without
the metadata of the photographs they show.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

import curate
from curate.basics import files, pages, progress
from curate.basics import keypoints as kp
from curate.basics.engine import Local
from curate.basics.errors import InputError
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.data.stage import relative_to_out
from qa.finding import SEVERITIES
from qa.review.atlas import ACROSS, SHELF, THUMB, Shelf, Shown, fill
from qa.review.decisions import REASONS, alias, sample_sha

CHUNK = 2000
LIMIT = 200_000
# A coordinate t of the thumbnail, px, is stored as (t + THUMB) * _FINE: one thumbnail beyond each edge fits.
_FINE = 224
_NO_POINT = 65535
# Corrections that a finding asks for: the page shows and offers them.
_PROPOSALS = {"handedness": {"side": "swap"}, "finger-order": {"order": "reverse"}}
_FACETS = ("source", "split", "subject_id", "side", "aspect")
_SCRIPTS = ("data.js", "filter.js", "decisions.js", "skeleton.js", "grid.js", "panel.js", "app.js")
_WORK = ".review"


@dataclass(frozen=True, slots=True)
class ReviewSummary:
    """What stands in the page.

    Attributes
    ----------
    out: the folder. samples: on the page. flagged: with a finding. unreadable: whose image does not open.
    elsewhere: findings that concern samples of other datasets. size: of the folder, bytes.
    """

    out: Path
    samples: int
    flagged: int
    unreadable: int
    elsewhere: int
    size: int

    def __str__(self) -> str:
        text = f"{self.samples:,} samples, {self.flagged:,} of them flagged, {self.size / 1e6:.1f} MB"
        if self.unreadable:
            text += f"; {self.unreadable:,} images cannot be read"
        if self.elsewhere:
            text += f"; {self.elsewhere:,} findings concern other datasets"
        return f"{text}\nreview: open {self.out / 'index.html'} in a browser"

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "out": os.fspath(self.out),
            "samples": self.samples,
            "flagged": self.flagged,
            "unreadable": self.unreadable,
            "elsewhere": self.elsewhere,
            "size": self.size,
        }


def write_review(
    dataset: str | os.PathLike[str],
    qa_dir: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    originals: bool = True,
    anonymise: bool = False,
    workers: int = 1,
    overwrite: bool = False,
    quiet: bool = False,
) -> ReviewSummary:
    """Write the review page of a dataset whose findings lie in `qa_dir`.

    Every image is decoded once, in full: a decision is bound to the pixels that were seen. A killed run goes
    on when it is called again.

    Parameters
    ----------
    originals: the magnified view shows the dataset's own files, by relative path, where they are at hand.
    anonymise: leave out subject ids, sample ids (an alias stands for each), the findings' messages and the
        paths of the originals. The pictures themselves stay: hands can be recognised.
    overwrite: replace a page of another dataset, other findings or other options.

    Raises
    ------
    SchemaError: no dataset.
    InputError: no findings, findings of another dataset, a training set, more than LIMIT samples, or a folder
        that holds something else.
    """
    opened, folder = Dataset(dataset), Path(out)
    _require_reviewable(opened)
    findings, elsewhere = _read_findings(Path(qa_dir), opened)
    samples = _worst_first(opened, findings)
    options = {"originals": originals and not anonymise, "anonymise": anonymise}
    key = _key(opened, findings, options)
    work = _claim(folder, key, overwrite=overwrite)
    hands = Counter(sample.image for sample in samples)
    shelves = [
        Shelf(
            part := samples[start : start + SHELF],
            frozenset(sample.image for sample in part if hands[sample.image] > 1),
            opened.root,
            folder / "atlas" / f"a{number:04d}.webp",
            folder / "atlas" / f"m{number:04d}.png",
            work / f"{number:04d}.json",
        )
        for number, start in enumerate(range(0, len(samples), SHELF))
    ]
    shown: list[Shown] = []
    with progress.bar("review", len(samples), quiet=quiet) as advance:
        for seen in Local(workers).map(fill, shelves, total=len(shelves)):
            shown += seen
            advance(len(seen))
    _Page(opened, folder, key, samples, shown, findings, **options).write()
    shutil.rmtree(work)
    flagged = sum(bool(findings.get(sample.sample_id)) for sample in samples)
    unreadable = sum(one.width == 0 for one in shown)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return ReviewSummary(folder, len(samples), flagged, unreadable, elsewhere, size)


def _require_reviewable(dataset: Dataset) -> None:
    if dataset.training is not None:
        remedy = "review the dataset that it is built from, apply the decisions, and build again"
        raise InputError(dataset.root, "a training set", allowed="a dataset", remedy=remedy)
    if len(dataset) > LIMIT:
        remedy = "review a part: curate convert --limit, or one source at a time"
        raise InputError(dataset.root, f"{len(dataset):,} samples", allowed=f"{LIMIT:,}", remedy=remedy)


# The findings of a sample (None: of the set or a split), rows of findings.parquet, worst first.
_Findings = dict[str | None, list[dict[str, Any]]]
_COLUMNS = ("check", "severity", "scope", "sample_id", "score", "threshold", "message", "remedy")


def _read_findings(qa_dir: Path, dataset: Dataset) -> tuple[_Findings, int]:
    """The findings by sample, and how many concern samples that are not in the dataset."""
    path = qa_dir / "findings.parquet"
    try:
        table = pq.read_table(path, columns=[*_COLUMNS])
    except FileNotFoundError:
        remedy = f"make it with: curate qa {dataset.root.name} --out {qa_dir.name}"
        raise InputError(path, "no such file", remedy=remedy) from None
    except (OSError, pa.ArrowException) as error:
        raise InputError(path, f"not readable ({error})", remedy="run curate qa again") from None
    missing = [name for name in _COLUMNS if name not in table.column_names]
    if missing:
        raise InputError(path, f"no column {', '.join(missing)}", remedy="run curate qa again")
    known = set(dataset.table(["sample_id"]).column(0).to_pylist())
    findings: _Findings = {}
    elsewhere = 0
    for row in table.to_pylist():
        if row["severity"] not in SEVERITIES:
            allowed = ", ".join(SEVERITIES)
            raise InputError(path, repr(row["severity"]), field="severity", allowed=allowed)
        if row["sample_id"] is None or row["sample_id"] in known:
            findings.setdefault(row["sample_id"], []).append(row)
        else:
            elsewhere += 1
    for own in findings.values():
        own.sort(key=lambda row: (SEVERITIES.index(row["severity"]), row["check"]))
    if elsewhere and not any(key is not None for key in findings):
        found = f"its {elsewhere:,} findings concern no sample of {dataset.root.name}"
        raise InputError(path, found, remedy="give the folder that curate qa made of this dataset")
    return findings, elsewhere


def _worst_first(dataset: Dataset, findings: _Findings) -> list[Sample]:
    """Samples with errors, then warnings, then notes, alike ones together; then the rest."""

    def rank(sample: Sample) -> tuple[int, str]:
        own = findings.get(sample.sample_id)
        return (SEVERITIES.index(own[0]["severity"]), own[0]["check"]) if own else (len(SEVERITIES), "")

    return sorted(dataset, key=rank)  # a stable sort


def _key(dataset: Dataset, findings: _Findings, options: dict[str, bool]) -> str:
    """What two runs must share to write the same page."""
    parts = [curate.__version__, dataset.fingerprint, options, list(findings.items())]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _claim(folder: Path, key: str, *, overwrite: bool) -> Path:
    """The folder for work in progress: continued where it is of the same key, else begun anew."""
    work = folder / _WORK
    claim, page = work / "key", folder / "index.html"
    ours = claim.exists() or page.exists()
    if folder.exists() and not ours and any(folder.iterdir()):
        raise InputError(folder, "a folder with other files in it", allowed="a new folder, or a review page")
    if claim.exists() and claim.read_text() == key:
        return work
    if page.exists() and not overwrite and f'"{key}"' not in page.read_text():
        found = "a review page of other data or options"
        raise InputError(folder, found, remedy="choose another --out, or add --overwrite")
    files.write(claim, b"")  # ours, and to be cleared
    page.unlink(missing_ok=True)
    for part in (folder / "atlas", folder / "data"):
        shutil.rmtree(part, ignore_errors=True)
    for done in work.glob("*.json"):
        done.unlink()
    files.write(claim, key.encode())
    return work


# the page --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Page:
    """The samples in the page's order, what decoding them gave, and their findings."""

    dataset: Dataset
    folder: Path
    key: str
    samples: list[Sample]
    shown: list[Shown]
    findings: _Findings
    originals: bool
    anonymise: bool

    def write(self) -> None:
        """Write data and page; index.html comes last, as the mark that all of it is there."""
        values = {name: self._values(name) for name in _FACETS}
        checks = sorted({row["check"] for rows in self.findings.values() for row in rows})
        folders = sorted({PurePosixPath(s.image).parent.as_posix() for s in self.samples})
        codes = {name: {value: i for i, value in enumerate(entries)} for name, entries in values.items()}
        codes |= {"check": {check: i for i, check in enumerate(checks)}}
        codes |= {"folder": {name: i for i, name in enumerate(folders)}}
        places = {sample_id: i for i, sample_id in enumerate(self._column("sample_id"))}
        starts = range(0, len(self.samples), CHUNK)
        for number, start in enumerate(starts):
            chunk = self._chunk(slice(start, start + CHUNK), codes, places)
            _write_script(self.folder / "data" / f"c{number:04d}.js", "curateChunk", chunk)
        head = self._head(values, checks, folders, len(starts))
        _write_script(self.folder / "data" / "index.js", "curateIndex", head)
        for name, text in _page_files(self.key).items():
            files.write(self.folder / name, text.encode())

    def _column(self, name: str) -> list[Any]:
        values: list[Any] = self.dataset.table([name]).column(0).to_pylist()
        return values

    def _values(self, name: str) -> list[str | None]:
        """The dictionary of a column: None, then what occurs, by name."""
        if self.anonymise and name == "subject_id":
            return [None]
        return [None, *sorted(set(self._column(name)) - {None})]

    def _head(
        self, values: dict[str, list[str | None]], checks: list[str], folders: list[str], chunks: int
    ) -> dict[str, Any]:
        rows = [row for found in self.findings.values() for row in found]
        remedy = {row["check"]: row["remedy"] for row in rows}
        whole = [] if self.anonymise else self.findings.get(None, [])
        return {
            "app_version": curate.__version__,
            "name": self.dataset.root.resolve().name,
            "dataset_sha": self.dataset.fingerprint,
            "rows": len(self.samples),
            "chunks": chunks,
            "thumb": THUMB,
            "across": ACROSS,
            "fine": _FINE,
            "values": values,
            "checks": checks,
            "remedies": [remedy[check] for check in checks],
            "severities": SEVERITIES,
            "reasons": REASONS,
            "proposals": _PROPOSALS,
            "whole": [[row["check"], row["severity"], row["message"]] for row in whole],
            "originals": [relative_to_out(self.dataset.root / name, self.folder) for name in folders]
            if self.originals
            else None,
            "names": kp.NAMES,
            "bones": kp.BONES,
            "colours": kp.FINGER_COLOURS,
        }

    def _chunk(self, rows: slice, codes: dict[str, dict[Any, int]], places: dict[str, int]) -> dict[str, Any]:
        samples, shown = self.samples[rows], self.shown[rows]
        found = [
            [
                i,
                codes["check"][row["check"]],
                SEVERITIES.index(row["severity"]),
                row["score"],
                row["threshold"],
                "" if self.anonymise else row["message"],
            ]
            for i, sample in enumerate(samples)
            for row in self.findings.get(sample.sample_id, ())
        ]
        hashes = [sample_sha(s, one.pixels) for s, one in zip(samples, shown, strict=True)]
        chunk: dict[str, Any] = {
            "start": rows.start,
            "ids": [self._public_id(sample) for sample in samples],
            "place": [places[sample.sample_id] for sample in samples],
            "size": [[one.width, one.height] for one in shown],
            "window": [one.window for one in shown],
            "mask": [one.mask for one in shown],
            "points": _packed(_thumbnail_points(samples, shown)),
            "seen": _packed(np.array([s.visibility for s in samples], np.uint8)),
            "sha": _packed(np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8)),
            "findings": found,
        }
        for name in _FACETS:
            chunk[name] = [codes[name].get(getattr(sample, name), 0) for sample in samples]
        if self.originals:
            paths = [PurePosixPath(sample.image) for sample in samples]
            chunk["folder"] = [codes["folder"][path.parent.as_posix()] for path in paths]
            chunk["file"] = [path.name for path in paths]
        return chunk

    def _public_id(self, sample: Sample) -> str:
        return alias(self.dataset.fingerprint, sample.sample_id) if self.anonymise else sample.sample_id


def _thumbnail_points(samples: list[Sample], shown: list[Shown]) -> NDArray[np.uint16]:
    """(n, 21, 2) keypoints in thumbnail coordinates, as fixed point numbers; _NO_POINT where unlabelled."""
    points = np.array([s.keypoints for s in samples], np.float64).reshape(-1, kp.COUNT, 2)
    seen = np.array([s.visibility for s in samples]).reshape(-1, kp.COUNT) > 0
    windows = np.array([one.window for one in shown], np.float64).reshape(-1, 3)
    there = seen & np.isfinite(points).all(axis=2)
    cells = (np.where(there[..., None], points, 0) - windows[:, None, :2]) * (THUMB / windows[:, None, 2:])
    fixed = np.clip(((cells + THUMB) * _FINE).round(), 0, _NO_POINT - 1)
    return np.where(there[..., None], fixed, _NO_POINT).astype("<u2")


def _packed(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _write_script(path: Path, function: str, data: dict[str, Any]) -> None:
    """Data as a script. ASCII alone, and no character that could end a script or begin a tag."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    files.write(path, f"{function}({text});\n".encode("ascii"))


def _page_files(key: str) -> dict[str, str]:
    """index.html, app.js and style.css; index.html last."""
    room = resources.files("qa.review") / "templates"
    texts = {name: (room / name).read_text("utf-8") for name in (*_SCRIPTS, "style.css", "index.html")}
    palette = (resources.files("curate.basics") / "templates" / "palette.css").read_text("utf-8")
    page = texts["index.html"]
    loader = page.partition("<script>")[2].partition("</script>")[0]
    return {
        "app.js": '"use strict";\n' + "\n".join(texts[name] for name in _SCRIPTS),
        "style.css": palette + texts["style.css"],
        "index.html": page.replace("LOADER_HASH", pages.policy_hash(loader)).replace("PAGE_KEY", key),
    }

"""The files of the review page: what a person sees, and what it knows of the samples.

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
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

import curate
from curate.basics import files, pages
from curate.basics import keypoints as kp
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.data.stage import relative_to_out
from qa.finding import Row
from qa.review.atlas import ACROSS, THUMB, Shown
from qa.review.decisions import REASONS, alias, sample_sha
from qa.severity import SEVERITIES

CHUNK = 2000
# Corrections that a finding asks for: the page shows and offers them, unless an error of another check says
# that the points are no hand's, or not this hand's: then the finding is but a consequence.
_NO_HAND = ("coincident-points", "placeholder-points", "off-hand")
_PROPOSALS: dict[str, dict[str, Any]] = {
    "handedness": {
        "patch": {"side": "swap"},
        "unless": (*_NO_HAND, "finger-order", "mcp-fan", "pose-outlier", "mask-fit", "baseline-residual"),
    },
    "finger-order": {"patch": {"order": "reverse"}, "unless": _NO_HAND},
}
_FACETS = ("source", "split", "subject_id", "side", "aspect")
_SCRIPTS = (
    *("data.js", "filter.js", "decisions.js", "skeleton.js", "grid.js"),
    *("panel.js", "picture.js", "points.js", "facets.js", "app.js"),
)
# The findings of a sample (None: of the set or a split), worst first.
Findings = Mapping[str | None, list[Row]]


@dataclass(frozen=True, slots=True)
class Page:
    """The samples in the page's order, what decoding them gave, and their findings; see `PageOptions`.

    checked: whether QA was run at all.
    """

    dataset: Dataset
    folder: Path
    samples: list[Sample]
    shown: list[Shown]
    findings: Findings
    checked: bool
    anonymise: bool
    thumbnails_only: bool

    def write(self) -> None:
        """Write data and page; index.html, which a person opens, comes last."""
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
        for name, text in _page_files().items():
            files.write(self.folder / name, text.encode())

    @property
    def _links(self) -> bool:
        """Whether the page links to the dataset's own images."""
        return not (self.thumbnails_only or self.anonymise)

    def _column(self, name: str) -> list[Any]:
        values: list[Any] = self.dataset.table([name]).column(0).to_pylist()
        return values

    def _values(self, name: str) -> list[str | None]:
        """The values that a column has, in order; None first."""
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
            "name": self.dataset.name,
            "dataset_sha": self.dataset.fingerprint,
            "rows": len(self.samples),
            "checked": self.checked,
            "flagged": sum(bool(self.findings.get(sample.sample_id)) for sample in self.samples),
            "chunks": chunks,
            "thumb": THUMB,
            "across": ACROSS,
            "values": values,
            "checks": checks,
            "remedies": [remedy[check] for check in checks],
            "severities": SEVERITIES,
            "reasons": REASONS,
            "proposals": _PROPOSALS,
            "whole": [[row["check"], row["severity"], row["message"]] for row in whole],
            "originals": [relative_to_out(self.dataset.root / name, self.folder) for name in folders]
            if self._links
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
            "points": _packed(_points(samples)),
            "seen": _packed(np.array([s.visibility for s in samples], np.uint8)),
            "sha": _packed(np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8)),
            "findings": found,
        }
        for name in _FACETS:
            chunk[name] = [codes[name].get(getattr(sample, name), 0) for sample in samples]
        if self._links:
            paths = [PurePosixPath(sample.image) for sample in samples]
            chunk["folder"] = [codes["folder"][path.parent.as_posix()] for path in paths]
            chunk["file"] = [path.name for path in paths]
        return chunk

    def _public_id(self, sample: Sample) -> str:
        return alias(self.dataset.fingerprint, sample.sample_id) if self.anonymise else sample.sample_id


def _points(samples: list[Sample]) -> NDArray[np.float32]:
    """Keypoints as they are, (n, 21, 2), pixels of the image; NaN where unlabelled."""
    points = np.array([s.keypoints for s in samples], np.float32).reshape(-1, kp.COUNT, 2)
    seen = np.array([s.visibility for s in samples]).reshape(-1, kp.COUNT) > 0
    there = seen & np.isfinite(points).all(axis=2)
    return np.where(there[..., None], points, np.float32(np.nan)).astype("<f4")


def _packed(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _write_script(path: Path, function: str, data: dict[str, Any]) -> None:
    """Data as a script. ASCII alone, and no character that could end a script or begin a tag."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    files.write(path, f"{function}({text});\n".encode("ascii"))


def _page_files() -> dict[str, str]:
    """index.html, app.js and style.css; index.html last."""
    room = resources.files("qa.review") / "templates"
    texts = {name: (room / name).read_text("utf-8") for name in (*_SCRIPTS, "style.css", "index.html")}
    palette = (resources.files("curate.basics") / "templates" / "palette.css").read_text("utf-8")
    page = texts["index.html"]
    loader = page.partition("<script>")[2].partition("</script>")[0]
    return {
        "app.js": '"use strict";\n' + "\n".join(texts[name] for name in _SCRIPTS),
        "style.css": palette + texts["style.css"],
        "index.html": page.replace("LOADER_HASH", pages.policy_hash(loader)),
    }

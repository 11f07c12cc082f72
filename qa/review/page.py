"""The files of the review page, and the data on the samples that it shows.

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
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

import curate
from curate.basics import files, pages
from curate.basics import keypoints as kp
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.data.stage import relative_to_out
from qa.review.atlas import ACROSS, THUMB, Shown
from qa.review.decisions import REASONS, alias, sample_sha
from qa.review.flagged import Flagged
from qa.severity import SEVERITIES

CHUNK = 2000
# Corrections that a finding suggests, which the page offers; unless an error of another check says that the
# points are not a hand, or not this one: then the finding is only a consequence.
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


@dataclass(frozen=True, slots=True)
class Page:
    """The page of a dataset, written to `folder`, with what was found; see `PageOptions`.

    checked: whether QA was run.
    """

    dataset: Dataset
    folder: Path
    flagged: Flagged
    checked: bool
    anonymise: bool
    thumbnails_only: bool

    def write(self, samples: Iterator[tuple[Sample, Shown]]) -> int:
        """Write the data and the page; index.html, which a person opens, comes last.

        Parameters
        ----------
        samples: in the page's order, each with what decoding its image gave; one chunk is held at a time.

        Returns
        -------
        How many images could not be read.
        """
        values = {name: self._values(name) for name in _FACETS}
        folders = self._folders() if self._links else []
        named: dict[str, list[Any]] = {**values, "check": list(self.flagged.remedies), "folder": folders}
        codes = {name: {value: i for i, value in enumerate(entries)} for name, entries in named.items()}
        unreadable = chunks = 0
        while held := list(islice(samples, CHUNK)):
            chunk = self._chunk(chunks * CHUNK, held, codes)
            _write_script(self.folder / "data" / f"c{chunks:04d}.js", "curateChunk", chunk)
            unreadable += sum(seen.width == 0 for _, seen in held)
            chunks += 1
        _write_script(self.folder / "data" / "index.js", "curateIndex", self._head(values, folders, chunks))
        for name, text in _page_files().items():
            files.write(self.folder / name, text.encode())
        return unreadable

    @property
    def _links(self) -> bool:
        """Whether the page links to the dataset's own images."""
        return not (self.thumbnails_only or self.anonymise)

    def _values(self, name: str) -> list[str | None]:
        """The distinct values of a column, sorted; None first."""
        if self.anonymise and name == "subject_id":
            return [None]
        return [None, *sorted(set(self.dataset.table([name]).column(0).unique().to_pylist()) - {None})]

    def _folders(self) -> list[str]:
        """The folders that hold images, sorted."""
        images = self.dataset.table(["image"]).column(0)
        folders = pc.replace_substring_regex(images, "/?[^/]*$", "").unique().to_pylist()
        return sorted({PurePosixPath(folder).as_posix() for folder in folders})

    def _head(self, values: dict[str, list[str | None]], folders: list[str], chunks: int) -> dict[str, Any]:
        whole = [] if self.anonymise else self.flagged.whole
        return {
            "app_version": curate.__version__,
            "name": self.dataset.name,
            "dataset_sha": self.dataset.fingerprint,
            "rows": len(self.dataset),
            "checked": self.checked,
            "flagged": self.flagged.samples,
            "chunks": chunks,
            "thumb": THUMB,
            "across": ACROSS,
            "values": values,
            "checks": list(self.flagged.remedies),
            "remedies": list(self.flagged.remedies.values()),
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

    def _chunk(
        self, start: int, held: list[tuple[Sample, Shown]], codes: dict[str, dict[Any, int]]
    ) -> dict[str, Any]:
        """The samples at positions start, start + 1, ... of the page's order."""
        samples, shown = [sample for sample, _ in held], [seen for _, seen in held]
        stop = start + len(held)
        found = [
            [
                place - start,
                codes["check"][row["check"]],
                SEVERITIES.index(row["severity"]),
                row["score"],
                row["threshold"],
                "" if self.anonymise else row["message"],
            ]
            for place, row in self.flagged.findings(start, stop)
        ]
        hashes = [sample_sha(s, one.pixels) for s, one in zip(samples, shown, strict=True)]
        chunk: dict[str, Any] = {
            "start": start,
            "ids": [self._public_id(sample) for sample in samples],
            "place": self.flagged.order[start:stop].tolist(),
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
    """Keypoints (n, 21, 2), pixels of the image; NaN where unlabelled."""
    points = np.array([s.keypoints for s in samples], np.float32).reshape(-1, kp.COUNT, 2)
    seen = np.array([s.visibility for s in samples]).reshape(-1, kp.COUNT) > 0
    there = seen & np.isfinite(points).all(axis=2)
    return np.where(there[..., None], points, np.float32(np.nan)).astype("<f4")


def _packed(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _write_script(path: Path, function: str, data: dict[str, Any]) -> None:
    """Write data as a script that calls a function: in ASCII, without characters that end a script or begin a
    tag."""
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

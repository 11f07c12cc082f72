"""`curate predict`: keypoints of hands in photos, as a dataset, as JSON and as pictures."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import files, geometry, images
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.data import depth
from curate.data.dataset import INFO as DATASET_INFO
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, file_stem, to_batch
from curate.data.stage import Stage, relative_to_out
from curate.hands.cropping import Frame
from curate.hands.overlay import draw_skeleton
from curate.hands.photograph import Photograph
from curate.training.record import WEIGHTS
from curate.training.run import Run, open_run

JSON = "predictions.json"
PICTURES = "pictures"

_ROWS = 16  # photos a task
_PICTURE = 800  # px, longer side of a picture at most
_LISTED = 20  # unreadable inputs named in the summary
_MARGIN = 0.1  # where the run does not know how its crops were cut


@dataclass(frozen=True)
class Predicted:
    """What a prediction gave. `unreadable`: (input, reason) of what could not be used."""

    out: Path
    photos: int
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    reused: bool = False

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "out": os.fspath(self.out),
            "photos": self.photos,
            "unreadable": [{"input": name, "reason": reason} for name, reason in self.unreadable],
            "reused": self.reused,
        }

    def __str__(self) -> str:
        lines = [f"{name}: {reason}" for name, reason in self.unreadable[:_LISTED]]
        more = len(self.unreadable) - len(lines)
        lines += [f"and {more} more, see {self.out / 'quarantine.jsonl'}"] if more else []
        told = f"{self.photos} hands in {self.out / JSON}, pictures in {self.out / PICTURES}"
        told += f"; {len(self.unreadable)} unreadable" if self.unreadable else ""
        return "\n".join([*lines, told + (" (was finished before)" if self.reused else "")])


@dataclass(frozen=True)
class _Photo:
    """One photo to look at: its file, and what is known about it."""

    root: Path
    sample: Sample

    @property
    def path(self) -> Path:
        return self.root / self.sample.image


def predict(
    run: str | os.PathLike[str],
    inputs: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    quiet: bool = False,
) -> Predicted:
    """Find the keypoints of one hand in each photo.

    The hand is looked for by its bbox where a dataset has one, else by colour, else in the whole photo; a
    sample that was cut from another image is taken whole. A network that was trained on crops cut around
    keypoints looks again, at a crop around those it found. OUT becomes a dataset whose samples refer to
    the photos, label_source "auto:RUN", with predictions.json and pictures/ beside it. What cannot be
    read is reported and counted; the rest goes on.

    Parameters
    ----------
    inputs: photos, folders of photos (searched to any depth), or datasets.

    Raises
    ------
    SchemaError: no finished run. InputError: no photo at all, or a training set.
    ConfigChanged: OUT was begun with another run or other inputs, and `overwrite` is not set.
    """
    opened, folder = open_run(run, gives="points"), Path(out)
    datasets = tuple(Dataset(path) for path in map(Path, inputs) if (path / DATASET_INFO).exists())
    for dataset in datasets:
        if dataset.training is not None:
            remedy = "for those: curate evaluate"
            raise InputError(dataset.root, "a training set", allowed="photos or datasets", remedy=remedy)
    photos = [path for path in _files(inputs) if not path.resolve().is_relative_to(folder.resolve())]
    if not photos and not datasets:
        raise InputError(os.fspath(inputs[0]) if inputs else "predict", "no photo", allowed="one or more")
    options = {"run": files.sha256(opened.root / WEIGHTS), "photos": _fingerprint(photos)}
    stage = Stage("predict", folder, options, datasets, overwrite=overwrite, quiet=quiet)
    total = -(-len(photos) // _ROWS) + sum(-(-len(dataset) // _ROWS) for dataset in datasets)
    work = partial(_predict_batch, run=opened, out=folder)
    summary = stage.run(_batches(photos, datasets), work, total=total, beside=_write_json)
    made = Dataset(folder)
    unreadable = [(entry["input"], entry["reason"]) for entry in made.quarantine()]
    return Predicted(folder, len(made), unreadable, summary.reused)


def _files(inputs: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The photos that are no dataset's, each once."""
    found: dict[Path, Path] = {}
    for path in map(Path, inputs):
        if not path.is_dir():
            found.setdefault(path.resolve(), path)
        elif not (path / DATASET_INFO).exists():
            for below in sorted(path.rglob("*")):
                if below.suffix.lower() in images.SUFFIXES and below.is_file():
                    found.setdefault(below.resolve(), below)
    return list(found.values())


def _fingerprint(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        size = path.stat().st_size if path.is_file() else -1
        digest.update(os.fsencode(f"{path.as_posix()}\0{size}\n"))
    return digest.hexdigest()


def _batches(files: Sequence[Path], datasets: Iterable[Dataset]) -> Iterator[list[_Photo]]:
    for first in range(0, len(files), _ROWS):
        yield [
            _Photo(path.parent, Sample(f"photo/{path.as_posix()}", "photo", path.name))
            for path in files[first : first + _ROWS]
        ]
    for dataset in datasets:
        held: list[_Photo] = []
        for sample in dataset:
            held.append(_Photo(dataset.root, sample))
            if len(held) == _ROWS:
                yield held
                held = []
        if held:
            yield held


def _predict_batch(photos: list[_Photo], *, run: Run, out: Path) -> Part:
    part = Part(to_batch([]))
    views: list[_View] = []
    for photo in photos:
        try:
            views.append(_View(photo, run))
        except InputError as error:
            part.quarantine.append((os.fspath(photo.path), error.reason))
    if not views:
        return part
    points, scores = _look(run, views)
    if _how_cut(run)[0] == "keypoints":
        for view, found in zip(views, points, strict=True):
            view.close_in(found)
        points, scores = _look(run, views)
    samples = []
    for view, found, sure in zip(views, points, scores, strict=True):
        samples.append(view.sample(found, sure, out))
        picture = f"{file_stem(samples[-1].sample_id)}.jpg"
        images.write(out / PICTURES / picture, view.picture(found), quality=88)
    part.batch = to_batch(samples)
    return part


def _look(run: Run, views: Sequence[_View]) -> tuple[NDArray[Any], NDArray[Any]]:
    """(N, 21, 2) points in pixels of each photo and (N, 21) scores."""
    cuts = [view.cut() for view in views]
    left = np.array([view.photograph.sample.side == "left" for view in views])
    answer = run.predict(np.stack([pixels for pixels, _ in cuts]), left)
    back = [
        geometry.apply(geometry.invert(affine), found)
        for (_, affine), found in zip(cuts, answer.points, strict=True)
    ]
    return np.stack(back), answer.scores


class _View:
    """A photo and the square of it that the network looks at."""

    def __init__(self, photo: _Photo, run: Run) -> None:
        """Raises UnreadableImage."""
        self.photograph, self.run = Photograph(photo.root, photo.sample), run
        self.margin = _how_cut(run)[1]
        self.square = self._first_square()
        self.cut()  # decodes: what does not is found out here

    def _first_square(self) -> NDArray[np.float64]:
        whole = geometry.square_around(self.photograph.whole, 0.0)
        if self.photograph.sample.transform is not None:
            return whole
        box = self.photograph.box("bbox")
        box = self.photograph.box("colour") if box is None else box
        square = None if box is None else geometry.square_around(box, self.margin)
        return square if square is not None and self._usable(square) else whole

    def _usable(self, square: NDArray[np.float64]) -> bool:
        """It is of a hand's size, and its centre lies on the photo."""
        x, y, side, _ = square
        across, down = x + side / 2, y + side / 2
        info = self.photograph.info
        seen = 0 <= across <= info.width and 0 <= down <= info.height
        return bool(seen and 8 <= side <= 2 * max(info.width, info.height))

    def close_in(self, points: NDArray[Any]) -> None:
        """Look at a square around these points, where they are those of a hand."""
        box = geometry.bounding_box(points)
        if box is not None:
            square = geometry.square_around(box, self.margin)
            self.square = square if self._usable(square) else self.square

    def cut(self) -> tuple[images.Pixels, geometry.Affine]:
        """The square at the network's size, and the map from photo to it."""
        size, grey = self.run.spec.size, self.run.spec.channels == 1
        frame = Frame.around(self.photograph.info, self.square, size, enlarge=True)
        return frame.of(self.photograph.read(frame.shrink, grey=grey)), frame.affine

    def sample(self, points: NDArray[Any], scores: NDArray[Any], out: Path) -> Sample:
        """The photo's sample with the prediction as its labels."""
        found = np.isfinite(points).all(axis=1)
        before, info = self.photograph.sample, self.photograph.info
        return replace(
            before,
            image=relative_to_out(self.photograph.path, out),
            width=info.width,
            height=info.height,
            mask=None,
            xyz=None,
            keypoints=np.where(found[:, None], points, np.nan).astype(np.float32),
            visibility=np.where(found, kp.VISIBLE, kp.UNLABELLED).astype(np.uint8),
            label_source=f"auto:{self.run.root.resolve().name.replace(' ', '-')}",
            score=float(scores[found].mean()) if found.any() else 0.0,
            attrs={
                **depth.with_ref(before, None).attrs,
                "keypoint_scores": [round(float(score), 4) for score in scores],
                "looked_at": [round(float(value), 2) for value in self.square],
            },
        )

    def picture(self, points: NDArray[Any]) -> images.Pixels:
        """The photo with the skeleton, at most _PICTURE pixels long."""
        longest = max(self.photograph.whole)
        size = min(_PICTURE, round(longest))
        shrink = images.shrink_for(self.photograph.info, size / longest)
        return draw_skeleton(self.photograph.read(shrink), points / shrink, size=size)


def _how_cut(run: Run) -> tuple[str, float]:
    """What the crops that a run was trained on were cut by, and the margin left around."""
    said = run.info.get("crop") or {}
    return said.get("by", "colour"), said.get("margin", _MARGIN)


def _write_json(made: Dataset) -> None:
    """predictions.json: names of the keypoints, and for each photo its points [x, y, score] in pixels."""
    with files.writing(made.root / JSON) as file:
        file.write(f'{{"keypoints": {json.dumps(list(kp.NAMES))}, "predictions": ['.encode())
        for number, sample in enumerate(made):
            points = [
                [round(float(x), 3), round(float(y), 3), score] if seen else None
                for (x, y), score, seen in zip(
                    sample.keypoints, sample.attrs["keypoint_scores"], sample.visibility, strict=True
                )
            ]
            entry = {
                "sample_id": sample.sample_id,
                "image": sample.image,
                "picture": f"{PICTURES}/{file_stem(sample.sample_id)}.jpg",
                "score": None if sample.score is None else round(sample.score, 4),
                "looked_at": sample.attrs["looked_at"],
                "points": points,
            }
            file.write((("," if number else "") + "\n " + json.dumps(entry)).encode())
        file.write(b"\n]}\n")

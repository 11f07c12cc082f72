"""`curate predict`: keypoints of hands in photos, as a dataset, as JSON and as pictures."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from curate.basics import files, images
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.settings import Options, flag
from curate.data.dataset import INFO as DATASET_INFO
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, file_stem, to_batch
from curate.data.stage import Stage, relative_to_out
from curate.hands.finding import FOUND_BY
from curate.hands.overlay import draw_skeleton
from curate.hands.photograph import Photograph
from curate.taggers.table import Choice, choose
from curate.taggers.tagger import Tagged, Tagger

JSON = "predictions.json"
PICTURES = "pictures"

_ROWS = 16  # photos a task
_LONGEST = 800  # px, longer side of a picture
_LISTED = 20  # unreadable inputs named in the summary


@dataclass(frozen=True)
class Predicted:
    """What a prediction gave. `unreadable`: (input, reason) of what could not be used."""

    out: Path
    photos: int
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    pictures: bool = True
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
        told = f"{self.photos} hands in {self.out / JSON}"
        told += f", pictures in {self.out / PICTURES}" if self.pictures else ""
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


@dataclass(frozen=True, slots=True)
class PredictOptions(Options):
    """What `curate predict` writes."""

    pictures: bool = flag(True, "leave out the pictures with skeletons")


def predict(
    run: str | os.PathLike[str],
    inputs: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    options: PredictOptions = PredictOptions(),
    *,
    engine: Engine = ONE,
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
    run: a finished run's folder. Each worker opens it once.
    inputs: photos, folders of photos (searched to any depth), or datasets.

    Raises
    ------
    SchemaError: no finished run. InputError: no photo at all, or a training set.
    ConfigChanged: OUT was begun with another run or other inputs, and `overwrite` is not set.
    """
    chosen, folder = choose(run), Path(out)
    datasets = tuple(Dataset(path) for path in map(Path, inputs) if (path / DATASET_INFO).exists())
    for dataset in datasets:
        if dataset.training is not None:
            remedy = "for those: curate evaluate"
            raise InputError(dataset.root, "a training set", allowed="photos or datasets", remedy=remedy)
    photos = [path for path in _files(inputs) if not path.resolve().is_relative_to(folder.resolve())]
    if not photos and not datasets:
        raise InputError(os.fspath(inputs[0]) if inputs else "predict", "no photo", allowed="one or more")
    record = {chosen.name: chosen.content, "photos": _fingerprint(photos), **asdict(options)}
    stage = Stage("predict", folder, record, datasets, engine=engine, overwrite=overwrite, quiet=quiet)
    total = -(-len(photos) // _ROWS) + sum(-(-len(dataset) // _ROWS) for dataset in datasets)
    work = partial(_predict_batch, chosen=chosen, out=folder, pictures=options.pictures)
    beside = partial(_write_json, pictures=options.pictures)
    summary = stage.run(_batches(photos, datasets), work, total=total, beside=beside)
    made = Dataset(folder)
    unreadable = [(entry["input"], entry["reason"]) for entry in made.quarantine()]
    return Predicted(folder, len(made), unreadable, options.pictures, summary.reused)


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


def _predict_batch(photos: list[_Photo], *, chosen: Choice, out: Path, pictures: bool) -> Part:
    part = Part(to_batch([]))
    tagger, samples = chosen.open(), []
    for photo, result in zip(photos, _tagged(tagger, photos), strict=True):
        if isinstance(result, InputError):
            part.quarantine.append((os.fspath(photo.path), result.reason))
            continue
        photograph, tagged = result
        samples.append(_labelled(photograph, tagged, tagger.label_source, out))
        if pictures:
            picture = _draw(photograph, tagged)
            images.write(out / _picture_of(samples[-1].sample_id), picture, quality=88)
    part.batch = to_batch(samples)
    return part


def _tagged(tagger: Tagger, photos: Iterable[_Photo]) -> Iterator[tuple[Photograph, Tagged] | InputError]:
    """Each photo with what was found in it, or why it cannot be used."""
    opened = [_opened(photo) for photo in photos]
    tagged = iter(tagger.tag([photograph for photograph in opened if isinstance(photograph, Photograph)]))
    for photograph in opened:
        if isinstance(photograph, InputError):
            yield photograph
            continue
        found = next(tagged)
        yield found if isinstance(found, InputError) else (photograph, found)


def _opened(photo: _Photo) -> Photograph | InputError:
    try:
        return Photograph(photo.root, photo.sample)
    except InputError as error:
        return error


def _labelled(photograph: Photograph, tagged: Tagged, label_source: str, out: Path) -> Sample:
    """The photo's sample with what was found as its labels."""
    before, found = photograph.sample, tagged.found
    return replace(
        before,
        image=relative_to_out(photograph.path, out),
        width=photograph.info.width,
        height=photograph.info.height,
        mask=None,
        depth=None,
        xyz=None,
        keypoints=np.where(found[:, None], tagged.keypoints, np.nan).astype(np.float32),
        visibility=np.where(found, kp.VISIBLE, kp.UNLABELLED).astype(np.uint8),
        label_source=label_source,
        score=float(tagged.scores[found].mean()) if found.any() else 0.0,
        keypoint_scores=tagged.scores.astype(np.float32),
        attrs={
            **before.attrs,
            FOUND_BY: tagged.found_by,
            "looked_at": [round(float(value), 2) for value in tagged.looked_at],
        },
    )


def _draw(photograph: Photograph, tagged: Tagged) -> images.Pixels:
    """The photo with the skeleton, at most _LONGEST pixels long."""
    longest = max(photograph.whole)
    size = min(_LONGEST, round(longest))
    shrink = images.shrink_for(photograph.info, size / longest)
    return draw_skeleton(photograph.read(shrink), tagged.keypoints / shrink, size=size)


def _picture_of(sample_id: str) -> str:
    """Where the picture of a sample lies in OUT."""
    return f"{PICTURES}/{file_stem(sample_id)}.jpg"


def _write_json(made: Dataset, *, pictures: bool) -> None:
    """predictions.json: names of the keypoints, and for each photo its points [x, y, score] in pixels."""
    unscored = np.full(kp.COUNT, np.nan)  # where a tagger tells none
    with files.writing(made.root / JSON) as file:
        file.write(f'{{"keypoints": {json.dumps(list(kp.NAMES))}, "predictions": ['.encode())
        for number, sample in enumerate(made):
            scores = unscored if sample.keypoint_scores is None else sample.keypoint_scores
            points = [
                [round(float(x), 3), round(float(y), 3), round(float(score), 4)] if seen else None
                for (x, y), score, seen in zip(sample.keypoints, scores, sample.visibility, strict=True)
            ]
            entry = {
                "sample_id": sample.sample_id,
                "image": sample.image,
                "picture": _picture_of(sample.sample_id) if pictures else None,
                "score": None if sample.score is None else round(sample.score, 4),
                "looked_at": sample.attrs["looked_at"],
                "points": points,
            }
            file.write((("," if number else "") + "\n " + json.dumps(entry)).encode())
        file.write(b"\n]}\n")

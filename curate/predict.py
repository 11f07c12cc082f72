"""`curate predict`: keypoints of hands in photos and videos, as a dataset, as JSON and as pictures."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from curate.basics import files, images, screen
from curate.basics import keypoints as kp
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError
from curate.basics.paths import paths_of
from curate.basics.settings import require_options
from curate.basics.wording import already, counted
from curate.data.dataset import Dataset
from curate.data.frames import NOT_HELD, SECONDS
from curate.data.part import Part
from curate.data.sample import Sample, file_stem, from_batch, to_batch, without_points
from curate.data.sideless import TAKEN_FOR_RIGHT, taken_for_right
from curate.data.stage import TWIN, Stage, Summary
from curate.hands.finding import FOUND_BY, WHOLE, FindAll, Finder, with_found_by
from curate.hands.oriented import ROLL, oriented
from curate.hands.overlay import draw_skeleton
from curate.hands.photograph import DIM, Photograph
from curate.hands.relabelled import NO_HAND
from curate.hands.smoothing import OneEuro
from curate.options.predict import PredictOptions
from curate.taggers.box_networks import BOX
from curate.taggers.clips import FRAMES, Clip, pace, smoothed, tag_clip, write_overlay
from curate.taggers.following import Follower, Settings
from curate.taggers.given import Given, Photo, look_through
from curate.taggers.table import Choice, choose, finder_of
from curate.taggers.tagger import (
    LOOKED_AT,
    UNMEASURED,
    Tagged,
    is_placed,
    labelled,
    least_score,
    tag_in_order,
)

JSON = "predictions.json"
PICTURES = "pictures"
WITHOUT, UNSEEN = "without_a_hand", "seen_by_the_network_alone"  # notes
LOW, LOW_IN_VIDEOS = "low_scores", "low_scores_in_videos"  # notes, each below a score of its own

_LONGEST = 800  # px, longer side of a picture
_SMALLEST = 8  # a photograph is decoded at that fraction of its size, to see that it can be
_FOLLOWED_IS = "they are followed, and one blurred frame must not lose them"
_LISTED = 20  # unreadable inputs named in the summary


@dataclass(frozen=True)
class Predicted:
    """The result of a prediction.

    Attributes
    ----------
    photos: the number of photos. hands: how many were found in them. without: photos without a hand.
    unseen: photos in which no finder saw a hand.
    low: hands in photos with a score below `min_score`, which is None if only videos were given.
    min_score_is: why `min_score` has this value, if it was not given.
    low_in_videos, min_score_in_videos: the same for hands in videos.
    unreadable: (input, reason) of what could not be used.
    passed_over: how many files in the given folders were not pictures, by kind.
    clips: the number of videos; their frames count as photos. tracks: hands that were followed in them.
    rate: frames of videos processed per second; only if some were processed in this call.
    not_held: frames that videos count and do not hold.
    taken_for_right: hands of unknown side that were shown to a network that knows only right hands.
    dim: samples in pictures that are nearly black, see `Photograph.dim`.
    """

    out: Path
    photos: int
    hands: int = 0
    without: int = 0
    unseen: int = 0
    low: int = 0
    min_score: float | None = None
    min_score_is: str | None = None
    low_in_videos: int = 0
    min_score_in_videos: float | None = None
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    passed_over: dict[str, int] = field(default_factory=dict)
    pictures: bool = True
    reused: bool = False
    clips: int = 0
    tracks: int = 0
    rate: float | None = None
    not_held: int = 0
    taken_for_right: int = 0
    dim: int = 0

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "out": os.fspath(self.out),
            "photos": self.photos,
            "hands": self.hands,
            "without_a_hand": self.without,
            "seen_by_the_network_alone": self.unseen,
            "low_scores": self.low,
            "min_score": self.min_score,
            "low_scores_in_videos": self.low_in_videos,
            "min_score_in_videos": self.min_score_in_videos,
            "unreadable": [{"input": name, "reason": reason} for name, reason in self.unreadable],
            "passed_over": self.passed_over,
            "reused": self.reused,
            "clips": self.clips,
            "tracks": self.tracks,
            "frames_a_second": None if self.rate is None else round(self.rate, 2),
            "frames_not_held": self.not_held,
            "taken_for_right": self.taken_for_right,
            "dim": self.dim,
        }

    def __str__(self) -> str:
        lines = [f"{name}: {reason}" for name, reason in self.unreadable[:_LISTED]]
        more = len(self.unreadable) - len(lines)
        lines += [f"and {more} more, see {self.out / 'quarantine.jsonl'}"] if more else []
        if self.photos:
            told = counted(self.hands, "hand") + (", counted in each frame" if self.clips else "")
            told += f", {self._places(self.without)} without a hand"
            told += f"; see {self.out / JSON}"
            told += f", pictures in {self.out / PICTURES}" if self.pictures else ""
        else:
            told = f"no photo could be processed, see {self.out / 'quarantine.jsonl'}"
        told += f"; {len(self.unreadable)} unreadable" if self.unreadable else ""
        lines.append(told + already(self.reused))
        if self.clips:
            followed = f"{counted(self.clips, 'video')}: {counted(self.tracks, 'hand')} followed"
            lines.append(followed + (f", {self.rate:.1f} frames a second" if self.rate else ""))
        if self.not_held:
            lines.append(f"  note: {NOT_HELD}: {self.not_held}")
        if self.unseen:
            lines.append(
                f"  note: in {self._places(self.unseen)} no finder saw a hand; the network looked at the "
                "whole of each"
            )
        if self.taken_for_right:
            lines.append(f"  note: {taken_for_right(self.taken_for_right, 'hand')}")
        if self.dim:
            lines.append(f"  note: {DIM}: {self.dim}")
        lines += self._in_doubt()
        lines += [f"  note: {name}: {count}" for name, count in self.passed_over.items()]
        return "\n".join(lines)

    def _places(self, count: int) -> str:
        """So many of what was looked at, by name: `photos` has the frames of videos, too."""
        if not self.clips:
            return counted(count, "photo")
        if self.min_score is None:  # there were videos alone
            return counted(count, "frame")
        return counted(count, "photo or frame", "photos or frames")

    def _in_doubt(self) -> Iterator[str]:
        """Below which scores hands are in doubt, and how many are."""
        if not self.photos:
            return
        photos, clips = self.min_score, self.min_score_in_videos
        if self.min_score_is and photos is not None:
            yield f"  note: hands are in doubt below a score of {photos:g}: {self.min_score_is}"
        if self.min_score_is and self.clips and clips is not None and clips != photos:
            yield f"  note: hands in videos are in doubt below a score of {clips:g}: {_FOLLOWED_IS}"
        if self.low:
            yield f"  note: scores below {photos:g}: {counted(self.low, 'hand')}"
        if self.low_in_videos:
            yield f"  note: scores below {clips:g} in videos: {counted(self.low_in_videos, 'hand')}"


def predict(
    run: str | os.PathLike[str] | None,
    inputs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    options: PredictOptions = PredictOptions(),
    *,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Predicted:
    """Find the keypoints of one hand, or of all that a finder sees, in each photo; follow hands in videos.

    The hand is located by its bbox if a dataset has one, else by colour; if that fails, the whole photo is
    used. A sample that was cut from another image is used whole. A network that was trained on crops around
    keypoints looks again, at a crop around the keypoints it found. OUT becomes a dataset whose samples refer
    to the photos, with label_source "auto:RUN"; predictions.json and pictures/ are beside it. What cannot be
    read is reported and counted; the rest goes on.

    If no finder saw a hand, neither here nor when the sample was cut, and the mean score of the keypoints is
    below `min_score`, the sample counts as without a hand: it has no labels, predictions.json gives the
    reason, and it is counted (note "without_a_hand").

    With `finder`, its network is asked before colour, for photos without a bbox that were not cut from
    another image. Each hand that it sees becomes a sample, with its box. The first has the photo's sample_id;
    the others have "~2", "~3" and so on appended, except ids that are already taken.

    If samples of several datasets share a sample_id, the first is used, and the others are reported. An input
    that is given twice is used once.

    Each frame of a video is written to images/ of OUT. It gives one sample for each hand in it, with
    "~TRACK" appended to its id, with clip, frame and track, and attrs.seconds. pictures/ gets a video with
    the skeletons. How hands are followed: `curate.taggers.following`.

    Parameters
    ----------
    run: a finished run's folder; None: the box's tagger, and its finder unless another is given.
    inputs: one or several photos, videos, folders of them (searched to any depth), or datasets; or one
        camera alone, as "camera:0". Links in a folder are followed within the given folders, and refused if
        they lead out.

    Raises
    ------
    SchemaError: not a finished run. InputError: no photo at all, a training set or a run among the inputs, a
        camera with other inputs, or an option that has no use with these inputs.
    ConfigChanged: OUT was begun with another run or other inputs, and `overwrite` is not set.
    """
    require_options(options, PredictOptions)
    given = look_through(paths_of(inputs), Path(out), seconds=options.seconds)
    ways, why = _ways(run, given, Path(out), options)
    stage = Stage(
        "predict",
        ways.out,
        ways.record(given),
        given.datasets,
        others=tuple(given.found),
        engine=engine,
        overwrite=overwrite,
        quiet=quiet,
    )
    return _predicted(*_run(stage, given, replace(ways, work=stage.folder)), given, ways, why)


def _ways(
    run: str | os.PathLike[str] | None, given: Given, out: Path, options: PredictOptions
) -> tuple[_Ways, str | None]:
    """How to predict, and why `least` is what it is; None: it was given."""
    chosen = choose("", BOX, options.looks) if run is None else choose(run, looks=options.looks)
    by = BOX if run is None and options.finder is None else options.finder
    _refuse_idle(options, given, finds=by is not None)
    finder = None if by is None else finder_of(by)
    least, why = least_score(chosen.open()) if options.min_score is None else (options.min_score, None)
    # One blurred frame must not lose a hand that is followed.
    followed = min(least, UNMEASURED) if options.min_score is None else least
    return _Ways(chosen, finder, out, out, options, least, followed), why


def _run(stage: Stage, given: Given, ways: _Ways) -> tuple[Summary, tuple[int, float] | None]:
    """Look at all that is given; also what `pace` gives, None if nothing was left to do."""
    spent: list[tuple[int, float]] = []

    def finish(_parts: list[Path]) -> dict[str, Any]:
        spent.append(pace(stage.folder))
        return {}

    summary = stage.run(
        given.items(),
        partial(_predict_one, ways=ways),
        sizes=given.sizes,
        finish=finish,
        beside=partial(_write_json, pictures=ways.options.pictures),
        before=given.before,
    )
    return summary, spent[0] if spent else None


def _refuse_idle(options: PredictOptions, given: Given, *, finds: bool) -> None:
    """Raise InputError where an option is given that counts for nothing in what is looked at."""
    changed, clips = options.changed(), bool(given.clips)
    needs = (
        ("seconds", any(clip.path is None for clip in given.clips), "a camera"),
        *((name, clips, "a video") for name in ("smooth", "quick", "find_every")),
        ("find_every", finds, "--finder"),
    )
    for name, there, what in needs:
        if not there and name in changed:
            option, found = f"--{name.replace('_', '-')}", f"{changed[name]:g}, without {what}"
            raise InputError(option, found, remedy=f"leave it out, or give {what}")


def _predicted(
    summary: Summary, spent: tuple[int, float] | None, given: Given, ways: _Ways, why: str | None
) -> Predicted:
    """What a person is told of the finished stage.

    Parameters
    ----------
    spent: as `pace` gives it; None: nothing was done in this call.
    why: `ways.least` is what it is; None: it was given.
    """
    made = Dataset(summary.out)
    notes = Counter(summary.notes)
    columns = made.table(["image", "clip", "track"]).to_pydict()
    videos = {clip.name for clip in given.clips}
    hands_of = zip(columns["clip"], columns["track"], strict=True)
    followed = {(clip, track) for clip, track in hands_of if clip in videos}
    frames, seconds = spent or (0, 0.0)
    return Predicted(
        summary.out,
        photos=len(set(columns["image"])),
        hands=len(made) - notes[WITHOUT],
        without=notes[WITHOUT],
        unseen=notes[UNSEEN],
        low=notes[LOW],
        min_score=ways.least if given.photos or given.datasets or not given.clips else None,
        min_score_is=why,
        low_in_videos=notes[LOW_IN_VIDEOS],
        min_score_in_videos=ways.least_followed if given.clips else None,
        unreadable=[(entry["input"], entry["reason"]) for entry in made.quarantine()],
        passed_over=dict(sorted(given.before.notes.items())),
        pictures=ways.options.pictures,
        reused=summary.reused,
        clips=len({clip for clip, _ in followed}),
        tracks=len({track for track in followed if track[1] is not None}),
        rate=frames / seconds if frames and seconds else None,
        not_held=notes[NOT_HELD],
        taken_for_right=notes[TAKEN_FOR_RIGHT],
        dim=notes[DIM],
    )


@dataclass(frozen=True)
class _Ways:
    """How all inputs are predicted: by what, where to (`out`), and where unfinished work is kept (`work`)."""

    chosen: Choice
    finder: Finder | None
    out: Path
    work: Path
    options: PredictOptions
    least: float  # score below which a hand is in doubt
    least_followed: float  # the same in a video
    low: str = LOW  # the note that counts hands below `least`

    def record(self, given: Given) -> dict[str, Any]:
        """What the predictions depend on."""
        record = {self.chosen.name: self.chosen.content, "photos": given.fingerprint, **asdict(self.options)}
        least = {"min_score": self.least, "min_score_in_videos": self.least_followed}
        return record | {"finder": self.finder and self.finder.identity} | least

    def label(self, part: Part, photograph: Photograph, tagged: Tagged) -> Sample:
        """The photo's sample with what was found in it, counted in `part`."""
        made = _labelled(photograph, tagged, self.chosen.open().label_source, self.least, self.out)
        part.notes[WITHOUT] += NO_HAND in made.attrs
        part.notes[UNSEEN] += _unseen(photograph.sample, tagged)
        part.notes[TAKEN_FOR_RIGHT] += NO_HAND not in made.attrs and tagged.taken_for_right
        part.notes[self.low] += NO_HAND not in made.attrs and (made.score or 0.0) < self.least
        return made

    @property
    def find(self) -> FindAll | None:
        """What tells the hands of a photograph apart."""
        return None if self.finder is None else self.finder.find_all

    @property
    def settled(self) -> bool:
        """Whether the tagger asks the same finder itself."""
        return self.finder is not None and (self.chosen.name, self.finder.name) == (BOX, BOX)

    @property
    def smoothing(self) -> OneEuro | None:
        """How the points of videos are smoothed."""
        return OneEuro(self.options.smooth, self.options.quick) if self.options.smooth else None

    def follower(self, clip: Clip) -> Follower:
        """What follows hands in a video. Those of a file are smoothed when all of it is known."""
        causal = self.smoothing if clip.path is None else None
        settings = Settings(self.least, self.options.find_every, causal)
        return Follower(self.chosen.open(), self.find, settings, self.settled)


def _predict_one(item: list[Photo] | Clip, *, ways: _Ways) -> Part:
    if isinstance(item, Clip):
        part = _predict_clip(item, replace(ways, least=ways.least_followed, low=LOW_IN_VIDEOS))
    else:
        part = _predict_batch(item, ways)
    part.notes, part.dropped = +part.notes, +part.dropped
    return part


def _predict_clip(clip: Clip, ways: _Ways) -> Part:
    if clip.path is None and ways.options.window and screen.is_there():
        with screen.window(clip.name) as show:
            part = tag_clip(clip, ways.follower(clip), ways.label, ways.out, ways.work, show)
    else:
        part = tag_clip(clip, ways.follower(clip), ways.label, ways.out, ways.work)
    if clip.path is not None and ways.smoothing is not None:
        part = smoothed(part, ways.smoothing)
    part.batch = to_batch(oriented(list(from_batch(part.batch))))
    if ways.options.pictures:
        write_overlay(ways.out / _film_of(clip.name), part, ways.out, ways.work)
    return part


def _predict_batch(photos: list[Photo], ways: _Ways) -> Part:
    part = Part(to_batch([]))
    part.dropped[TWIN] += sum(photo.is_twin for photo in photos)
    if ways.find is not None:
        photos = [hand for photo in photos for hand in _hands_of(photo, ways.find)]
    tagger, samples = ways.chosen.open(), []
    opened = [photo.open() for photo in photos]
    further = _find_no_more if ways.settled else None
    for photo, result in zip(photos, tag_in_order([tagger], opened, further), strict=True):
        if isinstance(result, InputError):
            part.quarantine.append((os.fspath(photo.path), result.reason))
            continue
        photograph, (tagged,) = result
        part.notes[DIM] += photograph.dim
        if photo.found_by is not None:
            tagged = replace(tagged, found_by=photo.found_by)
        made = ways.label(part, photograph, tagged)
        samples.append(made)
        if ways.options.pictures:
            images.write(ways.out / _picture_of(made.sample_id), _draw(photograph, made), quality=88)
    part.batch = to_batch(oriented(samples))
    return part


def _hands_of(photo: Photo, find: FindAll) -> list[Photo]:
    """The photo once for each hand that a finder sees in it; as it is, where it sees none or is not asked."""
    sample = photo.sample
    opened = photo.open()
    if isinstance(opened, InputError) or is_placed(sample):
        return [photo]
    try:
        found = find(opened)
    except InputError:
        return [photo]  # the tagger will not read it either, and say why
    hands = []
    for name, hand in zip(photo.names(len(found)), found, strict=True):
        boxed = replace(sample, sample_id=name, bbox=hand.box.astype(np.float32))
        hands.append(replace(photo, sample=with_found_by(boxed, hand.by), found_by=hand.by))
    return hands or [photo]


def _find_no_more(photograph: Photograph) -> None:
    """A finder that sees no hand, as the tagger's own saw none already. Raises UnreadableImage."""
    photograph.read(_SMALLEST)


def _unseen(before: Sample, tagged: Tagged) -> bool:
    """Whether nothing but the network saw a hand, neither now nor when the sample was cut."""
    return tagged.found_by == WHOLE and before.attrs.get(FOUND_BY, WHOLE) == WHOLE


def _labelled(
    photograph: Photograph, tagged: Tagged, label_source: str, min_score: float, out: Path
) -> Sample:
    """The photo's sample with what was found as its labels; or without labels, and with the reason."""
    made = labelled(photograph, tagged, label_source, out)
    if not tagged.found.any():
        reason = "the network found no keypoint"
    elif _unseen(photograph.sample, tagged) and tagged.score < min_score:
        reason = f"no finder saw a hand, and the network's score of {tagged.score:.2f} is below {min_score:g}"
    else:
        return made
    return replace(
        without_points(made),
        label_source=None,
        keypoint_scores=None,
        attrs={**made.attrs, NO_HAND: reason},
    )


def _draw(photograph: Photograph, made: Sample) -> images.Pixels:
    """The photo with the skeleton, where there is one, at most _LONGEST pixels long."""
    longest = max(photograph.whole)
    size = min(_LONGEST, round(longest))
    shrink = images.shrink_for(photograph.info, size / longest)
    return draw_skeleton(photograph.read(shrink), made.keypoints / shrink, size=size)


def _picture_of(sample_id: str) -> str:
    """Where the picture of a sample lies in OUT."""
    return f"{PICTURES}/{file_stem(sample_id)}.jpg"


def _shown_in(sample: Sample) -> str:
    """The picture of a sample, or the video, as a frame is no file of anybody else's."""
    ours = sample.clip is not None and sample.image.startswith(f"{FRAMES}/")
    return _film_of(sample.clip or "") if ours else _picture_of(sample.sample_id)


def _film_of(clip: str) -> str:
    """Where the video of a clip with its skeletons lies in OUT."""
    return f"{PICTURES}/{file_stem(clip)}.mp4"


def _write_json(made: Dataset, *, pictures: bool) -> None:
    """predictions.json: names of the keypoints, and for each photo its points [x, y, score] in pixels.

    Where no hand was found, points is null and reason says why. Side, aspect and angles, degrees, are null
    where neither the photo's sample nor the points tell them.
    """
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
                "picture": _shown_in(sample) if pictures else None,
                "clip": sample.clip,
                "frame": sample.frame,
                "seconds": sample.attrs.get(SECONDS),
                "track": sample.track,
                "score": None if sample.score is None else round(sample.score, 4),
                "found_by": sample.attrs[FOUND_BY],
                "looked_at": sample.attrs[LOOKED_AT],
                "reason": sample.attrs.get(NO_HAND),
                "side": sample.side,
                "aspect": sample.aspect,
                "tilt": _short(sample.tilt),
                "rotation": _short(sample.rotation),
                "roll": _short(sample.attrs.get(ROLL)),
                "points": None if NO_HAND in sample.attrs else points,
            }
            file.write((("," if number else "") + "\n " + json.dumps(entry)).encode())
        file.write(b"\n]}\n")


def _short(degrees: float | None) -> float | None:
    return None if degrees is None else round(degrees, 2)

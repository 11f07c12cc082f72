"""MediaPipe Hands as a tagger, in a Python of its own, since it wants other packages than curate does.

It is given a `.task` file, or nothing: then the models of the installed package are used. The Python that has
MediaPipe is named by CURATE_MEDIAPIPE; without it, that of curate is tried.

MediaPipe finds the hand by itself, anywhere in the photograph, or around the sample's bbox where it has one.
It tells no score of a point: each has that of the hand, which says how sure it is of left or right.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

import numpy as np

from curate.basics import files, process
from curate.basics import keypoints as kp
from curate.basics.errors import InputError
from curate.hands.finding import WHOLE
from curate.hands.photograph import Photograph
from curate.taggers.looks import UPRIGHT, Look, View, together
from curate.taggers.tagger import Tagged

PYTHON = "CURATE_MEDIAPIPE"
NAME = "mediapipe"
_WORKER = Path(__file__).with_name("processes") / "mediapipe_hands.py"
_SIZE = 512  # px that it is shown; it looks at no more than 224 of each hand
_MARGIN = 0.3  # around a bbox, so that it sees a hand as it is used to
_PATIENCE = 60.0  # seconds for an answer
_LOOKS = (UPRIGHT, Look(mirrored=True), Look(1.12), Look(0.95), Look(turn=12), Look(turn=-12))
_REMEDY = f"set {PYTHON} to a Python that has mediapipe (python -m venv mp; mp/bin/pip install mediapipe)"


def content(where: str) -> str:
    """Version of MediaPipe and hash of the model. Raises InputError: it does not start; no such file."""
    if where and not Path(where).is_file():
        raise InputError(where, "no such file", allowed="a .task file of MediaPipe's hand landmarker")
    version = _Worker(where).version
    return f"{version} {files.sha256(where)}" if where else version


def open_tagger(where: str, looks: int) -> MediaPipeTagger:
    """MediaPipe as a tagger. Raises as `content` does."""
    return MediaPipeTagger(where, _LOOKS[:looks])


@dataclass
class MediaPipeTagger:
    """See Tagger. The process is started where it is needed, and again where it died."""

    label_source: ClassVar[str] = f"auto:{NAME}"
    threshold: ClassVar[None] = None  # never measured

    where: str
    looks: tuple[Look, ...]
    _worker: _Worker | None = None
    _one: Lock = field(default_factory=Lock, repr=False)

    def tag(self, photographs: Sequence[Photograph]) -> list[Tagged | InputError]:
        """See Tagger."""
        with self._one:
            return [self._tag(photograph) for photograph in photographs]

    def _tag(self, photograph: Photograph) -> Tagged | InputError:
        try:
            view = View(photograph, _MARGIN, ("bbox", WHOLE))
            answers = [(look, self._look(view, look)) for look in self.looks]
        except InputError as error:
            return error
        blank, none = np.full((kp.COUNT, 2), np.nan), np.zeros(kp.COUNT)
        said = together(
            [blank if hand is None else hand.points for _, hand in answers],
            [none if hand is None else np.full(kp.COUNT, hand.score) for _, hand in answers],
        )
        sides = [hand.side for _, hand in answers if hand is not None]
        side = max(sorted(set(sides)), key=sides.count) if sides else None
        found_by = view.found_by if view.found_by != WHOLE or not sides else NAME
        return Tagged(said.keypoints, said.scores, found_by, view.square, said.apart, side)

    def _look(self, view: View, look: Look) -> _Hand | None:
        shown = view.show(_SIZE, look)
        if self._worker is None or not self._worker.alive:
            self._worker = _Worker(self.where)
        found = self._worker.ask(shown.pixels)
        if found is None:
            return None
        side = {"left": "right", "right": "left"}[found["side"]] if look.other_side else found["side"]
        return _Hand(shown.back(np.array(found["points"], np.float64)), side, float(found["score"]))


@dataclass(frozen=True, slots=True)
class _Hand:
    """A hand that one look found: points in pixels of the photograph."""

    points: Any
    side: str
    score: float


class _Worker:
    """The process in which MediaPipe runs. Raises InputError where it does not start."""

    def __init__(self, where: str) -> None:
        python = os.environ.get(PYTHON, sys.executable)
        model = [str(Path(where).absolute())] if where else []
        try:
            self._child = process.Child([python, str(_WORKER), *model])
        except OSError as error:
            raise InputError(python, f"cannot be started ({error.strerror})", remedy=_REMEDY) from None
        weakref.finalize(self, self._child.end)  # when nobody asks it any more
        self.version = str(self._answer(python)["version"])

    @property
    def alive(self) -> bool:
        """Whether it may still answer."""
        return self._child.talks

    def ask(self, pixels: Any) -> dict[str, Any] | None:
        """The hand in a picture (H, W, 3). Raises InputError: MediaPipe failed on it, or died of it."""
        rgb = base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()
        self._child.send(json.dumps({"height": pixels.shape[0], "width": pixels.shape[1], "rgb": rgb}))
        answer = self._answer(NAME)
        if "error" in answer:
            raise InputError(NAME, str(answer["error"]))
        hand: dict[str, Any] | None = answer["hand"]
        return hand

    def _answer(self, where: str) -> dict[str, Any]:
        until = time.monotonic() + _PATIENCE
        while self._child.talks and time.monotonic() < until:
            for line in self._child.read(1.0):
                answer: dict[str, Any] = json.loads(line)
                return answer
        why = self._child.ending() if not self._child.talks else f"said nothing for {_PATIENCE:g} seconds"
        last = self._child.tail[-1] if self._child.tail else ""
        raise InputError(where, f"MediaPipe {why}{f' ({last})' if last else ''}", remedy=_REMEDY)

"""`curate render`: the pictures of a job and their labels, as a dataset.

Each worker of the engine has its own Blender. While Blender renders a shot, the worker finishes the pictures
of the previous one and plans the next. A part of the stage is a few consecutive pictures. What a stopped or
killed run did not finish is rendered by the next run, to the same bytes.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, groupby
from numbers import Integral
from pathlib import Path
from typing import Any

from curate.basics import files, stopping
from curate.basics.engine import ONE, Engine
from curate.basics.errors import InputError, MissingExtra
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage, Summary
from curate.hands.compositing import Backdrops
from render import blender
from render.blender import Blender, BlenderError, Request, Worker
from render.finish import backdrops, finish
from render.forecast import Forecast
from render.job import Job, runs
from render.people import models
from render.people.cast import Cast
from render.plan import plan_shot
from render.shot import Shot

_PART = 8  # pictures
# CPU seconds that a shot may take: _PATIENCE times the forecast, and _GRACE.
_PATIENCE, _GRACE = 20.0, 120.0
# Where so many shots fail, and no picture came out before, something other than the shots is wrong.
_UNLUCKY = 4
_WATCH = 2.0  # seconds between looks at whether a run has ended


@dataclass(frozen=True, slots=True)
class Studio:
    """The functions that plan a shot and finish its pictures; tests give others. Both must be picklable.

    Attributes
    ----------
    plan: (job, number of the shot, folder for what shots share) -> a shot, which has `write(path)`.
    finish: (shot, indices of its pictures, Blender's file, dataset folder) -> the pictures' samples, after it
        has written their files.
    """

    plan: Callable[[Job, int, Path], Any]
    finish: Callable[[Any, Sequence[int], Path, Path], list[Sample]]


def render(
    out: str | os.PathLike[str],
    job: Job,
    *,
    indices: Sequence[int] | None = None,
    program: str | os.PathLike[str] | None = None,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
    studio: Studio | None = None,
) -> Summary:
    """Render a job into a dataset: images, part masks, depth, exact keypoints.

    A picture does not depend on which others are rendered, on the order, or on the number of workers. If
    Blender fails at a picture twice, it goes to quarantine, with the reason.

    Parameters
    ----------
    indices: which pictures; default all.
    program: an interpreter with bpy, or a blender executable; default: `render.blender.find`.
    engine: each of its workers starts a Blender, on a core of its own.

    Raises
    ------
    InputError: an index that the job does not have. ConfigChanged: OUT was begun with another job.
    BlenderError: there is no Blender, it does not start, or the first pictures all fail.
    MissingExtra: the packages of hand-curate[render] are not installed.
    """
    out = Path(out)
    chosen = range(len(job)) if indices is None else _known(indices, len(job))
    pictures = _pictures(job)
    options = _identity(job, pictures) | ({} if indices is None else {"indices": runs(chosen)})
    if studio is None and importlib.util.find_spec("OpenEXR") is None:
        raise MissingExtra("rendering", "render")
    if files.finished(out) and not overwrite:
        found = Blender(Path())  # not needed: the stage has nothing to do
    else:
        found = blender.find(program)
        models.prepare(job.models, found)
    stage = Stage(
        "render", out, options, resume_key=found.version, engine=engine, overwrite=overwrite, quiet=quiet
    )
    limit = _GRACE + _PATIENCE * Forecast(job, 1, 1).seconds_a_shot
    stop = stage.folder / f".stop.{os.urandom(4).hex()}.tmp"  # swept once we are gone
    run = _Run(job, out, stage.folder, stop, found, limit, studio or Studio(_plan, finish))
    size = job.takes * max(1, _PART // job.takes)  # whole shots, where all pictures are wanted
    parts = [chosen[i : i + size] for i in range(0, len(chosen), size)]
    try:
        with _stopped_by_signals(run.stop):
            return stage.run(
                parts,
                partial(_render_part, run=run),
                sizes=[len(part) for part in parts],
                finish=lambda _: {"render": _summary(job, found)},
                before=None if pictures is None else pictures.survey(),
            )
    finally:
        _close(run)


@dataclass(frozen=True, slots=True)
class _Run:
    """What each part of a run needs to know.

    Attributes
    ----------
    folder: for work in progress. limit: CPU seconds that a shot may take.
    stop: a file that is made when the run is to end, since threads and processes alike can see it.
    """

    job: Job
    out: Path
    folder: Path
    stop: Path
    blender: Blender
    limit: float
    studio: Studio

    def check(self) -> bool:
        """Whether the run is to end."""
        return self.stop.exists()


@dataclass(frozen=True, slots=True)
class _Request(Request):
    """planned: the shot. indices: of the pictures that are made of it."""

    planned: Any
    indices: tuple[int, ...]


@dataclass(slots=True)
class _Desk:
    """The Blender of one thread, and the folder in which they exchange files."""

    worker: Worker
    folder: Path
    succeeded: bool = False


_desks: dict[tuple[Path, int], _Desk] = {}
_clearing = threading.Lock()


def _render_part(indices: Sequence[int], *, run: _Run) -> Part:
    if run.check():
        raise KeyboardInterrupt
    desk = _desk(run)
    samples: list[Sample] = []
    given_up: dict[int, str] = {}
    for request, reason in desk.worker.pictures(_requests(indices, run, desk.folder, given_up)):
        if reason is None:
            try:
                samples += run.studio.finish(request.planned, request.indices, request.out, run.out)
            except InputError as error:
                reason = error.reason
        if reason is not None:
            given_up |= dict.fromkeys(request.indices, reason)
    desk.succeeded |= bool(samples)
    if not desk.succeeded and len({index // run.job.takes for index in given_up}) >= _UNLUCKY:
        first, reason = min(given_up.items())
        raise BlenderError(
            f"the first {len(given_up)} pictures all failed; {run.job.sample_id(first)}: {reason}"
        )
    quarantine = [(run.job.sample_id(index), given_up[index]) for index in sorted(given_up)]
    return Part(to_batch(samples), quarantine=quarantine, notes=_notes(samples))


def _notes(samples: Sequence[Sample]) -> Counter[str]:
    """Pictures whose two hands do not lie as the job asked."""
    pairs = {sample.image: sample.attrs["hands"] for sample in samples if "hands" in sample.attrs}
    count = sum(pair["lie"] == "apart" != pair["asked"] for pair in pairs.values())
    return +Counter({"pictures with two hands apart that found no place to touch or overlap": count})


def _requests(
    indices: Sequence[int], run: _Run, folder: Path, given_up: dict[int, str]
) -> Iterator[_Request]:
    """Plan each shot just before Blender gets it. As it gets one shot ahead, two sets of files suffice."""
    names = cycle("ab")
    for shot, pictures in groupby(indices, key=lambda index: index // run.job.takes):
        mine = tuple(pictures)
        try:
            planned = run.studio.plan(run.job, shot, run.folder / "cast")
        except InputError as error:
            given_up |= dict.fromkeys(mine, error.reason)
            continue
        name = next(names)
        request = _Request(
            run.job.sample_id(mine[0]), folder / f"{name}.npz", folder / f"{name}.exr", planned, mine
        )
        planned.write(request.shot)
        yield request


def _desk(run: _Run) -> _Desk:
    key = (run.folder, threading.get_ident())
    if key in _desks and not _desks[key].folder.exists():  # left by a killed run of the same folder
        _clear(key)
    if key not in _desks:
        # Named as a temporary folder, so that the next run sweeps it away if we are killed.
        folder = Path(tempfile.mkdtemp(prefix=".desk.", suffix=".tmp", dir=run.folder))
        worker = Worker(run.blender, limit=run.limit, stopped=run.check, folder=folder)
        _desks[key] = _Desk(worker, folder)
        threading.Thread(target=_clear_when_gone, args=(key, folder), daemon=True).start()
    return _desks[key]


def _clear_when_gone(key: tuple[Path, int], folder: Path) -> None:
    """End Blender with its folder: workers of a cluster outlive the run, which removes the folder."""
    while folder.exists():
        time.sleep(_WATCH)
    _clear(key, only=folder)


def _close(run: _Run) -> None:
    for key in [key for key in _desks if key[0] == run.folder]:
        _clear(key)


def _clear(key: tuple[Path, int], only: Path | None = None) -> None:
    """Close a desk. only: leave it where it has another folder, as a run has set it up again since."""
    with _clearing:
        desk = _desks.get(key)
        if desk is None or only not in (None, desk.folder):
            return
        del _desks[key]
    desk.worker.close()
    files.remove(desk.folder)


@contextlib.contextmanager
def _stopped_by_signals(stop: Path) -> Iterator[None]:
    """Make the file `stop` on a signal, as signals interrupt no thread but the main one."""

    def end() -> None:
        with contextlib.suppress(OSError):  # the folder is not made yet
            stop.touch()

    with stopping.listening(also=end):
        yield


def _identity(job: Job, pictures: Backdrops | None) -> dict[str, Any]:
    """The job as JSON values, with files known by their content, wherever they lie."""
    values = job.as_json()
    values["models"] = [_named(model) for model in job.models]
    values["ground"]["folder"] = "" if pictures is None else pictures.identity
    return values


def _known(indices: Sequence[int], total: int) -> list[int]:
    """Indices of a job's pictures. Raises InputError: none, or one that it does not have."""
    allowed = f"one or more whole numbers, 0 to {total - 1}"
    for index in indices:
        if not isinstance(index, Integral) or not 0 <= int(index) < total:
            raise InputError("indices", repr(index), allowed=allowed)
    if not len(indices):
        raise InputError("indices", "none", allowed=allowed)
    return [int(index) for index in indices]


def check_pictures(job: Job) -> None:
    """Check the folder of pictures for the ground. Raises InputError: it is not there, or holds none."""
    _pictures(job)


def _pictures(job: Job) -> Backdrops | None:
    """The pictures that the job puts behind hands. Raises InputError as `check_pictures`."""
    return backdrops(job.ground.folder) if "picture" in job.ground.kinds else None


def _named(model: str) -> str:
    """A model's name, and for a file also the hash of its content."""
    if model == models.PROCEDURAL:
        return model
    return f"{Path(model).name}#{models.fingerprint(model)}"


def _summary(job: Job, found: Blender) -> dict[str, Any]:
    """What dataset.json says of the renders in addition to the history's options."""
    return {
        "blender": found.version,
        "pictures": len(job),
        "angles": list(job.angles),
        "models": [_named(model) for model in job.models],
    }


def _plan(job: Job, shot: int, folder: Path) -> Shot:
    return plan_shot(job, shot, Cast(folder))

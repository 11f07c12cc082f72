"""`curate render`: a job's pictures and their labels, as a dataset.

Each engine worker owns one Blender process. While Blender renders a picture the worker finishes the one
before and plans the one behind. A part of the stage is a few pictures in a row; what is not finished when the
run is stopped or killed is rendered by the next, and comes out alike.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from curate.basics.engine import Local
from curate.basics.errors import InputError, MissingExtra
from curate.data.dataset import INFO
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage, Summary
from render import blender
from render.blender import Blender, BlenderError, Request, Worker
from render.finish import backdrops
from render.forecast import Forecast
from render.job import Job, runs
from render.people import models

_PART = 8  # pictures
# CPU seconds that a picture may take: this many times what the forecast says, and a while.
_PATIENCE, _GRACE = 20.0, 120.0
# When so many fail, and none has succeeded before, it is not the pictures.
_UNLUCKY = 4


@dataclass(frozen=True, slots=True)
class Studio:
    """Who plans and finishes the pictures; tests put others in. Both are module-level functions.

    plan: (job, index, folder) -> a shot with `write(path)`. The folder keeps what several pictures share.
    finish: (shot, what Blender rendered, dataset folder) -> the sample; its files are written.
    """

    plan: Callable[[Job, int, Path], Any]
    finish: Callable[[Any, Path, Path], Sample]


def render(
    out: str | os.PathLike[str],
    job: Job,
    *,
    indices: Sequence[int] | None = None,
    program: str | os.PathLike[str] | None = None,
    workers: int = 1,
    overwrite: bool = False,
    quiet: bool = False,
    studio: Studio | None = None,
) -> Summary:
    """Render a job into a dataset: images, part masks, depth, exact keypoints.

    Picture `index` is the same whichever others are rendered, in whatever order, by however many workers.
    A picture that Blender fails at twice is in quarantine, with the reason.

    Parameters
    ----------
    indices: which pictures; default all.
    program: an interpreter with bpy, or a blender executable; default: `render.blender.find`.
    workers: Blender processes, each on one core.

    Raises
    ------
    InputError: an index that the job does not have. ConfigChanged: OUT was begun with another job.
    BlenderError: there is no Blender, it does not start, or nothing that it is given comes out.
    MissingExtra: the packages of hand-curate[render] are not installed.
    """
    out = Path(out)
    chosen = range(len(job)) if indices is None else indices
    options = _identity(job) | ({} if indices is None else {"indices": runs(indices)})
    finished = (out / INFO).exists() and not overwrite
    if studio is None and importlib.util.find_spec("OpenEXR") is None:
        raise MissingExtra("rendering", "render")
    found = Blender(Path()) if finished else blender.find(program)
    if not finished:
        models.prepare(job.models, found)
    stage = Stage(
        "render",
        out,
        options,
        resume_key=found.version,
        engine=Local(workers),
        overwrite=overwrite,
        quiet=quiet,
    )
    limit = _GRACE + _PATIENCE * Forecast(job, 1, 1).seconds_each
    run = _Run(job, out, stage.folder, found, limit, studio or Studio(_plan, _finish))
    parts = [chosen[i : i + _PART] for i in range(0, len(chosen), _PART)]
    try:
        with _stopped_by_sigint(run.stop):
            return stage.run(
                parts,
                partial(_render_part, run=run),
                total=len(parts),
                sizes=[len(part) for part in parts],
                finish=lambda _: {"render": _summary(job, found)},
            )
    finally:
        _close(run)


@dataclass(frozen=True, slots=True)
class _Run:
    """What each part of a run needs to know. limit: CPU seconds a picture."""

    job: Job
    out: Path
    folder: Path
    blender: Blender
    limit: float
    studio: Studio

    @property
    def stop(self) -> Path:
        """A file that stands once the run is to end: threads and processes see it alike."""
        return self.folder / "stop"

    def check(self) -> bool:
        """Whether the run is to end."""
        return self.stop.exists()


@dataclass(frozen=True, slots=True)
class _Request(Request):
    index: int
    planned: Any


@dataclass(slots=True)
class _Desk:
    """One thread's Blender, and the folder through which they exchange files."""

    worker: Worker
    folder: Path
    succeeded: bool = False


_desks: dict[tuple[Path, int], _Desk] = {}


def _render_part(indices: Sequence[int], *, run: _Run) -> Part:
    if run.check():
        raise KeyboardInterrupt
    desk = _desk(run)
    samples: list[Sample] = []
    given_up: dict[int, str] = {}
    for request, failed in desk.worker.pictures(_requests(indices, run, desk.folder, given_up)):
        reason = failed
        if reason is None:
            try:
                samples.append(run.studio.finish(request.planned, request.out, run.out))
            except InputError as error:
                reason = error.reason
        if reason is not None:
            given_up[request.index] = reason
    desk.succeeded |= bool(samples)
    if not desk.succeeded and len(given_up) >= _UNLUCKY:
        first, reason = min(given_up.items())
        raise BlenderError(
            f"the first {len(given_up)} pictures all failed; {run.job.sample_id(first)}: {reason}"
        )
    quarantine = [(run.job.sample_id(index), given_up[index]) for index in sorted(given_up)]
    return Part(to_batch(samples), quarantine=quarantine)


def _requests(
    indices: Sequence[int], run: _Run, folder: Path, given_up: dict[int, str]
) -> Iterator[_Request]:
    """Plan each picture when it is its turn. Two sets of files serve: `Worker.pictures` is one ahead."""
    names = cycle("ab")
    for index in indices:
        try:
            planned = run.studio.plan(run.job, index, run.folder / "cast")
        except InputError as error:
            given_up[index] = error.reason
            continue
        name = next(names)
        request = _Request(
            run.job.sample_id(index), folder / f"{name}.npz", folder / f"{name}.exr", index, planned
        )
        planned.write(request.shot)
        yield request


def _desk(run: _Run) -> _Desk:
    key = (run.folder, threading.get_ident())
    if key not in _desks:
        folder = run.folder / f".{os.getpid()}-{key[1]}.tmp"
        folder.mkdir(exist_ok=True)
        _desks[key] = _Desk(Worker(run.blender, limit=run.limit, stopped=run.check), folder)
    return _desks[key]


def _close(run: _Run) -> None:
    for key in [key for key in _desks if key[0] == run.folder]:
        desk = _desks.pop(key)
        desk.worker.close()
        shutil.rmtree(desk.folder, ignore_errors=True)


@contextlib.contextmanager
def _stopped_by_sigint(stop: Path) -> Iterator[None]:
    """Ctrl-C reaches this thread alone; the others look for the file."""
    with contextlib.suppress(OSError):  # none there, or --out is no folder: the stage will tell
        stop.unlink()
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        with contextlib.suppress(OSError):  # not begun yet
            stop.touch()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _identity(job: Job) -> dict[str, Any]:
    """The job as JSON, files by their content: the same wherever they lie."""
    told = job.as_json()
    told["models"] = [_named(model) for model in job.models]
    shown = "picture" in job.ground.kinds
    told["ground"]["folder"] = backdrops(job.ground.folder).identity if shown else ""
    return told


def _named(model: str) -> str:
    if model == models.PROCEDURAL:
        return model
    return f"{Path(model).name}#{models.fingerprint(model)}"


def _summary(job: Job, found: Blender) -> dict[str, Any]:
    """What dataset.json tells of the renders, beside the history's options."""
    return {
        "blender": found.version,
        "pictures": len(job),
        "angles": list(job.angles),
        "models": [_named(model) for model in job.models],
    }


def _plan(job: Job, index: int, folder: Path) -> Any:
    from render.people.cast import Cast
    from render.plan import plan_shot

    return plan_shot(job, index, Cast(folder))


def _finish(shot: Any, rendered: Path, root: Path) -> Sample:
    from render.finish import finish

    return finish(shot, rendered, root)

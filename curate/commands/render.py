"""curate render: hands at set angles, with perfect labels."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from curate.basics import streams
from curate.basics.errors import InputError
from curate.basics.settings import settings_of
from curate.commands.console import (
    OK,
    add_options,
    command,
    common,
    how_to_run,
    show,
    tell,
    typed,
    values_of,
    workers_of,
)
from render.job import Job, pick


def add(commands: Any) -> None:
    parser = command(
        commands,
        "render",
        run,
        '  curate render --angles "tilt=0,30,45 rotation=0:345:15" --per-angle 10 --out renders\n'
        '  curate render --angles "tilt=0..45 rotation=0..360" --random 500 --side left --out renders\n'
        '  curate render --angles "tilt=30 roll=-10:10:10" --angles "tilt=45" --out renders --dry-run\n'
        "  curate render --explain > job.yaml\n"
        "  curate render --job job.yaml --seed 1 --workers 2 --out renders\n\n"
        "Angles are in degrees. tilt: fingertips away from the camera; rotation: in the picture, clockwise,\n"
        "0 is fingers up; roll: about the hand's long axis. A stopped or killed run resumes when the same\n"
        "command is given again. A job and an index give the same picture anywhere.",
    )
    parser.add_argument("--out", type=Path, metavar="D", help="dataset folder to make")
    what = parser.add_argument_group(
        "what to render (options that are not given are as in --job, or the default)"
    )
    settings = settings_of(Job)
    add_options(what, Job, *(name for name in settings if name != "models"))
    what.add_argument(
        "--model",
        dest="models",
        action="append",
        default=argparse.SUPPRESS,
        metavar=settings["models"].metavar,
        help="a hand to render; if given several times, the hands take turns (default: procedural)",
    )
    what.add_argument(
        "--job", type=Path, metavar="YAML", help="a file with all of these settings and more; see --explain"
    )
    how = parser.add_argument_group("how")
    how.add_argument("--indices", metavar="0,5,100:119", help="render only these pictures of the job")
    how.add_argument(
        "--blender",
        dest="program",
        metavar="PATH",
        help="a Python with bpy, or a blender executable (default: $CURATE_BLENDER, .venv-tools, PATH)",
    )
    how.add_argument(
        "--dry-run", action="store_true", help="say what would be made and how long it would take"
    )
    how.add_argument("--explain", action="store_true", help="print the job with all its settings, as YAML")
    common(parser, shares=True, cluster=True)


def run(a: argparse.Namespace) -> int:
    job = Job.of(a.job, **values_of(a, Job))
    if a.explain:
        streams.give(job.explain().rstrip())
        return OK
    indices = None if a.indices is None else pick(a.indices, len(job))
    try:
        return _make(a, job, indices)
    except InputError as error:
        if error.where != "--model" or hasattr(a, "models"):
            raise
        raise error.at(a.job, "models") from None


def _make(a: argparse.Namespace, job: Job, indices: list[int] | None) -> int:
    if a.dry_run:
        from render.forecast import Forecast
        from render.people import models
        from render.run import check_pictures

        models.check(job.models)
        check_pictures(job)
        forecast = Forecast(job, len(job) if indices is None else len(indices), workers_of(a))
        show(a, forecast.as_json(), str(forecast))
        return OK
    if a.out is None:
        raise InputError("--out", "not given", remedy="curate render --out D, or --dry-run, or --explain")
    from render.run import render

    summary = render(a.out, job, indices=indices, program=a.program, **how_to_run(a))
    return tell(a, summary, advice=f"next: {typed('build', a.out, '--out', 'SET', '--size', 96)}")

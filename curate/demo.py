"""The demo: from drawn and rendered hands in three native layouts to an evaluated network, by the same
commands that a user types."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from curate.basics import engine, files, images, stopping
from curate.basics import keypoints as kp
from curate.basics.errors import ConfigChanged, CurateError, MissingExtra
from curate.basics.settings import require_options
from curate.basics.version import VERSION
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage
from curate.hands.drawn_hands import Person, draw_hand
from curate.options.demo import DemoOptions

_CHUNK = 16
_PER_SUBJECT = 4
_RENDERS = 32
_JOB = """\
# For curate render: a few people, small and quick. All settings: curate render --explain
random: {number}
seed: {seed}
size: 128
samples: 4
hands: {{people: 3}}
"""


@dataclass(frozen=True, slots=True)
class Shoot:
    """A set of photographs to draw: name, (width, height) in pixels, number, seed, first subject's number."""

    name: str
    size: tuple[int, int]
    photos: int
    seed: int
    first_subject: int


def demo(
    out: str | os.PathLike[str],
    *,
    run: Callable[[Sequence[str]], int],
    say: Callable[[str], None],
    options: DemoOptions = DemoOptions(),
) -> int:
    """Draw and render hands, write them as 11k Hands, Labelme and RHD, and run the whole chain on them.

    Where there is no Blender, drawn hands stand in for renders; without the extra `train` nothing is trained.

    Parameters
    ----------
    out: folder for everything; what is finished there is not done again.
    run: runs one command line and returns its exit code. say: tells the user a line.

    Returns
    -------
    0, or the exit code of the command that failed.

    Raises
    ------
    InputError: a folder that curate did not make. ConfigChanged: one of a demo with other options.
    """
    require_options(options, DemoOptions)
    out = Path(out)
    asked = {"stage": "demo", "version": VERSION, "options": asdict(options)}
    try:
        with files.claimed(out, asked) as claim:
            code = _all_of_it(out, run, say, options)
            if code == 0:
                claim.finish({})
    except ConfigChanged as error:  # its remedy is --overwrite, which the demo does not have
        raise ConfigChanged(out, error.found, remedy="choose another --out, or delete the folder") from None
    return code


def _all_of_it(
    out: Path, run: Callable[[Sequence[str]], int], say: Callable[[str], None], options: DemoOptions
) -> int:
    started = time.monotonic()
    photos, seed = options.photos, options.seed
    for shoot in _shoots(photos, seed):
        draw(shoot, out / "drawn" / shoot.name)

    def typed(line: Sequence[str]) -> int:
        say(f"$ curate {' '.join(line)}")
        return run(line)

    rendered = out / "renders"
    if (code := typed(_render(out, seed))) == stopping.CODE:
        return code
    if code:
        say("Nothing was rendered, for the reason above: drawn hands stand in for renders.")
        rendered = out / "drawn" / "rendered"
        draw(Shoot("rendered", (320, 320), max(_PER_SUBJECT * 2, photos // 3), seed + 1, 1000), rendered)
    trains = all(find_spec(name) for name in ("torch", "lightning"))
    lines = _commands(out, rendered) + (_training(out, options.epochs) if trains else [])
    for line in lines:
        if code := typed(line):
            return code
    if not trains:
        say(f"No network was trained: {MissingExtra('training', 'train')}")
    say(_where_to_look(out, time.monotonic() - started, trains=trains))
    return 0


def _shoots(photos: int, seed: int) -> list[Shoot]:
    return [
        Shoot("tagged", (480, 360), max(_PER_SUBJECT * 4, photos * 2 // 3), seed, 0),
        Shoot("new", (480, 360), 12, seed + 2, 2000),
    ]


def draw(shoot: Shoot, out: Path) -> None:
    """Draw a set of photographs as a dataset at `out`, four of each subject, left and right in turn."""
    stage = Stage(
        "draw",
        out,
        {"photos": shoot.photos, "seed": shoot.seed, "size": list(shoot.size)},
        engine=engine.Local(engine.default_workers()),
    )
    firsts = range(0, shoot.photos, _CHUNK)
    sizes = [min(_CHUNK, shoot.photos - first) for first in firsts]
    if stage.run(firsts, partial(_draw_chunk, shoot, out), sizes=sizes).samples != shoot.photos:
        raise CurateError(f"{out}: the demo drew fewer photos than asked for")


def _draw_chunk(shoot: Shoot, out: Path, first: int) -> Part:
    return Part(to_batch(list(_draw_photos(shoot, out, range(first, min(first + _CHUNK, shoot.photos))))))


def _draw_photos(shoot: Shoot, out: Path, numbers: range) -> Iterator[Sample]:
    width, height = shoot.size
    for number in numbers:
        subject = shoot.first_subject + number // _PER_SUBJECT
        person = Person.sample(np.random.default_rng([shoot.seed, subject]))
        rng = np.random.default_rng([shoot.seed, subject, number])
        side = "left" if number % 2 else "right"
        picture, points = draw_hand(rng, person, side, width=width, height=height)
        name = f"Hand_{shoot.first_subject * 10 + number:07d}"
        images.write(out / "images" / f"{name}.jpg", picture, quality=95)
        yield Sample(
            f"drawn-{shoot.name}/{name}",
            "drawn",
            f"images/{name}.jpg",
            width=width,
            height=height,
            side=side,
            aspect="dorsal",
            subject_id=f"{subject:07d}",
            keypoints=points,
            visibility=np.full(kp.COUNT, kp.VISIBLE, np.uint8),
            label_source="render",
            licence="MIT",
        )


def _render(out: Path, seed: int) -> list[str]:
    job = out / "render.yaml"
    files.write(job, _JOB.format(number=_RENDERS, seed=seed).encode())
    return ["render", "--job", str(job), "--out", str(out / "renders")]


def _commands(out: Path, rendered: Path) -> list[list[str]]:
    """rendered: the dataset that becomes RHD, and comes back from it."""
    drawn, native, data = (str(out / name) for name in ("drawn", "native", "data"))
    quiet = ["--quiet"]
    lines = [
        ["export", f"{drawn}/tagged", "--to", "labelme", "--out", f"{native}/labelme", *quiet],
        ["export", f"{drawn}/tagged", "--to", "11khands", "--out", f"{native}/11k", *quiet],
        ["export", str(rendered), "--to", "rhd", "--out", f"{native}/RHD_published_v2", *quiet],
        ["export", f"{drawn}/new", "--to", "11khands", "--out", f"{native}/new", *quiet],
    ]
    info = f"{native}/11k/HandInfo.csv"
    lines += [
        ["convert", "labelme", f"{native}/labelme", "--hand-info", info, "--out", f"{data}/tagged"],
        ["convert", "rhd", f"{native}/RHD_published_v2", "--out", f"{data}/rendered"],
        ["convert", "11khands", f"{native}/new", "--out", f"{data}/new"],
        ["crop", f"{data}/tagged", "--out", str(out / "crops" / "tagged")],
        ["crop", f"{data}/rendered", "--out", str(out / "crops" / "rendered")],
    ]
    crops = [str(out / "crops" / name) for name in ("tagged", "rendered")]
    built = str(out / "set96")
    lines += [
        ["build", *crops, "--out", built, "--split", "subject", "--keypoints", "20"],
        ["qa", built, "--out", str(out / "qa"), "--fail-on", "never"],
        ["qa", f"{data}/tagged", "--out", str(out / "qa-tagged"), "--fail-on", "never"],
        ["review", "build", f"{data}/tagged", "--qa", str(out / "qa-tagged"), "--out", str(out / "review")],
        ["autotag", f"{data}/new", "--out", str(out / "auto-tagged")],
        ["show", str(out / "auto-tagged"), "--out", str(out / "auto-tagged.html")],
    ]
    return lines


def _training(out: Path, epochs: int) -> list[list[str]]:
    built, trained = str(out / "set96"), str(out / "run")
    return [
        ["train-baseline", built, "--out", trained, "--epochs", str(epochs)],
        ["evaluate", trained, built],
        ["predict", trained, str(out / "data" / "new"), "--out", str(out / "found")],
    ]


def _where_to_look(out: Path, seconds: float, *, trains: bool) -> str:
    places = [
        (
            "qa/report.html",
            "what is in the training set, and what is unusual in it (a flagged hand has a rare pose: drawn "
            "and rendered points are exact)",
        ),
        ("review/index.html", "each labelled photo with what was found, to accept, reject or correct"),
        ("auto-tagged.html", "photos without labels, labelled by the network that comes with this tool"),
    ]
    if trains:
        places += [
            ("run/evaluation-test/evaluation.html", "how good the network is, in pictures"),
            ("found/pictures", "keypoints found in photos that it never saw"),
        ]
    lines = [f"  {out / place}\n      {what}" for place, what in places]
    return "\n".join([f"\nDone in {seconds / 60:.1f} minutes. Look at:", *lines])

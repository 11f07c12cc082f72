"""What a job will make, and about how long it takes: `curate render --dry-run`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from curate.basics.progress import duration
from curate.basics.wording import counted
from render.angles import Grid
from render.job import Job
from render.people.models import PROCEDURAL

# CPU seconds for a picture of 256 x 256 pixels, measured on one core: _BASE, and _PATH for each path traced a
# pixel.
_BASE, _PATH, _SIZE = 0.1, 0.11, 256
_FINISH = 0.04  # CPU seconds to finish a picture of that size
# Seconds to compute a procedural hand, and for Blender to start.
_PERSON, _START = 1.0, 3.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many pictures a job makes, of what, and about how long that takes with so many workers."""

    job: Job
    pictures: int
    workers: int

    @property
    def seconds_a_shot(self) -> float:
        """About how many CPU seconds Blender takes for a shot."""
        return _BASE + _PATH * self.job.samples * (self.job.size / _SIZE) ** 2

    @property
    def seconds_each(self) -> float:
        """About how many CPU seconds a picture takes."""
        return self.seconds_a_shot / self.job.takes + _FINISH

    @property
    def seconds(self) -> float:
        """About how many seconds all pictures take, if each worker has a core."""
        people = min(self.job.hands.people, self.pictures) if PROCEDURAL in self.job.models else 0
        work = self.seconds_each * self.pictures + _PERSON * people
        return _START + work / min(self.workers, self.pictures)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "pictures": self.pictures,
            "angles": {text: len(Grid.of(text)) for text in self.job.angles},
            "hands": [" ".join(hand) for hand in self.job.hands_in_turn],
            "seconds_each": round(self.seconds_each, 2),
            "seconds": round(self.seconds),
            "workers": self.workers,
            "job": self.job.as_json(),
        }

    def __str__(self) -> str:
        job, hands = self.job, self.job.hands_in_turn
        lines = [
            f"{counted(self.pictures, 'picture')} of {job.size} x {job.size} pixels, "
            f"{counted(job.samples, 'sample')} per pixel, seed {job.seed}",
            "angles",
        ]
        for text in job.angles:
            count = (
                f"{counted(len(Grid.of(text)), 'combination')}, {counted(job.per_angle, 'picture')} of each"
            )
            lines.append(f"  {text}: " + ("drawn at random" if job.random else count))
        share = self.pictures // len(hands)
        lines.append("hands, in turn" + (f": about {share:,} of each" if share else ""))
        lines += [f"  {model}, {side}, {aspect}" for model, side, aspect in hands]
        if not job.random and job.per_angle < len(hands):
            lines.append(
                f"  Each combination of angles shows {job.per_angle} of these {len(hands)} hands; "
                f"--per-angle {len(hands)} shows all of them."
            )
        took = f"{duration(self.seconds)} with {counted(self.workers, 'worker')}"
        lines.append(f"about {self.seconds_each:.1f} s of CPU per picture: {took}")
        return "\n".join(lines)

"""Who is photographed: the people of a job, each with one hand's model, kept as files that Blender reads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock

from curate.basics import files
from curate.hands import anatomy
from render.hand.model import HandModel
from render.job import PERSON, Job
from render.look import tone
from render.people import models


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One subject. number: in the job. name: the rows' subject_id. path: of the model's file."""

    number: int
    name: str
    path: Path
    model: HandModel
    tone: tone.Tone


class Cast:
    """The people of a job. A model's file is made when it is first needed, whole or not at all.

    Parameters
    ----------
    folder: where the files lie; several processes may share it.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def person(self, name: str, job: Job, number: int) -> Person:
        """A person of the job, with the named model.

        Parameters
        ----------
        name: of the model. number: of the person, 0 <= number < job.hands.people.

        Raises
        ------
        InputError: the model cannot be used.
        """
        own = job.stream(number, PERSON)
        skin = tone.sample_tone(own, job.skin.melanin, job.skin.blood)
        if name != models.PROCEDURAL:
            path = _kept(name)
            return Person(number, f"{Path(name).stem}-{job.seed}-{number:05d}", path, _read(path), skin)
        path = self.folder / f"procedural-{job.seed}-{number:05d}.npz"
        with _making.setdefault(path, Lock()):
            if not path.exists():
                from render.hand.procedural import make_model

                made = make_model(anatomy.sample_build(own))
                with files.writing(path) as file:
                    made.write(file)
        return Person(number, f"{name}-{job.seed}-{number:05d}", path, _read(path), skin)


# Of threads that want the same person, one makes the model and the others wait.
_making: dict[Path, Lock] = {}


@cache
def _kept(name: str) -> Path:
    return models.kept(name)


@lru_cache(maxsize=32)
def _read(path: Path) -> HandModel:
    return HandModel.read(path)

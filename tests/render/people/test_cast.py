"""People are made once, and whole, whoever asks for them at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from render.hand import procedural
from render.job import Job
from render.people.cast import Cast

THREADS = 4


def test_threads_that_ask_for_one_person_at_once_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    make_model = procedural.make_model

    def counted(build: object) -> object:
        made.append("a person")
        return make_model(build)  # type: ignore[arg-type]

    monkeypatch.setattr(procedural, "make_model", counted)
    together = Barrier(THREADS)

    def ask(_: int) -> str:
        together.wait()
        return Cast(tmp_path).person("procedural", Job.of(None), 3).name

    with ThreadPoolExecutor(THREADS) as pool:
        names = set(pool.map(ask, range(THREADS)))
    assert len(names) == len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == [f"{names.pop()}.npz"]

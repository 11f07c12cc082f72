"""`curate angles`: how the hands of a dataset are turned, and which hands they are, from their keypoints."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from curate.basics.engine import ONE, Engine
from curate.data.dataset import Dataset, Rows
from curate.data.part import Part
from curate.data.sample import ANGLES_FROM, from_batch
from curate.data.stage import Stage, Summary, keep, tasks
from curate.hands.oriented import ASPECT_FROM, SIDE_FROM, oriented

_ROWS = 64  # samples a task, at least
UNTOLD, OPEN = "angles not told by the points", "side left open"  # notes
# The points give both together; one alone would not fit the other, known value.
HALF = "tilt or rotation left open, as the other is known"
BOTH, TURN = "tilt and rotation from the points", "rotation alone from the points"
_FILLED = {
    SIDE_FROM: "side from the points",
    ASPECT_FROM: "aspect from the points",
}


def angles(
    dataset: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    engine: Engine = ONE,
    overwrite: bool = False,
    quiet: bool = False,
) -> Summary:
    """Fill in unknown tilt, rotation and roll, side and aspect if they follow from the keypoints.

    OUT has all samples and refers to the same images; known values stay. See `curate.hands.oriented`. The
    notes count what was filled in, and for how many samples it does not follow from the points.

    Raises
    ------
    InputError: a training set. SchemaError: not a dataset. ConfigChanged: OUT was begun with another dataset.
    """
    source = Dataset(dataset)
    source.refuse_training_set("tell angles before curate build")
    stage = Stage("angles", Path(out), {}, (source,), engine=engine, overwrite=overwrite, quiet=quiet)
    work = partial(_orient, root=source.root, out=Path(out))
    size, sizes = tasks(_ROWS, source)
    return stage.run(source.rows(size), work, sizes=sizes)


def _orient(rows: Rows, *, root: Path, out: Path) -> Part:
    part = Part(rows.batch.slice(0, 0))
    before = list(from_batch(rows.batch))
    made = oriented(before)
    for old, new in zip(before, made, strict=True):
        filled = {name for name in new.attrs if new.attrs[name] != old.attrs.get(name)}
        part.notes.update(note for name, note in _FILLED.items() if name in filled)
        if ANGLES_FROM in filled:
            part.notes[TURN if new.tilt is None else BOTH] += 1
        part.notes[UNTOLD] += new.tilt is None and new.rotation is None
        part.notes[HALF] += (old.tilt is None) != (old.rotation is None)
        part.notes[OPEN] += new.side is None
    part.notes = +part.notes
    keep(part, made, root, out)
    return part

"""A run for other tools: its network as ONNX, and a model card."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate.basics import files
from curate.basics.errors import MissingExtra
from curate.basics.version import VERSION
from curate.basics.wording import already
from curate.training.card import card, evaluation_files
from curate.training.onnx import exported, outputs_of
from curate.training.record import INFO, WEIGHTS
from curate.training.run import open_run

MODEL, CARD = "model.onnx", "README.md"


@dataclass(frozen=True, slots=True)
class ExportedRun:
    """Where the files of a run lie, and what the network gives. `reused`: it was finished before."""

    out: Path
    outputs: tuple[str, ...]
    reused: bool = False

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {"out": os.fspath(self.out), "outputs": list(self.outputs), "reused": self.reused}

    def __str__(self) -> str:
        made = f"{self.out / MODEL}: images to {', '.join(self.outputs)}{already(self.reused)}"
        return f"{made}\nsee {self.out / CARD}"


def export_run(
    run: str | os.PathLike[str], out: str | os.PathLike[str], *, overwrite: bool = False
) -> ExportedRun:
    """Write a finished run as model.onnx and its card README.md: curate.training.onnx, curate.training.card.

    The model is compared with the run: what onnxruntime finds in drawn hands differs by 1e-3 px at most.

    Raises
    ------
    MissingExtra: the packages of hand-curate[onnx] are not installed.
    SchemaError: no finished run, or a damaged one. InputError: a foreign folder at `out`.
    CurateError: onnxruntime does not find the same.
    ConfigChanged: `out` holds another run, or its earlier figures, and `overwrite` is not set.
    """
    opened, folder = open_run(run), Path(out)
    read = [opened.root / INFO, opened.root / WEIGHTS, *evaluation_files(opened.root)]
    identity = {"stage": "export onnx", "version": VERSION, "inputs": [files.sha256(path) for path in read]}
    with files.claimed(folder, identity, reads=[opened.root], overwrite=overwrite) as claim:
        if claim.result is None:
            text = card(opened)
            try:
                content = exported(opened)
            except ImportError:
                raise MissingExtra("ONNX", "onnx") from None
            files.write(folder / MODEL, content)
            files.write(folder / CARD, text.encode())
            claim.finish({})
    return ExportedRun(folder, outputs_of(opened), claim.result is not None)

"""The model card of a run: what it takes and gives, its data, figures, licences and limits, in Markdown.

What stands in a run's files is not trusted: text is escaped, and a figure that is none is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
from markupsafe import Markup

from curate.basics import keypoints as kp
from curate.basics import pages
from curate.basics.errors import SchemaError, printable
from curate.basics.paths import read_file
from curate.networks import table
from curate.networks.network import Spec
from curate.scoring.figures import FIGURES, summary
from curate.scoring.mask_figures import MASK_FIGURES
from curate.training.onnx import outputs_of
from curate.training.record import INFO, starts_of
from curate.training.run import Run
from curate.training.trained_on import Data

METRICS = "evaluation-*/metrics.json"
_MARKS = re.compile(r"[\\\[\]*]")  # of Markdown, in text
_OF_ANY = {"name", *(field.name for field in fields(Spec))}  # what run.json tells of each network
_MOST = 100_000_000  # bytes; --by of a value for each image has the most


class _Ranges(msgspec.Struct):
    rotation: float
    scale: tuple[float, float]


class _Recipe(msgspec.Struct):
    ranges: _Ranges | None = None


class _Config(msgspec.Struct):
    preset: str | None = None
    recipe: _Recipe = msgspec.field(default_factory=_Recipe)


class _Result(msgspec.Struct):
    epochs: int | None = None  # that there were, where the clock may have stopped those asked for


class _Confidence(msgspec.Struct):
    split: str


class _Told(msgspec.Struct):
    """What a card tells of run.json."""

    curate: str | None = None
    config: _Config = msgspec.field(default_factory=_Config)
    result: _Result = msgspec.field(default_factory=_Result)
    data: Data | None = None
    confidence: _Confidence | None = None


def card(run: Run) -> str:
    """The card as Markdown. Raises SchemaError: run.json or a metrics.json of the run is damaged."""
    try:
        told = msgspec.convert(run.info, _Told)
    except msgspec.ValidationError as error:
        raise SchemaError.of_field(run.root / INFO, str(error), remedy="train again") from None
    starts = starts_of(run.info)
    made = pages.environment("curate.training")
    made.filters |= {"cell": _cell, "code": _code}
    template = made.get_template("card.md.j2")
    text = template.render(
        name=_cell(run.name),
        network=run.info["network"],
        row=table.row(run.info["network"]["name"]),
        built=_built(run),
        weights=sum(weight.numel() for weight in run.network.parameters()),
        info=told,
        config=told.config,
        ranges=told.config.recipe.ranges,
        data=told.data,
        starts=starts,
        not_known=not all(start.known for start in starts),
        confidence=told.confidence,
        threshold=run.threshold,
        crop=run.info.get("crop"),
        right_hands=run.network.right_hands,
        spec=run.spec,
        outputs=outputs_of(run),
        keypoints=[kp.NAMES[index] for index in kp.subset(run.spec.keypoints)],
        evaluations=list(_evaluations(run.root)),
    )
    return text.rstrip() + "\n"


def _built(run: Run) -> Markup:
    """The network's own options, as `curate train --set` takes them, which its number of weights goes by."""
    own = {name: value for name, value in run.info["network"].items() if name not in _OF_ANY}
    told = (value if isinstance(value, str) else json.dumps(value) for value in own.values())
    return Markup(", ").join(_code(f"{name}={value}") for name, value in zip(own, told, strict=True))


def evaluation_files(root: Path) -> list[Path]:
    """The figures of a run's evaluations in its own folder, by name."""
    return sorted(root.glob(METRICS))


def _evaluations(root: Path) -> Iterator[dict[str, Any]]:
    for path in evaluation_files(root):
        try:
            figures = json.loads(read_file(path, _MOST))
            rows = MASK_FIGURES if "mask_iou" in figures else FIGURES
            seen = figures.get("seen_in_training")
            yield {
                "n": int(figures["n"]),
                "split": str(figures["split"]),
                "set": str(figures.get("training_set") or ""),
                "lines": summary(figures, rows) if figures["n"] else [],
                "looks": int(figures.get("looks") or 1),
                "turns": bool(figures.get("turns")),
                "flatter": None if seen is None else any(seen.values()) and figures["split"] != "train",
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            remedy = "evaluate again, with --overwrite"
            raise SchemaError(path, f"does not parse ({error!r})"[:200], remedy=remedy) from None


def _cell(text: object) -> str:
    """Text that stays in its place in a table of Markdown, and is no link, picture or emphasis there."""
    return _MARKS.sub(r"\\\g<0>", _plain(text))


def _code(text: object) -> Markup:
    """Text as code, which Markdown shows letter by letter: there HTML's and its own escapes would be seen."""
    return Markup(f"`{_plain(text) or ' '}`")


def _plain(text: object) -> str:
    """Text in one line, without what ends code or a table's cell."""
    return " ".join(printable(str(text)).split()).replace("|", "/").replace("`", "'")

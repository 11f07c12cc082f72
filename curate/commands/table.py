"""The table of commands, in the order of the work. A command's module is imported when it is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table.

    Attributes
    ----------
    module: in curate.commands. says: what the command does, in a sentence.
    entry: the module's function that adds the command's parser to the others.
    """

    module: str
    says: str
    entry: str = "add"

    def load(self) -> Callable[[Any], None]:
        """The function that adds the command's parser."""
        add: Callable[[Any], None] = getattr(import_module(f"curate.commands.{self.module}"), self.entry)
        return add


COMMANDS: dict[str, Command] = {
    "convert": Command("convert", "Bring a source into our schema."),
    "autotag": Command(
        "autotag",
        "Label photographs, by a network that comes along, a run, OpenPose or MediaPipe; what is not to be "
        "trusted is sifted out.",
    ),
    "angles": Command(
        "angles",
        "Tell tilt and rotation of hands, and which they are, from their points, where that is not known.",
    ),
    "export": Command(
        "export",
        "Write a dataset in another tool's format; says what that format cannot hold. Or a run as ONNX.",
    ),
    "render": Command(
        "render", "Render hands at set tilt and rotation, with exact keypoints, part masks and depth."
    ),
    "background": Command(
        "background", "Cut each hand out of its plain ground and put it before another; masks are kept."
    ),
    "crop": Command("crop", "Cut each hand out of its photo; keypoints move along, the way back is kept."),
    "build": Command("build", "Make a training set of one size from one or more datasets, split by subject."),
    "select": Command(
        "select", "Choose samples by a condition, by QA or by lot: a dataset of the same pictures."
    ),
    "show": Command(
        "show", "Tell and show what is in a dataset: counts, how it was made, some of its hands."
    ),
    "diff": Command(
        "diff", "Tell what became of a dataset: samples added and gone, points moved, fields changed."
    ),
    "qa": Command("qa", "Check datasets or a training set: findings for machines, report.html for people."),
    "review": Command(
        "review",
        "A gallery to look through by hand, Labelme to correct in, and a new dataset of what was decided.",
    ),
    "train": Command("train", "Train a network on a training set."),
    "train-baseline": Command(
        "train",
        "Train the reference CNN (figure 12, 12.1 million weights) on a training set.",
        "add_baseline",
    ),
    "evaluate": Command(
        "evaluate",
        "Predict a split of a training set and measure: metrics, predictions.parquet and a page of pictures.",
    ),
    "predict": Command(
        "predict",
        "Find the keypoints in photos and videos: predictions.json, a dataset, and skeletons drawn.",
    ),
    "trust": Command(
        "trust", "Let a dataset of somebody else refer to files outside its folder; shows which."
    ),
    "completion": Command("completion", "Print a script by which bash, zsh or fish complete command lines."),
    "demo": Command("demo", "All of it on drawn hands, in a few minutes, with nothing downloaded."),
}

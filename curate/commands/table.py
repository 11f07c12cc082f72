"""The table of commands, in the order of use. A command's module is imported only when it is run."""

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
    "convert": Command("convert", "Convert a source to our schema."),
    "autotag": Command(
        "autotag",
        "Label photographs with the networks of this tool, a run, OpenPose or MediaPipe; labels that cannot "
        "be trusted are sifted out.",
    ),
    "angles": Command(
        "angles",
        "Estimate tilt, rotation, side and aspect of hands from their points, where they are not known.",
    ),
    "export": Command(
        "export",
        "Write a dataset in another tool's format, and say what that format cannot hold; or a run as ONNX.",
    ),
    "render": Command(
        "render", "Render hands at a given tilt and rotation, with exact keypoints, part masks and depth."
    ),
    "background": Command(
        "background",
        "Cut each hand out of its plain background and put it in front of another; masks are stored.",
    ),
    "crop": Command("crop", "Crop each hand from its photo; keypoints move along, and the way back is kept."),
    "build": Command("build", "Make a training set of one size from one or more datasets, split by subject."),
    "select": Command(
        "select", "Choose samples by a condition, by QA or at random, as a dataset of the same pictures."
    ),
    "show": Command("show", "Show what is in a dataset: counts, how it was made, and some of its hands."),
    "diff": Command(
        "diff", "Compare two versions of a dataset: samples added or gone, points moved, fields changed."
    ),
    "qa": Command("qa", "Check datasets or training sets: findings for programs, report.html for people."),
    "review": Command(
        "review",
        "Review samples in a gallery, correct them in Labelme, and make a new dataset from the decisions.",
    ),
    "train": Command("train", "Train a network on a training set."),
    "train-baseline": Command(
        "train",
        "Train the reference CNN (figure 12, 12.1 million weights) on a training set.",
        "add_baseline",
    ),
    "evaluate": Command(
        "evaluate",
        "Predict a split of a training set and measure: metrics, predictions.parquet, a page of pictures.",
    ),
    "predict": Command(
        "predict",
        "Find the keypoints in photos and videos: predictions.json, a dataset, and pictures with skeletons.",
    ),
    "trust": Command(
        "trust", "Let somebody else's dataset refer to files outside its folder, and show where they are."
    ),
    "completion": Command("completion", "Print a script for bash, zsh or fish that completes command lines."),
    "demo": Command("demo", "Run the whole pipeline on drawn hands, in a few minutes, without a download."),
}

"""The points of a hand in mmpose's dataset files: `dataset_info = dict(keypoint_info=...)`.

The file is a program. It is parsed, never run; only dicts, lists, text and numbers in it are read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from curate.basics import keypoints as kp
from curate.basics.paths import read_file
from curate.data.source import Source

_MAX_BYTES = 1_000_000
_PYTHON = "*.[pP][yY]"


class Keypoint(msgspec.Struct):
    """A point, and the one that takes its place when the picture is mirrored."""

    name: str
    swap: str = ""


class Bone(msgspec.Struct):
    """Two points, by their names."""

    link: tuple[str, str]


class Info(msgspec.Struct):
    """What is read of `dataset_info`."""

    keypoint_info: dict[int, Keypoint]
    skeleton_info: dict[int, Bone] = {}


class Config(NamedTuple):
    """A file that describes 21 points.

    Attributes
    ----------
    name: the file's. points: their names, in the order of the data.
    flip: for each point the index of the one that takes its place in a mirrored hand.
    links: pairs of points, counted from 1.
    """

    name: str
    points: list[str]
    flip: list[int]
    links: list[list[int]]


def read_configs(source: Source) -> list[Config]:
    """The configs among the Python files in the source and its folders; other files are skipped."""
    return [config for name, text in _texts(source) if (config := _config(name, text)) is not None]


def _texts(source: Source) -> Iterator[tuple[str, str]]:
    root = source.folder
    for path in (*sorted(root.glob(_PYTHON)), *sorted(root.glob(f"*/{_PYTHON}"))):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if hidden or (path.parent != root and path.parent.is_symlink()):
            continue
        try:
            if source.places.hold(path):
                yield path.name, read_file(path, _MAX_BYTES).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            continue


def _config(name: str, text: str) -> Config | None:
    try:
        info = msgspec.convert(_value(_assigned(ast.parse(text))), Info)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if sorted(info.keypoint_info) != list(range(kp.COUNT)):
        return None
    points = [info.keypoint_info[i].name for i in range(kp.COUNT)]
    at = {point: i for i, point in enumerate(points)}
    flip = [at.get(info.keypoint_info[i].swap, i) for i in range(kp.COUNT)]
    links = [[at.get(end, -1) + 1 for end in bone.link] for bone in info.skeleton_info.values()]
    return Config(name, points, flip, links)


def _assigned(module: ast.Module) -> ast.expr:
    """The value that is assigned to `dataset_info`. Raises ValueError if there is none."""
    for statement in module.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "dataset_info" for target in statement.targets
        ):
            return statement.value
    raise ValueError("no dataset_info")


def _value(node: ast.expr) -> Any:
    """The value of a literal; None for anything computed."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {
            key.value: _value(value)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, int | str)
        }
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        return {keyword.arg: _value(keyword.value) for keyword in node.keywords if keyword.arg}
    return None

"""What the data.yaml files of a YOLO set say about its classes and points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converters.parts import labels
from converters.parts.point_order import Order, order_of
from converters.parts.text_lines import decoded
from curate.basics import keypoints as kp
from curate.basics import yaml_text
from curate.basics.errors import InputError
from curate.basics.paths import Places, read_file
from curate.data.source import files_below

COCO = "coco"  # the value of `visibility` in the files that we write
_DIGITS = 9  # of a class's number, at most
_SUFFIXES = frozenset({".yaml", ".yml"})


@dataclass(slots=True)
class Config:
    """What data.yaml files say.

    Attributes
    ----------
    names: of the classes. points: the names of each class's points; those for all classes under None.
    sizes: how many numbers a point has, if stated. sizes_by: what states it, for messages.
    visibility: its meaning, if stated. flips: the flip_idx of each file.
    """

    names: dict[int, str] = field(default_factory=dict)
    points: dict[int | None, list[Any]] = field(default_factory=dict)
    sizes: set[int] = field(default_factory=set)
    sizes_by: str = "kpt_shape of data.yaml says"
    visibility: str | None = None
    flips: dict[str, Any] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    _orders: dict[int, Order] = field(default_factory=dict, repr=False)

    def has_points(self, number: int) -> bool:
        """Whether the points of a class have names."""
        return number in self.points or None in self.points

    def order(self, number: int) -> Order:
        """The order of the points of a class."""
        if number not in self._orders:
            points = self.points.get(number, self.points.get(None))
            self._orders[number] = order_of(points, self.names.get(number))
        return self._orders[number]

    def side(self, number: int) -> kp.Side | None:
        """The side of a class, by its name or those of its points."""
        return labels.agreed([labels.side_of(self.names.get(number)), self.order(number).side])


def read_config(root: Path) -> Config:
    """Read and merge the data.yaml files in the root and its folders.

    Raises
    ------
    InputError: a file has another number of keypoints, or two files name a class differently.
    """
    config, within = Config(), Places([root])
    for path in files_below(root):
        if path.suffix.lower() not in _SUFFIXES or len(path.relative_to(root).parts) > 2:
            continue
        if not within.hold(path):
            config.notes[f"{path.name} leads out of the source, and was not used"] += 1
            continue
        try:
            content = yaml_text.parse(_text(path).encode())
        except (OSError, ValueError):
            config.notes[f"{path.name} does not parse, and was not used"] += 1
            continue
        if isinstance(content, dict) and ("kpt_shape" in content or "names" in content):
            _use(config, content, path)
    return config


def _text(path: Path) -> str:
    """The text of a file: UTF-8 or 16, else Latin-1, which reads all that matters here."""
    data = read_file(path, yaml_text.MAX_BYTES)
    try:
        return decoded(data)
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _use(config: Config, content: dict[Any, Any], path: Path) -> None:
    shape = content.get("kpt_shape", [kp.COUNT, 3])
    if shape not in ([kp.COUNT, 2], [kp.COUNT, 3]):
        raise InputError(
            path, repr(shape)[:60], field="kpt_shape", allowed=f"[{kp.COUNT}, 2] or [{kp.COUNT}, 3]"
        )
    if "kpt_shape" in content:
        config.sizes.add(int(shape[1]))
    if "flip_idx" in content:
        config.flips[path.name] = content["flip_idx"]
    if content.get("visibility") == COCO:
        config.visibility = COCO
    for number, name in _numbered(content.get("names"), config, path):
        if config.names.setdefault(number, str(name)) != str(name):
            found = f"{str(name)[:40]!r}; another file says {config.names[number][:40]!r}"
            raise InputError(path, found, field=f"names.{number}", remedy="keep the file that is right")
    points = content.get("kpt_names")
    if isinstance(points, list) and points and not isinstance(points[0], list):
        config.points[None] = points
        return
    for number, names in _numbered(points, config, path):
        if isinstance(names, list):
            config.points[number] = names


def _numbered(found: Any, config: Config, path: Path) -> Iterator[tuple[int, Any]]:
    """The entries of a list, or of a table whose keys are numbers, also in quotes; none of other values."""
    if found is not None and not isinstance(found, dict | list):
        config.notes[f"{str(found)[:40]!r} of {path.name} names no classes, and was not used"] += 1
        return
    for key, value in found.items() if isinstance(found, dict) else enumerate(found or []):
        if str(key).isdecimal() and len(str(key)) <= _DIGITS:
            yield int(key), value
        else:
            config.notes[f"class {str(key)[:40]!r} of {path.name} has no number, and was not used"] += 1

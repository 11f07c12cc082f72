"""The formats, a row each: what the command line and the docs know of one without importing it.

A new format is a module beside this one, a row here, a page in docs/formats and a test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curate.data.dataset import Dataset
    from curate.data.part import Part


@dataclass(frozen=True, slots=True)
class Option:
    """What some formats take and others do not: a keyword of their `read`, `--NAME` on the command line."""

    name: str
    metavar: str
    says: str
    parse: Callable[[str], Any] = str

    @property
    def flag(self) -> str:
        """As it is written on the command line."""
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True, slots=True)
class Format:
    """A format: what it is called, what it says of itself in one line, and the module that knows it.

    Attributes
    ----------
    module: its module in this package.
    reads, writes: whether that has

        read(source: Source, **options) -> Iterator[Part]     samples whose `image` is an absolute path
        write(dataset: Dataset, out: Path) -> Counter[str]    counts of what was lost, per field or reason

    options: what its `read` takes besides the source.
    """

    name: str
    module: str
    says: str
    reads: bool = True
    writes: bool = True
    options: tuple[Option, ...] = ()

    @property
    def read(self) -> Callable[..., Iterator[Part]]:
        """How `curate convert` reads it."""
        read: Callable[..., Iterator[Part]] = self._loaded().read
        return read

    @property
    def write(self) -> Callable[[Dataset, Path], Counter[str]]:
        """How `curate export` writes it."""
        write: Callable[[Dataset, Path], Counter[str]] = self._loaded().write
        return write

    @property
    def page(self) -> str:
        """Its page in the docs."""
        return f"docs/formats/{self.name}.md"

    def _loaded(self) -> Any:
        return import_module(f"converters.{self.module}")


MAPPING = Option("mapping", "YAML", "the source's labels to ours", Path)

FORMATS: dict[str, Format] = {
    row.name: row
    for row in (
        Format("11khands", "eleven_k_hands", "11k Hands: HandInfo.csv and Hands/*.jpg (no keypoints)"),
        Format("labelme", "labelme", "Labelme JSON files with named points", options=(MAPPING,)),
        Format("rhd", "rhd", "Rendered Hand Pose: anno_*.pickle with color/, mask/ and depth/"),
        Format("yolo-pose", "yolo_pose", "Ultralytics YOLO pose: images/ and labels/*.txt with 21 points"),
        Format("coco", "coco", "COCO keypoints of hands, flat or nested (mmpose's FreiHAND, RHD, ...)"),
        Format(
            "coco-wholebody",
            "coco_wholebody",
            "COCO-WholeBody: left and right hand of each person",
            writes=False,
        ),
    )
}

"""The parts of a COCO file that are read (cocodataset.org/#format-data)."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

Id = int | str | float | None


class Camera(msgspec.Struct, gc=False):
    """Intrinsics of an image (mmpose): focal lengths and principal point, pixels."""

    focal: tuple[float, float]
    princpt: tuple[float, float]


class Image(msgspec.Struct, gc=False):
    """An entry of `images`."""

    file_name: str
    id: Id = None
    width: Any = None
    height: Any = None
    license: Any = None
    cam_param: Camera | None = None


class Category(msgspec.Struct):
    """An entry of `categories`."""

    id: Id = None
    name: Any = None
    keypoints: list[Any] | None = None
    skeleton: Any = None


A = TypeVar("A", bound=msgspec.Struct)


class Document(msgspec.Struct, Generic[A]):
    """An annotation file; or a piece of a large one, with some of the annotations and everything else. `A`
    holds what a format reads of an annotation."""

    annotations: list[A]
    images: list[Image] = []
    categories: list[Category] = []
    licenses: Any = None
    info: Any = None

    @property
    def description(self) -> str:
        """The publisher's name of the set; empty if there is none."""
        text = self.info.get("description") if isinstance(self.info, dict) else None
        return text if isinstance(text, str) else ""

    def licence_names(self) -> dict[Id, str]:
        """Name of each licence by id."""
        entries = self.licenses if isinstance(self.licenses, list) else []
        named = ((e.get("id"), e.get("name") or e.get("url")) for e in entries if isinstance(e, dict))
        return {key: name for key, name in named if isinstance(key, int | str) and isinstance(name, str)}


def text_id(key: Id, index: int) -> str:
    """An annotation's id as text; `index` stands in for one that has none."""
    if key is None:
        return f"row{index}"
    return str(int(key)) if isinstance(key, float) and key.is_integer() else str(key)

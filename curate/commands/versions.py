"""The versions that a report of a problem should name."""

from __future__ import annotations

import argparse
import platform
from importlib import metadata
from typing import Any

from curate.basics import streams
from curate.basics.version import VERSION

_TOLD = ("numpy", "opencv-python", "pillow", "pyarrow", "scikit-image", "simplejpeg")
_EXTRAS = {"torch": "train", "lightning": "train", "OpenEXR": "render", "pi-heif": "heif"}


class Versions(argparse.Action):
    """--version: print them and end."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "nargs": 0, "default": argparse.SUPPRESS})

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        streams.give(versions())
        parser.exit()


def versions() -> str:
    """Our version, that of Python, and those of the packages that results depend on, a line each."""
    lines = [f"hand-curate {VERSION}", f"Python {platform.python_version()} on {platform.platform()}"]
    lines += [f"{name} {_version(name) or 'is not installed'}" for name in _TOLD]
    for name, extra in _EXTRAS.items():
        lines.append(f"{name} {_version(name) or f'is not installed (extra {extra!r})'}")
    return "\n".join(lines)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

"""A window on the screen, where there is one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2

from curate.basics.images import Pixels

_PATIENCE = 20.0  # seconds for a window to open
_ENDS = (ord("q"), 27)  # q and Escape
_PROBE = "import cv2; cv2.namedWindow('curate'); cv2.waitKey(1); cv2.destroyAllWindows()"


def is_there() -> bool:
    """Whether a window can be opened: tried in another process, since Qt ends one that has no screen."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        tried = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


@contextmanager
def window(title: str) -> Iterator[Callable[[Pixels], bool]]:
    """A window that is given pictures (RGB) to show, and says whether to go on: not once q or Escape is
    pressed, or the window closed. The main thread alone may open one."""

    def show(picture: Pixels) -> bool:
        cv2.imshow(title, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        pressed = cv2.waitKey(1) & 0xFF
        return pressed not in _ENDS and cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) >= 1

    try:
        yield show
    finally:
        cv2.destroyAllWindows()

"""Arrays kept in one .npz file, for a process beside ours to read. No bpy, and nothing of `curate`."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np


def write(path: str | os.PathLike[str], **arrays: Any) -> None:
    """Write all or nothing: first under a name of this thread's own, since several may write one file."""
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.{threading.get_ident()}.npz")
    try:
        np.savez(temporary, **arrays)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

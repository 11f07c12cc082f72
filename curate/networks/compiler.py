"""Torch's compiler, which no network here uses, but which torch loads where weights are drawn or trained."""

from __future__ import annotations

import os
import sys
import tempfile

_CACHE = "TORCHINDUCTOR_CACHE_DIR"


def load() -> None:
    """Load it here and now. When it is loaded, it makes a folder for its cache and leaves it behind, beside
    all temporary files: so it is told one that is there."""
    if "torch._dynamo" in sys.modules or _CACHE in os.environ:
        return
    os.environ[_CACHE] = tempfile.gettempdir()
    try:
        import torch._dynamo  # noqa: F401
    finally:
        del os.environ[_CACHE]

"""Torch's compiler: no network here uses it, but torch imports it when weights are drawn or trained."""

from __future__ import annotations

import os
import sys
import tempfile

_CACHE = "TORCHINDUCTOR_CACHE_DIR"


def load() -> None:
    """Import it now, with the folder for temporary files as its cache; otherwise the import would make a
    folder for its cache there, and leave it behind."""
    if "torch._dynamo" in sys.modules or _CACHE in os.environ:
        return
    os.environ[_CACHE] = tempfile.gettempdir()
    try:
        import torch._dynamo  # noqa: F401
    finally:
        del os.environ[_CACHE]

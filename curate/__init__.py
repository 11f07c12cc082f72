"""hand-curate: hand photographs in, trustworthy keypoint training sets out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curate.basics.version import VERSION as __version__

__all__ = ["Dataset", "Sample", "__version__"]

if TYPE_CHECKING:
    from curate.data.dataset import Dataset
    from curate.data.sample import Sample


def __getattr__(name: str) -> Any:
    # Late, so that `curate --help` does not wait for pyarrow.
    if name == "Dataset":
        from curate.data.dataset import Dataset

        return Dataset
    if name == "Sample":
        from curate.data.sample import Sample

        return Sample
    raise AttributeError(f"module 'curate' has no attribute {name!r}")

"""hand-curate: hand photographs in, trustworthy keypoint training sets out.

Each command is a function in a module of the same name, with its options beside it:

    from curate.crop import CropOptions, crop

    crop("tagged", "crops", CropOptions(size=128))

The names below are imported when they are first used, so that `import curate` takes no time.
"""

from __future__ import annotations

from importlib import import_module

from curate.basics.version import VERSION as __version__

TYPE_CHECKING = False  # true to type checkers; `typing` takes longer to import than Ctrl-C may wait
if TYPE_CHECKING:
    from typing import Any

    from curate import (
        autotag,
        background,
        build,
        convert,
        crop,
        diff,
        evaluate,
        export,
        predict,
        select,
        show,
        train,
    )
    from curate.autotag import AutotagOptions
    from curate.background import BackgroundOptions
    from curate.build import BuildOptions
    from curate.convert import ConvertOptions
    from curate.crop import CropOptions
    from curate.data.dataset import Dataset
    from curate.data.sample import Sample
    from curate.evaluate import EvaluateOptions
    from curate.predict import PredictOptions
    from curate.select import SelectOptions
    from curate.training.options import TrainOptions

__all__ = [
    "AutotagOptions",
    "BackgroundOptions",
    "BuildOptions",
    "ConvertOptions",
    "CropOptions",
    "Dataset",
    "EvaluateOptions",
    "PredictOptions",
    "Sample",
    "SelectOptions",
    "TrainOptions",
    "__version__",
    "autotag",
    "background",
    "build",
    "convert",
    "crop",
    "diff",
    "evaluate",
    "export",
    "predict",
    "select",
    "show",
    "train",
]

_HOMES = {
    "AutotagOptions": "autotag",
    "BackgroundOptions": "background",
    "BuildOptions": "build",
    "ConvertOptions": "convert",
    "CropOptions": "crop",
    "Dataset": "data.dataset",
    "EvaluateOptions": "evaluate",
    "PredictOptions": "predict",
    "Sample": "data.sample",
    "SelectOptions": "select",
    "TrainOptions": "training.options",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"curate.{_HOMES[name]}"), name)
    if name in __all__:
        return import_module(f"curate.{name}")
    raise AttributeError(f"module 'curate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

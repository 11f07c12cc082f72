"""hand-curate: hand photographs in, trustworthy keypoint training sets out.

Each command is a function in a module of the same name, and its options are one record:

    from curate import CropOptions
    from curate.crop import crop

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
        angles,
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
    from curate.data.dataset import Dataset
    from curate.data.sample import Sample
    from curate.options.autotag import AutotagOptions
    from curate.options.background import BackgroundOptions
    from curate.options.build import BuildOptions
    from curate.options.convert import ConvertOptions
    from curate.options.crop import CropOptions
    from curate.options.evaluate import EvaluateOptions
    from curate.options.predict import PredictOptions
    from curate.options.select import SelectOptions
    from curate.options.train import TrainOptions

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
    "angles",
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
    "AutotagOptions": "options.autotag",
    "BackgroundOptions": "options.background",
    "BuildOptions": "options.build",
    "ConvertOptions": "options.convert",
    "CropOptions": "options.crop",
    "Dataset": "data.dataset",
    "EvaluateOptions": "options.evaluate",
    "PredictOptions": "options.predict",
    "Sample": "data.sample",
    "SelectOptions": "options.select",
    "TrainOptions": "options.train",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"curate.{_HOMES[name]}"), name)
    if name in __all__:
        return import_module(f"curate.{name}")
    raise AttributeError(f"module 'curate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

"""The options of `curate background`."""

from __future__ import annotations

from dataclasses import dataclass

from curate.basics.settings import Options, text, whole

KINDS = ("white", "noise", "gradient")  # besides colour:#rrggbb and a folder
ALLOWED = f"{', '.join(KINDS)}, colour:#rrggbb or a folder of images"
CHOICES = f"{'|'.join(KINDS)}|colour:#rrggbb|DIR"  # as --help has it


@dataclass(frozen=True, slots=True)
class BackgroundOptions(Options):
    """The new background of `curate background`.

    From a folder of images and its subfolders, each sample gets the largest part of an image that fits. It
    depends only on `seed` and the sample's id.
    """

    backgrounds: str = text(
        "white",
        ALLOWED,
        "what to put behind the hands; from a folder, one picture per sample",
        metavar=CHOICES,
    )
    seed: int = whole(0, 0, 2**63 - 1, "seed of the choice of backgrounds")

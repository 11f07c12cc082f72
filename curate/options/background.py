"""What `curate background` can be told."""

from __future__ import annotations

from dataclasses import dataclass

from curate.basics.settings import Options, text, whole

KINDS = ("white", "noise", "gradient")  # besides colour:#rrggbb and a folder
ALLOWED = f"{', '.join(KINDS)}, colour:#rrggbb or a folder of images"
CHOICES = f"{'|'.join(KINDS)}|colour:#rrggbb|DIR"  # as --help has it


@dataclass(frozen=True, slots=True)
class BackgroundOptions(Options):
    """What hands are put before.

    Of a folder of images, subfolders too, each sample gets a part, as large as fits, of one of them: by
    `seed` and its own id alone.
    """

    backgrounds: str = text(
        "white",
        ALLOWED,
        "what to put behind the hands; from a folder, one picture per sample",
        metavar=CHOICES,
    )
    seed: int = whole(0, 0, 2**63 - 1, "seed of the choice of backgrounds")

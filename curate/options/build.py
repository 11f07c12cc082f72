"""The options of `curate build`."""

from __future__ import annotations

from dataclasses import dataclass

from curate.basics.numerals import as_number
from curate.basics.settings import Options, flag, number, share, text, texts, whole
from curate.options import background
from curate.options.crop import ALLOWED, CHOICES, named

OWN = "own"  # the ground of the photo
PEAK1 = "-peak1"  # behind the type of maps of height one
_STORED = ("float32", "float16", "uint16", "uint8")
_MOST = 1_000  # times that a sample can count


def weight_of(word: str) -> tuple[str, float]:
    """The source and the number of SOURCE=NUMBER. Raises ValueError."""
    source, _, number = word.rpartition("=")
    if not source or not 0 < as_number(number) <= _MOST:
        raise ValueError
    return source, as_number(number)


def _weight(word: str) -> str:
    weight_of(word)
    return word


def _stored(word: str) -> str:
    if word.removesuffix(PEAK1) not in _STORED:
        raise ValueError
    return word


@dataclass(frozen=True, slots=True)
class BuildOptions(Options):
    """The content of a training set, and how each photo is processed for it."""

    size: int = whole(96, 32, 512, "side of the images, px; 96 and 128 are customary", step=16)
    keypoints: int = whole(20, 20, 21, "number of keypoints: 21, or 20 without the wrist")
    colour: bool = flag(False, "keep colour instead of grey")
    sigma: float = number(5.0, 0.3, 512, "sigma of the heatmaps, px")
    split: str | None = text(
        None,
        "source, subject or a CSV file",
        "split by subject, as the source says, or from a list (sample_id, subject_id or image, and split); "
        "default: as the source says if it gives every sample a split, else by subject",
        metavar="subject|source|CSV",
    )
    test: float = share(0.1, "share of the test split, by subject")
    val: float = share(0.0, "share of the validation split, by subject")
    seed: int = whole(0, 0, 2**63 - 1, "seed of the split by subject and of the choice of backgrounds")
    store_heatmaps: str | None = text(
        None,
        f"{', '.join(_STORED[:-1])} or {_STORED[-1]}, for maps of height one with {PEAK1} behind it",
        "also write heatmaps.npy, as float32, float16, uint16 or uint8-peak1; a type that would destroy the "
        "maps is refused",
        _stored,
        metavar="TYPE",
    )
    masks: bool = flag(
        False,
        "also write masks.npy, for networks that learn the hand's outline; samples without a mask are left "
        "out",
    )
    crop: str | None = text(
        None,
        ALLOWED,
        "first crop the hand, in memory, as curate crop --by does",
        named,
        metavar=CHOICES,
    )
    margin: float = number(0.1, 0, 2, "margin of --crop, as for curate crop")
    backgrounds: tuple[str, ...] = texts(
        (OWN,),
        f"{OWN}, {background.ALLOWED}",
        "put the hand in front of another background, in memory, as curate background does; if given several "
        "times, each photo becomes one sample per background (own: as it is)",
        metavar=f"{OWN}|{background.CHOICES}",
        once=False,
    )
    grounds_alone: float = share(
        0.0,
        "share of the photos for which the last of the --backgrounds also becomes a sample without a hand; "
        "networks learn from it where no hand is",
    )
    keep_empty: bool = flag(
        False,
        "keep samples without a point, a box, a side or an aspect as pictures that show no hand, so that "
        "networks learn where no hand is; without this option they are left out",
    )
    weight: tuple[str, ...] = texts(
        (),
        f"SOURCE=NUMBER, above 0 and up to {_MOST:,}",
        "how much each sample of a source counts in training; others count 1; may be given several times",
        _weight,
        metavar="SOURCE=NUMBER",
    )

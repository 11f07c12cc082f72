"""A run: a training's folder. What run.json says, read and written without torch.

    run.json       what was asked for (config), on what, and, once it is finished, how it went and the hash
                   of weights.pt
    weights.pt     the result: the network's weights, loadable without unpickling code, and as `shape.*` how
                   the keypoints learnt from lie to each other, see curate.networks.hand_shape
    last.ckpt      state after the last complete epoch, to go on from
    epochs.json    one entry an epoch: losses and metrics
    trained_on.json  hashes of what it was trained on, see curate.training.trained_on
    epochs/        a picture of predictions an epoch
    tensorboard/   the same figures as curves

A run without weights.pt is unfinished.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from curate.basics import files, json_text
from curate.basics.errors import SchemaError
from curate.basics.paths import read_file, require_place
from curate.basics.wording import counted, percent

INFO = files.RUN_INFO
WEIGHTS = "weights.pt"
CHECKPOINT = "last.ckpt"
EPOCHS = "epochs.json"
_FORMAT, _VERSION = "hand-curate run", 1
STARTS = "starts"  # in run.json
_MOST = 10_000_000  # bytes of a file that is read whole
_DIGITS = 16  # of a hash, for people


class Crop(msgspec.Struct, frozen=True):
    """How images were cut from their photos.

    by: what the hand was found by. margin: as `curate.options.crop.Cropping` has it.
    """

    by: str
    margin: Annotated[float, msgspec.Meta(ge=0, le=2)]


class Start(msgspec.Struct, frozen=True):
    """Weights that a training began with.

    Attributes
    ----------
    name: of the file, in its folder where that is a run's; of the box, "box". sha256: of the file.
    trained_on: whether what these were trained on counts in trained_on.json and in the run's figures of its
        data; is renders alone, as for the box; or is not known.
    """

    name: str
    sha256: str
    trained_on: Literal["counted", "renders", "not known"]

    @property
    def known(self) -> bool:
        """Whether it is known what they were trained on."""
        return self.trained_on != "not known"


class _Config(msgspec.Struct):
    start: str | None = None


class _Info(msgspec.Struct):
    """What is relied on of run.json, but for its network."""

    crop: Crop | None = None
    weights_sha256: str | None = None
    config: _Config = msgspec.field(default_factory=_Config)
    starts: list[Start] | None = None


class _Epoch(msgspec.Struct):
    """What is relied on of an epoch's entry."""

    epoch: int
    loss: float
    split: str
    n: int
    all_points_9px: float = 0.0
    epe_mean: float = 0.0
    mask_iou: float = 0.0


def read_info(folder: Path) -> dict[str, Any]:
    """The content of run.json. Raises SchemaError where there is none, or of another version."""
    require_place(folder)
    path = folder / INFO
    if not path.exists():
        raise SchemaError(
            folder, f"not the folder of a run: there is no {INFO} in it", remedy="make one with: curate train"
        )
    try:
        info = json_text.parse(read_file(path, _MOST))
        version = info["version"]
        msgspec.convert(info, _Info)
    except msgspec.ValidationError as error:
        raise SchemaError.of_field(path, str(error), remedy="train again") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SchemaError(path, f"does not parse ({error!r})"[:200], remedy="train again") from None
    if info.get("format") != _FORMAT or version != _VERSION:
        found = f"{info.get('format')!r} version {version!r}"
        raise SchemaError(path, found, allowed=f"{_FORMAT!r} version {_VERSION}", remedy="train again")
    return dict(info)


def starts_of(info: Mapping[str, Any]) -> list[Start]:
    """What a run began with, and what that began with before it, the first first; of what `read_info` gives.

    Where an earlier version wrote it, it tells of the last no more than a hash.
    """
    told = msgspec.convert(info, _Info)
    if told.starts is None and told.config.start is not None:
        return [Start(f"SHA-256 {told.config.start[:_DIGITS]}", told.config.start, "not known")]
    return told.starts or []


def read_epochs(folder: Path) -> list[dict[str, Any]]:
    """What epochs.json tells of each epoch. Raises SchemaError: it is damaged, or tells of none."""
    path = folder / EPOCHS
    try:
        history: list[dict[str, Any]] = json.loads(read_file(path, _MOST))
        told = len(msgspec.convert(history, list[_Epoch]))
    except (OSError, ValueError, RecursionError):
        told = 0
    if not told:
        raise SchemaError(path, "damaged", remedy="give the command that began it with --overwrite")
    return history


def require_finished(folder: Path) -> dict[str, Any]:
    """The content of a finished run's run.json. Raises SchemaError as `read_info`, or where the run is not
    finished."""
    info = read_info(folder)
    if not (folder / WEIGHTS).exists():
        remedy = "give the command that began it again to finish it"
        raise SchemaError(folder, "an unfinished run", remedy=remedy)
    return info


def write_info(folder: Path, network: dict[str, Any], info: dict[str, Any]) -> None:
    """Write run.json.

    Parameters
    ----------
    network: its "name" in the table, the fields of its Spec, and its options.
    """
    head = {"format": _FORMAT, "version": _VERSION, "network": network}
    files.write_json(folder / INFO, {**head, **info})


def describe_epoch(entry: dict[str, Any]) -> str:
    """An epoch's figures in one line."""
    told = []
    if not entry["n"]:
        return f"loss {entry['loss']:.4f}; {entry['split']}: no image with a label"
    if "epe_mean" in entry:
        told.append(f"all points right in {percent(entry['all_points_9px'], 1)}")
        told.append(f"mean error {entry['epe_mean']:.2f} px")
    if "mask_iou" in entry:
        told.append(f"IoU of the masks {entry['mask_iou']:.3f}")
    on = f"{entry['split']} ({counted(entry['n'], 'image')})"
    return f"loss {entry['loss']:.4f}" + (f"; {on}: {', '.join(told)}" if told else "")

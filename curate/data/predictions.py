"""The predictions of a network beside the labels: the file that figures are computed from.

predictions.parquet    one row a sample: sample_id, truth, visibility, predicted, score
                       metadata: split, size, weights_sha256, training_set (its fingerprint), and looked, if
                       it is known
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curate.basics import files
from curate.basics import keypoints as kp
from curate.basics.errors import SchemaError, printable
from curate.basics.paths import open_file
from curate.data import soundness

PREDICTIONS = "predictions.parquet"
_REMEDY = "evaluate again"
_WORD = 40  # letters of `looked`

_SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("truth", pa.list_(pa.float32(), 2 * kp.COUNT), nullable=False),
        pa.field("visibility", pa.list_(pa.uint8(), kp.COUNT), nullable=False),
        pa.field("predicted", pa.list_(pa.float32(), 2 * kp.COUNT), nullable=False),
        pa.field("score", pa.list_(pa.float32(), kp.COUNT), nullable=False),
    ]
)


@dataclass(frozen=True)
class Predictions:
    """Predictions beside the labels, as predictions.parquet holds them.

    Attributes
    ----------
    sample_ids: (N,). truth, predicted: (N, 21, 2) float32, pixels, NaN where there is none.
    visibility: (N, 21) uint8; 0 also for keypoints that the network was not made for.
    score: (N, 21) float32, 0 to 1. size: side of the images, pixels.
    looked: how the images were looked at: "one look", or the option; None: not known.
    """

    sample_ids: list[str]
    truth: NDArray[np.float32]
    visibility: NDArray[np.uint8]
    predicted: NDArray[np.float32]
    score: NDArray[np.float32]
    size: int
    looked: str | None = None


def write_predictions(
    path: Path, predictions: Predictions, *, split: str, weights_sha256: str, training_set: str
) -> None:
    """Write predictions as Parquet, atomically.

    Parameters
    ----------
    split, weights_sha256, training_set: what was predicted, by which weights and from which training set
        (`Dataset.fingerprint`); they go into the file's metadata.
    """
    about = {
        "split": split,
        "size": str(predictions.size),
        "weights_sha256": weights_sha256,
        "training_set": training_set,
    } | ({"looked": predictions.looked} if predictions.looked else {})
    columns = [pa.array(predictions.sample_ids, pa.string())]
    for name in ("truth", "visibility", "predicted", "score"):
        values = pa.array(getattr(predictions, name).reshape(-1))
        columns.append(pa.FixedSizeListArray.from_arrays(values, _SCHEMA.field(name).type.list_size))
    table = pa.Table.from_arrays(columns, schema=_SCHEMA.with_metadata(about))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    files.write(path, sink.getvalue().to_pybytes())


def read_predictions(path: str | os.PathLike[str]) -> Predictions:
    """Read predictions.parquet. Raises SchemaError: another file, a damaged one, or none."""
    try:
        with open_file(path) as file:
            table = pq.read_table(file)
        metadata = table.schema.metadata or {}
        size = int(metadata[b"size"])
        looked = printable(metadata.get(b"looked", b"").decode())[:_WORD] or None
    except pa.ArrowException:
        raise _no_predictions(path, "not readable: no Parquet file, or a damaged one") from None
    except OSError as error:
        raise _no_predictions(path, f"not readable: {error.strerror or error}") from None
    except (KeyError, ValueError):
        raise _no_predictions(path, "no size of images is told") from None
    if table.schema.remove_metadata() != _SCHEMA:
        raise _no_predictions(path, "its columns do not fit")
    soundness.check(table, Path(path), remedy=_REMEDY)

    def column(name: str, *shape: int) -> NDArray[Any]:
        values = table.column(name).combine_chunks().flatten().to_numpy(zero_copy_only=False)
        array: NDArray[Any] = values.reshape(len(table), *shape)
        return array

    return Predictions(
        table.column("sample_id").to_pylist(),
        column("truth", kp.COUNT, 2),
        column("visibility", kp.COUNT),
        column("predicted", kp.COUNT, 2),
        column("score", kp.COUNT),
        size,
        looked,
    )


def _no_predictions(path: str | os.PathLike[str], why: str) -> SchemaError:
    allowed = "the predictions.parquet of curate evaluate"
    return SchemaError(path, f"no predictions ({why})", allowed=allowed, remedy=_REMEDY)

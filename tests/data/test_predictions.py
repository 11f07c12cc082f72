"""What a network predicted, on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from curate.basics import keypoints as kp
from curate.basics.errors import SchemaError
from curate.data.predictions import Predictions, read_predictions, write_predictions

ABOUT = {"split": "test", "weights_sha256": "12ab", "training_set": "34cd"}


@st.composite
def predictions(draw: st.DrawFn) -> Predictions:
    ids = draw(st.lists(st.text(min_size=1, max_size=8), max_size=4, unique=True))
    count = len(ids)
    number = st.floats(-1e4, 1e4, width=32) | st.just(np.nan)
    places = arrays.arrays(np.float32, (count, kp.COUNT, 2), elements=number, fill=number)
    seen = arrays.arrays(np.uint8, (count, kp.COUNT), elements=st.integers(0, 2))
    score = arrays.arrays(np.float32, (count, kp.COUNT), elements=st.floats(0, 1, width=32))
    return Predictions(ids, draw(places), draw(seen), draw(places), draw(score), draw(st.integers(32, 512)))


@given(predictions())
def test_predictions_survive_the_disk(tmp_path_factory: pytest.TempPathFactory, given: Predictions) -> None:
    path = tmp_path_factory.mktemp("predictions") / "p.parquet"
    write_predictions(path, given, **ABOUT)
    again = read_predictions(path)
    assert again.sample_ids == given.sample_ids
    assert again.size == given.size
    for name in ("truth", "visibility", "predicted", "score"):
        np.testing.assert_array_equal(getattr(again, name), getattr(given, name))
    metadata = pq.read_schema(path).metadata
    assert {name: metadata[name.encode()].decode() for name in ABOUT} == ABOUT


def test_a_file_that_holds_no_predictions_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    with pytest.raises(SchemaError, match=r"p.parquet: no predictions \(not readable"):
        read_predictions(path)
    with pytest.raises(SchemaError, match=r"\(not readable: not a regular file\); allowed: the predictions"):
        read_predictions(tmp_path)
    path.write_text('{"annotations": []}')
    with pytest.raises(SchemaError, match=r"\(not readable: no Parquet file, or a damaged one\); allowed:"):
        read_predictions(path)
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(SchemaError, match=r"no predictions \(not readable"):
        read_predictions(path)
    pq.write_table(pa.table({"sample_id": ["a"]}), path)
    with pytest.raises(SchemaError, match="no predictions"):
        read_predictions(path)
    pq.write_table(pa.table({"sample_id": ["a"]}).replace_schema_metadata({"size": "96"}), path)
    with pytest.raises(SchemaError, match=r"its columns do not fit\); allowed: the predictions.parquet of"):
        read_predictions(path)

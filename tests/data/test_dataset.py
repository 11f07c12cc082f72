"""Dataset folders: written whole, read in batches, refused when they are something else."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.basics import keypoints as kp
from curate.basics.errors import InputError, SchemaError
from curate.data.dataset import Dataset, from_pandas, rebatch, write_info, write_table
from curate.data.sample import SCHEMA, Sample, to_batch


def hands(count: int, start: int = 0) -> list[Sample]:
    rng = np.random.default_rng(start)
    seen = rng.integers(0, 3, (count, 21)).astype(np.uint8)
    points = rng.uniform(0, 100, (count, 21, 2)).astype(np.float32)
    return [
        Sample(
            f"s/{start + i}", "s", f"{i // 2}.png", keypoints=points[i], visibility=seen[i], attrs={"age": i}
        )
        for i in range(count)
    ]


def store(root: Path, batches: list[pa.RecordBatch], **info: object) -> Dataset:
    root.mkdir()
    write_table(root, batches)
    write_info(root, dict(info))
    return Dataset(root)


@given(st.lists(st.integers(0, 7), max_size=6), st.integers(1, 9))
def test_rebatch_keeps_rows_and_makes_equal_batches(sizes: list[int], size: int) -> None:
    starts = np.cumsum([0, *sizes])
    pieces = [to_batch(hands(n, int(s))) for n, s in zip(sizes, starts, strict=False)]
    made = list(rebatch(pieces, size))
    ids = [i for batch in made for i in batch.column("sample_id").to_pylist()]
    assert ids == [f"s/{i}" for i in range(sum(sizes))]
    assert [b.num_rows for b in made[:-1]] == [size] * (len(made) - 1)
    assert all(0 < b.num_rows <= size for b in made)


def test_the_bytes_do_not_depend_on_how_rows_were_batched(tmp_path: Path) -> None:
    rows = to_batch(hands(50))
    one = store(tmp_path / "one", [rows])
    many = store(tmp_path / "many", [rows.slice(0, 7), rows.slice(7, 0), rows.slice(7, 1), rows.slice(8)])
    for name in ("samples.parquet", "dataset.json"):
        assert (one.root / name).read_bytes() == (many.root / name).read_bytes()
    assert one.fingerprint == many.fingerprint
    assert {p.name for p in one.root.iterdir()} == {"samples.parquet", "dataset.json"}


def test_reading(tmp_path: Path) -> None:
    before = hands(5)
    dataset = store(tmp_path / "d", [to_batch(before)], training={"size": 96})
    assert len(dataset) == 5
    assert [s.sample_id for s in dataset] == [s.sample_id for s in before]
    assert [b.num_rows for b in dataset.batches(2)] == [2, 2, 1]
    assert dataset.table(["image"]).column_names == ["image"]
    assert dataset.training == {"size": 96}
    assert dataset.quarantine() == []
    assert dataset.info["skeleton"]["keypoints"] == list(kp.NAMES)
    assert dataset.photos() == ["s/0", "s/0", "s/2", "s/2", "s/4"]


def test_pandas_and_back(tmp_path: Path) -> None:
    samples = hands(6)
    for i in (1, 3):
        samples[i].clip, samples[i].frame, samples[i].track, samples[i].depth = "take", i, "left", f"{i}.png"
        samples[i].keypoint_scores = np.where(np.arange(21) % 2, 0.5, np.nan).astype(np.float32)
    rows = to_batch(samples)
    frame = store(tmp_path / "d", [rows]).to_pandas()
    assert frame["wrist_v"].dtype == np.uint8
    unseen = frame["thumb_tip_v"] == 0
    assert frame.loc[unseen, "thumb_tip_x"].isna().all()
    assert frame.loc[~unseen, "thumb_tip_x"].notna().all()
    assert from_pandas(frame).equals(rows)
    with pytest.raises(InputError, match="no column 'wrist_x'; allowed: NAME_x"):
        from_pandas(frame.drop(columns="wrist_x"))


def test_an_empty_dataset(tmp_path: Path) -> None:
    dataset = store(tmp_path / "d", [to_batch([])])
    assert (len(dataset), list(dataset), dataset.photos()) == (0, [], [])
    assert dataset.table().num_rows == 0
    assert dataset.to_pandas().empty


def test_an_id_stands_once(tmp_path: Path) -> None:
    tmp_path.joinpath("d").mkdir()
    with pytest.raises(InputError, match=r"sample_id: 's/2' occurs more than once; allowed: each id once"):
        write_table(tmp_path / "d", [to_batch(hands(3)), to_batch(hands(1, 2))])
    assert not (tmp_path / "d" / "samples.parquet").exists()


def change_info(root: Path, **changes: object) -> None:
    info = json.loads((root / "dataset.json").read_text())
    (root / "dataset.json").write_text(json.dumps({**info, **changes}))


def test_folders_that_are_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="no such folder"):
        Dataset(tmp_path / "none")
    with pytest.raises(
        SchemaError, match=r"not a dataset \(it has no dataset.json\); make one with: curate convert"
    ):
        Dataset(tmp_path)
    (tmp_path / ".curate").mkdir()
    with pytest.raises(SchemaError, match="an unfinished dataset; run its command again to finish it"):
        Dataset(tmp_path)


@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        (99, "upgrade hand-curate"),
        (0, "make the dataset again"),
        ("1", "make the dataset again"),
        (True, "make the dataset again"),
        (2.0, "make the dataset again"),
        (None, "make the"),
    ],
)
def test_another_schema_version_is_refused(tmp_path: Path, version: object, remedy: str) -> None:
    store(tmp_path / "d", [to_batch(hands(1))])
    change_info(tmp_path / "d", schema_version=version)
    with pytest.raises(
        SchemaError, match=rf"dataset.json: schema_version: {version!r}; allowed: 1 to 2; {remedy}"
    ):
        Dataset(tmp_path / "d")


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", "{}", '"x"', "\x00"])
def test_a_dataset_json_that_does_not_parse(tmp_path: Path, text: str) -> None:
    store(tmp_path / "d", [to_batch(hands(1))])
    (tmp_path / "d" / "dataset.json").write_text(text)
    with pytest.raises(SchemaError, match="does not parse"):
        Dataset(tmp_path / "d")


def test_a_dataset_json_in_another_encoding(tmp_path: Path) -> None:
    store(tmp_path / "d", [to_batch(hands(1))])
    (tmp_path / "d" / "dataset.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(SchemaError, match="does not parse"):
        Dataset(tmp_path / "d")


def test_a_table_that_is_broken_or_another(tmp_path: Path) -> None:
    store(tmp_path / "d", [to_batch(hands(1))])
    pq.write_table(pa.table({"sample_id": ["a"]}), tmp_path / "d" / "samples.parquet")
    with pytest.raises(SchemaError, match="columns that do not fit the schema"):
        Dataset(tmp_path / "d")
    (tmp_path / "d" / "samples.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(SchemaError, match="not readable"):
        Dataset(tmp_path / "d")
    (tmp_path / "d" / "samples.parquet").unlink()
    with pytest.raises(SchemaError, match="not readable"):
        Dataset(tmp_path / "d")


def test_a_table_that_may_not_be_read_is_not_called_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(tmp_path / "d", [to_batch(hands(1))])

    def guarded(path: Path, mode: str) -> Any:
        if path.name == "samples.parquet":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return path.open(mode)

    monkeypatch.setattr("curate.basics.paths.open", guarded, raising=False)
    with pytest.raises(PermissionError, match="Permission denied"):
        Dataset(tmp_path / "d")


def test_columns_of_another_type_are_refused(tmp_path: Path) -> None:
    store(tmp_path / "d", [to_batch(hands(1))])
    wide = SCHEMA.set(SCHEMA.get_field_index("width"), pa.field("width", pa.int64()))
    table = pa.Table.from_batches([to_batch(hands(1))]).cast(wide)
    pq.write_table(table, tmp_path / "d" / "samples.parquet")
    with pytest.raises(SchemaError, match=r"columns that do not fit the schema.*width"):
        Dataset(tmp_path / "d")


def test_a_folder_whose_name_is_not_utf_8_is_refused_in_a_line(tmp_path: Path) -> None:
    """Arrow opens no file in it, and no table can refer to what lies there: there were tracebacks."""
    root = tmp_path / os.fsdecode(b"d\xe9")
    root.mkdir()
    line = r"d\\udce9: a file name with control characters or invalid UTF-8; rename it$"
    with pytest.raises(InputError, match=line):
        Dataset(root)


def test_a_locale_without_the_letters_of_a_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "d\u00e9").mkdir()
    shown = subprocess.run(
        [sys.executable, "-m", "curate.cli", "show", "d\u00e9".encode()],
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 2
    assert shown.stderr.endswith("a name with letters that are not in this locale; set LC_ALL=C.UTF-8\n")


def test_a_dataset_stays_open_where_the_process_goes_on_in_another_folder(
    drawn_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(drawn_dataset.parent)
    opened = Dataset(drawn_dataset.name)
    examples = opened.to_torch()
    assert str(opened.root) == drawn_dataset.name
    monkeypatch.chdir(tmp_path)
    assert opened.root == drawn_dataset
    assert opened.read_image(opened[0]).shape == (180, 240, 3)
    assert opened.quarantine() == []
    assert len(examples[0]["image"])
    monkeypatch.chdir(drawn_dataset.parent)
    assert str(opened.root) == drawn_dataset.name


def test_a_column_that_there_is_not_is_told(drawn_dataset: Path) -> None:
    opened = Dataset(drawn_dataset)
    assert opened.table("side").column_names == ["side"]
    for read in (lambda: opened.table(["sides"]), lambda: opened.columns("sides")):
        with pytest.raises(InputError, match=r"no column 'sides'; .*did you mean 'side'\?"):
            read()


@pytest.mark.parametrize("row", [-1, 24])
def test_a_row_that_there_is_not_is_no_damage(drawn_dataset: Path, row: int) -> None:
    with pytest.raises(IndexError, match=f"^no row {row}; there are 24, from 0 on$"):
        list(Dataset(drawn_dataset).take([0, row]))

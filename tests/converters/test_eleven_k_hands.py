"""11k Hands: the table as published and as people save it again, the photos, and the way back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters import eleven_k_hands
from converters.parts.hand_info import COLUMNS, HandInfo, HandInfoJoin, read_hand_info
from curate.basics import images
from curate.basics.errors import InputError
from curate.convert import convert
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, from_batch, make_batch, to_batch
from curate.data.source import Source
from curate.data.stage import Stage, Summary
from tests.conftest import Store

HEADER = ",".join(COLUMNS)
ROWS = [
    '"0000000",27,"male","fair",0,0,"dorsal right","Hand_0000002.jpg",0',
    '"0000000",27,"male","fair",0,0,"palmar left","Hand_0000003.jpg",0',
    '"0001589",30,"female","very fair",1,1,"dorsal left","Hand_0011744.jpg",1',
]


def table(folder: Path, text: str | bytes | None = None, name: str = "HandInfo.csv") -> Path:
    """A table as published (CRLF, quoted text, bare numbers), or the given text."""
    text = "\r\n".join([HEADER, *ROWS, ""]) if text is None else text
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def photos(folder: Path, *names: str, size: tuple[int, int] = (1600, 1200)) -> None:
    for name in names:
        images.write(folder / name, np.full((size[1] // 10, size[0] // 10, 3), 200, np.uint8))


def rows_of(info: HandInfo) -> list[tuple[object, ...]]:
    attrs = [json.loads(text) if text else {} for text in info.attrs]
    return list(zip(info.stems, info.subject_id, info.aspect, info.side, attrs, strict=True))


def run(source: Path, out: Path) -> Summary:
    return convert(eleven_k_hands.read, "11khands", Source(source), out, quiet=True)


PUBLISHED = [
    (
        "hand_0000002",
        "0000000",
        "dorsal",
        "right",
        {
            "age": 27,
            "gender": "male",
            "skinColor": "fair",
            "accessories": 0,
            "nailPolish": 0,
            "irregularities": 0,
        },
    ),
    (
        "hand_0000003",
        "0000000",
        "palmar",
        "left",
        {
            "age": 27,
            "gender": "male",
            "skinColor": "fair",
            "accessories": 0,
            "nailPolish": 0,
            "irregularities": 0,
        },
    ),
    (
        "hand_0011744",
        "0001589",
        "dorsal",
        "left",
        {
            "age": 30,
            "gender": "female",
            "skinColor": "very fair",
            "accessories": 1,
            "nailPolish": 1,
            "irregularities": 1,
        },
    ),
]


def bare(row: str) -> str:
    return row.replace('"', "")


def moved(row: str, separator: str = ",") -> str:
    """The columns in reverse."""
    return separator.join(reversed(row.split(",")))


SAVED_AGAIN = {
    "as published": "\r\n".join([HEADER, *ROWS, ""]),
    "unix line ends": "\n".join([HEADER, *ROWS]),
    "old mac line ends": "\r".join([HEADER, *ROWS]),
    "bom": b"\xef\xbb\xbf" + "\n".join([HEADER, *ROWS]).encode(),
    "excel, semicolons, lost zeros": "\n".join(
        bare(line).replace(",", ";").replace("0000000;", "0;").replace("0001589;", "1589;")
        for line in [HEADER, *ROWS]
    ),
    "tabs": "\n".join(line.replace(",", "\t") for line in [HEADER, *ROWS]),
    "utf-16": "\n".join([HEADER, *ROWS]).encode("utf-16"),
    "utf-16 without bom": "\n".join([HEADER, *ROWS]).encode("utf-16-le"),
    "pandas index": "\n".join(["," + HEADER, *(f"{i},{row}" for i, row in enumerate(ROWS))]),
    "two pandas indexes": "\n".join(
        ["Unnamed: 0,," + HEADER, *(f"{i},{i},{row}" for i, row in enumerate(ROWS))]
    ),
    "floats": "\n".join(
        [HEADER, *(bare(row).replace(",27,", ",27.0,").replace(",30,", ",30.0,") for row in ROWS)]
    ),
    "float ids": "\n".join(
        [HEADER, *(bare(row).replace("0000000,", "0.0,").replace("0001589,", "1589.0,") for row in ROWS)]
    ),
    "other order": "\n".join(moved(line) for line in [HEADER, *ROWS]),
    "upper case": "\n".join([HEADER.upper(), *(row.upper() for row in ROWS)]),
    "stray blanks": "\n".join(
        [HEADER.replace(",", " , "), *(bare(row).replace(",", "  , ") for row in ROWS)]
    ),
    "blank lines": "\n\n" + "\n\n".join([HEADER, *ROWS]) + "\n,,,,,,,,\n",
    "blank columns at the end": "\n".join(f"{line},," for line in [HEADER, *ROWS]),
    "swapped words": "\n".join([HEADER, *ROWS]).replace("dorsal right", "Right  dorsal"),
    "paths": "\n".join([HEADER, *(row.replace("Hand_", "C:\\\\data\\\\Hand_") for row in ROWS)]),
}


@pytest.mark.parametrize("text", SAVED_AGAIN.values(), ids=list(SAVED_AGAIN))
def test_the_table_however_it_was_saved(text: str | bytes, tmp_path: Path) -> None:
    info = read_hand_info(table(tmp_path, text))
    assert rows_of(info) == PUBLISHED
    assert (info.quarantine, dict(info.notes)) == ([], {})


NO_TABLES = {
    "web page": (b"<!DOCTYPE html><html>...</html>", "a web page"),
    "workbook": (b"PK\x03\x04\x14\x00\x06\x00", "an Excel workbook"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\n", "Git-LFS pointer"),
    "binary": (bytes(range(1, 256)) * 4 + b"\0\0\0", "binary data"),
    "empty": (b"", "an empty file"),
    "blank": (b"\r\n ,,\r\n", "an empty file"),
    "other table": (b"a,b\n1,2\n", "no column id, aspectOfHand, imageName"),
    "no header": ("\n".join(ROWS).encode(), "no column"),
    "twice": (HEADER.replace("age", "id").encode(), "column id occurs twice"),
    "broken header": (b'id,"imageName\n', "not CSV"),
}


@pytest.mark.parametrize(("data", "found"), NO_TABLES.values(), ids=list(NO_TABLES))
def test_what_is_no_table_is_refused_in_one_line(data: bytes, found: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=found) as error:
        read_hand_info(table(tmp_path, data))
    assert "\n" not in str(error.value)
    assert "HandInfo.csv" in str(error.value)


def test_rows_that_do_not_parse_are_quarantined_by_line(tmp_path: Path) -> None:
    lines = [
        HEADER,
        ROWS[0],
        '"0000001",20,"male"',
        '"0000001",20,"male","fair",0,0,"dorsal right","Hand_0000004.jpg,0',
        '"abc",20,"male","fair",0,0,"dorsal right","Hand_0000005.jpg",0',
        '"0000001",20,"male","fair",0,0,"dorsal right","",0',
        ROWS[0],
        ROWS[1],
    ]
    info = read_hand_info(table(tmp_path, "\r\n".join(lines)))
    assert list(info.stems) == ["hand_0000002", "hand_0000003"]
    found = dict(info.quarantine)
    assert list(found) == [f"HandInfo.csv line {n}" for n in (3, 4, 5, 6, 7)]
    reasons = list(found.values())
    assert reasons[0] == "3 fields; allowed: 9"
    assert reasons[1].startswith("not CSV")
    assert reasons[2] == "id: 'abc'; allowed: a number, such as 0000027"
    assert reasons[3] == "imageName is blank"
    assert reasons[4] == "Hand_0000002.jpg is on an earlier line too"


def test_values_that_the_publisher_does_not_use_are_counted(tmp_path: Path) -> None:
    lines = [
        HEADER,
        "1,27,male,purple,0,0,dorsal right,Hand_0000001.jpg,0",
        "1,abc,male,fair,2,0,dorsal,Hand_0000002.jpg,0",
        ",,,,,,,Hand_0000003.jpg,",
    ]
    info = read_hand_info(table(tmp_path, "\n".join(lines)))
    assert dict(info.notes) == {
        "skinColor not among the published values, such as 'purple'": 1,
        "age not among the published values, such as 'abc'": 1,
        "accessories not among the published values, such as '2'": 1,
        "aspectOfHand not among the published values, such as 'dorsal'": 2,
        "id not among the published values, such as ''": 1,
    }
    assert (info.aspect, info.side) == (["dorsal", "dorsal", None], ["right", None, None])
    assert info.subject_id == ["0000001", "0000001", None]
    attrs = [json.loads(text) if text else {} for text in info.attrs]
    assert attrs[0]["skinColor"] == "purple"
    assert attrs[1] == {
        "gender": "male",
        "skinColor": "fair",
        "accessories": 2,
        "nailPolish": 0,
        "irregularities": 0,
    }
    assert attrs[2] == {}


def test_a_missing_metadata_column_is_noted(tmp_path: Path) -> None:
    text = "id,aspectOfHand,imageName\n1,dorsal left,Hand_0000001.jpg\n"
    info = read_hand_info(table(tmp_path, text))
    assert info.notes["HandInfo.csv has no column age"] == 1
    assert rows_of(info) == [("hand_0000001", "0000001", "dorsal", "left", {})]


@given(text=st.text(max_size=400) | st.binary(max_size=400))
def test_any_bytes_give_a_table_or_one_clear_error(
    text: str | bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    path = table(tmp_path_factory.mktemp("any"), (HEADER + "\n").encode() + data)
    try:
        info = read_hand_info(path)
    except InputError:
        return
    assert len(info.names) == len(info.stems) == len(info.attrs)


def test_photos_and_rows_that_lack_each_other_are_counted(tmp_path: Path) -> None:
    source = tmp_path / "11k"
    source.mkdir()
    table(source)
    photos(source / "Hands", "Hand_0000002.jpg", "Hand_0000003.JPG", "Hand_0000999.jpg")
    summary = run(source, tmp_path / "out")
    assert (summary.dropped, summary.absent) == ({"photo without a row": 1}, {"row without its photo": 1})
    assert summary.notes == {"photo of another size than the published 1600 x 1200": 2}
    samples = list(Dataset(tmp_path / "out"))
    assert [s.sample_id for s in samples] == ["11khands/Hand_0000002", "11khands/Hand_0000003"]
    first = samples[0]
    assert (first.width, first.height, first.side, first.aspect) == (160, 120, "right", "dorsal")
    assert first.subject_id == "0000000"
    assert first.attrs == PUBLISHED[0][4]
    assert not first.visibility.any()
    assert first.licence == eleven_k_hands.LICENCE


@pytest.mark.parametrize("layout", ["Hands", ".", "elsewhere"])
def test_where_photos_may_lie(layout: str, tmp_path: Path) -> None:
    source = tmp_path / "11k"
    source.mkdir()
    path = table(source, name="my table.csv")
    photos(source / layout, "Hand_0000002.jpg")
    place = Source(path, images=source / layout if layout == "elsewhere" else None)
    summary = convert(eleven_k_hands.read, "11khands", place, tmp_path / "out", quiet=True)
    assert summary.samples == 1


def test_a_folder_without_table_or_photos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "readme.md").write_text("x")
    with pytest.raises(InputError, match=r"no HandInfo\.csv"):
        run(tmp_path / "one", tmp_path / "out")
    table(tmp_path / "one", name="handinfo.CSV")
    with pytest.raises(InputError, match="no photos"):
        run(tmp_path / "one", tmp_path / "out")


def test_a_photo_that_does_not_open_is_quarantined(tmp_path: Path) -> None:
    source = tmp_path / "11k"
    source.mkdir()
    table(source)
    photos(source / "Hands", "Hand_0000002.jpg")
    (source / "Hands" / "Hand_0000003.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    summary = run(source, tmp_path / "out")
    assert (summary.samples, summary.quarantined) == (1, 1)
    assert Dataset(tmp_path / "out").quarantine()[0]["input"] == "Hands/Hand_0000003.jpg"


def test_names_as_in_urls(tmp_path: Path) -> None:
    row = ROWS[0].replace("Hand_0000002.jpg", "Hands/left%20hand%281%29.jpg")
    photos(tmp_path / "11k" / "Hands", "left hand(1).jpg")
    table(tmp_path / "11k", f"{HEADER}\r\n{row}\r\n")
    summary = run(tmp_path / "11k", tmp_path / "out")
    assert (summary.samples, summary.quarantined, summary.dropped) == (1, 0, {})


@pytest.mark.parametrize("folder", ["Hands/", "C:\\hands\\Hands\\"])
def test_folders_before_the_names_of_photos_are_no_part_of_the_ids(folder: str, tmp_path: Path) -> None:
    photos(tmp_path / "11k" / "Hands", "Hand_0000002.jpg")
    row = ROWS[0].replace("Hand_0000002.jpg", f"{folder}Hand_0000002.jpg")
    table(tmp_path / "11k", f"{HEADER}\n{row}\n")
    run(tmp_path / "11k", tmp_path / "out")
    assert [sample.sample_id for sample in Dataset(tmp_path / "out")] == ["11khands/Hand_0000002"]


def test_photos_of_any_format_are_found_and_the_readable_is_taken_of_twins(tmp_path: Path) -> None:
    source = tmp_path / "11k"
    source.mkdir()
    table(source)
    photos(source / "Hands", "Hand_0000003.png")
    (source / "Hands" / "Hand_0000002.HEIC").write_bytes(b"not to be read")
    (source / "Hands" / "Hand_0000003.DNG").write_bytes(b"not to be read")
    summary = run(source, tmp_path / "out")
    assert (summary.samples, summary.quarantined, summary.absent) == (1, 1, {"row without its photo": 1})
    assert summary.dropped == {"image unreadable": 1, "photo of the same name as another": 1}
    assert next(iter(Dataset(tmp_path / "out"))).image.endswith("Hand_0000003.png")
    assert Dataset(tmp_path / "out").quarantine()[0]["input"] == "Hands/Hand_0000002.HEIC"


def test_what_is_written_reads_back_the_same(tmp_path: Path) -> None:
    source = tmp_path / "11k"
    source.mkdir()
    table(source)
    photos(source / "Hands", *(f"Hand_{n:07d}.jpg" for n in (2, 3, 11744)))
    run(source, tmp_path / "first")
    lost = eleven_k_hands.write(Dataset(tmp_path / "first"), tmp_path / "written")
    assert lost == {"licence": 3}
    assert (tmp_path / "written" / "HandInfo.csv").read_bytes() == (source / "HandInfo.csv").read_bytes()
    assert {p.name: p.read_bytes() for p in (tmp_path / "written" / "Hands").iterdir()} == {
        p.name: p.read_bytes() for p in (source / "Hands").iterdir()
    }
    run(tmp_path / "written", tmp_path / "second")
    before, after = (Dataset(tmp_path / n).table().drop_columns(["image"]) for n in ("first", "second"))
    assert before.equals(after)


def dataset(folder: Path, *samples: Sample) -> Dataset:
    Stage("test", folder, {}, quiet=True).run([samples], _as_part)
    return Dataset(folder)


def _as_part(samples: tuple[Sample, ...]) -> Part:
    return Part(to_batch(samples))


def test_samples_of_another_source_are_numbered_and_their_losses_counted(tmp_path: Path) -> None:
    pixels = np.full((12, 16, 3), 90, np.uint8)
    for name in ("x.png", "y.png"):
        images.write(tmp_path / "d" / "images" / name, pixels)
    points = np.ones((21, 2), np.float32)
    made = dataset(
        tmp_path / "e",
        Sample(
            "s/1",
            "s",
            "../d/images/x.png",
            subject_id="Anna",
            side="left",
            aspect="dorsal",
            attrs={"age": 30},
        ),
        Sample("s/2", "s", "../d/images/x.png", subject_id="Anna", side="right"),
        Sample(
            "s/3",
            "s",
            "../d/images/y.png",
            subject_id="0000001",
            keypoints=points,
            visibility=np.full(21, 2, np.uint8),
            attrs={"camera": "C"},
        ),
        Sample("s/4", "s", "../d/images/gone.png"),
    )
    lost = eleven_k_hands.write(made, tmp_path / "written")
    assert lost == {
        "sample_id": 2,
        "source": 2,
        "keypoints": 1,
        "attrs": 1,
        "image written anew as JPEG": 2,
        "left out: further hand in an image": 1,
        "subject_id replaced by a number": 1,
        "left out: sample without an image": 1,
    }
    lines = (tmp_path / "written" / "HandInfo.csv").read_bytes().decode().split("\r\n")
    assert lines == [
        HEADER,
        '"0000002",30,"","","","","dorsal left","Hand_0000001.jpg",""',
        '"0000001","","","","","","","Hand_0000002.jpg",""',
        "",
    ]


def test_the_table_is_joined_by_name_and_counts_what_it_could_not(tmp_path: Path) -> None:
    enrich = HandInfoJoin.load(table(tmp_path))
    batch = make_batch(
        4,
        sample_id=[str(i) for i in range(4)],
        source="yolo-pose",
        image=["/x/images/HAND_0000002.png", "/x/Hand_0011744.jpg", "/x/other.jpg", "/x/Hand_0000003.jpg"],
        side=[None, "right", "left", "left"],
        attrs=[None, {"age": 99, "flag": True}, {"a": 1}, None],
    )
    part = enrich(batch)
    first, second, third, fourth = from_batch(part.batch)
    assert (first.side, first.aspect, first.subject_id) == ("right", "dorsal", "0000000")
    assert second.attrs == {**PUBLISHED[2][4], "flag": True}
    assert second.side == "left"
    assert (third.side, third.aspect, third.attrs) == ("left", None, {"a": 1})
    assert fourth.side == "left"
    assert part.notes == {"image not in HandInfo.csv": 1, "side other than in HandInfo.csv": 1}
    assert part.batch.column("keypoints").equals(batch.column("keypoints"))


def test_the_table_that_was_joined_is_part_of_a_datasets_identity(tmp_path: Path) -> None:
    one = HandInfoJoin.load(table(tmp_path)).fingerprint
    other = HandInfoJoin.load(table(tmp_path, "\n".join([HEADER, ROWS[0]]))).fingerprint
    assert one != other


def test_the_real_set(real_data: Path, tmp_path: Path) -> None:
    info = read_hand_info(real_data / "11k_hands" / "HandInfo.csv")
    assert len(info.names) == 11_076
    assert (info.quarantine, dict(info.notes)) == ([], {})
    combined = [f"{aspect} {side}" for aspect, side in zip(info.aspect, info.side, strict=True)]
    counts = {name: combined.count(name) for name in set(combined)}
    assert counts == {"dorsal right": 2892, "palmar right": 2813, "dorsal left": 2788, "palmar left": 2583}
    assert len(set(info.subject_id)) == 189  # the publisher counts 190
    summary = run(real_data / "11k_hands", tmp_path / "out")
    assert (summary.samples, summary.absent, summary.notes) == (31, {"row without its photo": 11_045}, {})
    assert {(s.width, s.height) for s in Dataset(tmp_path / "out")} == {(1600, 1200)}


def test_a_cell_is_no_formula(store: Store, tmp_path: Path) -> None:
    attrs = {"gender": "=cmd|' /C calc'!A0", "skinColor": "@SUM(1)", "age": 30}
    picture = np.zeros((8, 8, 3), np.uint8)
    store(tmp_path / "d", [Sample("s/1", "s", "1.png", attrs=attrs)], {"1.png": picture})
    eleven_k_hands.write(Dataset(tmp_path / "d"), tmp_path / "out")
    line = (tmp_path / "out" / "HandInfo.csv").read_text().splitlines()[1]
    assert line.split(",")[1:4] == ["30", "\"'=cmd|' /C calc'!A0\"", '"\'@SUM(1)"']

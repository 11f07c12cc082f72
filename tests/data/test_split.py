"""Splits: nobody in two of them, whatever the data; shares; lists and sources that are refused."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.basics.errors import InputError
from curate.data import split

SUBJECTS = st.sampled_from([None, *"abcdefghij"])
PHOTOS = st.sampled_from([f"p{i}" for i in range(15)])
CLIPS = st.sampled_from([None, None, *"uvwxyz"])


@given(
    st.lists(st.tuples(SUBJECTS, PHOTOS, CLIPS), min_size=1, max_size=60),
    st.integers(0, 5),
    st.floats(0, 0.45),
    st.floats(0, 0.45),
)
def test_no_subject_photo_or_clip_is_in_two_splits(rows, seed: int, test: float, val: float) -> None:
    subjects, photos, clips = zip(*rows, strict=True)
    given_splits = split.by_subject(subjects, photos, clips, seed=seed, test=test, val=val)
    for names in (subjects, photos, clips):
        homes = defaultdict(set)
        for name, home in zip(names, given_splits, strict=True):
            homes[name].add(home)
        homes.pop(None, None)
        assert all(len(home) == 1 for home in homes.values())
    split.check(given_splits, subjects, photos, clips, "set")


@given(st.randoms(use_true_random=False), st.integers(0, 9))
def test_the_order_of_the_samples_does_not_matter(shuffler: random.Random, seed: int) -> None:
    rows = [
        (f"s{i % 23}" if i % 5 else None, f"p{i // 2}", f"c{i // 6}" if i % 31 == 0 else None)
        for i in range(120)
    ]
    before = dict(zip(rows, split.by_subject(*zip(*rows, strict=True), seed=seed, val=0.2), strict=True))
    shuffler.shuffle(rows)
    after = dict(zip(rows, split.by_subject(*zip(*rows, strict=True), seed=seed, val=0.2), strict=True))
    assert before == after


@given(st.lists(st.tuples(SUBJECTS, PHOTOS, CLIPS), min_size=1, max_size=60), st.integers(2, 5))
def test_nobody_is_in_two_folds(rows, count: int) -> None:
    fold = split.folds(*zip(*rows, strict=True), count)
    assert set(fold) <= set(range(count))
    for names in zip(*rows, strict=True):
        homes = defaultdict(set)
        for name, number in zip(names, fold, strict=True):
            homes[name].add(number)
        homes.pop(None, None)
        assert all(len(places) == 1 for places in homes.values())
    order = random.Random(0).sample(range(len(rows)), len(rows))
    again = split.folds(*zip(*(rows[i] for i in order), strict=True), count)
    assert again == [fold[i] for i in order]


def test_folds_are_about_equal() -> None:
    people = [name for name, photos in (("a", 6), ("b", 5), ("c", 4), ("d", 3)) for _ in range(photos)]
    photos, nobody = [str(i) for i in range(18)], [None] * 18
    assert sorted(Counter(split.folds(people, photos, nobody, 2)).values()) == [9, 9]
    assert set(split.folds(["a"] * 18, photos, nobody, 3)) == {0}


def test_the_shares_are_met_and_the_seed_decides() -> None:
    subjects = [f"s{i % 50}" for i in range(1000)]
    photos = [f"p{i}" for i in range(1000)]
    counts = Counter(split.by_subject(subjects, photos, [None] * 1000, test=0.1, val=0.2))
    assert counts == {"test": 100, "val": 200, "train": 700}
    chosen = {
        frozenset(
            s
            for s, home in zip(
                subjects, split.by_subject(subjects, photos, [None] * 1000, seed=k), strict=True
            )
            if home == "test"
        )
        for k in range(5)
    }
    assert len(chosen) == 5


def test_few_large_subjects_still_give_a_test_split() -> None:
    assert Counter(split.by_subject(["a"] * 60 + ["b"] * 40, list(map(str, range(100))), [None] * 100)) == {
        "train": 60,
        "test": 40,
    }
    assert split.by_subject(["a", "a"], ["1", "2"], [None, None]) == ["train", "train"]


def test_samples_without_a_subject_go_by_their_photo() -> None:
    photos = [f"p{i // 2}" for i in range(200)]
    splits = split.by_subject([None] * 200, photos, [None] * 200, test=0.2)
    assert splits[::2] == splits[1::2]
    assert Counter(splits) == {"train": 160, "test": 40}


@pytest.mark.parametrize(("test", "val"), [(-0.1, 0), (0.5, 0.5), (0, 1)])
def test_shares_that_cannot_be(test: float, val: float) -> None:
    with pytest.raises(InputError, match="shares of 0 or more, below 1 together"):
        split.by_subject(["a"], ["p"], [None], test=test, val=val)


def test_a_clip_keeps_its_people_together() -> None:
    """One clip shows a and b, another b and nobody known: all of these go where a goes; c does not."""
    subjects = ["a", "a", "b", "b", None, "c"]
    clips = [None, "x", "x", "y", "y", None]
    homes = set()
    for seed in range(8):
        *tied, other = split.by_subject(subjects, list("123456"), clips, seed=seed, test=0.2)
        assert len(set(tied)) == 1
        homes.add((tied[0], other))
    assert homes == {("train", "test")}


def test_the_same_names_and_seed_draw_the_same_people_for_ever() -> None:
    subjects, photos = [f"s{i % 20}" for i in range(100)], [f"p{i}" for i in range(100)]
    drawn = split.by_subject(subjects, photos, [None] * 100, seed=3, test=0.2)
    assert {s for s, home in zip(subjects, drawn, strict=True) if home == "test"} == {
        "s1",
        "s2",
        "s13",
        "s19",
    }


def test_a_subject_photo_or_clip_in_two_splits_is_named() -> None:
    with pytest.raises(
        InputError, match=r"set: split: 1 subject in .*\('b'\); split by subject: --split subject"
    ):
        split.check(["train", "train", "test"], ["a", "b", "b"], ["1", "2", "3"], [None] * 3, "set")
    with pytest.raises(InputError, match=r"1 photo .*\('2'\)"):
        split.check(["train", "train", "test"], ["a", None, None], ["1", "2", "2"], [None] * 3, "set")
    with pytest.raises(InputError, match=r"1 clip .*\('x'\)"):
        split.check(["train", "train", "test"], ["a", "a", "b"], ["1", "2", "3"], [None, "x", "x"], "set")
    split.check(["train", None, "test"], ["b", "b", None], ["1", "1", "2"], ["x", "y", "y"], "set")


def test_the_sources_split() -> None:
    assert split.from_source(["train", "val", "test"], "set") == ["train", "val", "test"]
    with pytest.raises(InputError, match="1 of 2 samples has none"):
        split.from_source(["train", None], "set")


def listed(tmp_path: Path, text: str | bytes) -> tuple[list[str | None], int]:
    path = tmp_path / "split.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    images = ["x/1.png", "x/2.png", "y/2.png"]
    return split.from_list(path, ["s/1", "s/2", "s/3"], ["a", "b", None], images)


@pytest.mark.parametrize(
    ("text", "splits"),
    [
        ("sample_id,split\ns/1,train\ns/3,test\n", ["train", None, "test"]),
        ("\ufeffsplit,subject_id,age\r\nval,b,30\r\ntrain,a,31\r\n", ["train", "val", None]),
        ("image,split\n1.png,train\ny/2.png,val\nx/2.png,test\n", ["train", "test", "val"]),
    ],
    ids=["sample", "subject", "image"],
)
def test_a_list(tmp_path: Path, text: str, splits: list[str | None]) -> None:
    assert listed(tmp_path, text) == (splits, 0)


@pytest.mark.parametrize(
    ("text", "strays"),
    [
        ("sample_id,split\ns/1,train\ns/33,test\ns/33,test\n", 2),
        ("subject_id,split\na,train\nA,val\n,test\n", 2),
        ("image,split\nx/1.png,train\n1.png,train\nz/1.png,test\n", 1),
    ],
    ids=["sample", "subject", "image"],
)
def test_rows_of_a_list_that_name_no_sample_are_counted(tmp_path: Path, text: str, strays: int) -> None:
    assert listed(tmp_path, text) == (["train", None, None], strays)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: columns None; allowed: split and one of sample_id, subject_id, image"),
        ("sample_id,subject_id,split\n", "allowed: split and one of"),
        ("sample_id,part\n", "allowed: split and one of"),
        ("sample_id,split\ns/1,training\n", "line 2: 'training'; allowed: train, val, test"),
        ("sample_id,split\ns/1\n", "line 2: None; allowed: train, val, test"),
        ("sample_id,split\ns/1,train\ns/1,test\n", "line 3: 's/1' is in train on an earlier line"),
        (
            "subject_id,split\nz,train\n",
            "subject_id: it names none of the samples; allowed: names such as 'a', 'b'",
        ),
        (b"sample_id,split\n\xff\xfe,train\n", "not CSV in UTF-8"),
        ("sample_id,split\ns/1,train\n".encode("utf-16"), "save it as CSV in UTF-8"),
        ("sample_id,split\n" + "x" * 200_000 + ",train\n", "not CSV in UTF-8"),
    ],
)
def test_a_list_that_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        listed(tmp_path, text)
    assert message in str(caught.value)


def test_a_list_of_strangers_is_told_different_names(tmp_path: Path) -> None:
    """Those of the first three samples were told, which are often of one person, or of nobody."""
    (tmp_path / "list.csv").write_text("subject_id,split\nz,train\n")
    subjects = ["a", "a", None, "a", "b"]
    with pytest.raises(InputError, match=r"allowed: names such as 'a', 'b'$"):
        split.from_list(tmp_path / "list.csv", list("12345"), subjects, list("12345"))


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be opened"):
        split.from_list(tmp_path / "none.csv", [], [], [])

"""Select: which samples are chosen, that they stay as they are, and what is counted."""

from __future__ import annotations

import shlex
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from curate.basics import images
from curate.basics.errors import InputError
from curate.cli import main
from curate.data.dataset import Dataset, write_info, write_table
from curate.data.sample import Sample, to_batch
from curate.hands.drawn_hands import Person, draw_hand
from curate.options.select import SelectOptions
from curate.select import select

PICTURE = np.full((20, 30, 3), 90, np.uint8)


def hand(number: int, **fields) -> Sample:
    points = np.full((21, 2), 5.5, np.float32)
    return Sample(f"s/{number:02d}", "s", f"{number}.png", 30, 20, keypoints=points, **fields)


@pytest.fixture
def people(store, tmp_path: Path) -> Path:
    """Twelve hands of three people: 8 of a, 3 of b, 1 of c; every other one a left hand."""
    seen = np.full(21, 2, np.uint8)
    samples = [
        hand(
            n,
            subject_id="a" * (n < 8) or "b" * (n < 11) or "c",
            side=("left", "right")[n % 2],
            split=("train", "test")[n >= 10],
            visibility=seen,
            attrs={"age": 20 + n} if n else {},
        )
        for n in range(12)
    ]
    return store(tmp_path / "people", samples, {f"{n}.png": PICTURE for n in range(12)})


def ids(folder: Path) -> list[int]:
    return [int(sample.sample_id[2:]) for sample in Dataset(folder)]


def test_what_is_chosen_stays_as_it_is(people: Path, tmp_path: Path) -> None:
    options = SelectOptions(where="side == 'left' and age >= 24", split=("train",))
    summary = select(people, tmp_path / "some", options)
    assert ids(tmp_path / "some") == [4, 6, 8]
    assert summary.notes == {"not as --where says": 7, "not of the split": 2}
    assert summary.clean()
    before = {sample.sample_id: sample for sample in Dataset(people)}
    made = Dataset(tmp_path / "some")
    for sample in made:
        old = before[sample.sample_id]
        assert (sample.attrs, sample.subject_id, sample.split) == (old.attrs, old.subject_id, old.split)
        assert np.array_equal(sample.keypoints, old.keypoints)
        assert np.array_equal(made.read_image(sample), PICTURE)


def test_so_many_of_each_person(people: Path, tmp_path: Path) -> None:
    """Of 8, 3 and 1 in turn: 1 each, then 1 of a and of b, then one more of each of them."""
    select(people, tmp_path / "seven", SelectOptions(sample=7, by="subject_id"))
    drawn = ids(tmp_path / "seven")
    assert [sum(low <= n < high for n in drawn) for low, high in ((0, 8), (8, 11), (11, 12))] == [3, 3, 1]
    assert drawn == sorted(drawn)


@pytest.mark.parametrize("by", ["attrs.age", "attrs['age']", 'attrs["age"]'])
def test_what_to_draw_by_is_named_as_in_a_condition(people: Path, tmp_path: Path, by: str) -> None:
    select(people, tmp_path / "plain", SelectOptions(sample=5, by="age"))
    select(people, tmp_path / "written", SelectOptions(sample=5, by=by))
    assert ids(tmp_path / "written") == ids(tmp_path / "plain")


def test_a_condition_that_no_sample_meets_is_told_with_what_is_there(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = "side == 'Left' and age > 60 and labelled == 3"
    assert main(["select", str(people), "--where", where, "--out", str(tmp_path / "none")]) == 1
    told = capsys.readouterr().err
    assert "  side is here: 'left', 'right'\n" in told
    assert "  labelled is here: 21\n" in told
    assert "  age is here: 21 to 31, None\n" in told
    line = ["select", str(people), "--where", "age > 60 and side != None", "--out", str(tmp_path / "old")]
    assert main([*line, "--quiet"]) == 1
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        SelectOptions(where="attrs.side == 'left'"),
        SelectOptions(where="attrs['labelled'] != 21"),
        SelectOptions(sample=5, by="attrs.side"),
    ],
)
def test_a_column_that_is_asked_for_in_attrs_is_told(
    people: Path, tmp_path: Path, options: SelectOptions
) -> None:
    told = r"people: no name in attrs '(side|labelled)'; allowed: age; for the column: (side|labelled)$"
    with pytest.raises(InputError, match=told):
        select(people, tmp_path / "none", options)
    assert not (tmp_path / "none").exists()


def test_fewer_are_among_more_and_another_seed_draws_others(people: Path, tmp_path: Path) -> None:
    for count in (3, 6):
        select(people, tmp_path / str(count), SelectOptions(sample=count))
    select(people, tmp_path / "other", SelectOptions(sample=6, seed=1))
    assert set(ids(tmp_path / "3")) < set(ids(tmp_path / "6"))
    assert set(ids(tmp_path / "6")) != set(ids(tmp_path / "other"))


def test_what_is_chosen_gets_splits_of_whole_people(people: Path, tmp_path: Path) -> None:
    """Of the ten hands of a (8) and b (2 of 3) that are left, b's are nearest to a fifth."""
    options = SelectOptions(split=("train",), val=0.2)
    select(people, tmp_path / "split", options)
    before = {sample.sample_id: sample for sample in Dataset(people)}
    made = list(Dataset(tmp_path / "split"))
    assert [sample.split for sample in made] == ["train"] * 8 + ["val"] * 2
    for sample in made:
        old = before[sample.sample_id]
        assert (sample.subject_id, sample.attrs, old.split) == (old.subject_id, old.attrs, "train")
    with pytest.raises(
        InputError, match=r"^--test, --val: 0\.6, 0\.5; allowed: shares of 0 or more, below 1 together"
    ):
        select(people, tmp_path / "none", SelectOptions(val=0.5, test=0.6))


def test_new_splits_are_told_as_build_tells_them(people: Path, tmp_path: Path, capsys) -> None:
    words = ["select", str(people), "--val", "0.2", "--out"]
    assert main([*words, str(tmp_path / "split"), "--split", "train"]) == 0
    assert "  splits: 8 train, 2 val\nnext: " in capsys.readouterr().err
    assert main([*words, str(tmp_path / "one"), "--where", "subject_id == 'a'"]) == 0
    told = capsys.readouterr().err
    assert "note: 1 empty split, as there are too few subjects: val\n" in told
    assert "  splits: 8 train\nnext: " in told


def test_the_next_commands_can_be_pasted_whatever_the_folder_is_called(
    people: Path, tmp_path: Path, capsys
) -> None:
    out = str(tmp_path / "Ann's hands; 1 & 2")
    assert main(["select", str(people), "--sample", "2", "--out", out]) == 0
    told = capsys.readouterr().err.partition("next: ")[2]
    words = shlex.split(told, comments=True)
    assert words == ["curate", "show", f"{out};", "curate", "qa", out, "--out", "QA"]


def test_what_sample_and_by_draw_is_plain_from_the_help(capsys) -> None:
    """So many of each value, as it read, came out as one in all."""
    with pytest.raises(SystemExit):
        main(["select", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "draw N samples in all" in told
    assert "in turn from each value" in told


def test_flagged_samples_of_another_dataset_are_noted(people: Path, tmp_path: Path) -> None:
    """With a QA of another dataset all samples were kept, without a word."""
    notes = select(people, tmp_path / "out", drop={"s/00", "other/1", "other/2"}).notes
    assert notes == {"flagged by QA": 1, "sample that QA flagged and that is not here": 2}


def test_more_than_there_are_is_all_and_told(people: Path, tmp_path: Path, capsys) -> None:
    assert main(["select", str(people), "--sample", "99", "--out", str(tmp_path / "all")]) == 0
    told = capsys.readouterr().err
    assert told.startswith("12 samples in ")
    assert "  note: 87 fewer than --sample asks for, as there are no more\n" in told
    assert not select(people, tmp_path / "just", SelectOptions(sample=12)).notes


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "what to choose by: not given"),
        (["--by", "side"], "--sample is not given"),
        (["--drop-at", "warning", "--val", "0.2"], "--drop-at: --drop-qa is not given"),
        (["--where", "side =="], "'side ==': invalid syntax at its end;"),
        (["--where", "side = 'left'"], "invalid syntax at character 6;"),
        (["--where", "agee > 3"], "did you mean 'age'?"),
        (["--where", "side is null"], "no column or name in attrs 'null'; what is not known is None\n"),
        (["--where", "keypoints > 3"], "the column keypoints holds several numbers a sample"),
        (["--sample", "2", "--by", "bbox"], "the column bbox holds several numbers a sample"),
        (["--sample", "2", "--by", "sidee"], "did you mean 'side'?"),
        (["--sample", "2", "--by", "aspect"], "aspect, which is known of none of 12 samples"),
        (["--split", "trian"], "train, val, test"),
    ],
)
def test_what_is_wrong_is_told(people: Path, tmp_path: Path, capsys, words: list[str], told: str) -> None:
    assert main(["select", str(people), "--out", str(tmp_path / "out"), *words]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_none_chosen_is_a_failure_that_is_told(people: Path, tmp_path: Path) -> None:
    assert main(["select", str(people), "--where", "age > 99", "--out", str(tmp_path / "none")]) == 1


def test_without_what_qa_finds_wrong(store, drawn_dataset: Path, tmp_path: Path) -> None:
    """A sample whose points are all in one place is an error of QA's."""
    source = Dataset(drawn_dataset)
    samples = list(source)
    samples[3].keypoints[:] = samples[3].keypoints[0]
    pictures = {sample.image: source.read_image(sample) for sample in samples}
    spoilt = store(tmp_path / "spoilt", samples, pictures)
    assert main(["qa", str(spoilt), "--out", str(tmp_path / "qa"), "--quiet"]) == 1
    words = ["select", str(spoilt), "--drop-qa", str(tmp_path / "qa"), "--out", str(tmp_path / "clean")]
    assert main(words) == 0
    left = {sample.sample_id for sample in Dataset(tmp_path / "clean")}
    assert samples[3].sample_id not in left
    assert main(words) == 0, "the same command again is finished"


def test_a_training_set_is_refused(make_set, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a training set"):
        select(make_set(["train"]), tmp_path / "out", SelectOptions(sample=1))


def test_of_look_alikes_the_one_with_most_keypoints_is_kept(people: Path, tmp_path: Path) -> None:
    seen = np.full(21, 2, np.uint8)
    seen[20] = 0
    samples = [replace(s, visibility=seen) if s.sample_id == "s/00" else s for s in Dataset(people)]
    write_table(people, [to_batch(samples)])
    write_info(people, Dataset(people).info)
    pairs = [*combinations(["s/00", "s/01", "s/02", "s/03"], 2), ("s/10", "s/11"), ("nobody", "s/10")]
    options = SelectOptions(where="side == 'left'")
    summary = select(people, tmp_path / "one", options, alike=pairs)
    assert ids(tmp_path / "one") == [2, 4, 6, 8, 10]  # of 0 and 2, which are left, 0 lacks a point
    assert summary.notes == {"not as --where says": 6, "almost the same photograph as one that is kept": 1}


def test_what_is_only_like_a_sample_that_goes_stays(people: Path, tmp_path: Path) -> None:
    """As two poses, or two hands of one photograph, of which a sample without points looks like both."""
    samples = list(Dataset(people))
    samples[1].visibility[:] = 0
    write_table(people, [to_batch(samples)])
    write_info(people, Dataset(people).info)
    summary = select(people, tmp_path / "one", alike=[("s/00", "s/01"), ("s/01", "s/02")])
    assert ids(tmp_path / "one") == [0, *range(2, 12)]
    assert summary.notes == {"almost the same photograph as one that is kept": 1}


def test_photographs_that_look_alike_are_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    pictures, samples = {}, []
    for n in range(4):
        picture, points = draw_hand(rng, Person.sample(rng), "right", width=96, height=96)
        pictures[f"{n}.png"] = picture
        samples.append(Sample(f"s/{n}", "s", f"{n}.png", 96, 96, "right", keypoints=points))
        samples[-1].visibility = np.full(21, 2, np.uint8)
    pictures["copy.png"], pictures["darker.png"] = pictures["1.png"], np.maximum(pictures["2.png"], 6) - 6
    for name, old in (("copy", 1), ("darker", 2)):
        samples.append(replace(samples[old], sample_id=f"s/{name}", image=f"{name}.png"))
    for name, picture in pictures.items():
        images.write(tmp_path / "hands" / name, picture)
    write_table(tmp_path / "hands", [to_batch(samples)])
    write_info(tmp_path / "hands", {"samples": len(samples)})
    command = ["select", str(tmp_path / "hands"), "--near-duplicates", "one", "--out", str(tmp_path / "one")]
    assert main(command) == 0
    assert [sample.sample_id for sample in Dataset(tmp_path / "one")] == ["s/0", "s/1", "s/2", "s/3"]

"""Stages: counts, resumption, refusal of changed options, and folders left whole or not at all."""

from __future__ import annotations

import json
import os
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.basics.engine import Local
from curate.basics.errors import ConfigChanged, InputError, SchemaError
from curate.data.dataset import Dataset
from curate.data.part import Part, revise_part
from curate.data.sample import Sample, replace_columns, to_batch
from curate.data.stage import Stage, relative_to_out, tasks
from tests.folders import content


def work(item: int, log: Path | None = None) -> Part:
    """One sample; each third item is dropped, each fifth quarantined."""
    if log is not None:
        with open(log, "a") as file:
            file.write(f"{item}\n")
    if item % 3 == 2:
        return Part(to_batch([]), dropped=Counter({"third": 1}))
    if item % 5 == 4:
        return Part(to_batch([]), quarantine=[(f"{item}.png", "fifth")])
    sample = Sample(f"s/{item}", "s", "a.png", licence="MIT" if item % 2 else None)
    return Part(to_batch([sample]), notes=Counter({"kept": 1}))


def breaks(item: int, log: Path) -> Part:
    if item == 6:
        raise InputError("six", "no six")
    return work(item, log)


def run(out: Path, items: range = range(12), **fields: Any):
    function = fields.pop("function", work)
    finish = fields.pop("finish", None)
    fields = {"options": {"a": 1}, "quiet": True, **fields}
    return Stage("test", out, **fields).run(items, function, sizes=[1] * len(items), finish=finish)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out, message in (("file", "a file; allowed: a new folder"), ("file/deeper", "cannot be written")):
        with pytest.raises(InputError, match=message):
            Stage("some", tmp_path / out, {}, quiet=True).run([], work)


def test_what_comes_out_is_counted(tmp_path: Path) -> None:
    summary = run(tmp_path / "o")
    assert (summary.samples, summary.quarantined) == (6, 2)
    assert (summary.dropped, summary.notes) == ({"third": 4}, {"kept": 6})
    assert summary.as_json()["out"] == str(tmp_path / "o")
    dataset = Dataset(tmp_path / "o")
    assert [s.sample_id for s in dataset] == ["s/0", "s/1", "s/3", "s/6", "s/7", "s/10"]
    assert dataset.quarantine() == [{"input": f"{i}.png", "reason": "fifth"} for i in (4, 9)]
    assert (dataset.info["sources"], dataset.info["licences"]) == (["s"], ["MIT"])
    (entry,) = dataset.info["history"]
    assert entry["options"] == {"a": 1}
    assert entry["counts"] == {
        "in": None, "out": 6, "dropped": {"third": 4}, "quarantined": 2, "notes": {"kept": 6},
    }  # fmt: skip
    assert set(content(tmp_path / "o")) == {
        ".curate.json", "samples.parquet", "dataset.json", "quarantine.jsonl",
    }  # fmt: skip


@pytest.mark.parametrize(("workers", "items"), [(2, 70), (5, 40)], ids=["processes", "threads"])
def test_the_number_of_workers_does_not_show(tmp_path: Path, workers: int, items: int) -> None:
    run(tmp_path / "one", range(items))
    run(tmp_path / "many", range(items), engine=Local(workers))
    assert content(tmp_path / "one") == content(tmp_path / "many")


def test_a_finished_stage_is_not_run_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = run(tmp_path / "o", function=partial(work, log=log))
    second = run(tmp_path / "o", function=partial(work, log=log))
    assert second.reused
    assert second.as_json() | {"reused": False} == first.as_json()
    assert len(log.read_text().splitlines()) == 12
    run(tmp_path / "o", function=partial(work, log=log), overwrite=True)
    assert len(log.read_text().splitlines()) == 24


def test_a_stage_that_failed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(InputError, match="no six"):
        run(tmp_path / "o", function=partial(breaks, log=log))
    with pytest.raises(SchemaError, match="unfinished"):
        Dataset(tmp_path / "o")
    (tmp_path / "o" / "images").mkdir()
    (tmp_path / "o" / "images" / ".a.png.77.tmp").write_bytes(b"half")
    run(tmp_path / "o", function=partial(work, log=log))
    assert log.read_text().split() == [str(i) for i in range(12)]
    run(tmp_path / "undisturbed")
    assert content(tmp_path / "o") == content(tmp_path / "undisturbed")


@pytest.mark.parametrize("finished", [True, False])
def test_changed_options_are_refused_with_what_changed(tmp_path: Path, finished: bool) -> None:
    before = {"a": 1, "b": [1, 2], "c": "x"}
    function = work if finished else partial(breaks, log=tmp_path / "log")
    try:
        run(tmp_path / "o", options=before, function=function)
    except InputError:
        assert not finished
    with pytest.raises(ConfigChanged) as caught:
        run(tmp_path / "o", options={**before, "a": 2, "b": [1]})
    message = str(caught.value)
    assert "a was 1, now 2" in message
    assert "b was [1, 2], now [1]" in message
    assert "c was" not in message
    assert message.endswith("choose another --out, or add --overwrite")
    assert run(tmp_path / "o", options={**before, "a": 2}, overwrite=True).samples == 6
    assert Dataset(tmp_path / "o").info["history"][-1]["options"]["a"] == 2


def test_another_stage_or_other_inputs_are_refused(tmp_path: Path) -> None:
    run(tmp_path / "in")
    run(tmp_path / "in2", range(6))
    run(tmp_path / "o", parents=(Dataset(tmp_path / "in"),))
    with pytest.raises(ConfigChanged, match="inputs changed"):
        run(tmp_path / "o", parents=(Dataset(tmp_path / "in2"),))
    with pytest.raises(ConfigChanged, match="stage was 'test', now 'other'"):
        Stage("other", tmp_path / "in", {"a": 1}).run([], work)


def test_the_resume_key_guards_unfinished_work_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        run(tmp_path / "o", resume_key="one", function=partial(breaks, log=tmp_path / "log"))
    with pytest.raises(ConfigChanged, match="resume_key was 'one', now 'two'"):
        run(tmp_path / "o", resume_key="two")
    run(tmp_path / "o", resume_key="one")
    assert run(tmp_path / "o", resume_key="two").reused


def test_history_is_carried_on(tmp_path: Path) -> None:
    run(tmp_path / "in")
    run(tmp_path / "o", range(3), parents=(Dataset(tmp_path / "in"),))
    history = Dataset(tmp_path / "o").info["history"]
    assert [entry["counts"]["in"] for entry in history] == [None, 6]
    assert history[1]["inputs"] == [Dataset(tmp_path / "in").fingerprint]


def test_other_peoples_folders_and_inputs_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="a folder with other files in it"):
            run(tmp_path / "mine", overwrite=overwrite)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"
    run(tmp_path / "in" / "deep")
    for out in (tmp_path / "in", tmp_path / "in" / "deep", tmp_path / "in" / "x" / ".." / "deep"):
        with pytest.raises(InputError, match="the folder that is read"):
            run(out, parents=(Dataset(tmp_path / "in" / "deep"),), overwrite=True)
    (tmp_path / "link").symlink_to(tmp_path / "in" / "deep")
    for out in (tmp_path / "in" / "deep" / "new", tmp_path / "link" / "new" / "er"):
        with pytest.raises(
            InputError, match=r"new.*: lies in the folder that is read, .*choose another --out"
        ):
            run(out, parents=(Dataset(tmp_path / "in" / "deep"),))
    assert not (tmp_path / "in" / "deep" / "new").exists()


def test_two_commands_do_not_write_one_folder(tmp_path: Path) -> None:
    def intrude(item: int) -> Part:
        with pytest.raises(InputError, match="another curate command is writing here"):
            run(tmp_path / "o")
        return work(item)

    assert run(tmp_path / "o", range(1), function=intrude).samples == 1


def number(batch: pa.RecordBatch) -> pa.RecordBatch:
    return replace_columns(batch, image=[f"{i}!" for i in range(batch.num_rows)])


def test_finish_may_revise_samples_and_adds_to_the_info(tmp_path: Path) -> None:
    def finish(parts: list[Path]) -> dict[str, Any]:
        assert len(parts) == 12
        for path in parts * 2:
            revise_part(path, number)
        return {"extra": len(parts)}

    summary = run(tmp_path / "o", finish=finish)
    assert summary.dropped == {"third": 4}
    dataset = Dataset(tmp_path / "o")
    assert dataset.info["extra"] == 12
    assert {s.image for s in dataset} == {"0!"}


def test_no_absolute_path_and_no_time_is_stored(tmp_path: Path) -> None:
    run(tmp_path / "o")
    run(tmp_path / "elsewhere" / "o")
    assert content(tmp_path / "o") == content(tmp_path / "elsewhere" / "o")
    assert str(tmp_path) not in json.dumps(Dataset(tmp_path / "o").info)


@given(
    st.lists(st.sampled_from(["a", "b", "c d"]), max_size=3),
    st.lists(st.sampled_from(["a", "b"]), max_size=3),
)
def test_relative_paths_lead_from_out_to_the_file(file: list[str], out: list[str]) -> None:
    path, folder = Path("/data", *file, "x.png"), Path("/data", *out)
    relative = relative_to_out(path, folder)
    assert not relative.startswith("/")
    assert Path("/", *(folder / relative).parts).resolve() == path


def test_a_folder_whose_name_is_no_text_is_refused_before_any_work(tmp_path: Path) -> None:
    out = tmp_path / os.fsdecode(b"caf\xe9") / "out"
    with pytest.raises(
        InputError,
        match=r"caf\\udce9/out: a file name with control characters or invalid UTF-8; rename it; or",
    ):
        Stage("make", out, {}, quiet=True).run([[Sample("s/1", "a", "1.png")]], _as_part)
    assert not out.parent.exists()


def test_a_file_whose_name_is_no_text_cannot_be_referred_to(tmp_path: Path) -> None:
    """It was written into a table, which holds UTF-8 alone: a traceback."""
    photo = tmp_path / os.fsdecode(b"caf\xe9") / "x.png"
    with pytest.raises(InputError, match=r"caf\\udce9/x.png: a file name with control characters or invalid"):
        relative_to_out(photo, tmp_path / "out")


@pytest.mark.parametrize("workers", [1, 3])
def test_twins_of_ids_are_set_aside_in_the_order_of_the_input(tmp_path: Path, workers: int) -> None:
    items = [[Sample("s/1", "a", "1.png"), Sample("s/2", "a", "2.png")], [Sample("s/1", "b", "3.png")] * 2]
    stage = Stage("make", tmp_path / "out", {}, engine=Local(workers), quiet=True)
    summary = stage.run(items, _as_part)
    assert (summary.samples, summary.quarantined) == (2, 2)
    assert summary.dropped == {"sample whose id another one has": 2}
    assert [sample.source for sample in Dataset(tmp_path / "out")] == ["a", "a"]
    assert {entry["input"] for entry in Dataset(tmp_path / "out").quarantine()} == {"s/1"}


def _as_part(samples: list[Sample]) -> Part:
    return Part(to_batch(samples))


@pytest.mark.parametrize("damage", ["empty", "cut", "turned"])
def test_a_finished_part_that_was_damaged_since_is_made_again(tmp_path: Path, damage: str) -> None:
    log = tmp_path / "log"
    with pytest.raises(InputError, match="no six"):
        run(tmp_path / "o", function=partial(breaks, log=log))
    part = tmp_path / "o" / ".curate" / "part-000003.arrow"
    whole = part.read_bytes()
    turned = whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]
    part.write_bytes({"empty": b"", "cut": whole[:-1], "turned": turned}[damage])
    with pytest.raises(SchemaError, match="damaged"):
        Part.load(part)
    run(tmp_path / "o", function=partial(work, log=log))
    assert log.read_text().split() == [*"012345", "3", *map(str, range(6, 12))]
    run(tmp_path / "undisturbed")
    assert content(tmp_path / "o") == content(tmp_path / "undisturbed")


def test_a_task_grows_only_with_very_many_samples() -> None:
    assert tasks(16, range(0)) == (16, [])
    assert tasks(16, range(65_536)) == (16, [16] * 4096)
    assert tasks(16, range(1_000_000)) == (245, [245] * 4081 + [155])
    assert len(tasks(8, range(1_000_000))[1]) <= 4096


def test_a_task_is_of_one_dataset() -> None:
    assert tasks(16, range(17), range(16), range(1)) == (16, [16, 1, 16, 1])

"""Evaluation: predictions first, metrics from them, and a page that is safe to open."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from curate import cli
from curate.basics.errors import ConfigChanged, InputError, SchemaError
from curate.data.dataset import Dataset, write_table
from curate.data.grouping import values_of
from curate.data.predictions import read_predictions, write_predictions
from curate.data.sample import to_batch
from curate.evaluate import evaluate
from curate.options.evaluate import EvaluateOptions
from curate.scoring.figures import Scored, measure

MakePath = Callable[..., Path]

HOSTILE = [
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a&amp;b <b>\u202e",
    "x" * 500,
]


@pytest.fixture(scope="module")
def evaluated(make_run: MakePath, make_set: MakePath) -> Path:
    """An evaluation of an untrained network on a set whose names are hostile."""
    run = make_run(size=32)
    training_set = make_set(["test"] * 4 + ["train"], size=32, ids=[*HOSTILE, "plain"])
    return evaluate(run, training_set, quiet=True).out


def test_an_evaluation_leaves_predictions_metrics_and_a_page(evaluated: Path) -> None:
    assert evaluated.name == "evaluation-test"
    predictions = read_predictions(evaluated / "predictions.parquet")
    assert predictions.sample_ids == HOSTILE
    figures = json.loads((evaluated / "metrics.json").read_text())
    about = {"split": "test", "training_set": figures["training_set"], "seen_in_training": None}
    assert figures == {**about, **measure(Scored(predictions))}
    assert figures["n"] == 4
    assert len(figures["per_keypoint_epe"]) == 20
    assert "wrist" not in figures["per_keypoint_epe"]


def test_the_curve_is_marked_at_whole_pixels(evaluated: Path) -> None:
    page = (evaluated / "evaluation.html").read_text()
    curve = page.partition("Share of points within a distance, from 0 to 10 pixels")[2].partition("</svg>")[0]
    marks = re.findall(r'<text x="([\d.]+)" y="236" text-anchor="middle">([^<]*)<', curve)
    assert [label for _, label in marks] == ["0", "2", "4", "6", "8", "10"]
    assert [float(x) for x, _ in marks] == [36, 110, 184, 258, 332, 406]


def test_hostile_names_stay_text_on_a_page_that_loads_nothing(evaluated: Path) -> None:
    page = (evaluated / "evaluation.html").read_text()
    seen: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, dict(attrs)))

    Reader().feed(page)
    tags = {tag for tag, _ in seen}
    assert "script" not in tags
    assert "b" in tags
    assert not any(name.startswith("on") for _, attributes in seen for name in attributes)
    pictures = [attributes for tag, attributes in seen if tag == "img"]
    assert not any("height" in picture for picture in pictures)  # which would stretch what is square
    sources = [picture["src"] for picture in pictures]
    assert len(sources) == 12
    assert all(source is not None and source.startswith("data:image/webp;base64,") for source in sources)
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "&lt;script&gt;alert(1)" in page
    assert "x" * 200 not in page


def test_an_evaluation_is_the_same_bytes_each_time(
    make_run: MakePath, make_set: MakePath, tmp_path: Path
) -> None:
    run, training_set = make_run(size=32, keypoints=21), make_set(["test"] * 3, size=32)
    for name in ("a", "b"):
        assert not evaluate(run, training_set, tmp_path / name, quiet=True).reused
    for name in ("predictions.parquet", "metrics.json", "evaluation.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    figures = json.loads((tmp_path / "a" / "metrics.json").read_text())
    assert len(figures["per_keypoint_epe"]) == 21
    assert figures["epe_mean_root_aligned"] > 0


def test_the_same_again_is_not_done_twice_and_another_needs_a_word(
    make_run: MakePath, make_set: MakePath
) -> None:
    run, one, other = make_run(size=32), make_set(["test"] * 2, size=32), make_set(["test"] * 3, size=32)
    first = evaluate(run, one, quiet=True)
    before = (first.out / "metrics.json").stat().st_mtime_ns
    again = evaluate(run, one, quiet=True)
    assert again.reused
    assert again.figures == first.figures
    assert str(again) == f"{first} (already finished)"
    assert (first.out / "metrics.json").stat().st_mtime_ns == before
    with pytest.raises(ConfigChanged, match=r"inputs changed.*--overwrite"):
        evaluate(run, other, quiet=True)
    assert evaluate(run, other, overwrite=True, quiet=True).figures["n"] == 3


def test_pixels_that_were_exchanged_are_noticed(make_run: MakePath, make_set: MakePath) -> None:
    run, training_set = make_run(size=32), make_set(["test"] * 2, size=32)
    evaluate(run, training_set, quiet=True)
    pixels = np.load(training_set / "pixels.npy")
    np.save(training_set / "pixels.npy", pixels[::-1])
    with pytest.raises(ConfigChanged, match=r"\(files changed\).*--overwrite"):
        evaluate(run, training_set, quiet=True)


def test_a_folder_that_curate_did_not_make_is_left_alone(
    make_run: MakePath, make_set: MakePath, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    run, training_set = make_run(size=32), make_set(["test"], size=32)
    for out, found in (
        (tmp_path, "a folder with other files in it"),
        (run, "the folder that is read"),
        (training_set, "the folder that is read"),
    ):
        before = {path.name for path in out.iterdir()}
        with pytest.raises(InputError, match=found):
            evaluate(run, training_set, out, overwrite=True, quiet=True)
        assert {path.name for path in out.iterdir()} == before


def test_errors_are_told_by_what_is_known_and_against_another_run(
    make_run: MakePath, make_set: MakePath, tmp_path: Path
) -> None:
    run, training_set = make_run(size=32), make_set(["train", *["test"] * 6], size=32)
    turned = evaluate(run, training_set, tmp_path / "turned", EvaluateOptions(turns=True), quiet=True)
    plain = evaluate(run, training_set, tmp_path / "plain", quiet=True)
    looked = evaluate(run, training_set, tmp_path / "looked", EvaluateOptions(looks=3), quiet=True)
    assert turned.figures["turns"]
    assert looked.figures["looks"] == 3
    assert len({found.figures["epe_mean"] for found in (turned, plain, looked)}) == 3
    options = EvaluateOptions(by=("side", "source"), against=turned.out / "predictions.parquet")
    found = evaluate(run, training_set, tmp_path / "found", options, quiet=True)
    sides = found.figures["by"]["side"]
    assert [(row["value"], row["n"]) for row in sides] == [("left", 3), ("right", 3)]
    assert found.figures["against"]["n"] == 6
    assert found.figures["against"]["epe_mean_other"] == pytest.approx(turned.figures["epe_mean"])
    assert "side left: mean error" in str(found)
    assert "against the other evaluation: mean error" in str(found)
    another = "looked at in another way: these predictions one look, the others --turns\n"
    assert another in str(found)
    page = (found.out / "evaluation.html").read_text()
    assert "By side" in page
    assert "Against another evaluation" in page
    assert "They were looked at in another way: here one look, there --turns." in page
    assert re.findall(r"(.*)\n<table>", page) == re.findall(r'<div class="scroll.*', page)[:2]  # on a phone
    assert re.findall(r"<circle(?!.*class=)", page) == []  # what has no colour is black on black in the dark
    assert {name: found.figures[name] for name in plain.figures} == plain.figures
    alike = EvaluateOptions(looks=3, against=looked.out / "predictions.parquet")
    assert "another way" not in str(evaluate(run, training_set, tmp_path / "alike", alike, quiet=True))


def test_of_very_many_values_the_page_says_how_many_it_does_not_show(
    make_run: MakePath, make_set: MakePath, tmp_path: Path
) -> None:
    training_set = make_set(["test"] * 52, size=32)
    options = EvaluateOptions(by=("sample_id",))
    found = evaluate(make_run(size=32), training_set, tmp_path / "out", options, quiet=True)
    figures = json.loads((found.out / "metrics.json").read_text())
    assert len(figures["by"]["sample_id"]) == 52
    assert "sample_id: 2 more values in 2 images: see metrics.json" in str(found)
    page = (found.out / "evaluation.html").read_text()
    assert "The values with the most images are shown; 2 more values in 2 images: see metrics.json." in page


def test_what_no_sample_has_is_refused_with_what_there_is(make_run: MakePath, make_set: MakePath) -> None:
    run, training_set = make_run(size=32), make_set(["test"] * 2, size=32)
    with pytest.raises(InputError, match=r"no column or attr 'sid'.*did you mean 'side'"):
        evaluate(run, training_set, options=EvaluateOptions(by=("sid",)), quiet=True)
    with pytest.raises(SchemaError, match="no predictions"):
        evaluate(run, training_set, options=EvaluateOptions(against=training_set / "pixels.npy"), quiet=True)


def test_a_run_where_a_set_should_be_is_told_as_one(make_run: MakePath, make_set: MakePath) -> None:
    with pytest.raises(SchemaError, match=r"a run \(it holds run\.json\), not a dataset; .* a run, before"):
        evaluate(make_set(["test"]), make_run(), quiet=True)


def test_refused_predictions_to_compare_with_leave_no_begun_evaluation(
    make_run: MakePath, make_set: MakePath, tmp_path: Path
) -> None:
    run, training_set = make_run(size=32), make_set(["train", *["test"] * 2], size=32)
    trained_on = evaluate(run, training_set, tmp_path / "train", EvaluateOptions(split="train"), quiet=True)
    options = EvaluateOptions(against=trained_on.out / "predictions.parquet")
    with pytest.raises(InputError, match="no image in common with this split"):
        evaluate(run, training_set, tmp_path / "out", options, quiet=True)
    assert evaluate(run, training_set, tmp_path / "out", quiet=True).figures["n"] == 2


def test_predictions_of_another_tool_are_measured_without_a_run(
    make_run: MakePath, make_set: MakePath, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, training_set = make_run(size=32), make_set(["train", *["test"] * 3], size=32)
    ours = evaluate(run, training_set, tmp_path / "ours", quiet=True)
    file = ours.out / "predictions.parquet"
    line = ["evaluate", str(training_set), "--predictions", str(file), "--quiet"]
    assert cli.main([*line, "--out", str(tmp_path / "theirs")]) == 0
    theirs = json.loads((tmp_path / "theirs" / "metrics.json").read_text())
    assert theirs["epe_mean"] == pytest.approx(ours.figures["epe_mean"])
    assert cli.main(line) == 2
    assert "--out: not given" in capsys.readouterr().err
    assert cli.main(["evaluate", str(training_set)]) == 2
    assert "neither of a run and --predictions" in capsys.readouterr().err
    assert cli.main(["evaluate", str(run), *line[1:], "--out", str(tmp_path / "both")]) == 2
    assert "both of a run and --predictions" in capsys.readouterr().err
    assert cli.main([*line, "--turns", "--out", str(tmp_path / "turned")]) == 2
    assert "--turns: given with --predictions" in capsys.readouterr().err
    assert cli.main([*line, "--looks", "2", "--out", str(tmp_path / "looked")]) == 2
    assert "--looks: given with --predictions" in capsys.readouterr().err
    both = ["--turns", "--looks", "2", "--quiet", "--out", str(tmp_path / "turned")]
    assert cli.main(["evaluate", str(run), str(training_set), *both]) == 2
    assert "--looks: given with --turns" in capsys.readouterr().err


def test_predictions_of_ours_for_images_that_were_cut_out_otherwise_are_refused(
    make_run: MakePath, make_set: MakePath, tmp_path: Path
) -> None:
    run, training_set = make_run(size=32), make_set(["train", *["test"] * 3], size=32)
    file = evaluate(run, training_set, tmp_path / "ours", quiet=True).out / "predictions.parquet"
    told = read_predictions(file)
    about = {"split": "test", "weights_sha256": "0", "training_set": "another"}
    write_predictions(tmp_path / "other.parquet", replace(told, truth=told.truth + 2), **about)
    options = EvaluateOptions(predictions=tmp_path / "other.parquet")
    with pytest.raises(InputError, match=r"truth: labels that lie up to 2\.8 px from ours in 3 of 3 images"):
        evaluate(None, training_set, tmp_path / "theirs", options, quiet=True)
    assert not (tmp_path / "theirs").exists()


def test_what_a_file_of_predictions_lacks_and_has_too_much_is_told(
    make_set: MakePath, tmp_path: Path
) -> None:
    """Of three images one has all points, one 20 of 21, and one none; two rows are of no image."""
    training_set = make_set(["train", *["test"] * 3], size=32, keypoints=21)
    entries = [
        {"image_id": name, "keypoints": [16, 16, 1] * seen + [0, 0, 0] * (21 - seen)}
        for name, seen in (("drawn/1", 21), ("drawn/2", 20), ("drawn/0", 21), ("misspelt/3", 21))
    ]
    (tmp_path / "theirs.json").write_text(json.dumps(entries))
    options = EvaluateOptions(predictions=tmp_path / "theirs.json", by=("source",))
    found = evaluate(None, training_set, tmp_path / "out", options, quiet=True)
    figures = json.loads((found.out / "metrics.json").read_text())
    counts = ("points", "unpredicted", "unpredicted_images", "unmatched_rows")
    assert [figures[name] for name in counts] == [63, 22, 1, 2]
    lines = str(found).splitlines()
    assert lines[1] == (
        "  without a prediction: 22 of 63 labelled points; 1 of 3 images has none at all; "
        "shares count them as wrong, errors leave them out"
    )
    assert lines[2] == "  rows of the predictions that match no sample of this split: 2"
    page = (found.out / "evaluation.html").read_text()
    assert "Without a prediction: 22 of 63 labelled points" in page
    assert "Rows of the predictions that match no sample of this split: 2." in page
    assert " px in 3 images, 22 points of these without a prediction</text>" in page
    whole = [{"image_id": f"drawn/{n}", "keypoints": [16, 16, 1] * 21} for n in (1, 2, 3)]
    (tmp_path / "whole.json").write_text(json.dumps(whole))
    options = EvaluateOptions(predictions=tmp_path / "whole.json")
    found = evaluate(None, training_set, tmp_path / "whole", options, quiet=True)
    assert str(found).splitlines()[1].startswith("  all points within")
    assert "match no sample of this split" not in (found.out / "evaluation.html").read_text()


def test_how_many_predictions_gave_way_to_another_of_their_image_is_told(
    make_set: MakePath, tmp_path: Path
) -> None:
    """Of the first image the third row is the surest; the rows of the second have no score but one."""
    training_set = make_set(["train", "test", "test"], size=32, keypoints=21)
    rows = [("drawn/1", 0.4), ("drawn/1", 0.2), ("drawn/1", 0.9), ("drawn/2", 1.0), ("drawn/2", 1.0)]
    entries = [
        {"image_id": name, "keypoints": [place, place, 1] * 21, "score": score}
        for place, (name, score) in enumerate(rows, 1)
    ]
    (tmp_path / "theirs.json").write_text(json.dumps(entries))
    options = EvaluateOptions(predictions=tmp_path / "theirs.json")
    found = evaluate(None, training_set, tmp_path / "out", options, quiet=True)
    assert read_predictions(found.out / "predictions.parquet").predicted[:, 0, 0].tolist() == [3, 5]
    assert json.loads((found.out / "metrics.json").read_text())["outdone_rows"] == 3
    line = "rows of the predictions dropped for a higher-scored or later row of the same sample"
    assert str(found).splitlines()[1] == f"  {line}: 3"
    assert f"{line.capitalize()}: 3." in (found.out / "evaluation.html").read_text()


def test_the_summary_names_the_split_and_the_page(make_run: MakePath, make_set: MakePath) -> None:
    result = evaluate(
        make_run(size=32), make_set(["val"] * 2, size=32), options=EvaluateOptions("val"), quiet=True
    )
    assert "2 images of split val, 32 px:" in str(result)
    assert str(result.out / "evaluation.html") in str(result)
    assert result.as_json()["out"] == str(result.out)
    json.dumps(result.as_json(), allow_nan=False)


def test_a_set_of_another_size_or_kind_is_refused(make_run: MakePath, make_set: MakePath) -> None:
    with pytest.raises(InputError, match=r"training.size: 64; allowed: 32, .*; build a set with --size 32"):
        evaluate(make_run(size=32), make_set(["test"], size=64), quiet=True)
    with pytest.raises(InputError, match=r"training.channels: 3; allowed: 1"):
        evaluate(make_run(size=32), make_set(["test"], size=32, channels=3), quiet=True)


def test_a_missing_split_is_refused_with_those_there(make_run: MakePath, make_set: MakePath) -> None:
    with pytest.raises(InputError, match="no sample of split 'val'; allowed: test, train"):
        evaluate(
            make_run(size=32),
            make_set(["test", "train"], size=32),
            options=EvaluateOptions("val"),
            quiet=True,
        )


def test_a_folder_that_is_no_run_is_refused(make_set: MakePath, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"not the folder of a run: there is no run\.json in it"):
        evaluate(tmp_path, make_set(["test"], size=32), quiet=True)


def test_a_run_of_another_version_is_refused(make_run: MakePath, make_set: MakePath) -> None:
    run = make_run(size=32)
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "version": 99}))
    with pytest.raises(SchemaError, match="version 99; allowed: 'hand-curate run' version 1"):
        evaluate(run, make_set(["test"], size=32), quiet=True)


def test_images_without_a_label_are_counted(make_run: MakePath, make_set: MakePath, tmp_path: Path) -> None:
    run, training_set = make_run(size=32), make_set(["train", *["test"] * 3], size=32)
    assert "unlabelled_images" not in evaluate(run, training_set, tmp_path / "all", quiet=True).figures
    samples = list(Dataset(training_set))
    samples[2].keypoints[:], samples[2].visibility[:] = np.nan, 0
    write_table(training_set, [to_batch(samples)])
    found = evaluate(run, training_set, tmp_path / "some", quiet=True)
    assert (found.figures["n"], found.figures["unlabelled_images"]) == (2, 1)
    assert str(found).splitlines()[1] == "  images without a labelled point, which no figure covers: 1"
    assert (
        "Images without a labelled point, which no figure covers: 1."
        in (found.out / "evaluation.html").read_text()
    )


def test_scores_that_are_none_are_counted(make_set: MakePath, tmp_path: Path) -> None:
    """The row that gives way does not count, nor does a point that is not there."""
    training_set = make_set(["train", "test", "test"], size=32, keypoints=21)
    entries = [
        {"image_id": "drawn/1", "keypoints": [16, 16, 7.5] * 21, "score": 0.1},
        {"image_id": "drawn/1", "keypoints": [16, 16, 87.5] * 20 + [16, 16, -3], "score": 0.9},
        {"image_id": "drawn/2", "keypoints": [16, 16, 1] * 21, "score": 0.9},
    ]
    (tmp_path / "theirs.json").write_text(json.dumps(entries))
    options = EvaluateOptions(predictions=tmp_path / "theirs.json")
    found = evaluate(None, training_set, tmp_path / "out", options, quiet=True)
    assert found.figures["scores_beyond"] == 20
    line = "scores of the predictions outside 0 to 1, which were clipped: 20"
    assert f"  {line}" in str(found).splitlines()
    assert f"{line.capitalize()}." in (found.out / "evaluation.html").read_text()


def test_rows_without_a_number_as_score_are_told(make_set: MakePath, tmp_path: Path) -> None:
    training_set = make_set(["train", "test"], size=32, keypoints=21)
    entries = [{"image_id": "drawn/1", "keypoints": [16, 16, 1] * 21, "score": s} for s in ("0.9", 0.1)]
    (tmp_path / "theirs.json").write_text(json.dumps(entries))
    options = EvaluateOptions(predictions=tmp_path / "theirs.json")
    found = evaluate(None, training_set, tmp_path / "out", options, quiet=True)
    assert found.figures["unscored_rows"] == 1
    line = "without a number as score, beside others of the same sample; they count as the lowest: 1"
    assert line in str(found)
    assert line in (found.out / "evaluation.html").read_text()


def test_average_precision_takes_coco_results_by_their_scores(make_set: MakePath, tmp_path: Path) -> None:
    """As COCO does, whatever v says: many tools write 1 or 2 there. The first of two hands is wrong."""
    training_set = make_set(["train", "test", "test"], size=32, keypoints=21)
    samples = {sample.sample_id: sample for sample in Dataset(training_set)}
    entries = [
        {
            "image_id": name,
            "keypoints": [n for x, y in samples[name].keypoints.tolist() for n in (x + off, y, 1)],
            "score": score,
        }
        for name, off, score in (("drawn/1", 500, 0.2), ("drawn/2", 0, 0.7))
    ]
    (tmp_path / "theirs.json").write_text(json.dumps(entries))
    options = EvaluateOptions(predictions=tmp_path / "theirs.json")
    found = evaluate(None, training_set, tmp_path / "out", options, quiet=True)
    assert found.figures["ap"] == pytest.approx(51 / 101)
    entries[0]["score"] = 0.8
    (tmp_path / "theirs.json").write_text(json.dumps(entries))
    found = evaluate(None, training_set, tmp_path / "other", options, quiet=True)
    assert found.figures["ap"] == pytest.approx(51 / 101 / 2)


def test_wrists_count_where_some_are_predicted_alone(
    make_run: MakePath, make_set: MakePath, tmp_path: Path
) -> None:
    """What a run of 20 points predicted, given as a file, had no image in which all points were right."""
    training_set = make_set(["train", "test", "test"], size=32, keypoints=21)
    own = evaluate(make_run(size=32), training_set, tmp_path / "own", quiet=True)
    options = EvaluateOptions(predictions=own.out / "predictions.parquet")
    given = evaluate(None, training_set, tmp_path / "given", options, quiet=True)
    ours = {name: told for name, told in own.figures.items() if name in given.figures and "seen" not in name}
    assert ours.items() <= given.figures.items()
    assert (given.figures["points"], given.figures["unpredicted"]) == (40, 0)
    for found in (own, given):
        assert found.figures["wrists_left_out"] == 2
        assert "  left out, as no wrist is predicted: 2 labelled wrists" in str(found).splitlines()
    one = [{"image_id": "drawn/1", "keypoints": [16, 16, 1] * 21}]
    one += [{"image_id": "drawn/2", "keypoints": [0, 0, 0] + [16, 16, 1] * 20}]
    (tmp_path / "theirs.json").write_text(json.dumps(one))
    options = EvaluateOptions(predictions=tmp_path / "theirs.json")
    some = evaluate(None, training_set, tmp_path / "some", options, quiet=True)
    assert (some.figures["points"], some.figures["unpredicted"]) == (42, 1)
    assert "wrists_left_out" not in some.figures


def test_what_holds_no_word_and_no_number_is_told_so(make_run: MakePath, make_set: MakePath) -> None:
    run, training_set = make_run(size=32), make_set(["train", "test", "test"], size=32)
    samples = list(Dataset(training_set))
    for sample in samples:
        sample.attrs = {"tags": ["old", "small"]}
    write_table(training_set, [to_batch(samples)])
    for name in ("tags", "subject_id", "keypoints"):
        found = f"column or attr: '{name}', which holds no word and no number in split test"
        with pytest.raises(InputError, match=f"{found}; allowed: .*side"):
            evaluate(run, training_set, options=EvaluateOptions(by=(name,)), quiet=True)


def test_what_samples_are_told_apart_by_is_written_as_in_a_condition(make_set: MakePath) -> None:
    root = make_set(["test"] * 3)
    samples = list(Dataset(root))
    for number, sample in enumerate(samples):
        sample.attrs = {"skin tone": "dark" if number else "light", "side": number}
    write_table(root, [to_batch(samples)])
    training_set = Dataset(root)
    for name in ("skin tone", "attrs.skin tone", "attrs['skin tone']"):
        assert values_of(training_set, "test", name) == ["light", "dark", "dark"]
    assert values_of(training_set, "test", "attrs.side") == [0, 1, 2]
    with pytest.raises(InputError, match="no name in attrs 'source'; allowed: side, skin tone"):
        values_of(training_set, "test", "attrs.source")

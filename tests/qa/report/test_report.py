"""The report: one safe, small file that says what was found; the findings beside it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import qa_sets

import qa.report.page
from curate.basics import images
from curate.basics.engine import Local
from curate.basics.errors import InputError, SchemaError
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from qa.check_quality import check_quality
from qa.checks.table import CHECKS
from qa.options import QualityOptions

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}'


@pytest.fixture
def dataset(tmp_path: Path, flat_hand: np.ndarray) -> Path:
    """Twelve noise pictures with the same right hand; the first two are called left."""
    root = tmp_path / "hands"
    rng = np.random.default_rng(3)
    samples = []
    for i in range(12):
        images.write(root / "images" / f"{i}.png", rng.integers(0, 256, (200, 200, 3), np.uint8))
        side = "left" if i < 2 else "right"
        points, seen = flat_hand.copy(), np.full(21, 2, np.uint8)
        seen[0] = 0 if i == 5 else 2
        sample = Sample(
            f"s/{i}", "noise", f"images/{i}.png", 200, 200, side, "dorsal", f"p{i % 3}", points, seen
        )
        sample.split, sample.licence = "train", "MIT"
        samples.append(sample)
    return save(root, samples)


def save(root: Path, samples: list[Sample]) -> Path:
    stage = {"stage": "convert", "counts": {"out": 12, "quarantined": 1, "dropped": {"no hand": 4}}}
    return qa_sets.save(root, samples, refers_to=[".."], history=[stage])


class Page(HTMLParser):
    """What a browser would act upon."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_each_section_is_listed_on_top_and_counts_have_their_words(dataset: Path, tmp_path: Path) -> None:
    samples = list(Dataset(dataset))
    darker = images.read(dataset / "images" / "2.png") * 0.9
    images.write(dataset / "images" / "3.png", darker.astype(np.uint8))
    samples[2].subject_id = samples[3].subject_id = None
    save(dataset, samples[1:4])
    assert check_quality(dataset, tmp_path / "qa", quiet=True).counts["error"] == 1
    text = (tmp_path / "qa" / "report.html").read_text()
    page = Page(text)
    sections = [attrs["id"] for tag, attrs in page.tags if tag == "section" and "id" in attrs]
    assert "clusters" in sections
    links = re.findall(r'<a href="#(\w+)">[^<]+</a>', text[text.index("<nav") : text.index("</nav>")])
    assert links == sections
    assert "<dt>error</dt><dd>1</dd>" in text
    assert "<dt>samples</dt><dd>3</dd>" in text
    assert not any("`" in check.remedy for check in CHECKS)  # these are shown as they are


def test_findings_stand_in_both_files_with_message_and_remedy(dataset: Path, tmp_path: Path) -> None:
    summary = check_quality(dataset, tmp_path / "qa", quiet=True)
    rows = json.loads((tmp_path / "qa" / "findings.json").read_text())
    assert rows == pq.read_table(tmp_path / "qa" / "findings.parquet").to_pylist()
    assert summary.counts == {"error": 2, "warning": 0, "info": 1}
    first = next(row for row in rows if row["check"] == "handedness")
    assert (first["sample_id"], first["dataset"], first["severity"]) == ("s/0", "hands", "error")
    assert first["message"] == (
        "Labelled a left hand seen from its dorsal side, but its points are arranged like a right hand's."
    )
    assert first["score"] > first["threshold"] == 0.1
    assert first["remedy"]


@pytest.mark.parametrize(
    ("fail_on", "failed"), [("error", False), ("warning", False), ("info", True), ("never", False)]
)
def test_fail_on_sets_the_bar(dataset: Path, tmp_path: Path, fail_on: str, failed: bool) -> None:
    only_a_note = save(dataset, list(Dataset(dataset))[2:])
    summary = check_quality(only_a_note, tmp_path / "qa", QualityOptions(fail_on=fail_on), quiet=True)
    assert summary.failed is failed
    assert summary.as_json()["counts"] == {"error": 0, "warning": 0, "info": 1}


def test_an_unknown_bar_and_a_missing_dataset_are_refused(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fail_on: 'fatal'; allowed: error, warning, info or never"):
        QualityOptions(fail_on="fatal")
    with pytest.raises(SchemaError, match="no such folder"):
        check_quality(tmp_path / "nothing", tmp_path / "qa", quiet=True)
    with pytest.raises(InputError, match="none given"):
        check_quality([], tmp_path / "qa", quiet=True)
    (tmp_path / "same").symlink_to(dataset)
    with pytest.raises(InputError, match="same: given twice; allowed: each dataset once"):
        check_quality([dataset, tmp_path / "same"], tmp_path / "qa", quiet=True)
    assert not (tmp_path / "qa").exists()


def test_the_verdict_stands_on_top_in_words(dataset: Path, tmp_path: Path) -> None:
    summary = check_quality(dataset, tmp_path / "qa", quiet=True)
    page = (tmp_path / "qa" / "report.html").read_text()
    assert summary.verdict == (
        "Not yet fit to build a training set from: 2 of 12 samples (16.7 %) have errors. "
        "Correct them or leave them out, and it will be. Found by: handedness (2)."
    )
    said = summary.verdict.partition(" Found by")[0]
    assert 0 < page.index(said) < page.index('<a href="#handedness">') < page.index("<h2>Checks</h2>")


def test_one_sample_is_one_sample(dataset: Path, tmp_path: Path) -> None:
    first = dataclasses.replace(next(iter(Dataset(dataset))), licence=None)
    summary = check_quality(save(dataset, [first]), tmp_path / "qa", quiet=True)
    assert "1 of 1 sample (100.0 %) has errors" in summary.verdict
    page = (tmp_path / "qa" / "report.html").read_text()
    assert "1 sample: no licence is recorded." in page
    assert "1 samples" not in page


def test_every_check_is_listed_and_the_way_to_the_set_told(dataset: Path, tmp_path: Path) -> None:
    check_quality(dataset, tmp_path / "qa", quiet=True)
    page = (tmp_path / "qa" / "report.html").read_text()
    assert [check.id for check in CHECKS if f"<code>{check.id}</code>" not in page] == []
    assert "4 × no hand" in page


def test_hostile_names_stay_text(dataset: Path, tmp_path: Path, flat_hand: np.ndarray) -> None:
    root = tmp_path / "<b onmouseover=alert(3)>"
    points, seen = flat_hand, np.full(21, 2, np.uint8)
    image = str(dataset / "images" / "0.png")
    wicked = [
        Sample(
            f"{HOSTILE}{i}", HOSTILE, image, 200, 200, subject_id=HOSTILE, keypoints=points, visibility=seen
        )
        for i in range(2)
    ]
    wicked.append(Sample("gone", HOSTILE, f"{HOSTILE}.png", keypoints=points, visibility=seen))
    for sample, split in zip(wicked, ("train", "val", "test"), strict=True):
        sample.split, sample.label_source, sample.parent_id = split, HOSTILE, HOSTILE
    check_quality(save(root, wicked), tmp_path / "qa", quiet=True)
    page = Page((tmp_path / "qa" / "report.html").read_text())
    assert {tag for tag, _ in page.tags}.isdisjoint(
        {"script", "iframe", "object", "embed", "link", "base", "b3"}
    )
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        if tag == "img":
            assert re.fullmatch(r"data:image/webp;base64,[A-Za-z0-9+/=]+", attributes["src"] or "")
        if tag == "a":
            assert (attributes["href"] or "").startswith("#")
    assert any("{{7*7}}" in text for text in page.text)


def test_absurd_values_are_findings_not_crashes(dataset: Path, tmp_path: Path, flat_hand: np.ndarray) -> None:
    image, seen = f"../{dataset.name}/images/0.png", np.full(21, 2, np.uint8)
    absurd = [
        Sample("huge", "s", image, 200, 200, keypoints=flat_hand * np.float32(1e30), visibility=seen),
        Sample("flat", "s", image, 0, -5, keypoints=flat_hand, visibility=seen),
        Sample("row", "s", "pixels.npy#seven", keypoints=flat_hand, visibility=seen),
        Sample("point", "s", image, 200, 200, "left", "dorsal", keypoints=flat_hand * 0 + 7, visibility=seen),
        Sample("blank", "s", "", side="left", aspect="dorsal"),
    ]
    check_quality(save(tmp_path / "absurd", absurd), tmp_path / "qa", quiet=True)
    rows = json.loads((tmp_path / "qa" / "findings.json").read_text())
    blamed = {(row["sample_id"], row["check"]) for row in rows if row["severity"] == "error"}
    assert blamed == {
        ("huge", "out-of-frame"),
        ("flat", "image-size"),
        ("row", "unreadable-image"),
        ("point", "coincident-points"),
        ("blank", "unreadable-image"),
        ("blank", "few-points"),
    }


def test_nothing_but_its_own_style_and_pictures_may_load(dataset: Path, tmp_path: Path) -> None:
    check_quality(dataset, tmp_path / "qa", quiet=True)
    text = (tmp_path / "qa" / "report.html").read_text()
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = next(
        a["content"] for t, a in Page(text).tags if t == "meta" and "Content-Security-Policy" in str(a)
    )
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style[1]


def test_pictures_have_words_and_tables_captions(dataset: Path, tmp_path: Path) -> None:
    check_quality(dataset, tmp_path / "qa", quiet=True)
    tags = Page((tmp_path / "qa" / "report.html").read_text()).tags
    assert all(attributes.get("alt") for tag, attributes in tags if tag == "img")
    assert sum(tag == "img" for tag, _ in tags) == 2 + 1 + 12
    assert sum(tag == "table" for tag, _ in tags) == sum(tag == "caption" for tag, _ in tags)
    assert [tag for tag, _ in tags if tag in ("h1", "h2")][:3] == ["h1", "h2", "h2"]
    assert all(a.get("aria-label") or a.get("aria-hidden") for t, a in tags if t == "svg")


def test_the_page_keeps_to_its_size_by_showing_fewer_pictures(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_quality(dataset, tmp_path / "all", quiet=True)
    whole = (tmp_path / "all" / "report.html").stat().st_size
    monkeypatch.setattr(qa.report.page, "TARGET", whole - 1)
    monkeypatch.setattr(qa.report.page, "_PLENTY", ((12, 48), (1, 6), (0, 0)))
    check_quality(dataset, tmp_path / "fewer", quiet=True)
    page = (tmp_path / "fewer" / "report.html").read_text()
    assert len(page.encode()) < whole
    assert page.count("<img ") == 1 + 1 + 6
    assert "1 of 2 shown, the worst first" in page


def test_bytes_depend_on_the_data_alone(dataset: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "deeper" / "hands"
    elsewhere.parent.mkdir()
    check_quality(dataset, tmp_path / "one", engine=Local(1), quiet=True)
    dataset.rename(elsewhere)
    check_quality(elsewhere, tmp_path / "two", engine=Local(3), quiet=True)
    names = [".curate.json", "findings.json", "findings.parquet", "qa.junit.xml", "qa.sarif", "report.html"]
    for name in names:
        data = (tmp_path / "one" / name).read_bytes()
        assert data == (tmp_path / "two" / name).read_bytes()
        assert str(tmp_path).encode() not in data
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == names


def test_the_seed_chooses_the_samples_shown(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qa.report.page, "_PLENTY", ((0, 3),))
    pages = set()
    for seed in (0, 0, 1, 2):
        check_quality(dataset, tmp_path / "qa", QualityOptions(seed=seed), overwrite=True, quiet=True)
        pages.add((tmp_path / "qa" / "report.html").read_bytes())
    assert len(pages) == 3


def test_people_angles_splits_and_twins_are_shown(dataset: Path, tmp_path: Path) -> None:
    samples = list(Dataset(dataset)) * 6
    for i, sample in enumerate(samples):
        sample = samples[i] = dataclasses.replace(sample, sample_id=f"s/{i}", subject_id=f"p{i}")
        sample.split = ("train", "test")[i % 2]
        sample.attrs = {
            "skinColor": f"<tone {i % 2}>",
            "age": 20 + i % 12,
            "accessories": i % 2,
            "gender": "",
        }
        sample.tilt, sample.rotation = float(i % 30), 1e30 if i == 3 else float(i)
    dark = dataset / "images" / "dark.png"
    images.write(dark, (images.read(dataset / "images" / "0.png") * 0.9).astype(np.uint8))
    samples[1].image, samples[1].subject_id = "images/dark.png", None
    check_quality(save(dataset, samples), tmp_path / "qa", quiet=True)
    page = Page((tmp_path / "qa" / "report.html").read_text())
    text = " ".join("".join(page.text).split())
    assert "<tone 0>" in text
    assert "20 to 29" in text
    assert "(empty text)72100 %" in text
    assert "Coverage of the angles" in text
    assert "similar photographs, in test and train" in text
    assert "<tone 0>36100 %0 % <tone 1>360 %100 %" in text  # count, train, test
    assert "different" in text


def test_splits_are_told_by_the_limits_of_ones_own(dataset: Path, tmp_path: Path) -> None:
    samples = [dataclasses.replace(sample, subject_id=None) for sample in Dataset(dataset)] * 20
    for i, sample in enumerate(samples):
        sample = samples[i] = dataclasses.replace(sample, sample_id=f"s/{i}", side=("left", "right")[i % 2])
        sample.split = ("train", "test")[i % 2]
    config = tmp_path / "qa.yaml"
    config.write_text("split-drift: {warning: 100, error: 200}")
    save(dataset, samples)
    check_quality(dataset, tmp_path / "usual", quiet=True)
    check_quality(dataset, tmp_path / "own", QualityOptions(config=config), quiet=True)
    told = {}
    for name in ("usual", "own"):
        page = Page((tmp_path / name / "report.html").read_text())
        told[name] = " ".join(" ".join(page.text).split())
    assert re.search(r"side [0-9.]+ different", told["usual"])
    assert re.search(r"side [0-9.]+ alike", told["own"])
    assert "up to 100 alike, above 200 different" in told["own"]


def test_what_changed_is_shown(dataset: Path, tmp_path: Path) -> None:
    check_quality(dataset, tmp_path / "one", quiet=True)
    samples = list(Dataset(dataset))
    samples[0].side, samples[7].side = "right", "left"
    check_quality(
        save(dataset, samples), tmp_path / "two", QualityOptions(compare=tmp_path / "one"), quiet=True
    )
    text = " ".join("".join(Page((tmp_path / "two" / "report.html").read_text()).text).split())
    assert "1 new, 1 fixed, 2 the same" in text
    assert "s/7 Labelled a left hand" in text


def test_a_ninth_value_is_the_other_one(tmp_path: Path, dataset: Path) -> None:
    samples = [dataclasses.replace(s, source=f"source-{min(i, 8)}") for i, s in enumerate(Dataset(dataset))]
    save(tmp_path / "nine", samples)
    (tmp_path / "nine/images").symlink_to(dataset / "images")
    check_quality(tmp_path / "nine", tmp_path / "qa-nine", quiet=True)
    told = (tmp_path / "qa-nine/report.html").read_text()
    assert ">1 other<" in told
    assert "1 others" not in told


def test_the_names_under_the_pictures_tell_two_hands_apart(dataset: Path, tmp_path: Path) -> None:
    ids = ["rhd/training/00111/left", "openpose/clip_7/0-right", "11khands/Hand_0000084"]
    chosen = list(Dataset(dataset))[: len(ids)]
    for sample, sample_id in zip(chosen, ids, strict=True):
        sample.sample_id = sample_id
    check_quality(save(tmp_path / "named", chosen), tmp_path / "qa", quiet=True)
    page = (tmp_path / "qa" / "report.html").read_text()
    for sample_id, shown in zip(ids, ["00111/left", "clip_7/0-right", "Hand_0000084"], strict=True):
        assert f'<b title="{sample_id}">{shown}</b>' in page

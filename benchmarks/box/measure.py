"""The tagger in the box on photographs, none of which it was trained on.

    python -m benchmarks.box.measure WORK --data DATA [--tagger box] [--finder box] [--choose] [--every N]
        [--sheet FOLDER] [--json FILE]

DATA holds photographs as data/README.md describes them; which of these folders are there, is measured:

    11k_hands_224, 11k_hands_224_palmar     the 283 and 200 test photographs, whole
    11k_hands, labelme_hands                31 photographs as they were taken
    wild_hands                              403 pictures of test clips, whole
    hand_graph_real                         280 pictures of one person's hand
    no hands                                200 parts of wild_hands' test pictures without the labelled hand

Each is given to `curate autotag` without its labels and boxes. Of each are printed: the share with all finger
points within 9 px at 96 px (as autotag's --truth counts it), of all and of those kept; the share kept; the
share of points within 0.2 of the longer side of the labelled box (PCK@0.2); the mean and median distance
(EPE), in pixels of the picture and at 96 px; hands not found, whose points count as wrong in shares and not
at all in distances. Then the size of the box, and milliseconds of one core.

Another program made the labels of the clips, and one in three is wrong, or may be: labels_seen.csv, beside
this file, says of each what was seen when it was looked at, drawn on its picture, before any answer to it.
So the pictures with right labels are also measured alone. These are the easier ones.

Of the parts without the labelled hand some show another hand, or the labelled one where its label lies wrong:
look at those in which one is found, which --sheet draws.

--choose measures the parts that limits are chosen on instead: people of half 0 of the train photographs (see
benchmarks/photographs.py), and train clips. It then says from which score on hands are to be trusted
(THRESHOLD of make.py), those found where there is none counting as wrong; hands whose labels are wrong tell
nothing. --sheet draws what is wrong.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.photographs import CLIPS, GRAPH, PEOPLE, TAGGED, converted, half_of
from curate.autotag import FOLDER, autotag
from curate.basics import geometry, images
from curate.basics import keypoints as kp
from curate.basics.engine import Local
from curate.basics.errors import InputError
from curate.data.dataset import Dataset, write_info, write_table
from curate.data.references import REFERS_TO, places_of
from curate.data.sample import Sample, to_batch
from curate.data.stage import relative_to_out
from curate.hands.overlay import contact_sheet, draw_skeleton
from curate.hands.photograph import Photograph
from curate.options.autotag import AutotagOptions
from curate.scoring import metrics, precision
from curate.taggers import box_networks
from curate.taggers.table import choose_by, finder_of
from curate.taggers.tagger import tag_in_order

GROUPED = 300  # photographs of a part to choose on
EMPTY, SIDE = 200, 80
SEEN = Path(__file__).with_name("labels_seen.csv")
RIGHT, WRONG = "right", "wrong"  # else "doubtful"


def known(work: Path, data: Path, choosing: bool) -> Iterator[tuple[str, Dataset, list[Sample]]]:
    """Each part of the data that is there: its name, the dataset, and the samples to measure on."""
    for name in (*PEOPLE, CLIPS, TAGGED, GRAPH):
        if choosing and name in (TAGGED, GRAPH):
            continue
        folder = converted(name, data, work)
        if folder is None:
            continue
        dataset = Dataset(folder)
        rows = list(dataset)
        if name in (*PEOPLE, CLIPS):
            rows = [s for s in rows if (s.split == "train") == choosing]
        if choosing:
            rows = [s for s in rows if name == CLIPS or half_of(s.subject_id) == "0"]
            rows = [rows[i] for i in np.linspace(0, len(rows) - 1, min(GROUPED, len(rows))).astype(int)]
        yield "11k_hands" if name == TAGGED else name, dataset, rows
        if name == CLIPS:
            yield "no hands", dataset, rows


def label_seen() -> dict[str, str]:
    """What was seen of labels, by sample_id: RIGHT, WRONG or "doubtful"."""
    with SEEN.open(newline="", encoding="utf-8") as lines:
        return {row["sample_id"]: row["label"] for row in csv.DictReader(lines)}


@dataclass(frozen=True)
class Answer:
    """What autotag makes of samples. found: by sample_id, the tagged sample and whether autotag keeps it."""

    found: dict[str, tuple[Sample, bool]]
    report: dict[str, Any]


def tagged(work: Path, dataset: Dataset, rows: list[Sample], tagger: str, finder: str | None) -> Answer:
    """The answer to samples without their labels and boxes."""
    raw, out = work / "raw", work / "tagged"
    bare = [
        Sample(
            s.sample_id,
            s.source,
            relative_to_out(dataset.root / str(s.image), raw),
            s.width,
            s.height,
            side=s.side,
            aspect=s.aspect,
        )
        for s in rows
    ]
    raw.mkdir(parents=True, exist_ok=True)
    write_table(raw, [to_batch(bare)])
    folders = [relative_to_out(place, raw) for place in places_of(dataset)]
    write_info(raw, {"history": [], REFERS_TO: folders})
    options = AutotagOptions(tagger=(tagger,), finder=finder, truth=dataset.root)
    made = autotag(raw, out, options, engine=Local(1), overwrite=True, quiet=True)
    found = {s.sample_id: (s, True) for s in Dataset(out)}
    found |= {s.sample_id: (s, False) for s in Dataset(out / FOLDER)}
    return Answer(found, made.report)


def figures(rows: list[Sample], answer: Answer) -> dict[str, Any]:
    """The figures that the module's docstring describes, of samples with their labels."""
    nothing = np.full((kp.COUNT, 2), np.nan, np.float32)
    found = [answer.found.get(s.sample_id) for s in rows]
    points = np.stack([nothing if one is None else one[0].keypoints for one in found])
    kept = np.array([one is not None and one[1] for one in found])
    truth, visible = np.stack([s.keypoints for s in rows]), np.stack([s.visibility for s in rows])
    right = np.array(
        [bool(precision.is_right(p, t, v)) for p, t, v in zip(points, truth, visible, strict=True)]
    )
    gaps = metrics.distances(points, truth, visible > 0)
    sides = metrics.box_sizes(truth, visible > 0)[0]
    labelled = visible > 0
    seen = np.isfinite(points).all(2).any(1)
    there = np.isfinite(gaps) & seen[:, None]
    at96 = (
        gaps
        * (96 / np.array([geometry.square_around(geometry.bounding_box(t), 0.1)[2] for t in truth]))[:, None]
    )
    return {
        "n": len(rows),
        "right": precision.share_with_interval(int(right.sum()), len(rows)),
        "kept": float(kept.mean()),
        "right_of_kept": precision.share_with_interval(int(right[kept].sum()), int(kept.sum())),
        "pck": float((gaps < 0.2 * sides[:, None])[labelled].mean()),
        "pck_of_kept": float((gaps < 0.2 * sides[:, None])[labelled & kept[:, None]].mean())
        if kept.any()
        else None,
        "epe": float(gaps[there].mean()),
        "epe_median": float(np.median(gaps[there])),
        "epe_at_96": float(at96[there].mean()),
        "not_found": int((~seen).sum()),
        "reasons": answer.report["reasons"],
        "wrong": [s.sample_id for s, ok in zip(rows, right, strict=True) if not ok],
    }


def line_of(name: str, f: dict[str, Any]) -> str:
    """A part's figures as a line to print."""
    of_kept = f["right_of_kept"]["share"]
    kept = "none" if of_kept is None else f"{of_kept:.1%}"
    right = f["right"]
    return (
        f"{name:22} n {f['n']:4}  right {right['share']:.1%} "
        f"({right['low']:.1%} to {right['high']:.1%})  "
        f"kept {f['kept']:.1%}, right of those {kept}  "
        f"PCK {f['pck']:.3f} (of kept {f['pck_of_kept'] or 0:.3f})  "
        f"EPE {f['epe']:.2f} px, median {f['epe_median']:.2f}; at 96 {f['epe_at_96']:.2f}  "
        f"not found {f['not_found']}"
    )


def without_hands(work: Path, dataset: Dataset, rows: list[Sample]) -> Dataset:
    """A dataset of square parts of pictures, none with the labelled hand."""
    out, rng, made = work / "empty", np.random.default_rng(0), list[Sample]()
    (out / "images").mkdir(parents=True, exist_ok=True)
    for sample in (rows[i] for i in rng.permutation(len(rows))):
        picture = images.read(dataset.root / str(sample.image))
        height, width = picture.shape[:2]
        box = geometry.bounding_box(sample.keypoints)
        assert box is not None
        x0, y0, x1, y1 = *(box[:2] - 0.3 * box[2:].max()), *(box[:2] + box[2:] + 0.3 * box[2:].max())
        spaces = [(0, 0, x0, height), (x1, 0, width, height), (0, 0, width, y0), (0, y1, width, height)]
        fits = [s for s in spaces if min(s[2] - s[0], s[3] - s[1]) >= SIDE]
        for left, top, right, bottom in np.array(fits[: EMPTY - len(made)], int).reshape(-1, 4):
            side = min(right - left, bottom - top)
            x, y = (int(rng.integers(low, high - side + 1)) for low, high in ((left, right), (top, bottom)))
            name = f"images/{len(made):04}.png"
            images.write(out / name, np.ascontiguousarray(picture[y : y + side, x : x + side]))
            made.append(Sample(f"empty/{len(made):04}", "empty", name, side, side))
    write_table(out, [to_batch(made)])
    write_info(out, {"history": []})
    return Dataset(out)


def hands_in(dataset: Dataset, tagger: str, finder: str | None) -> tuple[float, list[Sample], list[float]]:
    """The share of pictures in which a hand is found, these pictures, and the hands' scores."""
    opened, find = choose_by(tagger).open(), None if finder is None else finder_of(finder).find
    wrong, scores = [], []
    for sample in dataset:
        (result,) = tag_in_order([opened], [Photograph(dataset.root, sample)], find)
        if isinstance(result, InputError):
            continue
        (said,) = result[1]
        if said.found.any():
            wrong.append(sample)
            scores.append(said.score)
    return len(wrong) / len(dataset), wrong, scores


def judged(rows: list[Sample], answer: Answer) -> list[tuple[float, int, int]]:
    """For each hand that was found: its score, how many of its points are within 9 px at 96 px, and how many
    are labelled."""
    hands = []
    for sample in rows:
        found, box = answer.found.get(sample.sample_id), geometry.bounding_box(sample.keypoints)
        if found is None or box is None or found[0].score is None or not found[0].visibility.any():
            continue
        limit = metrics.right_within(float(geometry.square_around(box, 0.1)[2]))
        labelled = sample.visibility > 0
        gaps = metrics.distances(found[0].keypoints, sample.keypoints, labelled)
        hands.append((found[0].score, int((gaps <= limit).sum()), int(labelled.sum())))
    return hands


def milliseconds(dataset: Dataset, rows: list[Sample], tagger: str) -> float:
    """CPU milliseconds a picture on one core, with one look at each, decoding included."""
    cv2.setNumThreads(1)
    opened = choose_by(tagger).open()
    photographs = [Photograph(dataset.root, s) for s in rows[:50]]
    opened.tag(photographs[:2])
    photographs = [Photograph(dataset.root, replace(s, bbox=None)) for s in rows[:50]]
    start = time.process_time()
    for photograph in photographs:
        opened.tag([photograph])
    return 1000 * (time.process_time() - start) / len(photographs)


def sheet(dataset: Dataset, rows: list[Sample], answer: Answer, wrong: list[str]) -> Any:
    """The labels in white, what was found in colours, of some that are wrong."""
    by_id = {s.sample_id: s for s in rows}
    drawn = []
    for name in [wrong[i] for i in np.linspace(0, len(wrong) - 1, min(48, len(wrong))).astype(int)]:
        sample, found = by_id[name], answer.found.get(name)
        picture = images.read(dataset.root / str(sample.image))
        marked = draw_skeleton(picture, sample.keypoints, size=224, colour=(255, 255, 255))
        scale = 224 / max(picture.shape[:2])
        if found is not None:
            marked = draw_skeleton(marked, found[0].keypoints * scale)
        drawn.append(marked)
    return contact_sheet(drawn, columns=8, cell=224)


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tagger", default=box_networks.BOX)
    parser.add_argument("--finder", metavar="box|RUN")
    parser.add_argument("--choose", action="store_true")
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="every Nth photograph alone, to be quick"
    )
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    every: dict[str, Any] = {}
    hands: list[tuple[float, int, int]] = []
    seen = label_seen()
    for name, dataset, every_row in known(a.work, a.data, a.choose):
        rows = every_row[:: a.every]
        if name == "no hands":
            empty = without_hands(a.work, dataset, rows)
            share, wrong, scores = hands_in(empty, a.tagger, a.finder)
            hands += [(score, 0, kp.COUNT) for score in scores]
            every[name] = {"n": len(empty), "share": share, "wrong": [s.sample_id for s in wrong]}
            print(f"{name:22} n {len(empty):4}  a hand found in {share:.1%}", flush=True)
            if a.sheet and wrong:
                shown = [cv2.resize(images.read(empty.root / str(s.image)), (112, 112)) for s in wrong]
                images.write(a.sheet / f"{name}.png", contact_sheet(shown, columns=12, cell=112))
            continue
        answer = tagged(a.work, dataset, rows, a.tagger, a.finder)
        every[name] = figures(rows, answer)
        hands += judged([s for s in rows if seen.get(s.sample_id) != WRONG], answer)
        print(line_of(name, every[name]), flush=True)
        if name == CLIPS:
            sound = f"{CLIPS}, right labels"
            every[sound] = figures([s for s in rows if seen.get(s.sample_id) == RIGHT], answer)
            print(line_of(sound, every[sound]), flush=True)
        print(f"{'':22} sifted for {every[name]['reasons']}", flush=True)
        if a.sheet:
            images.write(a.sheet / f"{name}.png", sheet(dataset, rows, answer, every[name]["wrong"]))
        if name == "11k_hands_224":
            every["milliseconds"] = milliseconds(dataset, rows, a.tagger)
            print(f"{every['milliseconds']:.0f} ms of one core a picture", flush=True)
    if a.choose and hands:
        score, right, labelled = map(np.array, zip(*hands, strict=True))
        threshold = precision.threshold_for(score, right, labelled)
        every["threshold"] = None if threshold is None else asdict(threshold)
        print(f"threshold: {every['threshold']}")
    if a.tagger == box_networks.BOX:
        every["bytes"] = sum(path.stat().st_size for path in box_networks.FOLDER.iterdir())
        print(f"{every['bytes'] / 1e6:.1f} MB")
    if a.json:
        a.json.write_text(json.dumps(every, indent=1) + "\n")


if __name__ == "__main__":
    main()

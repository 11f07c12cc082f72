"""The kinds of input, a row each: what is spoilt, how, and the commands that read it."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pyarrow.parquet as pq
from scipy.io import loadmat

from benchmarks.fuzz.codecs import Codec, anything, arrays, pictures, tables, text
from benchmarks.fuzz.seeds import HANDS, SOURCES
from converters.table import FORMATS

SPOILT = "{spoilt}"  # in a command: the text of the spoilt file, as an argument

Count = Callable[[bytes], int]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of input.

    Attributes
    ----------
    spoils: pattern of the files of which one is spoilt, below the folder of the sources.
    codec: how. folders: what else of the sources the commands read.
    commands: the sources are at in/, and what a command makes goes to out; SPOILT stands for an argument.
    rows: how many rows there are, where all are to be told of, from the spoilt file; raises where it tells of
        none.
    apart: each file is a sample: whatever is wrong with one, the samples of the others come out as before.
    networks: only with torch.
    """

    name: str
    spoils: str
    codec: Codec
    commands: tuple[str, ...]
    folders: tuple[str, ...] = ()
    rows: Count | None = None
    apart: bool = False
    networks: bool = False

    @property
    def tree(self) -> tuple[str, ...]:
        """The folders that a case is made of."""
        return tuple(dict.fromkeys([self.spoils.split("/")[0], *self.folders]))


def _annotations(content: bytes) -> int:
    return len(json.loads(content)["annotations"])


def _skeletons(content: bytes) -> int:
    return sum(1 for _ in ElementTree.fromstring(content).iterfind("image/skeleton"))


def _tasks(content: bytes) -> int:
    return sum(bool(task["predictions"]) for task in json.loads(content))


def _entries(content: bytes) -> int:
    return len(_Arrays(io.BytesIO(content)).load())


class _Arrays(pickle.Unpickler):
    """Of what is spoilt nothing else may be run."""

    def find_class(self, module: str, name: str) -> Any:
        if not module.startswith("numpy") or name not in ("_reconstruct", "ndarray", "dtype", "scalar"):
            raise pickle.UnpicklingError(f"{module}.{name}")
        return super().find_class(module, name)


def _root(content: bytes) -> int:
    return len(json.loads(content)["root"])


def _mat_rows(content: bytes) -> int:
    names = loadmat(io.BytesIO(content)).get("image_path", ())
    return len(names)


def _hands(_content: bytes) -> int:
    return HANDS


def _table_rows(content: bytes) -> int:
    return int(pq.read_metadata(io.BytesIO(content)).num_rows)


def _convert(name: str, folder: str = "") -> tuple[str, ...]:
    line = f"convert {name} in/{folder or name} --out out"
    return line, f"{line} --copy", f"{line} --copy --no-probe"


_VIDEO = "convert video in/video --out out"
_FRAMES = (f"{_VIDEO} --every 3 --sharpest", f"{_VIDEO} --different 2")
_STAGES = (
    "crop in/drawn --out out",
    "crop in/drawn --by mask --out out",
    "crop in/drawn --by keypoints --jitter 0.2 --out out",
    "background in/drawn --backgrounds noise --out out",
    "build in/drawn --crop keypoints --size 32 --test 0.5 --out out",
    "build in/drawn --size 32 --test 0.5 --masks --store-heatmaps uint8-peak1 --out out",
)
_RHD = "export in/drawn --to rhd --out out"
_EXPORTS = tuple(f"export in/drawn --to {name} --out out" for name, row in FORMATS.items() if row.writes)
_QA = "qa in/drawn --out out"
_SELECT = (
    "select in/drawn --sample 1 --by subject_id --out out",
    "select in/drawn --where \"side == 'left'\" --out out",
    "select in/drawn --drop-qa in/qa --drop-at info --out out",
)
_SHOW = ("show in/drawn", "show in/drawn --out out.html", "show in/drawn --pictures 3 --out out.png")
_REVIEW = "review build in/drawn --qa in/qa --out out"
_OPEN = "review open-labelme in/drawn --qa in/qa --severity info --no-open --out out"
_OPEN_ALL = "review open-labelme in/drawn --all --no-open --out out"
_APPLY = "review apply in/loose/decisions.jsonl --dataset in/drawn --out out"
_OF_A_DATASET = (
    *_STAGES,
    *_EXPORTS,
    *_SELECT,
    *_SHOW,
    "trust in/drawn",
    _QA,
    _REVIEW,
    _OPEN,
    _OPEN_ALL,
    _APPLY,
)
_OF_CROPS = (
    "build in/crops --size 32 --test 0.5 --out out",
    "crop in/crops --by keypoints --out out",
    "qa in/crops --out out",
)
_OF_FINDINGS = (_REVIEW, _OPEN, _SELECT[-1], "qa in/drawn --compare in/qa --out out")
_OF_DECISIONS = (
    _APPLY,
    f"{_APPLY} --dry-run",
    "review agreement in/loose/decisions.jsonl in/loose/decisions.jsonl",
    "review open-labelme in/drawn --decisions in/loose/decisions.jsonl --no-open --out out",
)
_MENDED_IN_CVAT = "review take-back cvat in/cvat --dataset in/drawn --out out"
_MENDED_TASKS = "review take-back label-studio in/label-studio --dataset in/drawn --out out"
_QA_OF_A_SET = "qa in/set --out out"
_SPLIT = "build in/drawn --crop keypoints --size 32 --split in/loose/split.csv --out out"
_MAPPED = "convert labelme in/labelme --mapping in/loose/mapping.yaml --out out"
_JOINED = "convert labelme in/labelme --hand-info in/11khands/HandInfo.csv --out out"
_EVALUATE = "evaluate in/run in/set --out out"
_PREDICT = "predict in/run in/images --out out"
_FOLLOW = "predict in/run in/video --out out"
_TRAIN = "train in/set --network toy-points --epochs 1 --batch 2"
_TRAIN_AGAIN = f"{_TRAIN} --out in/run"
_AUTOTAG = "autotag in/drawn --tagger in/run --looks 2 --out out"
_OF_A_RUN = (_EVALUATE, _PREDICT, _AUTOTAG)
_RUN_READS = ("set", "images", "drawn")
_BOX = "autotag in/drawn --tagger box --looks 1 --out out"
_OPENPOSE = "autotag in/drawn --tagger openpose:in/openpose-model --looks 1 --out out"
_OF_A_SET = (_EVALUATE, f"{_TRAIN} --out out")
_CROP_AGAIN = "crop in/drawn --by keypoints --size 64 --out in/crops"
_AGAIN = (_CROP_AGAIN, f"{_CROP_AGAIN} --overwrite", "crop in/drawn --out in/crops")
_GO_ON = "crop in/drawn --by keypoints --size 64 --out in/unfinished"
_TRAIN_ON = f"{_TRAIN} --out in/begun"
_BACKDROPS = (
    "background in/drawn --backgrounds in/images --out out",
    "build in/drawn --crop keypoints --size 32 --test 0.5 --backgrounds in/images --out out",
)
_CORRECTED = "review open-labelme in/drawn --all --no-open --out in/corrections"
_CONDITION = f"select in/drawn --where {SPOILT} --out out"
_ARGUMENTS = (
    f"convert labelme in/labelme --licence {SPOILT} --out out",
    f"convert labelme in/labelme --label-source {SPOILT} --limit 3 --out out",
    f"convert labelme in/labelme --limit {SPOILT} --out out",
    f"crop in/drawn --by keypoints --margin {SPOILT} --out out",
    f"crop in/drawn --by keypoints --jitter {SPOILT} --seed 1 --out out",
    f"crop in/drawn --by keypoints --jitter 0.1 --seed {SPOILT} --out out",
    f"crop in/drawn --by mask --size {SPOILT} --out out",
    f"background in/drawn --backgrounds colour:{SPOILT} --out out",
    f"background in/drawn --backgrounds noise --seed {SPOILT} --out out",
    f"build in/crops --size {SPOILT} --test 0.5 --out out",
    f"build in/crops --size 32 --test {SPOILT} --out out",
    f"build in/crops --size 32 --val {SPOILT} --out out",
    f"build in/crops --size 32 --test 0.5 --sigma {SPOILT} --out out",
    f"build in/crops --size 32 --test 0.5 --store-heatmaps {SPOILT} --out out",
    f"select in/drawn --sample {SPOILT} --out out",
    f"select in/drawn --sample 2 --by {SPOILT} --out out",
    f"select in/drawn --split {SPOILT} --out out",
    f"show in/drawn --pictures {SPOILT} --out out.html",
    f"show in/drawn --seed {SPOILT} --out out.html",
    f"qa in/drawn --seed {SPOILT} --out out",
    f"review open-labelme in/drawn --qa in/qa --check {SPOILT} --no-open --out out",
    f"review open-labelme in/drawn --all --limit {SPOILT} --no-open --out out",
    f"review open-labelme in/drawn --all --reviewer {SPOILT} --no-open --out out",
    f"render --angles {SPOILT} --out out --dry-run",
    f"render --random 2 --angles tilt={SPOILT} --out out --dry-run",
    f"render --random {SPOILT} --out out --dry-run",
    f"render --random 2 --size {SPOILT} --out out --dry-run",
    f"render --random 2 --samples {SPOILT} --out out --dry-run",
    f"render --random 2 --seed {SPOILT} --out out --dry-run",
    f"render --random 2 --model {SPOILT} --out out --dry-run",
    f"render --random 9 --indices {SPOILT} --out out --dry-run",
)
_ARGUMENTS_OF_NETWORKS = (
    f"train in/set --network {SPOILT} --epochs 1 --out out",
    f"train in/set --network toy-points --preset {SPOILT} --epochs 1 --out out",
    f"train in/set --network toy-points --set width={SPOILT} --epochs 1 --out out",
    f"train in/set --network toy-points --set {SPOILT}=3 --epochs 1 --out out",
    f"train in/set --network toy-points --batch {SPOILT} --epochs 1 --out out",
    f"train in/set --network toy-points --seed {SPOILT} --epochs 1 --out out",
    f"train in/set --network toy-points --max-minutes {SPOILT} --epochs 1 --out out",
    f"evaluate in/run in/set --split {SPOILT} --out out",
    f"evaluate in/run in/set --by {SPOILT} --out out",
    f"predict in/run in/images --min-score {SPOILT} --out out",
    f"autotag in/drawn --tagger in/run --looks {SPOILT} --out out",
)
_ARGUMENT = "loose/argument.txt"
_EXPORT_AGAIN = "export in/drawn --to coco --out in/coco"

_json, _bytes, _table, _image = text.json_file, anything.plain, tables.parquet, pictures.image
_BESIDE = ("qa", "loose")

_KINDS: tuple[Kind, ...] = (
    # sources
    Kind("labelme json", "labelme/*.json", _json, _convert("labelme"), apart=True),
    Kind("labelme bytes", "labelme/*.json", _bytes, _convert("labelme"), apart=True),
    Kind("coco json", "coco/annotations/*.json", _json, _convert("coco"), rows=_annotations),
    Kind("coco bytes", "coco/annotations/*.json", _bytes, _convert("coco")),
    Kind("wholebody", "coco-wholebody/*.json", _json, _convert("coco-wholebody"), rows=_annotations),
    Kind("rhd pickle", "rhd/*/*/anno_*.pickle", arrays.pickled, _convert("rhd"), rows=_entries),
    Kind("rhd bytes", "rhd/*/*/anno_*.pickle", _bytes, _convert("rhd")),
    Kind("rhd images", "rhd/*/*/*/*.png", _image, _convert("rhd")),
    Kind("yolo yaml", "yolo-pose/data.yaml", text.yaml_file, _convert("yolo-pose")),
    Kind("yolo labels", "yolo-pose/labels/*/*.txt", text.spaced, _convert("yolo-pose"), apart=True),
    Kind("yolo bytes", "yolo-pose/labels/*/*.txt", _bytes, _convert("yolo-pose"), apart=True),
    Kind("yolo images", "yolo-pose/images/*/*.jpg", _image, _convert("yolo-pose"), apart=True),
    Kind("11k csv", "11khands/HandInfo.csv", text.csv, _convert("11khands"), rows=_hands),
    Kind("11k joined", "11khands/HandInfo.csv", text.csv, (_JOINED,), ("labelme",), rows=_hands),
    Kind("11k images", "11khands/Hands/*.jpg", _image, _convert("11khands"), apart=True),
    Kind("labelme images", "labelme/*.jpg", _image, _convert("labelme")),
    Kind("coco images", "coco/images/*.jpg", _image, _convert("coco")),
    Kind("pictures", "images/*.jpg", _image, _convert("images")[:2], apart=True),
    Kind("videos", "video/**/*.*", _bytes, (_VIDEO,), apart=True),
    Kind("some frames", "video/**/*.*", _bytes, _FRAMES),
    Kind("cvat xml", "cvat/annotations.xml", text.xml_file, _convert("cvat"), rows=_skeletons),
    Kind("cvat bytes", "cvat/annotations.xml", _bytes, _convert("cvat")),
    Kind("cvat tracks", "cvat-video/annotations.xml", text.xml_file, _convert("cvat", "cvat-video")),
    Kind("label studio", "label-studio/tasks.json", _json, _convert("label-studio"), rows=_tasks),
    Kind("its bytes", "label-studio/tasks.json", _bytes, _convert("label-studio")),
    Kind("mapping.yaml", "loose/mapping.yaml", text.yaml_file, (_MAPPED,), ("labelme",), rows=_hands),
    Kind("hand-graph", "hand-graph/*.mat", arrays.mat, _convert("hand-graph"), rows=_mat_rows),
    Kind("hand-graph mat", "hand-graph/*.mat", _bytes, _convert("hand-graph")),
    Kind("handpose-x", "handpose-x/*/*.json", _json, _convert("handpose-x"), apart=True),
    Kind("freihand", "freihand/*_[Kx]*.json", _json, _convert("freihand")),
    Kind("interhand", "interhand/annotations/*/*.json", _json, _convert("interhand")),
    Kind("panoptic", "panoptic/hand_labels*/*/*.json", _json, _convert("panoptic"), apart=True),
    Kind("hand143", "panoptic/hand143*/*.json", _json, _convert("panoptic"), rows=_root),
    Kind("openpose", "openpose/json/*.json", _json, _convert("openpose")),
    Kind("onehand10k", "onehand10k/*/*.txt", text.csv, _convert("onehand10k")),
    Kind("hagrid", "hagrid/annotations/*/*.json", _json, _convert("hagrid")),
    Kind("stb", "stb/labels/*.mat", arrays.mat, _convert("stb")),
    Kind("dexter-object", "dexter-object/*/*/*/my_*.txt", text.csv, _convert("dexter-object")),
    Kind("tzionas", "tzionas/*/*/*/*5.txt", text.tabbed, _convert("tzionas")),
    # datasets
    Kind("photographs", "drawn/images/*.jpg", _image, _OF_A_DATASET, _BESIDE),
    Kind("masks", "drawn/masks/*.png", _image, (*_STAGES, _QA)),
    Kind("depth", "drawn/depth/*.png", _image, (_STAGES[0], _RHD)),
    Kind("table", "drawn/samples.parquet", _table, _OF_A_DATASET, _BESIDE, rows=_table_rows),
    Kind("table bytes", "drawn/samples.parquet", _bytes, _OF_A_DATASET, _BESIDE),
    Kind("dataset.json", "drawn/dataset.json", _json, _OF_A_DATASET, _BESIDE),
    Kind("quarantine", "drawn/quarantine.jsonl", _bytes, _OF_A_DATASET, _BESIDE),
    Kind("crops", "crops/samples.parquet", _table, _OF_CROPS, ("drawn",), rows=_table_rows),
    Kind("split.csv", "loose/split.csv", text.csv, (_SPLIT,), ("drawn",), rows=_hands),
    Kind(
        "job.yaml",
        "loose/job.yaml",
        text.yaml_file,
        ("render --job in/loose/job.yaml --dry-run --out out",),
    ),
    Kind("backdrops", "images/*.jpg", _image, _BACKDROPS, ("drawn",)),
    Kind("a stage's parts", "unfinished/.curate/part-*", _bytes, (_GO_ON,), ("drawn",)),
    Kind("condition", "loose/condition.txt", text.condition, (_CONDITION,), ("drawn",)),
    Kind("arguments", _ARGUMENT, text.argument, _ARGUMENTS, ("drawn", "crops", "labelme", "qa")),
    Kind("hand.npz", "loose/hand.npz", _bytes, ("render --random 2 --model in/loose/hand.npz --dry-run",)),
    Kind(
        "hand.yaml",
        "loose/hand.yaml",
        text.yaml_file,
        ("render --random 2 --model in/loose/hand.yaml --dry-run",),
    ),
    Kind("the box's pictures", "drawn/images/*.jpg", _image, (_BOX, "crop in/drawn --by box --out out")),
    Kind("the box's table", "drawn/samples.parquet", _table, (_BOX,), rows=_table_rows),
    # training sets
    Kind("set's json", "set/dataset.json", _json, (_QA_OF_A_SET,)),
    Kind("set's table", "set/samples.parquet", _table, (_QA_OF_A_SET,)),
    Kind("set's arrays", "set/*.npy", arrays.npy, (_QA_OF_A_SET,)),
    Kind("set's bytes", "set/*.npy", _bytes, (_QA_OF_A_SET,)),
    # findings and decisions
    Kind("qa.yaml", "loose/qa.yaml", text.yaml_file, (f"{_QA} --config in/loose/qa.yaml",), ("drawn",)),
    Kind("findings", "qa/findings.parquet", _table, _OF_FINDINGS, ("drawn",)),
    Kind("findings bytes", "qa/findings.parquet", _bytes, _OF_FINDINGS, ("drawn",)),
    Kind("decisions", "loose/decisions.jsonl", text.json_lines, _OF_DECISIONS, ("drawn",)),
    Kind("decision bytes", "loose/decisions.jsonl", _bytes, _OF_DECISIONS, ("drawn",)),
    Kind("corrections", "corrections/labels/*.json", _json, (_CORRECTED,), ("drawn", "qa")),
    Kind("their bytes", "corrections/labels/*.json", _bytes, (_CORRECTED,), ("drawn", "qa")),
    Kind("mended in cvat", "cvat/annotations.xml", text.xml_file, (_MENDED_IN_CVAT,), ("drawn",)),
    Kind("mended tasks", "label-studio/tasks.json", _json, (_MENDED_TASKS,), ("drawn",)),
    # marks of folders
    Kind("stage's mark", "crops/.curate.json", _json, _AGAIN, ("drawn",)),
    Kind("mark's bytes", "crops/.curate.json", _bytes, _AGAIN, ("drawn",)),
    Kind("export's mark", "coco/.curate.json", _json, (_EXPORT_AGAIN,), ("drawn",)),
    Kind("qa's mark", "qa/.curate.json", _json, ("qa in/drawn --fail-on never --out in/qa",), ("drawn",)),
    Kind(
        "review's mark",
        "review/.curate.json",
        _json,
        ("review build in/drawn --qa in/qa --out in/review",),
        ("drawn", "qa"),
    ),
    # runs
    Kind("run.json", "run/run.json", _json, _OF_A_RUN, _RUN_READS, networks=True),
    Kind("run's json", "run/[et]*.json", _json, (*_OF_A_RUN, _TRAIN_AGAIN), _RUN_READS, networks=True),
    Kind("run's mark", "run/.curate.json", _json, (_EVALUATE, _TRAIN_AGAIN), ("set",), networks=True),
    Kind("weights", "run/weights.pt", arrays.archive, _OF_A_RUN, _RUN_READS, networks=True),
    Kind("weights' bytes", "run/weights.pt", _bytes, _OF_A_RUN, _RUN_READS, networks=True),
    Kind("to predict", "images/*.jpg", _image, (_PREDICT,), ("run",), networks=True),
    Kind("videos to predict", "video/**/*.*", _bytes, (_FOLLOW,), ("run",), networks=True),
    Kind("to train on", "set/dataset.json", _json, _OF_A_SET, ("run",), networks=True),
    Kind("its table", "set/samples.parquet", _table, _OF_A_SET, ("run",), networks=True),
    Kind("its arrays", "set/*.npy", arrays.npy, _OF_A_SET, ("run",), networks=True),
    Kind(
        "predictions",
        "evaluation/predictions.parquet",
        _table,
        (f"{_QA_OF_A_SET} --predictions in/evaluation/predictions.parquet",),
        ("set",),
        networks=True,
    ),
    Kind(
        "against",
        "evaluation/predictions.parquet",
        _table,
        (
            f"{_EVALUATE} --against in/evaluation/predictions.parquet",
            "evaluate in/set --predictions in/evaluation/predictions.parquet --out out",
        ),
        ("set", "run"),
        networks=True,
    ),
    Kind(
        "results.json",
        "loose/results.json",
        _json,
        ("evaluate in/set --predictions in/loose/results.json --out out",),
        ("set",),
        networks=True,
    ),
    Kind(
        "first weights",
        "run/weights.pt",
        arrays.archive,
        (f"{_TRAIN} --start in/run/weights.pt --out out",),
        ("set",),
        networks=True,
    ),
    Kind("checkpoint", "begun/last.ckpt", arrays.archive, (_TRAIN_ON,), ("set",), networks=True),
    Kind("its bytes", "begun/last.ckpt", _bytes, (_TRAIN_ON,), ("set",), networks=True),
    Kind("begun run", "begun/[ert]*.json", _json, (_TRAIN_ON,), ("set",), networks=True),
    Kind(
        "limits.yaml",
        "loose/limits.yaml",
        text.yaml_file,
        (f"{_AUTOTAG} --limits in/loose/limits.yaml",),
        ("drawn", "run"),
        rows=_hands,
        networks=True,
    ),
    Kind(
        "to tag",
        "drawn/images/*.jpg",
        _image,
        (_AUTOTAG, "predict in/run in/drawn --out out"),
        ("run",),
        networks=True,
    ),
    Kind(
        "a table to tag",
        "drawn/samples.parquet",
        _table,
        (_AUTOTAG, "predict in/run in/drawn --out out"),
        ("run",),
        networks=True,
    ),
    Kind("openpose's network", "openpose-model/*", _bytes, (_OPENPOSE,), ("drawn",), networks=True),
    Kind(
        "networks' arguments",
        _ARGUMENT,
        text.argument,
        _ARGUMENTS_OF_NETWORKS,
        ("drawn", "set", "run", "images"),
        networks=True,
    ),
)
# A format that no row tells of is spoilt by what its files hold.
KINDS = _KINDS + tuple(
    Kind(f"{name} files", f"{name}/**/*.*", anything.by_content, _convert(name))
    for name in SOURCES
    if not any(kind.spoils.startswith(f"{name}/") for kind in _KINDS)
)

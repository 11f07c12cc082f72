"""The table of formats, one row each: what the command line and the docs know without importing a converter.

A new format is a module beside this one, a row here, a page in docs/formats and a test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.basics.settings import NoOptions, Options, choice, flag, number, path, text, whole

if TYPE_CHECKING:
    from curate.data.part import Part


@dataclass(frozen=True, slots=True)
class MappedLabels(Options):
    """Options of formats whose labels people choose freely."""

    mapping: Path | None = path("a file that maps the source's labels to ours", metavar="YAML")


@dataclass(frozen=True, slots=True)
class Annotated(MappedLabels):
    """Options of a format with annotations of one picture by several people."""

    annotator: str | None = text(
        None,
        "a number or an e-mail address",
        "whose annotations to read, if several people made some",
        metavar="WHO",
    )


@dataclass(frozen=True, slots=True)
class NamedFolders(Options):
    """Options of pictures whose only metadata are their folders' names."""

    folders: str | None = choice(
        None,
        ("subject", "source", "clip"),
        "what each folder in SRC is named after: the person, source or recording whose pictures it contains",
    )


@dataclass(frozen=True, slots=True)
class Shards(Options):
    """Options of exports that store the images in a few large files."""

    shard_mb: int = whole(256, 1, 100_000, "megabytes of images in each file, approximately")


@dataclass(frozen=True, slots=True)
class Frames(Options):
    """Options of videos."""

    every: int = whole(1, 1, 100_000, "take the first of every N frames")
    sharpest: bool = flag(False, "take the sharpest of every N frames instead")
    different: float = number(
        0.0,
        0,
        255,
        "leave out a frame that differs from the last one kept by less than X grey levels, on average",
    )


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name, its module, and a description in one line.

    Attributes
    ----------
    module: its module in this package, with one or both of

        read(source: Source, **options) -> Iterator[Part]
        write(dataset: Dataset, out: Path, engine: Engine = ONE, **options) -> Counter[str]

    reads, writes: the options that `read` and `write` take as keywords; None if there is no such function.

    `read` yields samples whose `image` is an absolute path. `write` has the engine write the images, and then
    writes its tables in order, so that the bytes are the same with any engine. An image that already exists
    was written by the same export before it was killed. `write` returns what is lost, counted by field or
    reason.
    """

    name: str
    module: str
    says: str
    reads: type[Options] | None = NoOptions
    writes: type[Options] | None = NoOptions

    @property
    def read(self) -> Callable[..., Iterator[Part]]:
        """How `curate convert` reads it."""
        read: Callable[..., Iterator[Part]] = self._loaded().read
        return read

    @property
    def write(self) -> Callable[..., Counter[str]]:
        """How `curate export` writes it."""
        write: Callable[..., Counter[str]] = self._loaded().write
        return write

    @property
    def page(self) -> str:
        """Its page in the docs."""
        return f"docs/formats/{self.name}.md"

    def _loaded(self) -> Any:
        return import_module(f"converters.{self.module}")


FORMATS: dict[str, Format] = {
    row.name: row
    for row in (
        Format(
            "images",
            "picture_folder",
            "a folder of pictures, without labels or a table",
            reads=NamedFolders,
            writes=None,
        ),
        Format(
            "video",
            "video",
            "videos: each a clip of numbered frames, without labels",
            reads=Frames,
            writes=None,
        ),
        Format("11khands", "eleven_k_hands", "11k Hands: HandInfo.csv and Hands/*.jpg (no keypoints)"),
        Format("labelme", "labelme", "Labelme JSON files with named points", reads=MappedLabels),
        Format("rhd", "rhd", "Rendered Hand Pose: anno_*.pickle with color/, mask/ and depth/"),
        Format("yolo-pose", "yolo_pose", "Ultralytics YOLO pose: images/ and labels/*.txt with 21 points"),
        Format("coco", "coco", "COCO keypoints of hands, flat or nested (mmpose's FreiHAND, RHD, ...)"),
        Format(
            "cvat",
            "cvat",
            "CVAT's XML: skeletons of images and of videos with tracks",
            reads=MappedLabels,
        ),
        Format(
            "label-studio",
            "label_studio",
            "Label Studio's JSON: points under the rectangle of their hand",
            reads=Annotated,
        ),
        Format(
            "coco-wholebody",
            "coco_wholebody",
            "COCO-WholeBody: left and right hand of each person",
            writes=None,
        ),
        Format(
            "hf",
            "hf",
            "Hugging Face: Parquet that contains the images, and a card",
            reads=None,
            writes=Shards,
        ),
        Format(
            "webdataset", "webdataset", "WebDataset: tar files of whole samples", reads=None, writes=Shards
        ),
        Format(
            "croissant",
            "croissant",
            "Croissant: the Parquet files of hf, described for machines in JSON-LD",
            reads=None,
            writes=Shards,
        ),
        Format("fiftyone", "fiftyone", "FiftyOne: its own dataset layout, with the skeleton", reads=None),
        Format(
            "mmpose", "mmpose", "mmpose: COCO, with a file about the keypoints for its configs", reads=None
        ),
        Format("datumaro", "datumaro", "Datumaro: its own JSON, with points and boxes", reads=None),
        Format("csv", "csv_table", "CSV for people: samples.csv, one row per hand, and images/", reads=None),
        Format(
            "hand-graph",
            "hand_graph",
            "hand-graph-cnn's real set: images/, params.mat and pose_gt.mat",
            writes=None,
        ),
        Format("handpose-x", "handpose_x", "handpose_x: one JSON file with pts per picture", writes=None),
        Format("freihand", "freihand", "FreiHAND: {training,evaluation}_{K,xyz}.json, rgb/", writes=None),
        Format("interhand", "interhand", "InterHand2.6M: *_{data,camera,joint_3d}.json", writes=None),
        Format("panoptic", "panoptic", "CMU's hand_labels, hand_labels_synth and hand143", writes=None),
        Format("openpose", "openpose", "OpenPose's *_keypoints.json, with its scores", writes=None),
        Format("onehand10k", "onehand10k", "OneHand10K: {Train,Test}/label_joint.txt, source/", writes=None),
        Format("hagrid", "hagrid", "HaGRID: gestures with MediaPipe's points, and people", writes=None),
        Format("stb", "stb", "STB: labels/B1Counting_{BB,SK}.mat and images/", writes=None),
        Format("dexter-object", "dexter_object", "Dexter+Object: fingertips (my_Grasp13D.txt)", writes=None),
        Format("tzionas", "tzionas", "Hands in Action: rgb/ and joints_2D_GT/", writes=None),
    )
}

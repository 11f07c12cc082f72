"""Do two checkouts give the same figures and pixels? A run through the commands, told as a list of hashes.

    python benchmarks/same_results.py CHECKOUT --data DATA --out list.txt
    python benchmarks/same_results.py --compare before.txt after.txt

CHECKOUT is a folder that holds `curate/`. Its command line is run and nothing of it imported here, so this
file serves for any two; tools/same_results.txt holds the commands. DATA holds the folders that SOURCES and
SUBSET name. They are copied to the folder of work (--work keeps it), so that all paths are relative.

Each line of a list is `SHA256  what`, and ` = value` where that is short. There is a line for

    each picture, mask, depth map, heatmap and array that a command wrote, and each file of an export
    each column of each table: values in order, floats by their digits
    counts, sources and splits of each dataset, and what is in quarantine
    each figure of training, evaluation and QA, each weight, the pictures and charts of each page
    the exit code of each command

Left out is what may change with the version alone: hashes of datasets, options, columns and keys that FIELDS
does not name, words and style of pages. What MOVED names is looked for in a column, then in attrs. Nothing
depends on time or place; floats depend on the machine: make both lists on the same one. --compare prints the
lines that differ or are missing, and exits with 1 if there are any.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WORKERS = 2
SOURCES = (
    *("11k_hands", "labelme_hands", "labelme_wkentaro", "rhd_native_reconstructed", "coco_wholebody"),
    *("ultralytics_hand_keypoints", "freihand_mmpose_coco", "onehand10k_mmpose_coco", "other_tools"),
    *("panoptic_hand_mmpose_coco", "rhd_mmpose_coco", "hand_masks_desk"),
)
SUBSET = "11k_hands_224"  # too large to be used whole
NEIGHBOURS = 8  # photos in a row that the subset takes, to hold several of a person
TAKEN = {"train": 120, "test": 40}
STEPS = Path(__file__).parent / "tools" / "same_results.txt"  # the commands, one a line
ALONE = ("export", "train-baseline", "evaluate", "predict", "agreement", "open-labelme")  # take no --workers

# Of each file, the columns or keys that count.
_FINDING = "check severity scope dataset sample_id split score threshold message remedy"
FIELDS = {
    "samples.parquet": "sample_id source image width height side aspect subject_id keypoints visibility xyz "
    "K mask bbox label_source score parent_id transform split licence tilt rotation sha256 attrs depth "
    "keypoint_scores",
    "dataset.json": "counts samples sources licences training review",
    "quarantine.jsonl": "input reason",
    "findings.parquet": _FINDING,
    "findings.json": _FINDING,
    "changes.json": "new fixed same",
    "epochs.json": "epoch loss split n all_points_9px epe_mean",
    "metrics.json": "split n points unpredicted size right_within_px all_points_9px wrong_1_2_of_all "
    "wrong_1_2_of_failures epe_mean epe_mean_of_joints epe_median epe_mean_root_aligned mse pck pck_box "
    "auc_0_30 auc_0_30_mmpose auc_20_50 oks_mean ap per_keypoint_epe",
    "predictions.parquet": "sample_id truth visibility predicted score",
    "predictions.json": "sample_id image picture score looked_at points",
    ".curate-export.json": "format samples lost restricted_licences",
    "session.json": "files",
    "qa.sarif": "results",
    "page": "ids place size window mask points seen sha findings",  # a chunk of the review page
    "training": "size keypoints channels sigma splits heatmaps",  # in dataset.json
    "printed": "samples counts checks verdict failed changes applied refused conflicts fix shared kappa "
    "table differ",  # by --json
}
MOVED = ("depth", "keypoint_scores")  # from attrs to columns of their own
NEW = ("found_by",)  # in attrs, and not there before
FOREIGN = (".curate-export.json", "session.json")  # mark a folder in another tool's format; so does MARK
MARK = ".curate.json"  # that curate made a folder, and what it gave
PIXELS = (".png", ".jpg", ".jpeg", ".webp", ".npy")
OTHERS = ("export", "open-labelme")  # commands that write another tool's format
_EMBEDDED = re.compile(rb"data:image/[^\"')\s]+|<svg\b.*?</svg>", re.DOTALL)
_SHORT = 60  # characters of a value that is told beside its hash


def main() -> None:
    """Make a list, or compare two."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("checkout", type=Path, nargs="?", metavar="CHECKOUT")
    parser.add_argument("--data", type=Path, help="folder of the sources")
    parser.add_argument("--out", type=Path, metavar="LIST", help="the list to write")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has curate's dependencies")
    parser.add_argument("--blender", type=Path, metavar="PATH", help="as of curate render")
    parser.add_argument("--work", type=Path, metavar="DIR", help="a new folder to work in, and to keep")
    parser.add_argument("--compare", type=Path, nargs=2, metavar="LIST", help="two lists to compare instead")
    given = parser.parse_args()
    if given.compare:
        sys.exit(compare(*given.compare))
    if not (given.checkout and given.data and given.out):  # as `make bench` runs it
        print("give a checkout, --data and --out, or --compare and two lists: see --help")
        return
    if given.work and given.work.exists():
        parser.error(f"{given.work} exists: --work makes a new folder")
    if missing := [name for name in (*SOURCES, SUBSET) if not (given.data / name).is_dir()]:
        parser.error(f"{given.data} does not hold {', '.join(missing)}")
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        work = (given.work or Path(temporary, "work")).absolute()
        copy_sources(given.data, work / "src")
        blender = given.blender and given.blender.absolute()
        told = Commands(given.checkout.resolve(), given.python, blender, work).results()
        told |= dict(written(work / "out"))
    given.out.write_text("".join(f"{line(what, told[what])}\n" for what in sorted(told)), encoding="utf-8")
    cpu = os.times().children_user + os.times().children_system
    print(f"{len(told)} lines in {given.out}; {time.monotonic() - start:.0f} s, {cpu:.0f} s of CPU time")


def compare(before: Path, after: Path) -> int:
    """Print what differs between two lists; 1 where anything does, else 0."""
    first, second = read_list(before), read_list(after)
    differ = [what for what in sorted(first | second) if first.get(what) != second.get(what)]
    for what in differ:
        for mark, lines in (("-", first), ("+", second)):
            print(f"{mark} {lines.get(what, f'(missing)  {what}')}")
    print(f"{len(differ)} of {len(first | second)} lines differ or are missing")
    return 1 if differ else 0


def read_list(path: Path) -> dict[str, str]:
    """The lines of a list by what they are about."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.partition("  ")[2].partition(" = ")[0]: line for line in lines}


def line(what: str, value: Any) -> str:
    """A line of the list. value: bytes, or JSON values."""
    if isinstance(value, bytes):
        return f"{hashlib.sha256(value).hexdigest()}  {what}"
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    shown = f" = {text}" if len(text) <= _SHORT else ""
    return f"{hashlib.sha256(text.encode()).hexdigest()}  {what}{shown}"


# running ---------------------------------------------------------------------------------------------


def copy_sources(data: Path, folder: Path) -> None:
    """Copy what the steps read of DATA."""
    for name in SOURCES:
        shutil.copytree(data / name, folder / name)
    for split, count in TAKEN.items():
        photos = sorted((data / SUBSET / "images" / split).iterdir())
        starts = np.linspace(0, len(photos) - NEIGHBOURS, count // NEIGHBOURS).astype(int)
        for photo in (photo for start in starts for photo in photos[start : start + NEIGHBOURS]):
            for path in (photo, data / SUBSET / "labels" / split / f"{photo.stem}.txt"):
                target = folder / path.relative_to(data)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


class Commands:
    """The command line of a checkout, in a folder of work."""

    def __init__(self, checkout: Path, python: str, blender: Path | None, work: Path) -> None:
        """Ends the program where another curate than the checkout's would be run."""
        self.python, self.blender, self.work = Path(shutil.which(python) or python).absolute(), blender, work
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(checkout),
            "PYTHONPYCACHEPREFIX": str(work / "pycache"),  # nothing is written to the checkout
            "OMP_NUM_THREADS": str(WORKERS),
            "CUDA_VISIBLE_DEVICES": "",
        }
        found = self._python("-c", "import curate; print(curate.__file__)")
        if not found.stdout.startswith(f"{checkout}{os.sep}"):
            raise SystemExit(f"no curate of {checkout} is run, but {found.stdout or found.stderr}")

    def results(self) -> dict[str, Any]:
        """Run all steps; their exit codes, and what they printed as JSON."""
        told: dict[str, Any] = {}
        start = time.monotonic()
        for step in re.findall(r"^[^#\n].*", STEPS.read_text(encoding="utf-8"), re.MULTILINE):
            if " --masks " in step:
                copy_masks(self.work)
            if step.startswith("review agreement"):
                write_decisions(self.work)
            done = self._run(step)
            print(f"{time.monotonic() - start:6.1f} s  exit {done.returncode}  {step}", file=sys.stderr)
            if done.returncode not in (0, 1):
                print(f"          {done.stderr.strip()[-400:]}", file=sys.stderr)
            told[f"exit code of: {step}"] = done.returncode
            if "--json" in step and done.stdout:
                content = json.loads(done.stdout)
                names = [name for name in FIELDS["printed"].split() if name in content]
                told |= {f"printed by: {step}: {name}": content[name] for name in names}
        return told

    def _run(self, step: str) -> subprocess.CompletedProcess[str]:
        words = [*shlex.split(step), "--quiet"]
        if not any(name in words[:2] for name in ALONE):
            words += ["--workers", str(WORKERS)]
        if words[0] == "render" and self.blender:
            words += ["--blender", str(self.blender)]
        return self._python("-m", "curate.cli", *words)

    def _python(self, *words: str) -> subprocess.CompletedProcess[str]:
        line = [str(self.python), *words]
        return subprocess.run(
            line, cwd=self.work, env=self.environment, check=False, capture_output=True, text=True
        )


def copy_masks(work: Path) -> None:
    """Masks as another tool would leave them: named as the photos."""
    (work / "src" / "masks").mkdir(exist_ok=True)
    for path in (work / "out" / "white" / "masks").glob("*.png"):
        shutil.copyfile(path, work / "src" / "masks" / f"{re.findall(r'Hand_[0-9]+', path.name)[0]}.png")


def write_decisions(work: Path) -> None:
    """Two reviewers' decisions, as the review page exports them: on its first samples, one of each kind."""
    data = work / "out" / "review" / "data"
    if not data.exists():
        return
    page, dataset = of_script(data / "c0000.js"), of_script(data / "index.js")["dataset_sha"]
    hashes = base64.b64decode(page["sha"])
    points = {"thumb_tip": [100.5, 80.25, 2], "wrist": None}
    patches = [{"side": "swap"}, {"order": "reverse"}, {"points": points}]
    ann: list[Any] = [{"decision": kind} for kind in ("accept", "reject", "fix", "reject")]
    ann += [{"decision": "patch", "patch": patch} for patch in patches]
    ann += [{"decision": "accept", "sample_sha": 64 * "0"}]  # stale
    bob = [*ann[:3], {"decision": "accept"}]  # the last contradicts
    for reviewer, decisions in {"ann": ann, "bob": bob}.items():
        lines = [
            {
                "schema": "hand-curate decision 1",
                "dataset_sha": dataset,
                "sample_id": page["ids"][i],
                "sample_sha": hashes[32 * i : 32 * i + 32].hex(),
                "check_ids": ["blur"],
                "reason": "blurred",
                "reviewer": reviewer,
                "ts": "2026-01-01T10:00:00.000Z",
                **decision,
            }
            for i, decision in enumerate(decisions)
        ]
        path = work / "src" / f"{reviewer}.jsonl"
        path.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")


# reading what was written ----------------------------------------------------------------------------


def written(out: Path) -> Iterator[tuple[str, Any]]:
    """What each file below a folder holds that must stay the same: (name of file and field, value)."""
    foreign = {path.parent for mark in FOREIGN for path in out.rglob(mark)}
    marked = {path: json.loads(path.read_text(encoding="utf-8")) for path in out.rglob(MARK)}
    foreign |= {path.parent for path, mark in marked.items() if mark["identity"].get("stage") in OTHERS}
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        name = path.relative_to(out).as_posix()
        if path.name == MARK:
            if marked[path]["identity"].get("stage") == "export":
                record = name.replace(MARK, ".curate-export.json")  # where this stood before there were marks
                fields = FIELDS[".curate-export.json"].split()
                yield from ((f"{record} {field}", marked[path]["result"].get(field)) for field in fields)
        elif path.name in FIELDS:
            content = of_table(path) if path.suffix == ".parquet" else of_json(path)
            yield from ((f"{name} {field}", content.get(field)) for field in FIELDS[path.name].split())
        elif not foreign.isdisjoint(path.parents):
            data = path.read_bytes()
            yield name, json.loads(data, object_hook=settled) if path.suffix == ".json" else data
        elif path.suffix in PIXELS or path.name == "qa.junit.xml":
            yield name, path.read_bytes()
        elif path.name == "weights.pt":
            yield from ((f"{name} {key}", value) for key, value in of_weights(path).items())
        elif path.name in ("report.html", "evaluation.html"):
            yield f"{name} pictures and charts", b"\n".join(_EMBEDDED.findall(path.read_bytes()))
        elif re.fullmatch(r"c\d+\.js", path.name):
            page = of_script(path)
            yield from ((f"{name} {field}", page.get(field)) for field in FIELDS["page"].split())


def of_table(path: Path) -> dict[str, Any]:
    """The columns of a Parquet file, float32 by the digits that tell it from others."""
    table = pq.read_table(path)
    columns = {
        field.name: exact(table.column(field.name).to_pylist(), getattr(field.type, "value_type", field.type))
        for field in table.schema
    }
    if path.name != "samples.parquet":
        return columns
    rows = [settled(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
    return {name: [row.get(name) for row in rows] for name in FIELDS[path.name].split()}


def exact(value: Any, kind: pa.DataType) -> Any:
    """Values of a column, or a list of them, as JSON values. kind: of the single numbers."""
    if isinstance(value, list):
        return [exact(each, kind) for each in value]
    return str(np.float32(value)) if value is not None and pa.types.is_float32(kind) else value


def settled(row: dict[str, Any]) -> dict[str, Any]:
    """A sample with what MOVED names outside its attrs, wherever it was, and without what is not known."""
    if not {"attrs", *MOVED} & row.keys():
        return row
    attrs = row.get("attrs") or {}
    attrs = json.loads(attrs) if isinstance(attrs, str) else dict(attrs)
    inside = {name: attrs.pop(name, None) for name in MOVED}
    attrs = {name: value for name, value in attrs.items() if name not in NEW}
    told = {**row, **{name: row.get(name) or inside[name] for name in MOVED}, "attrs": attrs or None}
    if scores := told["keypoint_scores"]:  # attrs hold four decimals
        told["keypoint_scores"] = [None if score is None else f"{float(score):.4f}" for score in scores]
    return {name: value for name, value in told.items() if value is not None}


def of_json(path: Path) -> dict[str, Any]:
    """The keys of a JSON file; of one that holds a row a thing, a list of values each."""
    text = path.read_text(encoding="utf-8")
    lines = path.suffix == ".jsonl"
    content: Any = [json.loads(row) for row in text.splitlines()] if lines else json.loads(text)
    if path.name == "dataset.json":
        content["counts"] = content["history"][-1]["counts"]
        if training := content.get("training"):
            content["training"] = {name: training.get(name) for name in FIELDS["training"].split()}
    elif path.name == "predictions.json":
        content = content["predictions"]
    elif path.name == "qa.sarif":
        content = content["runs"][0]
    if isinstance(content, dict):
        return content
    return {name: [row.get(name) for row in content] for name in FIELDS[path.name].split()}


def of_weights(path: Path) -> dict[str, bytes]:
    """The bytes of each tensor."""
    import torch

    weights = torch.load(path, map_location="cpu", weights_only=True)
    flat = {name: tensor.contiguous().reshape(-1) for name, tensor in weights.items()}
    return {name: tensor.view(torch.uint8).numpy().tobytes() for name, tensor in flat.items()}


def of_script(path: Path) -> Any:
    """The data that a script of the review page hands to a function."""
    text = path.read_text(encoding="utf-8")
    return json.loads(text[text.index("(") + 1 : text.rindex(")")])


if __name__ == "__main__":
    main()

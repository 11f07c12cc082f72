"""Every command in the README and the docs is run, in order, on drawn hands in the layouts they name."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import readers
from converters.parts.label_mapping import Mapping
from converters.table import FORMATS
from curate import cli
from curate.basics import images
from curate.data.dataset import Dataset
from curate.demo import Shoot, draw
from curate.export import export
from curate.hands import masks
from render.job import Job
from render.people import rig
from tests.layouts import LAYOUTS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("formats/*.md"))]
# Where the pages have a format's source; for others it is called as the format.
PLACES = {
    "11khands": "11k",
    "labelme": "labels",
    "rhd": "RHD_published_v2",
    "yolo-pose": "hand-keypoints",
    "coco": "coco-source",
    "hand-graph": "real_world_testset",
    "handpose-x": "handpose_datasets",
    "freihand": "FreiHAND_pub_v2",
    "interhand": "InterHand2.6M",
    "panoptic": "hands_of_cmu",
    "openpose": "openpose-output",
    "onehand10k": "OneHand10K",
    "stb": "STB",
    "dexter-object": "dexter+object",
    "tzionas": "hands-in-action",
}
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    blocks = CONSOLE.findall(page.read_text(encoding="utf-8").replace("\\\n", " "))
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sources that the pages speak of, made of drawn hands."""
    folder = tmp_path_factory.mktemp("workplace")
    draw(Shoot("tagged", (240, 180), 32, 0, 0), folder / "drawn")
    dataset = Dataset(folder / "drawn")
    for row in FORMATS.values():
        if row.writes:
            export(dataset, row.write, row.name, folder / PLACES.get(row.name, row.name))
    people_of(folder / PLACES["coco"], folder / "coco-wholebody")
    for name, write in LAYOUTS.items():
        write(folder / PLACES.get(name, name))
    (folder / "openpose-output/frames").rename(folder / "photographs")
    # As people have it: the photographs once, the Labelme files in a folder of their own.
    for copy in [p for p in (folder / "labels").rglob("*") if p.suffix in (".jpg", ".png")]:
        copy.unlink()
    (folder / "videos").mkdir()
    film = cv2.VideoWriter(str(folder / "videos" / "a.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (240, 180))
    for sample in dataset:
        film.write(dataset.read_image(sample))
    film.release()
    # As a tool for cutting out writes them: PNG with transparency, named as the photo.
    for photo in sorted((folder / "11k").rglob("*.jpg")):
        image = images.read(photo)
        found = masks.find(image)
        if found is not None:
            cut = np.dstack([image[..., ::-1], found.alpha])
            (folder / "cut-outs").mkdir(exist_ok=True)
            cv2.imwrite(str(folder / "cut-outs" / f"{photo.stem}.png"), cut)
    return folder


def people_of(coco: Path, folder: Path) -> None:
    """The hands of a COCO set as COCO-WholeBody has them: each that of a person."""
    shutil.copytree(coco / "images", folder / "images")
    (folder / "annotations").mkdir()
    for path in (coco / "annotations").glob("*.json"):
        content = json.loads(path.read_text())
        for person in content["annotations"]:
            side = person["hand_type"]
            person |= {f"{side}hand_valid": True, f"{side}hand_kpts": person["keypoints"]}
        (folder / "annotations" / path.name).write_text(json.dumps(content))


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_do_what_the_page_says(
    page: Path, workplace: Path, has_blender: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    shutil.copytree(workplace, here)
    monkeypatch.chdir(here)
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for line in commands(page):
        words = shlex.split(line, comments=True)
        if words[0] == "make":
            assert words[1] in targets
            continue
        if words[0] == "cp" or words[1] == "demo":  # benchmarks/clean_environments.py runs them
            continue
        assert words[0] == "curate", f"{page.name}: no test runs {line!r}"
        words, redirected = (words[:-2], Path(words[-1])) if words[-2:-1] == [">"] else (words, None)
        renders = words[1] == "render" and "--out" in words
        if renders:  # the first picture tells whether the command works
            words += ["--indices", "0", "--samples", "1"]
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            try:
                code = cli.main(words[1:])
            except SystemExit as end:  # of --help and --version
                code = end.code
        if redirected:
            redirected.write_text(told.getvalue())
        if page.stem == "tutorial-renders" and renders:  # what comes next wants more than one picture
            out = Path(words[words.index("--out") + 1])
            shutil.rmtree(out, ignore_errors=True)
            draw(Shoot("rendered", (160, 160), 32, 0, 0), out)
        expected = (cli.USAGE,) if renders and not has_blender else (cli.OK, cli.FINDINGS)
        assert code in expected, f"{page.name}: {line} exited with {code}"
    for block in PYTHON.findall(page.read_text(encoding="utf-8")):
        exec(compile(block, page.name, "exec"), {})


def test_every_command_is_documented_somewhere() -> None:
    documented = {
        shlex.split(line)[1] for page in PAGES for line in commands(page) if line.startswith("curate ")
    }
    assert documented >= set(cli.COMMANDS)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "data" / "README.md"], ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), f"{page.name} points to {link}"


def test_the_formats_that_are_only_read_have_the_rows_that_are_measured(tmp_path: Path) -> None:
    page = (DOCS / "formats" / "README.md").read_text(encoding="utf-8")
    assert [row for row in readers.rows(tmp_path) if row not in page] == []
    assert set(readers.WRITTEN) == set(LAYOUTS)


def test_every_format_that_is_written_has_a_row_of_the_tool_that_opened_it() -> None:
    page = (DOCS / "formats" / "README.md").read_text(encoding="utf-8")
    opened = page.partition("## Opened by the tools themselves")[2].partition("\n## ")[0]
    assert [name for name, row in FORMATS.items() if row.writes and f"`{name}`" not in opened] == []


def shown_yaml(page: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


def test_the_label_mapping_that_is_shown_is_one(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text("\n".join(shown_yaml("formats/labelme.md")))
    mapping = Mapping.load(tmp_path / "mapping.yaml")
    assert mapping.labels == {"daumenspitze": 4, "p0": 0}
    assert mapping.side == "left"


def test_the_mapping_of_a_rig_that_is_shown_is_one(tmp_path: Path) -> None:
    (tmp_path / "hand.yaml").write_text(shown_yaml("render.md")[-1])
    (tmp_path / "hand.glb").touch()
    assert rig.read(tmp_path / "hand.yaml").name == "my-hand"


def test_the_jobs_of_renders_that_are_shown_are_jobs(tmp_path: Path) -> None:
    shown = [shown_yaml("render.md")[0], *(text for text in shown_yaml("measured.md") if "angles" in text)]
    assert len(shown) >= 2
    for text in shown:
        (tmp_path / "job.yaml").write_text(text)
        assert Job.of(tmp_path / "job.yaml").angles


def test_the_places_that_a_stranger_is_sent_to_are_there() -> None:
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    places = [place for place in re.findall(r"`([a-z_/]+(?:\.py)?)`", text) if "/" in place]
    assert len(places) > 15
    assert [place for place in places if not (ROOT / place).exists()] == []

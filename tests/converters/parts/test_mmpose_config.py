"""mmpose's dataset files: read as text, never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from converters.parts.mmpose_config import Config, read_configs
from curate.basics import keypoints as kp
from curate.data.source import Source


def text(swap: dict[str, str] | None = None, links: Any = (("wrist", "thumb_cmc"),), count: int = 21) -> str:
    """A file in mmpose's manner: dicts that are calls, numbered from 0."""
    points = "".join(
        f"        {i}: dict(name={name!r}, id={i}, color=[255, 128], swap={(swap or {}).get(name, '')!r}),\n"
        for i, name in enumerate(kp.NAMES[:count])
    )
    bones = "".join(f"        {i}: dict(link={link!r}, id={i}),\n" for i, link in enumerate(links))
    return (
        "import os\nos.system('touch executed')\n"
        "dataset_info = dict(\n    dataset_name='x',\n    keypoint_info={\n"
        f"{points}    }},\n    skeleton_info={{\n{bones}    }},\n    joint_weights=[1.] * 21,\n)\n"
    )


def read(folder: Path, content: str | bytes) -> list[Config]:
    folder.mkdir(exist_ok=True)
    (folder / "hand.py").write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_configs(Source(folder))


def test_points_mirroring_and_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    swap = {"thumb_ip": "thumb_tip", "thumb_tip": "thumb_ip"}
    (config,) = read(tmp_path / "s", text(swap, [("wrist", "thumb_cmc"), ("thumb_mcp", "elsewhere")]))
    assert config.name == "hand.py"
    assert config.points == list(kp.NAMES)
    assert config.flip == [0, 1, 2, 4, 3, *range(5, 21)]
    assert config.links == [[1, 2], [3, 0]]
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "content",
    [
        "x = 1",
        "dataset_info = dict(",
        "dataset_info = 5",
        "dataset_info = dict(keypoint_info=dict(**{}))",
        text(count=20),
        "dataset_info = " + "(" * 5000,
        "dataset_info = " + "-" * 50_000 + "1",
        "dataset_info = {0: [" + "1," * 100_000 + "]}",
        b"\xff\xfe",
        b"dataset_info = '\0'",
    ],
)
def test_what_is_none_is_passed_over(tmp_path: Path, content: str | bytes) -> None:
    assert read(tmp_path / "s", content) == []


def test_links_out_of_the_source_and_deep_folders_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "s/a/b").mkdir(parents=True)
    (tmp_path / "s/a/b/deep.py").write_text(text())
    (tmp_path / "out.py").write_text(text())
    (tmp_path / "s/link.py").symlink_to(tmp_path / "out.py")
    (tmp_path / "s/a/near.py").write_text(text())
    assert [config.name for config in read_configs(Source(tmp_path / "s"))] == ["near.py"]

"""Pictures in a terminal: decoded again from the escape sequences."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest

from curate.basics import images, terminal


@pytest.mark.parametrize(
    ("environment", "way"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "screen", "KITTY_WINDOW_ID": "1", "TMUX": "/tmp/x"}, None),
        ({}, None),
    ],
)
def test_what_a_terminal_understands(environment: dict[str, str], way: str | None) -> None:
    assert terminal.protocol(environment) == way


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)


def decoded(data: str, tmp_path) -> np.ndarray:
    (tmp_path / "a.png").write_bytes(base64.b64decode(data))
    return images.read(tmp_path / "a.png")


def test_kitty_gets_a_png_in_chunks(picture: np.ndarray, tmp_path) -> None:
    chunks = re.findall("\x1b_G(.*?);(.*?)\x1b\\\\", terminal.encode(picture, "kitty"))
    assert [head for head, _ in chunks] == ["a=T,f=100,m=1", *["m=1"] * (len(chunks) - 2), "m=0"]
    assert max(len(data) for _, data in chunks) == 4096
    assert np.array_equal(decoded("".join(data for _, data in chunks), tmp_path), picture)


def test_iterm_gets_a_png(picture: np.ndarray, tmp_path) -> None:
    size, data = re.fullmatch(
        "\x1b]1337;File=inline=1;size=(\\d+):(.*)\x07", terminal.encode(picture, "iterm")
    ).groups()
    assert len(base64.b64decode(data)) == int(size)
    assert np.array_equal(decoded(data, tmp_path), picture)


def test_sixels_paint_the_picture() -> None:
    picture = np.zeros((8, 9, 3), np.uint8)
    picture[2:7, 1:6] = (255, 0, 0)
    picture[7, 8] = (0, 0, 255)
    text = terminal.encode(picture, "sixel")
    width, height, rest = re.fullmatch('\x1bPq"1;1;(\\d+);(\\d+)(.*)\x1b\\\\', text).groups()
    palette = {
        int(number): [round(int(v) * 255 / 100) for v in (r, g, b)]
        for number, r, g, b in re.findall(r"#(\d+);2;(\d+);(\d+);(\d+)", rest)
    }
    rest = re.sub(r"#\d+;2;\d+;\d+;\d+", "", rest)
    painted = np.full((int(height), int(width), 3), 77, np.uint8)
    for band, row in enumerate(rest.split("-")):
        for layer in row.split("$"):
            number, sixels = re.fullmatch(r"#(\d+)(.*)", layer).groups()
            column = 0
            for count, one in re.findall(r"(?:!(\d+))?([?-~])", sixels):
                for _ in range(int(count or 1)):
                    for bit in range(6):
                        if (ord(one) - 63) >> bit & 1:
                            painted[6 * band + bit, column] = palette[int(number)]
                    column += 1
            assert column == 9
    assert np.array_equal(painted, picture)

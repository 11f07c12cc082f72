"""Pages in one file: text stays text, and only their own style may apply."""

from __future__ import annotations

import base64
import hashlib
import sys
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from curate.basics import pages


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with a template and a style sheet."""
    folder = tmp_path / "greeting" / "templates"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "hello.css").write_text("p { color: red; }\n")
    (folder / "hello.html.j2").write_text(
        '{% extends "page.html.j2" %}\n'
        "{% block title %}Hello {{ name }}{% endblock %}\n"
        "{% block body %}\n<p>{{ name }}</p>\n{% endblock %}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "greeting", raising=False)
    return "greeting"


def test_text_stays_text_in_the_frame_s_title_and_body(package: str) -> None:
    page = pages.environment(package, "hello.css").get_template("hello.html.j2").render(name="<script>&")
    assert "<title>Hello &lt;script&gt;&amp;</title>" in page
    assert "<body>\n<p>&lt;script&gt;&amp;</p>\n</body>" in page


@pytest.mark.parametrize("turning", ["\u202e", "\u202a", "\u2067"])
def test_letters_that_turn_the_order_of_a_name_do_not(package: str, turning: str) -> None:
    template = pages.environment(package, "hello.css").get_template("hello.html.j2")
    assert "<p>\ufffdgnp.exe &lt;</p>" in template.render(name=f"{turning}gnp.exe <")
    assert "<p>\u05e9\u05dc\u05d5\u05dd</p>" in template.render(
        name="\u05e9\u05dc\u05d5\u05dd"
    )  # Hebrew stays


def test_the_policy_allows_the_style_and_nothing_else(package: str) -> None:
    page = (
        pages.environment(package, "palette.css", "hello.css").get_template("hello.html.j2").render(name="")
    )
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert style.endswith("p { color: red; }\n")
    assert style.startswith("\n:root {")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'" in page


def test_a_name_that_was_not_given_is_an_error(package: str) -> None:
    with pytest.raises(UndefinedError, match="'name' is undefined"):
        pages.environment(package).get_template("hello.html.j2").render()

"""Settings that people write: what a field takes, what it says otherwise, and the default file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from curate.basics import settings
from curate.basics.errors import InputError
from curate.basics.settings import Range, choice, choices, flag, number, share, span, text, texts, whole


@dataclass(frozen=True, slots=True)
class Lens:
    """What the lens does."""

    distance: Range = span((0.4, 0.7), 0.1, 5, "metres from the camera to the hand")
    blurred: float = share(0.3, "share of the pictures that are out of focus")


@dataclass(frozen=True, slots=True)
class Shoot:
    """A shoot."""

    size: int = whole(256, 32, 4096, "pixels")
    gain: float = number(1, 0, 10, "of the sensor")
    film: str = choice("colour", ("colour", "grey"), "what is in the camera")
    lights: tuple[str, ...] = choices(("lamp",), ("lamp", "sky"), "what is lit")
    flash: bool = flag(False, "whether it flashes")
    place: str = text("", "a folder", "where the pictures of the ground lie")
    names: tuple[str, ...] = texts(("a",), "words", "of the people", str.lower)
    limit: int | None = whole(None, 1, 9, "of pictures")
    side: int = whole(96, 32, 512, "of a picture", step=16)
    takes: tuple[str, ...] = texts((), "words", "one after the other", once=False)
    lens: Lens = field(default_factory=Lens)


@pytest.mark.parametrize(
    ("given", "attribute", "value"),
    [
        ({"size": 64}, "size", 64),
        ({"gain": 2}, "gain", 2.0),
        ({"film": "grey"}, "film", "grey"),
        ({"lights": "sky"}, "lights", ("sky",)),
        ({"lights": ["sky", "lamp", "sky"]}, "lights", ("sky", "lamp", "sky")),
        ({"flash": True}, "flash", True),
        ({"place": "grounds"}, "place", "grounds"),
        ({"names": ["Ada", "Bo", "ADA"]}, "names", ("ada", "bo")),
        ({"place": Path("some/where")}, "place", "some/where"),
        ({"limit": None}, "limit", None),
        ({"side": 48}, "side", 48),
        ({"takes": ["one", "two", "one"]}, "takes", ("one", "two", "one")),
        ({"lens": {"distance": 0.5}}, "lens", Lens((0.5, 0.5), 0.3)),
        ({"lens": {"distance": [0.5, 1]}}, "lens", Lens((0.5, 1.0), 0.3)),
        ({"lens": None}, "lens", Lens()),
    ],
)
def test_a_value_is_taken(given: dict[str, Any], attribute: str, value: object) -> None:
    assert getattr(settings.parse(Shoot, given, "f"), attribute) == value


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": 31}, "f: size: 31; allowed: a whole number, 32 to 4096"),
        ({"size": 64.0}, "f: size: 64.0; allowed: a whole number"),
        ({"gain": float("nan")}, "f: gain: nan; allowed: 0 to 10"),
        ({"gain": True}, "f: gain: True; allowed"),
        ({"gain": 10**400}, "f: gain: 10*; allowed: 0 to 10"),
        ({"film": ["grey"]}, "f: film: .*; allowed: colour or grey"),
        ({"lights": []}, r"f: lights: \[\]; allowed: one or a list of lamp, sky"),
        ({"lights": [["sky"]]}, "f: lights"),
        ({"flash": 1}, "f: flash: 1; allowed: true or false"),
        ({"place": 3}, "f: place: 3; allowed: a folder"),
        ({"limit": 10}, "f: limit: 10; allowed: null or a whole number, 1 to 9"),
        ({"side": 100}, "f: side: 100; allowed: a multiple of 16, 32 to 512"),
        ({"side": 528}, "f: side: 528; allowed: a multiple of 16, 32 to 512"),
        (
            {"lens": {"distance": [1, 0.5]}},
            r"f: lens.distance: \[1, 0.5\]; allowed: \[low, high\] within 0.1 to 5",
        ),
        ({"lens": {"distance": [1, 2, 3]}}, "f: lens.distance"),
        ({"lens": {"blurred": 30}}, "f: lens.blurred: 30; allowed: 0 to 1"),
        (
            {"lens": {"blured": 1}},
            "f: no setting of lens 'blured'; allowed: distance, blurred; did you mean 'blurred'",
        ),
        ({"lens": [1]}, r"f: lens: \[1\]; allowed: key: value"),
        ({3: 4}, "f: no setting '3'"),
    ],
)
def test_another_is_told_with_what_is_allowed(given: dict[Any, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        settings.parse(Shoot, given, "f")


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("size", np.int64(64), 64),
        ("gain", np.float32(0.5), 0.5),
        ("gain", np.int16(2), 2.0),
        ("flash", np.bool_(True), True),
        ("place", np.str_("grounds"), "grounds"),
        ("lens", {"distance": np.array([0.5, 1])}, Lens((0.5, 1.0), 0.3)),
    ],
)
def test_values_of_numpy_are_taken_as_pythons(name: str, value: Any, kept: object) -> None:
    found = getattr(settings.parse(Shoot, {name: value}, "f"), name)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("name", "value"),
    [("size", np.float64(64)), ("size", np.bool_(True)), ("gain", np.float32("nan")), ("flash", np.int64(1))],
)
def test_values_of_numpy_keep_the_limits(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"f: {name}: "):
        settings.parse(Shoot, {name: value}, "f")


def test_a_name_is_offered_only_where_one_is_like_it() -> None:
    with pytest.raises(InputError, match=r"no limit 'backward'; allowed: blurred, distance$"):
        settings.known("f", "limit", "backward", ["blurred", "distance"])
    with pytest.raises(InputError, match="did you mean 'Blurred'"):
        settings.known("f", "limit", "BLURED", ["Blurred", "distance"])


def test_what_is_not_given_is_as_before() -> None:
    base = settings.parse(Shoot, {"size": 64, "lens": {"blurred": 0}}, "f")
    changed = settings.parse(Shoot, {"lens": {"distance": 1}}, "f", base=base)
    assert changed.size == 64
    assert changed.lens == Lens((1.0, 1.0), 0.0)


def test_the_default_file_says_what_each_means_and_reads_back() -> None:
    told = settings.explain(Shoot(size=64))
    assert "# pixels; a whole number, 32 to 4096\nsize: 64\n" in told
    assert "# What the lens does.\nlens:\n  # metres from" in told
    assert settings.parse(Shoot, yaml.safe_load(told.replace('place: ""', "")), "f") == Shoot(size=64)


def test_a_file_is_distrusted(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    for content, message in [
        ("!!python/object/apply:os.system [true]", "is not a YAML file"),
        ("[" * 5000, "is not a YAML file"),
        ("a" * 1_000_001, "1,000,001 bytes; allowed: at most 200,000"),
        ("- a", "a list, not a table"),
    ]:
        path.write_text(content)
        with pytest.raises(InputError, match=message):
            settings.load(path)
    path.write_text("")
    assert settings.load(path) == {}
    with pytest.raises(InputError, match="cannot be read"):
        settings.load(tmp_path / "none.yaml")

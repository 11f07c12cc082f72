"""Grounds are drawn for the site that they are given. Each kind also goes through tests/render/test_shot.py,
and through Blender in test_real_blender.py."""

from __future__ import annotations

import dataclasses

import pytest
from shots import SITE

from render.look.grounds import GROUNDS, Clutter, Colour, Owner, Picture, Table, Wall
from render.look.lights import LIGHTS


@pytest.mark.parametrize("kind", GROUNDS)
def test_the_same_site_gives_the_same_ground(kind: str) -> None:
    assert GROUNDS[kind].draw(SITE) == GROUNDS[kind].draw(SITE)
    assert isinstance(GROUNDS[kind].draw(SITE), GROUNDS[kind])
    assert GROUNDS[kind].about


@pytest.mark.parametrize("kind", GROUNDS)
def test_a_ground_that_wants_a_light_names_one(kind: str) -> None:
    assert GROUNDS[kind].lit_by in ("", *LIGHTS)


def test_a_table_is_nearly_white_and_lies_where_the_site_is() -> None:
    table = Table.draw(SITE)
    assert (table.point, table.normal) == (SITE.point, SITE.normal)
    # Grey 0.86 + 0.12 / 2, and as warm as it gets: green 0.97 and blue 0.98 of it.
    assert table.colour == pytest.approx((0.92, 0.8924, 0.9016))
    assert table.roughness == pytest.approx(0.45)


def test_a_colour_is_the_seeds() -> None:
    one, other = (Colour.draw(dataclasses.replace(SITE, seed=seed)) for seed in (7, 8))
    assert one == Colour.draw(SITE)
    assert one != other
    assert all(0 <= value <= 1 for value in one.colour)


def test_a_picture_is_of_the_jobs_folder() -> None:
    assert Picture.draw(SITE) == Picture("there", 7)


def test_clutter_and_a_wall_are_the_seeds() -> None:
    assert Clutter.draw(SITE) == Clutter(7)
    assert Wall.draw(SITE) == Wall(7)


def test_an_owner_has_the_hands_skin() -> None:
    assert Owner.draw(SITE) == Owner(7, melanin=0.05, blood=0.01)

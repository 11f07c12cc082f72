"""Hands are followed: each keeps its number, and a finder is asked no more often than needed."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from curate.basics.errors import InputError
from curate.data.sample import Sample
from curate.hands.finding import WHOLE, Found
from curate.hands.photograph import Photograph, Still
from curate.hands.smoothing import OneEuro
from curate.taggers.following import FOLLOWED, Follower, Settings, State, from_json, to_json
from curate.taggers.tagger import Tagged

SIDE = 40.0
HAND = np.stack(np.meshgrid(np.linspace(0, 1, 7), np.linspace(0, 1, 3)), -1).reshape(21, 2) - 0.5
Place = tuple[float, float]
NEW = State()


class World:
    """Where hands are in the frame that is looked at, and a tagger and a finder that see them there.

    The tagger sees the hand whose centre is nearest to the middle of its square, if it lies in it; else
    something, of which it is not sure. Of a photograph without a bbox it sees the first hand.
    """

    label_source = "auto:world"
    threshold = None

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.hidden: set[Place] = set()  # from the finder
        self.score = 0.9
        self.asked = 0

    def tag(self, photographs: Sequence[Photograph]) -> list[Tagged | InputError]:
        return [self._tag(photograph.sample.bbox) for photograph in photographs]

    def _tag(self, box: np.ndarray | None) -> Tagged:
        by = WHOLE if box is None else "bbox"
        box = np.array([0, 0, 1000, 1000]) if box is None else box
        middle = box[:2] + box[2:] / 2
        near = [p for p in self.places if np.abs(np.subtract(p, middle)).max() <= max(box[2:]) / 2 + 10]
        if not near:
            return Tagged(middle + SIDE * HAND, np.full(21, 0.1), by, box)
        centre = near[0] if by == WHOLE else min(near, key=lambda p: np.linalg.norm(np.subtract(p, middle)))
        return Tagged(np.array(centre) + SIDE * HAND, np.full(21, self.score), by, box)

    def find(self, _photograph: Photograph) -> list[Found]:
        self.asked += 1
        seen = [np.array(p) for p in self.places if p not in self.hidden]
        return [Found(np.array([*(p - SIDE / 2), SIDE, SIDE]), "run:finder") for p in seen]


def follow(
    world: World,
    frames: list[list[Place]],
    *,
    finder: bool = True,
    every: int = 10,
    state: State = NEW,
    settled: bool = False,
) -> tuple[list[dict[int, Place]], State]:
    """Where each hand is in each frame, by its number."""
    follower = Follower(world, world.find if finder else None, Settings(0.7, every, None), settled)
    still = Still(np.zeros((400, 1000, 3), np.uint8), Sample("v/0", "v", "0.jpg"))
    seen = []
    for number, places in enumerate(frames):
        world.places = places
        hands, state = follower.step(still, number / 10, state)
        seen.append({n: tuple(np.nanmean(tagged.keypoints, 0).round(6).tolist()) for n, tagged in hands})
    return seen, state


def test_a_hand_is_found_once_and_then_followed() -> None:
    world = World()
    path = [[(100.0 + 8 * i, 100.0)] for i in range(9)]
    seen, _ = follow(world, path)
    assert seen == [{1: places[0]} for places in path]
    assert world.asked == 1


def test_two_hands_that_cross_keep_their_numbers() -> None:
    path = [[(100.0 + 10 * i, 100.0), (300.0 - 10 * i, 130.0)] for i in range(21)]
    seen, _ = follow(World(), path)
    assert seen == [{1: a, 2: b} for a, b in path]
    backwards, _ = follow(World(), [places[::-1] for places in path])
    assert [hands[1] for hands in backwards] == [b for _, b in path]  # who is found first is 1


def test_a_hand_that_comes_in_is_seen_by_the_finder_in_its_turn() -> None:
    world = World()
    path = [[(100.0, 100.0)]] * 3 + [[(100.0, 100.0), (500.0, 100.0)]] * 6
    seen, _ = follow(world, path, every=4)
    assert [sorted(hands) for hands in seen] == [[1]] * 4 + [[1, 2]] * 5
    assert world.asked == 3


def test_a_lost_hand_that_is_found_where_it_was_is_the_same_for_a_second() -> None:
    here, gone = [(100.0, 100.0)], [(500.0, 300.0)]
    seen, _ = follow(World(), [here, gone, gone, here])
    assert [sorted(hands) for hands in seen] == [[1], [2], [2], [1]]
    short, _ = follow(World(), [here, [], [], here])
    assert [sorted(hands) for hands in short] == [[1], [], [], [1]]
    long, _ = follow(World(), [here, *[[]] * 12, here])
    assert sorted(long[-1]) == [2]


def test_of_two_squares_on_one_hand_the_one_that_moved_there_is_lost() -> None:
    first, second = (100.0, 100.0), (140.0, 100.0)
    seen, state = follow(World(), [[first, second], [first]])
    assert seen[1] == {1: first}
    again, _ = follow(World(), [[first, second]], state=state)
    assert again == [{1: first, 2: second}]


def test_a_doubtful_hand_is_looked_for_by_the_finder_and_kept() -> None:
    world = World()
    world.score = 0.5
    path = [[(100.0, 100.0)]] * 4
    seen, _ = follow(world, path)
    assert [sorted(hands) for hands in seen] == [[1]] * 4
    assert world.asked == 4


def test_without_a_finder_one_hand_is_followed_wherever_it_went() -> None:
    path: list[list[Place]] = [[], [(100.0, 100.0)], [(104.0, 100.0)], [(600.0, 300.0)]]
    seen, _ = follow(World(), path, finder=False)
    assert seen == [{}, {1: path[1][0]}, {1: path[2][0]}, {1: path[3][0]}]


def test_a_tagger_is_asked_beside_the_finder_unless_that_is_its_own() -> None:
    here = [(100.0, 100.0)]
    for settled, hands in ((False, {1: here[0]}), (True, {})):
        world = World()
        world.hidden = set(here)
        seen, _ = follow(world, [here], settled=settled)
        assert seen == [hands]


def test_what_is_remembered_comes_back_to_the_last_bit() -> None:
    world, still = World(), Still(np.zeros((400, 1000, 3), np.uint8), Sample("v/0", "v", "0.jpg"))
    follower = Follower(world, world.find, Settings(0.7, 3, OneEuro(1.0, 5.0)))
    places = np.random.default_rng(0).normal(0, 3, (12, 2)).cumsum(0) + 200
    states, states_again = State(), State()
    for number, place in enumerate(places):
        world.places = [(float(place[0]), float(place[1]))]
        hands, states = follower.step(still, number / 30, states)
        world.places = [(float(place[0]), float(place[1]))]
        again, states_again = follower.step(still, number / 30, states_again)
        states_again = from_json(json.loads(json.dumps(to_json(states_again))))
        assert (hands[0][1].keypoints == again[0][1].keypoints).all()
        assert hands[0][1].found_by == (FOLLOWED if number else "run:finder")


def test_a_tagger_that_fails_is_told() -> None:
    class Broken(World):
        def tag(self, photographs: Sequence[Photograph]) -> list[Tagged | InputError]:
            return [InputError("0.jpg", "its process died") for _ in photographs]

    with pytest.raises(InputError, match="its process died"):
        follow(Broken(), [[(100.0, 100.0)]])

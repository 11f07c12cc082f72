"""What is in the box, as OpenCV runs it: as torch would, and whole."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.basics import files
from curate.hands.drawn_hands import Person, draw_hand
from curate.networks import decode, table
from curate.networks.handseg import HandSeg
from curate.networks.network import Network, Spec
from curate.networks.pixels import to_float
from curate.networks.posenet import PoseNet
from curate.taggers import box_networks
from curate.training.run import Run

WEIGHTS = (box_networks.FINDER, box_networks.OVERVIEW, box_networks.LOCALISER)


@given(st.integers(0, 10**6), st.integers(4, 24), st.floats(0.1, 30))
@settings(max_examples=50, deadline=None)
def test_maps_are_read_as_torch_reads_them(seed: int, side: int, height: float) -> None:
    logits = np.random.default_rng(seed).normal(0, height, (21, side, side)).astype(np.float32)
    points, scores = box_networks.peaks(logits)
    theirs, sure = decode.decode_softmax(torch.from_numpy(logits)[None])
    np.testing.assert_allclose(points, theirs[0], atol=2e-4)
    np.testing.assert_allclose(scores, sure[0], atol=2e-5)


def test_the_window_is_that_of_the_networks() -> None:
    assert decode.RADIUS == box_networks.RADIUS


@pytest.mark.parametrize(
    ("kind", "loss", "size"), [(HandSeg, "cross_entropy", 32), (PoseNet, "softmax", 48)], ids=["mask", "maps"]
)
def test_a_network_gives_in_opencv_what_it_gives_in_torch(
    kind: type[Network], loss: str, size: int, tmp_path
) -> None:
    """But for what half precision takes from its weights."""
    pytest.importorskip("onnx")
    from curate.training.onnx import bare

    torch.manual_seed(0)
    network = kind(Spec(size, 3, 21, loss), width=8, folded=True).eval()
    run = Run(tmp_path, {"network": {"name": kind.__name__.lower()}}, network)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(bare(run), np.uint8))
    light = box_networks.Network(net, size, 1.0)
    pixels = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), np.uint8)
    pixels[1, :, : size // 2, 0] = 250  # of which parts differ
    pixels[2, : size // 4] = 10
    ours, theirs = light.predict(pixels), run.predict(pixels)
    if ours.masks is not None:
        assert theirs.masks is not None
        assert np.abs(ours.masks.astype(int) - theirs.masks).max() <= 1
    else:
        np.testing.assert_allclose(ours.points, theirs.points, atol=0.1)
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-3)


def test_the_weights_are_those_that_were_made_and_small() -> None:
    told = box_networks.box_info()
    assert set(told.sizes) == set(WEIGHTS)
    assert set(told.sha256) == {*WEIGHTS, box_networks.SHAPE}
    for name in told.sha256:
        assert files.sha256(box_networks.FOLDER / name) == told.sha256[name]
    assert sum(path.stat().st_size for path in box_networks.FOLDER.iterdir()) < 10_000_000
    assert (box_networks.FOLDER / "README.md").exists()


@pytest.mark.parametrize("name", WEIGHTS)
def test_threads_and_company_change_nothing(name: str) -> None:
    network = box_networks.network(name)
    person = Person.sample(np.random.default_rng(0))
    side = network.size
    pixels = np.stack(
        [draw_hand(np.random.default_rng(n), person, "right", width=side, height=side)[0] for n in range(2)]
    )
    before = cv2.getNumThreads()
    found = []
    for threads in (1, 2):
        cv2.setNumThreads(threads)
        found.append(network.predict(pixels))
    cv2.setNumThreads(before)
    alone = network.predict(pixels[1:])
    for one, two, three in zip(*found, alone, strict=True):
        np.testing.assert_array_equal(one, two)
        if one is not None:
            np.testing.assert_array_equal(one[1:], three)


def test_no_picture_gives_no_answer() -> None:
    for name in WEIGHTS:
        size = box_networks.network(name).size
        assert box_networks.network(name).predict(np.empty((0, size, size, 3), np.uint8)).points.shape == (
            0,
            21,
            2,
        )


def test_how_likely_there_is_a_hand_is_told_by_what_the_last_layer_sees() -> None:
    """As torch has it: a logistic of the mean and the maximum over the picture."""
    onnx = pytest.importorskip("onnx")
    from curate.networks.construct import build
    from curate.training.run import start_from

    size, file = (
        box_networks.box_info().sizes[box_networks.LOCALISER],
        box_networks.FOLDER / box_networks.LOCALISER,
    )
    localiser = build(
        "posenet", Spec(size, 3, 21, "softmax"), table.load("posenet").presets["further"].options
    )
    start_from(localiser, file)
    seen = list[torch.Tensor]()
    localiser.get_submodule("body.last").register_forward_pre_hook(lambda _, given: seen.append(given[0][0]))
    hand, _ = draw_hand(
        np.random.default_rng(0), Person.sample(np.random.default_rng(1)), "left", width=size, height=size
    )
    pictures = np.stack([hand, np.full_like(hand, 255)])
    with torch.no_grad():
        for picture in pictures:
            localiser.eval()(to_float(torch.from_numpy(picture[None])))
    constants = [node for node in onnx.load(file).graph.node if node.op_type == "Constant"]
    stored = {node.output[0]: onnx.numpy_helper.to_array(node.attribute[0].t) for node in constants}
    values = np.stack([np.concatenate([one.mean((1, 2)), one.amax((1, 2))]) for one in seen])
    logits = values @ stored["hand.weight"][0] + stored["hand.bias"][0]
    found = box_networks.network(box_networks.LOCALISER).predict(pictures).hands
    assert found is not None
    # Of a white picture rounding errors alone are left, a thousand times as large.
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits)), atol=6e-3)
    assert found[0] > box_networks.box_info().trusted > found[1]

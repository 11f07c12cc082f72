"""The localiser of MobileNetV2: its encoders, weights that others trained, its maps and how they are read."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from curate.networks.decode import decode_peaks, decode_softmax
from curate.networks.inverted_residuals import Encoder
from curate.networks.mobile import Mobile
from curate.networks.network import Spec, Targets


def make(size: int = 64, preset: str = "reference", **options: Any) -> Mobile:
    torch.manual_seed(0)
    small = {"width": 0.25, "decoder": 40}
    return Mobile(
        Spec(size, 3, 21, "softmax"), **{**Mobile.presets[preset].options, **small, **options}
    ).eval()


def as_torchvision_names(encoder: Encoder) -> dict[str, Tensor]:
    """The weights of an encoder in a file of torchvision's mobilenet_v2, with its last layers."""
    weights = {f"features.{name}": value for name, value in encoder.features.state_dict().items()}
    rest = {"features.18.0.weight": (1280, 320, 1, 1), "classifier.1.weight": (1000, 1280)}
    return weights | {name: torch.zeros(shape) for name, shape in rest.items()}


def as_lite0_names(encoder: Encoder) -> dict[str, Tensor]:
    """The weights of an encoder as efficientnet_lite_pytorch names them, with its last layers."""
    weights = {
        "_fc.bias": torch.zeros(1000),
        "_conv_head.weight": torch.zeros(1),
        "_bn1.bias": torch.zeros(1),
    }
    for number, block in enumerate(encoder.features):
        layers = [
            layer for layer in block.modules() if isinstance(layer, torch.nn.Conv2d | torch.nn.BatchNorm2d)
        ]
        if number == 0:
            names = ["_conv_stem", "_bn0"]
        else:
            names = ["_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2"][
                -len(layers) :
            ]
            names = [f"_blocks.{number - 1}.{name}" for name in names]
        for name, layer in zip(names, layers, strict=True):
            weights |= {f"{name}.{key}": value for key, value in layer.state_dict().items()}
    return weights


def test_it_has_8_million_parameters_of_which_mobilenet_v2_has_1_8() -> None:
    # torchvision's mobilenet_v2 has 3,504,872: without 1,281,000 for classes and 412,160 for 1280 channels.
    with torch.device("meta"):
        network = Mobile(Spec(224, 3, 21, "softmax"), **Mobile.presets["reference"].options)
        lite0 = Encoder("efficientnet_lite0")
    assert sum(weight.numel() for weight in network.encoder.parameters()) == 1_811_712
    assert round(sum(weight.numel() for weight in network.parameters()) / 1e6, 1) == 8.0
    # The package's file holds 4,652,008; without 1,281,000 and 412,160 as above.
    assert sum(weight.numel() for weight in lite0.parameters()) == 2_958_848


def test_the_encoder_is_torchvisions_but_for_the_stride_of_block_14() -> None:
    encoder = Encoder("mobilenet_v2")
    shapes = {name: tuple(value.shape) for name, value in encoder.features.state_dict().items()}
    assert shapes["0.0.weight"] == (32, 3, 3, 3)
    assert shapes["1.conv.0.0.weight"] == (32, 1, 3, 3)
    assert shapes["1.conv.1.weight"] == (16, 32, 1, 1)
    assert shapes["2.conv.0.0.weight"] == (96, 16, 1, 1)
    assert shapes["14.conv.1.0.weight"] == (576, 1, 3, 3)
    assert shapes["17.conv.2.weight"] == (320, 960, 1, 1)
    assert shapes["17.conv.3.running_var"] == (320,)
    strides = [block.conv[-3][0].stride[0] for block in encoder.features[1:]]
    assert [number for number, stride in enumerate(strides, 1) if stride == 2] == [2, 4, 7]
    assert encoder.eval()(torch.zeros(1, 3, 224, 224)).shape == (1, 320, 14, 14)


@pytest.mark.parametrize(
    ("name", "named"), [("mobilenet_v2", as_torchvision_names), ("efficientnet_lite0", as_lite0_names)]
)
def test_weights_trained_on_imagenet_are_taken_over_whole_or_refused(name: str, named: Any) -> None:
    torch.manual_seed(1)
    trained = Encoder(name, 0.25)
    weights, network = named(trained), make(encoder=name)
    network.start_from(weights)
    taken = network.encoder.features.state_dict()
    assert all(torch.equal(value, taken[key]) for key, value in trained.features.state_dict().items())
    lacking = dict(list(weights.items())[10:])
    with pytest.raises(ValueError, match=r"without .* more of the network's"):
        make(encoder=name).start_from(lacking)
    with pytest.raises(ValueError, match="with 'other' that it has not"):
        make(encoder=name).start_from({**weights, "other": torch.zeros(1)})
    with pytest.raises(ValueError, match="of another shape"):
        make(encoder=name, width=0.5).start_from(weights)


def test_weights_of_a_run_of_the_same_network_are_taken_over() -> None:
    trained = make(64)
    network = make(96)
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
    network.start_from(trained.state_dict())
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in trained.state_dict().items())


def test_a_stride_of_lite0_begins_at_the_first_pixel_and_of_mobilenet_before_it() -> None:
    images = torch.zeros(1, 3, 32, 32)
    images[0, :, 0, 0] = 1.0
    for name, row in (("efficientnet_lite0", 0), ("mobilenet_v2", 1)):
        convolution = Encoder(name).features[0]
        with torch.no_grad():
            convolution[0].weight.zero_()
            convolution[0].weight[0, :, row, row] = 1.0
        out = convolution.eval()(images)[0, 0]
        assert out[0, 0] > 2
        assert out.sum() == out[0, 0]


def test_maps_are_a_quarter_of_the_image_and_one_is_for_the_ground() -> None:
    assert make(64)(torch.rand(2, 3, 64, 64)).shape == (2, 22, 16, 16)


def test_left_hands_are_mirrored_in_the_papers_preset_alone() -> None:
    assert make(preset="paper").right_hands
    assert not make().right_hands


@pytest.mark.parametrize(
    "wrong",
    [{"encoder": "vgg"}, {"width": 0}, {"width": 5}, {"decoder": 4}, {"decoder": "8"}, {"peaks": 1}],
)
def test_what_it_is_not_made_for_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)) if "width" not in wrong else "width"):
        make(**wrong)
    with pytest.raises(ValueError, match="no mobile network is made for"):
        make(40)
    with pytest.raises(ValueError, match="no mobile network is made for"):
        Mobile(Spec(64, 1, 21, "softmax"), **Mobile.presets["reference"].options)


def test_flat_maps_cost_the_logarithm_of_their_cells_and_the_ground_counts_as_a_keypoint() -> None:
    network = make(64)
    recipe = Mobile.presets["reference"].recipe.for_size(64, 5.0)
    targets = Targets(torch.full((1, 21, 2), 30.0), torch.full((1, 21), 2, dtype=torch.uint8), torch.ones(1))
    flat = network.loss(torch.zeros(1, 22, 16, 16), targets, recipe)
    assert flat.item() == pytest.approx(math.log(256) * (1 + 1 / 21), rel=1e-5)
    targets.visibility[0, 3] = 0  # where a finger may be anywhere, the ground is not known
    flat = network.loss(torch.zeros(1, 22, 16, 16), targets, recipe)
    assert flat.item() == pytest.approx(math.log(256), rel=1e-5)


def test_the_grounds_map_is_lowest_at_the_keypoints() -> None:
    network = make(64)
    recipe = Mobile.presets["reference"].recipe.for_size(64, 5.0)
    targets = Targets(torch.full((1, 21, 2), 30.0), torch.full((1, 21), 2, dtype=torch.uint8), torch.ones(1))
    there, elsewhere = torch.zeros(2, 1, 22, 16, 16)
    there[:, -1, 7, 7] = -5  # cell 7 is pixels 28 to 32
    elsewhere[:, -1, 2, 12] = -5
    assert network.loss(there, targets, recipe) < network.loss(elsewhere, targets, recipe)


def test_of_peaks_above_the_threshold_the_one_nearest_to_the_middle_is_taken() -> None:
    logits = torch.full((1, 1, 20, 20), -20.0)
    logits[0, 0, 2, 3] = 2.0
    logits[0, 0, 11, 12], logits[0, 0, 11, 13] = 1.5, 1.5 - math.log(3)
    points, scores = decode_peaks(logits, 0.5, 3)
    assert points[0, 0].tolist() == pytest.approx([12.75, 11.5])
    total = math.e**2 + math.e**1.5 * 4 / 3
    assert scores.item() == pytest.approx(math.e**1.5 * 4 / 3 / total, rel=1e-4)
    assert decode_softmax(logits, 3)[0][0, 0].tolist() == pytest.approx([3.5, 2.5])
    assert decode_peaks(logits, 0.7, 3)[0][0, 0].tolist() == pytest.approx([3.5, 2.5])


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_map_that_is_not_finite_has_no_peak(bad: float) -> None:
    logits = torch.zeros(1, 1, 8, 8)
    logits[0, 0, 1, 1] = bad
    points, scores = decode_peaks(logits, 0.5, 2)
    assert points.isnan().all()
    assert scores.item() == 0

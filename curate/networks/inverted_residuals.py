"""Encoders of inverted residual blocks, MobileNetV2 and EfficientNet-Lite0, and weights that others trained.

Stages are those of Sandler et al. 2018, table 2, and of EfficientNet-Lite0. The last stages run without
stride, so that the maps stay a sixteenth of the image. Modules are numbered and named as torchvision's
`mobilenet_v2` names them (`features.0.0.weight`, ...), so that its weights load as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from curate.networks.depthwise import Depthwise
from curate.networks.weights import put

STRIDE = 16  # pixels a cell of an encoder's maps


@dataclass(frozen=True, slots=True)
class Kind:
    """One family of encoders.

    Attributes
    ----------
    stages: (expansion, channels, blocks, stride, kernel); a stride of 0 stands for 2 in the original that is
        left out here.
    padded_as_tensorflow: where there is a stride, more below and to the right, as the weights were trained.
    epsilon: of batch normalisation.
    mean, deviation: of each colour, in [0, 1], which the images are brought to 0 and 1 by.
    """

    stages: tuple[tuple[int, int, int, int, int], ...]
    padded_as_tensorflow: bool
    epsilon: float
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


KINDS = {
    "mobilenet_v2": Kind(
        (
            (1, 16, 1, 1, 3),
            (6, 24, 2, 2, 3),
            (6, 32, 3, 2, 3),
            (6, 64, 4, 2, 3),
            (6, 96, 3, 1, 3),
            (6, 160, 3, 0, 3),  # its first block is the 14th
            (6, 320, 1, 1, 3),
        ),
        padded_as_tensorflow=False,
        epsilon=1e-5,
        mean=(0.485, 0.456, 0.406),
        deviation=(0.229, 0.224, 0.225),
    ),
    "efficientnet_lite0": Kind(
        (
            (1, 16, 1, 1, 3),
            (6, 24, 2, 2, 3),
            (6, 40, 2, 2, 5),
            (6, 80, 3, 2, 3),
            (6, 112, 3, 1, 5),
            (6, 192, 4, 0, 5),
            (6, 320, 1, 1, 3),
        ),
        padded_as_tensorflow=True,
        epsilon=1e-3,
        mean=(0.5, 0.5, 0.5),
        deviation=(0.5, 0.5, 0.5),
    ),
}


class ConvBlock(nn.Sequential):
    """Padding where it is lopsided, convolution, batch normalisation and, unless it is linear, ReLU6."""

    def __init__(
        self,
        before: int,
        after: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        depthwise: bool = False,
        linear: bool = False,
        kind: Kind,
    ) -> None:
        lopsided = stride == 2 and kind.padded_as_tensorflow
        padding = 0 if lopsided else kernel // 2
        if depthwise:
            convolution: nn.Conv2d = Depthwise(before, kernel, stride, padding)
        else:
            convolution = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
        layers: list[nn.Module] = [convolution, nn.BatchNorm2d(after, eps=kind.epsilon)]
        super().__init__(*layers, *([] if linear else [nn.ReLU6(inplace=True)]))
        less = (kernel - 2) // 2
        self.padding = (less, kernel - 2 - less) * 2 if lopsided else None

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.padding is None else functional.pad(x, self.padding)
        for layer in self:
            x = layer(x)
        return x


class InvertedResidual(nn.Module):
    """Wider by 1 x 1, depthwise, narrower by 1 x 1; with a way past them where the shape stays."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int, kind: Kind) -> None:
        super().__init__()
        inner = before * expansion
        wider = [ConvBlock(before, inner, kind=kind)] if expansion > 1 else []
        within = ConvBlock(inner, inner, kernel, stride=stride, depthwise=True, kind=kind)
        narrower = ConvBlock(inner, after, linear=True, kind=kind)
        # Flat, as torchvision has the last convolution and its normalisation.
        self.conv = nn.Sequential(*wider, within, *narrower)
        self.past = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return x + out if self.past else out


class Encoder(nn.Module):
    """Images (B, 3, S, S) in [0, 1] to maps (B, channels, S / 16, S / 16).

    Attributes
    ----------
    channels: of the maps.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, name: str, width: float = 1.0) -> None:
        """name: of KINDS. width: share of the channels. Raises ValueError: no such encoder."""
        super().__init__()
        if name not in KINDS or not 0 < width <= 4:
            told = f"no encoder {name!r} of width {width!r}"
            raise ValueError(f"{told}; encoder: one of {', '.join(KINDS)}; width: over 0 to 4")
        self.name, kind = name, KINDS[name]
        before = whole_eights(32 * width)
        blocks: list[nn.Module] = [ConvBlock(3, before, 3, stride=2, kind=kind)]
        for expansion, channels, count, stride, kernel in kind.stages:
            after = whole_eights(channels * width)
            for number in range(count):
                step = stride if number == 0 and stride else 1
                blocks.append(InvertedResidual(before, after, kernel, step, expansion, kind))
                before = after
        self.features, self.channels = nn.Sequential(*blocks), before
        for part, values in (("mean", kind.mean), ("deviation", kind.deviation)):
            self.register_buffer(part, torch.tensor(values)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        maps: Tensor = self.features((images - self.mean) / self.deviation)
        return maps

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Take over weights that were trained on ImageNet, by the names that their authors gave them.

        What makes classes of the maps is left out: nothing here does that.

        Raises
        ------
        ValueError: they are not those of this encoder, all of them and no others.
        """
        kept = {ours: value for name, value in weights.items() if (ours := self._ours(name)) is not None}
        put(self.features, kept)

    def _ours(self, name: str) -> str | None:
        """Our name within `features` of a weight; None for one that is not needed."""
        if self.name == "mobilenet_v2":
            last = f"features.{len(self.features)}."  # to the 1280 channels that classes are made of
            return None if name.startswith(("classifier.", last)) else name.removeprefix("features.")
        return _of_lite0(name)


def _of_lite0(name: str) -> str | None:
    """From the names of efficientnet_lite_pytorch."""
    if name.startswith(("_conv_head.", "_bn1.", "_fc.")):
        return None
    if name.startswith(("_conv_stem.", "_bn0.")):
        return name.replace("_conv_stem", "0.0").replace("_bn0", "0.1")
    found = re.fullmatch(r"_blocks\.(\d+)\.(_[a-z]+_conv|_bn\d)\.(\w+)", name)
    if found is None:
        return name
    number, layer, value = found.groups()
    first = number == "0"  # which is not made wider
    places = {"_depthwise_conv": "0.0", "_bn1": "0.1", "_project_conv": "1", "_bn2": "2"}
    if not first:
        places = {"_expand_conv": "0.0", "_bn0": "0.1", "_depthwise_conv": "1.0", "_bn1": "1.1"}
        places |= {"_project_conv": "2", "_bn2": "3"}
    return f"{int(number) + 1}.conv.{places.get(layer, layer)}.{value}"


def whole_eights(channels: float) -> int:
    """The nearest multiple of 8 that is not over a tenth less, as the authors of MobileNetV2 round."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near if near >= 0.9 * channels else near + 8

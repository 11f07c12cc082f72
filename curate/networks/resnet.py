"""ResNet (He et al. 2015) without its classes; modules are named as torchvision names them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from curate.networks.weights import put
from curate.networks.winograd import Conv3x3

# Blocks a stage, and whether these are bottlenecks.
DEPTHS = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
    152: ((3, 8, 36, 3), True),
}


class Block(nn.Module):
    """Two convolutions of 3 x 3, or a bottleneck of 1 x 1, 3 x 3 and 1 x 1, and a way past them."""

    def __init__(self, before: int, inner: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        after = 4 * inner if bottleneck else inner
        # (before, after, kernel, stride); torchvision has the stride in the 3 x 3 convolution.
        plan = [(before, inner, 3, stride), (inner, after, 3, 1)]
        if bottleneck:
            plan = [(before, inner, 1, 1), (inner, inner, 3, stride), (inner, after, 1, 1)]
        self.count = len(plan)
        for number, (first, last, kernel, step) in enumerate(plan, 1):
            plain = kernel == 3 and step == 1
            convolution = (
                Conv3x3(first, last, bias=False)
                if plain
                else nn.Conv2d(first, last, kernel, step, kernel // 2, bias=False)
            )
            self.add_module(f"conv{number}", convolution)
            self.add_module(f"bn{number}", nn.BatchNorm2d(last))
        self.downsample: nn.Sequential | None = None
        if stride > 1 or before != after:
            projection = nn.Conv2d(before, after, 1, stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        out = x
        for number in range(1, self.count + 1):
            out = self.get_submodule(f"bn{number}")(self.get_submodule(f"conv{number}")(out))
            if number < self.count:
                out = functional.relu(out, inplace=True)
        past = x if self.downsample is None else self.downsample(x)
        return functional.relu(out + past, inplace=True)


class ResNet(nn.Module):
    """Images (B, C, S, S) to the maps after its third stage, a sixteenth of the side, and after its fourth.

    Attributes
    ----------
    channels: of the maps after the third and the fourth stage.
    """

    def __init__(self, depth: int, width: float = 1.0, colours: int = 3) -> None:
        """depth: of DEPTHS. width: share of the channels. Raises ValueError: no such network."""
        super().__init__()
        if depth not in DEPTHS or not isinstance(width, int | float) or not 0 < width <= 4:
            told = f"no ResNet of depth {depth!r} and width {width!r}"
            raise ValueError(f"{told}; depth: one of {', '.join(map(str, DEPTHS))}; width: over 0 to 4")
        counts, bottleneck = DEPTHS[depth]
        inner = before = max(8, round(64 * width))
        self.conv1 = nn.Conv2d(colours, before, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(before)
        channels = []
        for stage, count in enumerate(counts, 1):
            blocks = []
            for number in range(count):
                stride = 2 if stage > 1 and number == 0 else 1
                blocks.append(Block(before, inner, stride, bottleneck))
                before = 4 * inner if bottleneck else inner
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
            channels.append(before)
            inner *= 2
        self.channels = channels[2], channels[3]
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        x = functional.relu(self.bn1(self.conv1(images)), inplace=True)
        x = functional.max_pool2d(x, 3, 2, 1)
        for stage in (1, 2, 3):
            x = self.get_submodule(f"layer{stage}")(x)
        return x, self.get_submodule("layer4")(x)

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Take over weights of torchvision's ResNet of this depth; those of its classes are left out.

        Raises
        ------
        ValueError: they are not of this network, all of them and no others.
        """
        put(self, {name: value for name, value in weights.items() if not name.startswith("fc.")})

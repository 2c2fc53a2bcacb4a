"""The network of the built-in nucleus model: a small U-Net without any normalization over the image."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = (16, 32, 80, 192)
"""Feature maps at full, half, quarter and eighth resolution; multiples of 16 fill the vector units."""

MULTIPLE = 2 ** (len(CHANNELS) - 1)
"""Height and width of the input must be multiples of this."""

DIM = 30.0
"""The second input is log(1 + DIM · x) / log(1 + DIM): a nucleus of 3 % of the brightest is at a fifth of it."""


class Block(nn.Sequential):
    """Two convolutions of 3 × 3, each with batch normalization, whose constants are part of the exported weights."""

    def __init__(self, n_in: int, n_out: int) -> None:
        layers: list[nn.Module] = []
        for n in (n_in, n_out):
            layers += [
                nn.Conv2d(n, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True),
            ]  # fmt: skip
        super().__init__(*layers)


class NucleusNet(nn.Module):
    """(N, 1, H, W) pixels on a scale where the field's percentiles are 0 and 1 to (N, 3, H, W) logits.

    The three maps: inside a nucleus; distance to its rim over the greatest such distance in it; where two nuclei touch
    or nearly do.
    """

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(Block(a, b) for a, b in zip((2, *CHANNELS), CHANNELS, strict=False))
        pairs = list(zip(CHANNELS[::-1], CHANNELS[-2::-1], strict=False))
        self.reduce = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairs)
        self.up = nn.ModuleList(Block(2 * b, b) for _, b in pairs)
        self.head = nn.Conv2d(CHANNELS[0], 3, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits of the three maps."""
        x = torch.cat([pixels, torch.log(DIM * pixels.clamp(min=0) + 1) / math.log(DIM + 1)], dim=1)
        skips: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else functional.max_pool2d(x, 2))
            skips.append(x)
        for reduce, block, skip in zip(self.reduce, self.up, skips[-2::-1], strict=True):
            x = block(torch.cat([functional.interpolate(reduce(x), scale_factor=2.0, mode="nearest"), skip], dim=1))
        logits: Tensor = self.head(x)
        return logits

"""The networks of `nets/gan/dcgan` and `nets/gan/stylegan2` in torch: the same blocks and parameters, NCHW.

Imported by torch's process alone.
"""

import math
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional

TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0])


def dcgan_generator(latent: int, side: int, out: int, channels: tuple[int, ...]) -> nn.Module:
    """Dense, then batch norm, ReLU and a transposed convolution a stage."""
    base, first = side >> len(channels), channels[0]
    layers: list[nn.Module] = [nn.Linear(latent, first * base * base), nn.Unflatten(1, (first, base, base))]
    for before, after in zip(channels, (*channels[1:], out), strict=True):
        layers += [nn.BatchNorm2d(before), nn.ReLU(), nn.ConvTranspose2d(before, after, 4, 2, 1)]
    return nn.Sequential(*layers, nn.Tanh())


def dcgan_discriminator(side: int, inputs: int, channels: tuple[int, ...]) -> nn.Module:
    """Convolutions of stride 2, batch norm in all but the first, leaky ReLU, and a logit."""
    layers: list[nn.Module] = []
    for stage, features in enumerate(channels):
        layers.append(nn.Conv2d(channels[stage - 1] if stage else inputs, features, 4, 2, 1))
        layers += [nn.BatchNorm2d(features)] if stage else []
        layers.append(nn.LeakyReLU(0.2))
    side >>= len(channels)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * side * side, 1))


def leaky(x: Any) -> Any:
    return functional.leaky_relu(x, 0.2) * math.sqrt(2)


def low_pass(x: Any, padding: int, stride: int = 1) -> Any:
    """The filter along both axes, scaled to sum 1, channel by channel."""
    channels = x.shape[1]
    taps = (TAPS / TAPS.sum()).expand(channels, 1, 1, 4)
    x = functional.conv2d(x, taps, stride=(1, stride), padding=(0, padding), groups=channels)
    return functional.conv2d(x, taps.transpose(2, 3), stride=(stride, 1), padding=(padding, 0), groups=channels)


def spread(x: Any) -> Any:
    """A zero between any two pixels, and after the last."""
    batch, channels, height, width = x.shape
    out = x.new_zeros(batch, channels, height, 2, width, 2)
    out[:, :, :, 0, :, 0] = x
    return out.reshape(batch, channels, 2 * height, 2 * width)


class Dense(nn.Module):
    """Equalised."""

    def __init__(self, inputs: int, features: int, bias: float = 0.0, multiplier: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features, inputs) / multiplier)
        self.bias = nn.Parameter(torch.full((features,), bias / multiplier))
        self.scale, self.multiplier = multiplier / math.sqrt(inputs), multiplier

    def forward(self, x: Any) -> Any:
        return functional.linear(x, self.weight * self.scale, self.bias * self.multiplier)


class Conv(nn.Module):
    """Equalised."""

    def __init__(self, inputs: int, features: int, size: int = 3, padding: int = 0, stride: int = 1, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(features, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(features)) if bias else None
        self.scale, self.padding, self.stride = 1 / math.sqrt(inputs * size * size), padding, stride

    def forward(self, x: Any) -> Any:
        return functional.conv2d(x, self.weight * self.scale, self.bias, self.stride, self.padding)


class Modulated(nn.Module):
    """Inputs scaled by the style, one kernel for all examples, outputs scaled back."""

    def __init__(self, inputs: int, features: int, style: int, size: int = 3, up: bool = False, rgb: bool = False):
        super().__init__()
        self.style = Dense(style, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(features, inputs, size, size))
        self.scale, self.up, self.rgb, self.size = 1 / math.sqrt(inputs * size * size), up, rgb, size

    def forward(self, x: Any, w: Any) -> Any:
        style, weight = self.style(w), self.weight * self.scale
        x = x * style[:, :, None, None]
        if self.up:
            x = functional.conv_transpose2d(x, weight.transpose(0, 1).flip(2, 3), stride=2)
            x = 4 * low_pass(x, padding=1)
        else:
            x = functional.conv2d(x, weight, padding=self.size // 2)
        if self.rgb:
            return x
        power = style.square() @ weight.square().sum((2, 3)).T
        return x * torch.rsqrt(power + 1e-8)[:, :, None, None]


class Styled(nn.Module):
    """Modulated convolution, noise, bias, activation."""

    def __init__(self, inputs: int, features: int, style: int, up: bool = False):
        super().__init__()
        self.conv = Modulated(inputs, features, style, up=up)
        self.strength, self.bias = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(features))

    def forward(self, x: Any, w: Any) -> Any:
        y = self.conv(x, w)
        y = y + self.strength * torch.randn(y.shape[0], 1, *y.shape[2:])
        return leaky(y + self.bias[None, :, None, None])


class StyleGAN2(nn.Module):
    """Mapping and synthesis, without mixing."""

    def __init__(
        self, latent: int, side: int, out: int, *, base: int, channels: int, most: int, style: int, depth: int
    ):
        super().__init__()
        levels = (side // base).bit_length()
        widths = [min(channels << (levels - 1 - level), most) for level in range(levels)]
        self.mapping = nn.ModuleList(Dense(latent if i == 0 else style, style, multiplier=0.01) for i in range(depth))
        self.constant = nn.Parameter(torch.randn(1, widths[0], base, base))
        self.ups = nn.ModuleList(Styled(before, after, style, up=True) for before, after in pairwise(widths))
        self.convs = nn.ModuleList(Styled(width, width, style) for width in widths)
        self.rgbs = nn.ModuleList(Modulated(width, out, style, size=1, rgb=True) for width in widths)
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(out)) for _ in widths)

    def forward(self, z: Any) -> Any:
        w = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.mapping:
            w = leaky(layer(w))
        h, image = self.constant.expand(len(z), -1, -1, -1), None
        for level, (conv, rgb, bias) in enumerate(zip(self.convs, self.rgbs, self.biases, strict=True)):
            if level:
                h = self.ups[level - 1](h, w)
            h = conv(h, w)
            own = rgb(h, w) + bias[None, :, None, None]
            image = own if image is None else 4 * low_pass(functional.pad(spread(image), (2, 1, 2, 1)), padding=0) + own
        return image


class Down(nn.Module):
    """A residual block that halves."""

    def __init__(self, inputs: int, features: int):
        super().__init__()
        self.skip = Conv(inputs, features, size=1, bias=False)
        self.first, self.second = Conv(inputs, inputs, padding=1), Conv(inputs, features, stride=2)

    def forward(self, x: Any) -> Any:
        skip = self.skip(low_pass(x, padding=1, stride=2))
        h = leaky(self.second(low_pass(leaky(self.first(x)), padding=2)))
        return (h + skip) * math.sqrt(0.5)


class StyleGAN2Discriminator(nn.Module):
    """Residual, with the standard deviation over groups of four."""

    def __init__(self, side: int, inputs: int, *, base: int, channels: int, most: int):
        super().__init__()
        halvings = (side // base).bit_length() - 1
        widths = [min(channels << level, most) for level in range(halvings + 1)]
        self.start = Conv(inputs, widths[0], size=1)
        self.blocks = nn.ModuleList(Down(a, b) for a, b in pairwise(widths))
        self.conv = Conv(widths[-1] + 1, widths[-1], padding=1)
        self.dense, self.out = Dense(widths[-1] * base * base, widths[-1]), Dense(widths[-1], 1)

    def forward(self, x: Any) -> Any:
        h = leaky(self.start(x))
        for block in self.blocks:
            h = block(h)
        groups = h.reshape(-1, 4, *h.shape[1:])
        std = (groups.var(1, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3)).repeat_interleave(4)
        h = torch.cat([h, std[:, None, None, None].expand(-1, 1, *h.shape[2:])], 1)
        return self.out(leaky(self.dense(leaky(self.conv(h)).flatten(1))))

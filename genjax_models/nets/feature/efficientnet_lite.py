"""EfficientNet-Lite0: inverted residual blocks with ReLU6, no squeeze-and-excitation; for inference.

Batch norms are folded into the convolutions (`genjax_models.pretrained.layouts`), so each convolution has a bias.

References:
  Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019,
  https://arxiv.org/abs/1905.11946; the Lite variant:
  https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
"""

from functools import reduce
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.feature.classifier import Features
from genjax_models.nets.layers.conditions import check_fields


class Stage(NamedTuple):
    """Blocks alike: how many, kernel, stride of the first, expansion of the hidden width, output channels."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


class DepthwiseConv(nn.Module):
    """`nn.Conv(C, (size, size), (stride, stride), feature_group_count=C)`: its parameters and function, tap by tap.

    XLA:CPU has no fast way of its own for groups of one channel.

    Attributes:
      size: of the kernel.
      stride: along both axes.
      dtype: of the computation; parameters stay float32.
    """

    size: int
    stride: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`[B, H, W, C]` -> `[B, ceil(H / stride), ceil(W / stride), C]`."""
        channels = x.shape[-1]
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (self.size, self.size, 1, channels))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        x, kernel, bias = (a.astype(self.dtype) for a in (x, kernel, bias))
        sides = [-(-side // self.stride) for side in x.shape[1:3]]
        spans = [(side - 1) * self.stride + 1 for side in sides]
        missing = [max(span - 1 + self.size - side, 0) for span, side in zip(spans, x.shape[1:3], strict=True)]
        x = jnp.pad(x, ((0, 0), *((n // 2, n - n // 2) for n in missing), (0, 0)))
        taps = [
            kernel[i, j][None, None] * x[:, i : i + spans[0] : self.stride, j : j + spans[1] : self.stride]
            for i in range(self.size)
            for j in range(self.size)
        ]
        return reduce(jnp.add, taps) + bias[None, None, None]


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; plus the input where the shapes agree."""

    kernel: int
    stride: int
    expansion: int
    channels: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`[B, H, W, C]` -> `[B, ceil(H / stride), ceil(W / stride), channels]`."""
        hidden = x.shape[-1] * self.expansion
        h = x
        if self.expansion != 1:
            h = relu6(nn.Conv(hidden, (1, 1), dtype=self.dtype, name="expand")(h))
        h = relu6(DepthwiseConv(self.kernel, self.stride, self.dtype, name="depthwise")(h))
        h = nn.Conv(self.channels, (1, 1), dtype=self.dtype, name="project")(h)
        return x + h if h.shape == x.shape else h


class EfficientNetLite0(nn.Module):
    """ImageNet's 1000 logits and the 1280 features below them.

    Attributes:
      dtype: of the computation; parameters stay float32.
    """

    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> Features:
        """Classify.

        Args:
          x: `[B, H, W, 3]`, preprocessed; trained at 224x224.

        Returns:
          `Features`: `features` `[B, 1280]` and `logits` `[B, 1000]`, in the dtype of `x`.
        """
        check_fields(cond, ())
        h = relu6(nn.Conv(32, (3, 3), (2, 2), dtype=self.dtype, name="stem")(x))
        block = 0
        for stage in STAGES:
            for repeat in range(stage.blocks):
                stride = stage.stride if repeat == 0 else 1
                layer = InvertedResidual(
                    stage.kernel, stride, stage.expansion, stage.channels, self.dtype, name=f"block_{block}"
                )
                h = layer(h)
                block += 1
        h = relu6(nn.Conv(1280, (1, 1), dtype=self.dtype, name="head")(h))
        features = h.mean(axis=(1, 2))
        logits = nn.Dense(1000, dtype=self.dtype, name="logits")(features)
        return Features(features.astype(x.dtype), logits.astype(x.dtype))


def relu6(x: Array) -> Array:
    """$\\min(\\max(x, 0), 6)$."""
    return jnp.clip(x, 0.0, 6.0)

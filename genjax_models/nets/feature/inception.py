"""Inception-v3 as the Fréchet Inception distance uses it (TensorFlow's graph of 2015-12-05); for inference.

It differs from the network of the paper: 1008 logits, of which the Inception score takes the products without the
bias; 3x3 average pools that leave padding out of the average; and a maximum in place of the average in the last
block's pool. Batch norms are folded into the convolutions. Parameters carry the published names.

References:
  Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2015, https://arxiv.org/abs/1512.00567
  Heusel et al., GANs Trained by a Two Time-Scale Update Rule, 2017, https://arxiv.org/abs/1706.08500 (its use)
"""

from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.feature.classifier import Features
from genjax_models.nets.layers.conditions import check_fields


def conv(name: str, x: Array, channels: int, window: tuple[int, int] = (1, 1), stride: int = 1) -> Array:
    """A convolution and ReLU inside the calling module, in the dtype of `x`; keeps the size, unless it strides."""
    padding = "SAME" if stride == 1 else "VALID"
    return nn.relu(nn.Conv(channels, window, (stride, stride), padding, dtype=x.dtype, name=name)(x))


def average_pool(x: Array) -> Array:
    """3x3 averages at stride 1 over what lies inside the image."""
    return nn.avg_pool(x, (3, 3), (1, 1), "SAME", count_include_pad=False).astype(x.dtype)


def max_pool(x: Array, stride: int) -> Array:
    """3x3 maxima: padded at stride 1, not at stride 2."""
    return nn.max_pool(x, (3, 3), (stride, stride), "SAME" if stride == 1 else "VALID")


class BlockA(nn.Module):
    """At 35x35: 1x1, 5x5 and two 3x3 in a row."""

    pool_channels: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`[B, H, W, C]` -> `[B, H, W, 224 + pool_channels]`."""
        five = conv("branch5x5_1", x, 48)
        three = conv("branch3x3dbl_1", x, 64)
        three = conv("branch3x3dbl_2", three, 96, (3, 3))
        branches = [
            conv("branch1x1", x, 64),
            conv("branch5x5_2", five, 64, (5, 5)),
            conv("branch3x3dbl_3", three, 96, (3, 3)),
            conv("branch_pool", average_pool(x), self.pool_channels),
        ]
        return jnp.concatenate(branches, axis=-1)


class BlockB(nn.Module):
    """From 35x35 to 17x17."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`[B, H, W, C]` -> `[B, (H - 1) // 2, (W - 1) // 2, 480 + C]`."""
        three = conv("branch3x3dbl_1", x, 64)
        three = conv("branch3x3dbl_2", three, 96, (3, 3))
        branches = [
            conv("branch3x3", x, 384, (3, 3), 2),
            conv("branch3x3dbl_3", three, 96, (3, 3), 2),
            max_pool(x, 2),
        ]
        return jnp.concatenate(branches, axis=-1)


class BlockC(nn.Module):
    """At 17x17: 7x7 convolutions split into rows and columns."""

    channels: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`[B, H, W, C]` -> `[B, H, W, 768]`."""
        once = conv("branch7x7_1", x, self.channels)
        once = conv("branch7x7_2", once, self.channels, (1, 7))
        twice = conv("branch7x7dbl_1", x, self.channels)
        twice = conv("branch7x7dbl_2", twice, self.channels, (7, 1))
        twice = conv("branch7x7dbl_3", twice, self.channels, (1, 7))
        twice = conv("branch7x7dbl_4", twice, self.channels, (7, 1))
        branches = [
            conv("branch1x1", x, 192),
            conv("branch7x7_3", once, 192, (7, 1)),
            conv("branch7x7dbl_5", twice, 192, (1, 7)),
            conv("branch_pool", average_pool(x), 192),
        ]
        return jnp.concatenate(branches, axis=-1)


class BlockD(nn.Module):
    """From 17x17 to 8x8."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`[B, H, W, C]` -> `[B, (H - 1) // 2, (W - 1) // 2, 512 + C]`."""
        three = conv("branch3x3_1", x, 192)
        seven = conv("branch7x7x3_1", x, 192)
        seven = conv("branch7x7x3_2", seven, 192, (1, 7))
        seven = conv("branch7x7x3_3", seven, 192, (7, 1))
        branches = [
            conv("branch3x3_2", three, 320, (3, 3), 2),
            conv("branch7x7x3_4", seven, 192, (3, 3), 2),
            max_pool(x, 2),
        ]
        return jnp.concatenate(branches, axis=-1)


class BlockE(nn.Module):
    """At 8x8: rows and columns side by side."""

    pool: str

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`[B, H, W, C]` -> `[B, H, W, 2048]`."""
        three = conv("branch3x3_1", x, 384)
        double = conv("branch3x3dbl_1", x, 448)
        double = conv("branch3x3dbl_2", double, 384, (3, 3))
        pooled = max_pool(x, 1) if self.pool == "max" else average_pool(x)
        branches = [
            conv("branch1x1", x, 320),
            conv("branch3x3_2a", three, 384, (1, 3)),
            conv("branch3x3_2b", three, 384, (3, 1)),
            conv("branch3x3dbl_3a", double, 384, (1, 3)),
            conv("branch3x3dbl_3b", double, 384, (3, 1)),
            conv("branch_pool", pooled, 192),
        ]
        return jnp.concatenate(branches, axis=-1)


class InceptionV3(nn.Module):
    """The 2048 features of the Fréchet Inception distance and the 1008 logits of the Inception score.

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
          x: `[B, 299, 299, 3]`, preprocessed; other sizes from 75 up work.

        Returns:
          `Features`: `features` `[B, 2048]` and `logits` `[B, 1008]`, without the bias; in the dtype of `x`.
        """
        check_fields(cond, ())
        valid = partial(nn.Conv, kernel_size=(3, 3), padding="VALID", dtype=self.dtype)
        h = nn.relu(valid(32, strides=(2, 2), name="Conv2d_1a_3x3")(x))
        h = nn.relu(valid(32, name="Conv2d_2a_3x3")(h))
        h = max_pool(conv("Conv2d_2b_3x3", h, 64, (3, 3)), 2)
        h = conv("Conv2d_3b_1x1", h, 80)
        h = max_pool(nn.relu(valid(192, name="Conv2d_4a_3x3")(h)), 2)
        for name, pool_channels in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
            h = BlockA(pool_channels, name=name)(h)
        h = BlockB(name="Mixed_6a")(h)
        for name, channels in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
            h = BlockC(channels, name=name)(h)
        h = BlockD(name="Mixed_7a")(h)
        h = BlockE("average", name="Mixed_7b")(h)
        h = BlockE("max", name="Mixed_7c")(h)
        features = h.mean(axis=(1, 2))
        logits = nn.Dense(1008, use_bias=False, dtype=self.dtype, name="fc")(features)
        return Features(features.astype(x.dtype), logits.astype(x.dtype))

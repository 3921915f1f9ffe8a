"""A small convolutional classifier, whose penultimate layer serves as features for evaluation.

Each stage is a 3x3 convolution, group norm, ReLU and 2x2 max pooling; then come one dense layer with ReLU (the
features) and a linear one (the logits). There are no batch statistics: the parameters are all there is.
"""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import check_fields
from genjax_models.nets.layers.normalization import GroupNorm


class Features(NamedTuple):
    """The outputs of a classifier for N images.

    Attributes:
      features: `[N, D]`, its penultimate layer.
      logits: `[N, K]`, of its classes.
    """

    features: Array | np.ndarray
    logits: Array | np.ndarray


class Classifier(nn.Module):
    """Logits and features of images with a fixed size.

    Attributes:
      num_classes: K, the number of logits.
      widths: channels of each stage; a stage halves height and width (an odd last row or column is dropped).
      features: D, the width of the penultimate layer.
      dropout: probability of dropping a feature in training.
      dtype: of the computation; parameters stay float32.
    """

    num_classes: int
    widths: tuple[int, ...] = (32, 64, 96)
    features: int = 128
    dropout: float = 0.0
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
          x: images `[B, H, W, C]` in [-1, 1].
          train: whether to drop features, which takes an rng named `dropout`.

        Returns:
          `Features` with `features` `[B, D]`, not negative, and `logits` `[B, K]`, both float32.
        """
        check_fields(cond, ())
        h = x
        for stage, width in enumerate(self.widths):
            window, stride = ((5, 5), (2, 2)) if stage == 0 else ((3, 3), (1, 1))
            h = nn.Conv(width, window, stride, use_bias=False, dtype=self.dtype, name=f"conv_{stage}")(h)
            h = nn.relu(GroupNorm(groups=width // 8, dtype=self.dtype, name=f"norm_{stage}")(h))
            h = max_pool_2x2(h) if stage > 0 else h
        h = nn.Dense(self.features, dtype=self.dtype, name="features")(h.reshape(h.shape[0], -1))
        h = nn.relu(h).astype(jnp.float32)
        kept = nn.Dropout(self.dropout, deterministic=not train)(h)
        logits = nn.Dense(self.num_classes, dtype=self.dtype, name="logits")(kept)
        return Features(h, logits.astype(jnp.float32))


def max_pool_2x2(x: Array) -> Array:
    """Maxima of 2x2 windows, `[B, H, W, C] -> [B, H // 2, W // 2, C]`.

    As a maximum over axes: on CPU its gradient is far cheaper than that of a windowed reduction.
    """
    batch, height, width, channels = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    return x.reshape(batch, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))

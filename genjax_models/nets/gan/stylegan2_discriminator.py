r"""StyleGAN2's discriminator: residual blocks that halve the resolution through a filter.

$$h = \mathrm{conv}_{\downarrow}(\mathrm{act}(\mathrm{conv}(x))), \qquad
y = \frac{\mathrm{act}(h) + \mathrm{conv}_{1\times1}(\mathrm{down}(x))}{\sqrt 2}$$

with the filter (1, 3, 3, 1) before each convolution that keeps every other result. At the lowest resolution the
standard deviation over groups of the batch is appended (`minibatch_std`); one convolution and one dense layer give the
features $\varphi(x)$. Of classes $c$ with learnt vectors $v_c$ and $D$ features, the projection discriminator's logit
is

$$\ell(x, c) = a^\top \varphi(x) + b + v_c^\top \varphi(x) / \sqrt D.$$

References:
  Karras et al., Analyzing and Improving the Image Quality of StyleGAN, 2020,
  https://arxiv.org/abs/1912.04958, figure 7c
  Miyato and Koyama, cGANs with Projection Discriminator, 2018, https://arxiv.org/abs/1802.05637
"""

import math
from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.gan.stylegan2 import TAPS
from genjax_models.nets.layers.conditions import one_hot_of
from genjax_models.nets.layers.discriminator_output import DiscriminatorOutput
from genjax_models.nets.layers.equalized import EqualizedConv, EqualizedDense, leaky_relu
from genjax_models.nets.layers.minibatch_std import minibatch_std
from genjax_models.nets.layers.resampling import doublings, fir_downsample, low_pass


class DownBlock(nn.Module):
    """A residual block that halves the resolution.

    Attributes:
      features: channels of the result.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, 2H, 2W, C]` → `[B, H, W, features]`."""
        conv = partial(EqualizedConv, dtype=self.dtype)
        skip = conv(self.features, size=1, use_bias=False, name="skip")(fir_downsample(x, TAPS))
        h = leaky_relu(conv(x.shape[-1], padding=1, name="conv_1")(x))
        h = low_pass(h, TAPS, padding=len(TAPS) // 2)  # padded once for the filter and the convolution together
        h = leaky_relu(conv(self.features, stride=2, name="conv_2")(h))
        return (h + skip) * math.sqrt(0.5)


class StyleGAN2Discriminator(nn.Module):
    """The residual discriminator of StyleGAN2; StyleGAN3 has the same.

    Attributes:
      base_resolution: where halving ends; 7 for images of 28.
      channels: at the highest resolution; there are twice as many at half of it, and so on.
      max_channels: but no more than this.
      minibatch_group: examples in a group of `minibatch_std`; divides the batch.
      minibatch_features: maps that it appends; 0 for none, which leaves examples independent of each other.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      dtype: of the computation; parameters stay float32.
    """

    base_resolution: int = 4
    channels: int = 32
    max_channels: int = 256
    minibatch_group: int = 4
    minibatch_features: int = 1
    num_classes: int = 0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> DiscriminatorOutput:
        """Logits and features of images, each with its class.

        Args:
          x: `[B, R, R, C]`, where R is `base_resolution` doubled a number of times.

        Returns:
          Logits `[B]` and the features below them, in float32 or wider.

        Raises:
          ValueError: for images of another size, a batch that the group does not divide.
        """
        if x.shape[1] != x.shape[2]:
            raise ValueError(f"expected square images, got {x.shape[1]}x{x.shape[2]}")
        halvings = doublings(x.shape[1], self.base_resolution)
        one_hot = one_hot_of(cond, self.num_classes, x.shape[0]).astype(self.dtype)
        widths = [min(self.channels << level, self.max_channels) for level in range(halvings + 1)]

        h = leaky_relu(EqualizedConv(widths[0], size=1, dtype=self.dtype, name="from_rgb")(x))
        for level in range(halvings):
            h = DownBlock(widths[level + 1], self.dtype, name=f"down_{level}")(h)
        if self.minibatch_features:
            h = minibatch_std(h, self.minibatch_group, self.minibatch_features)
        h = leaky_relu(EqualizedConv(widths[-1], padding=1, dtype=self.dtype, name="conv")(h))
        dense = partial(EqualizedDense, dtype=self.dtype)
        features = leaky_relu(dense(widths[-1], name="dense")(h.reshape(x.shape[0], -1)))
        logits = dense(1, name="out")(features)[:, 0]
        if self.num_classes:
            table = self.param("classes", nn.initializers.normal(1.0), (self.num_classes, widths[-1]))
            projected = (one_hot @ table.astype(self.dtype)) * features
            logits += projected.sum(axis=1) / math.sqrt(widths[-1])
        wide = jnp.promote_types(x.dtype, jnp.float32)
        return DiscriminatorOutput(logits.astype(wide), features.astype(wide))

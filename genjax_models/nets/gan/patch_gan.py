r"""PatchGAN: a discriminator of overlapping patches.

`len(channels) - 1` convolutions halve the resolution; one more and the last, to a logit a position, do not. All are
4×4, with leaky ReLU of slope 0.2 and, but for the first and the last, an instance norm: each channel of each example is
brought to zero mean and unit variance over space. With n halvings a logit sees a square of $r_n$ pixels,

$$r_0 = 7, \qquad r_{n+1} = 2 r_n + 2, \qquad r_1 = 16, \quad r_2 = 34, \quad r_3 = 70.$$

References:
  Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, 2017, https://arxiv.org/abs/1611.07004
"""

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import append_class
from genjax_models.nets.layers.convolution import Conv
from genjax_models.nets.layers.discriminator_output import DiscriminatorOutput
from genjax_models.nets.layers.normalization import GroupNorm

INIT = nn.initializers.normal(0.02)


class PatchGAN(nn.Module):
    """From an image, or several side by side in its channels, to logits of its patches.

    Attributes:
      channels: of each convolution but the last; all of these but one halve height and width.
      num_classes: 0 for an unconditional network; otherwise the one-hot class is appended to every pixel.
      dtype: of the computation; parameters stay float32.
    """

    channels: tuple[int, ...] = (64, 128, 256, 512)
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
        """Evaluate the network.

        Args:
          x: `[B, H, W, C]`.

        Returns:
          Logits `[B, h, w]` with `h = H // 2 ** (len(channels) - 1) - 2`, and features `[B, channels[-1]]`, the means
          over space of what the last convolution sees.

        Raises:
          ValueError: if no logit is left.
        """
        last = len(self.channels) - 1
        if min(x.shape[1:3]) // 2**last < 3:
            raise ValueError(f"an image of {x.shape[1]}x{x.shape[2]} is too small for a PatchGAN of {last} halvings")
        h = append_class(x, cond, self.num_classes)
        for layer, features in enumerate(self.channels):
            stride = 2 if layer < last else 1
            conv = Conv(features, 4, stride, 1, kernel_init=INIT, dtype=self.dtype, name=f"conv_{layer}")
            h = conv(h)
            if layer:
                h = GroupNorm(features, dtype=self.dtype, name=f"norm_{layer}")(h)
            h = nn.leaky_relu(h, 0.2)
        logits = Conv(1, 4, padding=1, kernel_init=INIT, dtype=self.dtype, name="logit")(h)[..., 0]
        return DiscriminatorOutput(logits.astype(jnp.float32), h.mean(axis=(1, 2)).astype(jnp.float32))

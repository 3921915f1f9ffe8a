r"""NCSN++ and DDPM++: the UNets of the score SDE paper.

Their residual blocks are those of the UNet with the embedding added before the second norm, resampling inside the
block (BigGAN), and sums that keep the variance of their terms:

$$h = \mathrm{conv}(\mathrm{silu}(\mathrm{GN}(\mathrm{resize}(x)))) + W\,\mathrm{silu}(e), \qquad
y = \frac{\mathrm{skip}(\mathrm{resize}(x)) + \mathrm{conv}_0(\mathrm{silu}(\mathrm{GN}(h)))}{\sqrt 2}.$$

The two differ in the values of four fields:

| | `time_embedding` | `taps` | `progressive_input` | `noise_multiplier` |
|---|---|---|---|---|
| NCSN++ | Fourier | (1, 3, 3, 1) | yes | 2 |
| DDPM++ | sinusoidal | (1, 1) | no | 1 |

*Progressive input* adds the downsampled image at every level of the encoder,
$a \leftarrow (h + \mathrm{conv}(\mathrm{down}(a)))/\sqrt2$, and $a$ is the input of the next level ("residual" in the
paper). *Progressive output* sums an image of every level of the decoder, each upsampled to the next ("skip").

Both predict on any process. In the paper NCSN++ is conditioned on $\log\sigma$ and its output is divided by $\sigma$;
EDM conditions it on $\frac14\log\sigma$ and scales input and output, for which there is
`families.diffusion.precondition`. Without that the network is conditioned on the time.

References:
  Song et al., Score-Based Generative Modeling through Stochastic Differential Equations, 2021,
  https://arxiv.org/abs/2011.13456, appendix H
  Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022, https://arxiv.org/abs/2206.00364
"""

from collections.abc import Callable
from functools import partial, reduce

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.convolution import Conv3x3
from genjax_models.nets.layers.embeddings import Conditioning
from genjax_models.nets.layers.normalization import GroupNorm
from genjax_models.nets.layers.resampling import fir_downsample, fir_upsample, low_pass
from genjax_models.nets.unet.unet import AttentionBlock, ResBlock, check_halvings, identity

SKIP_SCALE = float(np.sqrt(0.5))


class NCSNpp(nn.Module):
    """NCSN++ by default; `DDPMpp` is the same with other values.

    Attributes:
      channels: at the highest resolution.
      multipliers: of `channels`, one a level; each level halves the resolution of the one before.
      num_blocks: residual blocks a level going down; going up has one more.
      attention_levels: indices of the levels with attention: after every block going down, after the last going up.
        Between the two halves there is one always. All have a single head.
      groups: of every group norm; divides every level's channels.
      dropout: before the second convolution of each block.
      taps: of the low-pass filter at every change of resolution; (1, 1) is nearest neighbour and mean.
      progressive_input: whether the encoder sees the image at every level.
      progressive_output: whether the decoder adds to the result at every level.
      time_embedding: how `t` enters, `fourier` or `sinusoidal`; see `embeddings.embed_time`.
      noise_multiplier: of `channels`, the width of the features of `t`.
      freq_shift: see `embeddings.sinusoidal`.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      vectors: names of the vector conditions, such as `text`; see `Conditioning`.
      out_channels: `None` for as many as the input has.
      dtype: of the computation; parameters stay float32.
      remat: recompute each residual and attention block in the backward pass, to save memory.
    """

    channels: int = 128
    multipliers: tuple[int, ...] = (1, 2, 2, 2)
    num_blocks: int = 4
    attention_levels: tuple[int, ...] = (1,)
    groups: int = 32
    dropout: float = 0.0
    taps: tuple[float, ...] = (1, 3, 3, 1)
    progressive_input: bool = True
    progressive_output: bool = False
    time_embedding: str = "fourier"
    noise_multiplier: int = 2
    freq_shift: float = 1.0
    num_classes: int = 0
    vectors: tuple[str, ...] = ()
    out_channels: int | None = None
    dtype: jnp.dtype = jnp.float32
    remat: bool = False

    @nn.compact
    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """Evaluate the network.

        Args:
          x: `[B, H, W, C]`; H and W divisible by `2 ** (len(multipliers) - 1)`.

        Returns:
          `[B, H, W, out_channels]`, in the dtype of `x`.

        Raises:
          ValueError: if the image cannot be halved often enough.
        """
        levels = len(self.multipliers)
        check_halvings(x, levels)
        out = x.shape[-1] if self.out_channels is None else self.out_channels
        emb = Conditioning(
            4 * self.channels,
            self.noise_multiplier * self.channels,
            self.num_classes,
            self.time_embedding,
            self.freq_shift,
            self.dtype,
            self.vectors,
            name="conditioning",
        )(t, cond, x.shape[0])
        conv = partial(Conv3x3, dtype=self.dtype)
        down, up = partial(fir_downsample, taps=self.taps), partial(fir_upsample, taps=self.taps)
        residual = partial(
            nn.remat(ResBlock, static_argnums=(3,)) if self.remat else ResBlock,
            groups=self.groups,
            scale_shift=False,
            skip_scale=SKIP_SCALE,
            dropout=self.dropout,
            dtype=self.dtype,
        )

        def res(h: Array, width: int, name: str, resize: Callable[[Array], Array] = identity) -> Array:
            return residual(width, resize=resize, project_skip=resize is not identity, name=name)(h, emb, train)

        def attend(h: Array, name: str) -> Array:
            layer = nn.remat(AttentionBlock) if self.remat else AttentionBlock
            return layer(h.shape[-1], self.groups, SKIP_SCALE, self.dtype, name=name)(h)

        dtype, x = x.dtype, x.astype(self.dtype)
        h = conv(self.channels, name="conv_in")(x)
        skips, image = [h], x
        for level, multiplier in enumerate(self.multipliers):
            if level:
                h = res(h, h.shape[-1], f"down_{level}_downsample", down)
                if self.progressive_input:
                    # Padded once for the filter and the convolution together; the latter keeps every other result.
                    image = low_pass(image, self.taps, padding=len(self.taps) // 2)
                    image = conv(h.shape[-1], stride=2, padding=0, name=f"down_{level}_input")(image)
                    h = image = (h + image) * SKIP_SCALE
                skips.append(h)
            for i in range(self.num_blocks):
                h = res(h, multiplier * self.channels, f"down_{level}_res_{i}")
                if level in self.attention_levels:
                    h = attend(h, f"down_{level}_attention_{i}")
                skips.append(h)

        h = res(h, h.shape[-1], "mid_res_0")
        h = attend(h, "mid_attention")
        h = res(h, h.shape[-1], "mid_res_1")

        images = []
        for level in reversed(range(levels)):
            if level < levels - 1:
                h = res(h, h.shape[-1], f"up_{level}_upsample", up)
            for i in range(self.num_blocks + 1):
                width = self.multipliers[level] * self.channels
                h = res(jnp.concatenate([h, skips.pop()], axis=-1), width, f"up_{level}_res_{i}")
            if level in self.attention_levels:
                h = attend(h, f"up_{level}_attention")
            if self.progressive_output or level == 0:
                z = nn.silu(GroupNorm(self.groups, dtype=self.dtype, name=f"norm_out_{level}")(h))
                images.append(conv(out, kernel_init=nn.initializers.zeros, name=f"conv_out_{level}")(z))
        return reduce(lambda y, z: up(y) + z, images).astype(dtype)


DDPMpp = partial(NCSNpp, time_embedding="sinusoidal", noise_multiplier=1, taps=(1, 1), progressive_input=False)
"""DDPM++: sinusoidal time, no filter, the image at the highest resolution only."""

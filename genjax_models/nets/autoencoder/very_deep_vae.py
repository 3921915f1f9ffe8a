r"""The networks of the very deep VAE: residual blocks up to the top, and down again through groups of latent maps.

A block of width $w$ and middle $m$ is four convolutions, each after a gelu,

$$\mathrm{block}(h) = C^{1\times1}_{m \to w}\,C^{3\times3}_m\,C^{3\times3}_m\,C^{1\times1}_{w \to m}\,h,$$

with 1×1 in the middle where the map is smaller than 3×3. The encoder adds blocks to its input and averages squares
between resolutions; its last map $e$ of each resolution is an input of the decoder's groups. A group computes

$$q = \mathrm{block}(h, e), \quad (p, r) = \mathrm{block}_0(h), \quad h \leftarrow h + r + C^{1\times1} z, \quad
h \leftarrow h + \mathrm{block}(h),$$

with $z$ drawn from q or from p. $\mathrm{block}_0$ ends in zeros, so that every prior starts as standard normal; what
is added to a stream of N blocks or groups starts with $N^{-1/2}$ of the usual weights. The decoder starts from a bias
at the lowest resolution; each further one adds its own to the enlarged state.

References:
  Child, Very Deep VAEs Generalize Autoregressive Models, 2021, https://arxiv.org/abs/2011.10650
"""

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.patches import patchify, unpatchify
from genjax_models.core.types import Array, Condition
from genjax_models.nets.autoencoder.ladder import reconstruct
from genjax_models.nets.layers.conditions import one_hot_of
from genjax_models.nets.layers.convolution import Conv3x3
from genjax_models.nets.layers.linear import Dense
from genjax_models.nets.layers.resampling import downsample, upsample


class Block(nn.Module):
    """The four convolutions.

    Attributes:
      features: channels of the result.
      middle: channels between.
      gain: of the last convolution's initial weights, in standard deviations of the usual ones.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    middle: int
    gain: float = 1.0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, h: Array) -> Array:
        """`h` `[B, H, W, C]` → `[B, H, W, features]`."""
        inner = Conv3x3 if min(h.shape[1:3]) > 2 else Dense
        h = Dense(self.middle, dtype=self.dtype, name="in")(nn.gelu(h))
        for layer in range(2):
            h = inner(self.middle, dtype=self.dtype, name=f"middle_{layer}")(nn.gelu(h))
        return Dense(self.features, dtype=self.dtype, kernel_init=_scaled(self.gain), name="out")(nn.gelu(h))


class VeryDeepVAE(nn.Module):
    """Both ways; groups of latent maps are numbered from the top, as they are drawn.

    Attributes:
      out_shape: `(H, W, C)`, of the parameters of an image's likelihood.
      width: channels of the residual streams.
      middle: channels within a block.
      latent: channels of each latent map.
      factors: by how much each resolution is smaller than the one before; they divide the sides in turn.
      blocks: residual blocks of the encoder at each resolution, the finest first.
      depths: groups of the decoder at each resolution, the finest first.
      patch_size: squares of pixels that are folded into channels: the finest resolution is the image's over this.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      dtype: of the computation; parameters stay float32.
    """

    out_shape: tuple[int, int, int]
    width: int = 64
    middle: int = 16
    latent: int = 8
    factors: tuple[int, ...] = (2, 7)
    blocks: tuple[int, ...] = (2, 2, 2)
    depths: tuple[int, ...] = (3, 4, 2)
    patch_size: int = 2
    num_classes: int = 0
    dtype: jnp.dtype = jnp.float32

    def setup(self) -> None:
        levels = len(self.factors) + 1
        if len(self.blocks) != levels or len(self.depths) != levels:
            raise ValueError(f"{levels} resolutions need {levels} numbers each: got {self.blocks} and {self.depths}")
        if self.depths[-1] < 1:
            raise ValueError(f"the lowest resolution needs a group: got depths {self.depths}")
        block = lambda features, gain=1.0: Block(features, self.middle, gain, self.dtype)
        up, down = max(1, sum(self.blocks)) ** -0.5, self.groups**-0.5
        self.read = Conv3x3(self.width, dtype=self.dtype)
        self.up = [[block(self.width, up) for _ in range(count)] for count in self.blocks]
        self.label = [Dense(self.width, use_bias=False, dtype=self.dtype) for _ in range(2)] if self.num_classes else []
        self.bias = [
            self.param(f"bias_{level}", nn.initializers.zeros, (*side, self.width))
            for level, side in enumerate(self.sides)
        ]
        self.posteriors = [block(2 * self.latent) for _ in range(self.groups)]
        self.priors = [block(2 * self.latent + self.width, 0.0) for _ in range(self.groups)]
        self.project = [Dense(self.width, dtype=self.dtype, kernel_init=_scaled(down)) for _ in range(self.groups)]
        self.residual = [block(self.width, down) for _ in range(self.groups)]
        self.scale = self.param("scale", nn.initializers.ones, (self.width,))
        self.shift = self.param("shift", nn.initializers.zeros, (self.width,))
        self.out = Dense(self.patch_size**2 * self.out_shape[-1], dtype=self.dtype)

    @property
    def groups(self) -> int:
        """How many groups of latent variables there are."""
        return sum(self.depths)

    @property
    def sides(self) -> list[tuple[int, int]]:
        """Height and width at each resolution, the finest first.

        Raises:
          ValueError: if a factor does not divide them.
        """
        sides = [self.out_shape[:2]]
        for factor in (self.patch_size, *self.factors):
            height, width = sides[-1]
            if height % factor or width % factor:
                raise ValueError(f"a side of {height}x{width} is not divisible by {factor}")
            sides.append((height // factor, width // factor))
        return sides[1:]

    def encode(self, x: Array, cond: Condition | None = None) -> tuple[Array, ...]:
        """`x` `[B, H, W, C]` → the last map of each resolution, `[B, h, w, width]`, the finest first."""
        h = self.read(patchify(x, self.patch_size).astype(self.dtype))
        h = h + self._shift(0, cond, x.shape[0])
        found = []
        for level, blocks in enumerate(self.up):
            h = downsample(h, self.factors[level - 1]) if level else h
            for block in blocks:
                h = h + block(h)
            found.append(h)
        return tuple(found)

    def start(self, batch: int, cond: Condition | None = None) -> Array:
        """The state before the first group, `[B, h, w, width]` at the lowest resolution."""
        h = jnp.broadcast_to(self.bias[-1][None], (batch, *self.bias[-1].shape)).astype(self.dtype)
        return h + self._shift(1, cond, batch)

    def prior(self, group: int, h: Array) -> tuple[Array, Array]:
        """The state `h` → the prior of a group, `[B, h, w, 2 latent]`, and the state for `merge`."""
        normal, rest = jnp.split(self.priors[group](h), [2 * self.latent], axis=-1)
        return normal.astype(jnp.float32), h + rest

    def posterior(self, group: int, h: Array, found: tuple[Array, ...]) -> Array:
        """The state `h` and what `encode` found → the posterior of a group, `[B, h, w, 2 latent]`."""
        seen = jnp.concatenate([h, found[self._level(group)]], axis=-1)
        return self.posteriors[group](seen).astype(jnp.float32)

    def merge(self, group: int, h: Array, z: Array) -> Array:
        """The state after `z` `[B, h, w, latent]`, at the resolution of the next group."""
        h = h + self.project[group](z.astype(self.dtype))
        h = h + self.residual[group](h)
        level, after = self._level(group), self._level(group + 1)
        for finer in range(level - 1, after - 1, -1):  # a resolution may be without groups
            h = upsample(h, self.factors[finer]) + self.bias[finer][None].astype(self.dtype)
        return h

    def decode(self, h: Array) -> Array:
        """The state after the last group → `[B, *out_shape]`."""
        h = h * self.scale[None, None, None] + self.shift[None, None, None]
        return unpatchify(self.out(h), self.patch_size).astype(jnp.float32)

    def _shift(self, way: int, cond: Condition | None, batch: int) -> Array | float:
        """What the class adds to the first map of the way up (0) or down (1)."""
        one_hot = one_hot_of(cond, self.num_classes, batch)
        return self.label[way](one_hot)[:, None, None] if self.num_classes else 0.0

    def _level(self, group: int) -> int:
        """The resolution of a group, 0 the finest; that of the image's end after the last group."""
        for level in reversed(range(len(self.depths))):
            group -= self.depths[level]
            if group < 0:
                return level
        return 0

    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """All of the above along the posteriors' means: `x` `[B, H, W, C]` → `[B, *out_shape]`.

        Args:
          x: images.
        """
        return reconstruct(self, x, cond)


def _scaled(gain: float) -> nn.initializers.Initializer:
    """lecun_normal times `gain`."""
    return nn.initializers.variance_scaling(gain**2, "fan_in", "truncated_normal") if gain else nn.initializers.zeros

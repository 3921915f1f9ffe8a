r"""What the StyleGAN generators share: latents become styles, and styles, one a layer, become images.

The mapping network normalises the latent and the embedded class, joins them, and sends them through dense layers that
learn at a hundredth of the others' rate: $w = f(z, c)$.

References:
  Karras et al., A Style-Based Generator Architecture for GANs, 2019, https://arxiv.org/abs/1812.04948, section 2
  Karras et al., Training Generative Adversarial Networks with Limited Data, 2020,
  https://arxiv.org/abs/2006.06676, appendix C
"""

from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import one_hot_of
from genjax_models.nets.layers.equalized import EqualizedDense, leaky_relu, pixel_norm
from genjax_models.nets.layers.resampling import doublings


class StyleMapping(nn.Module):
    """The mapping network.

    Attributes:
      features: width W of a style, of the hidden layers and of the class's embedding.
      depth: number of layers.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      multiplier: of the learning rate.
      dtype: of the computation; parameters stay float32.
    """

    features: int = 256
    depth: int = 8
    num_classes: int = 0
    multiplier: float = 0.01
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, z: Array, cond: Condition | None = None) -> Array:
        """Latents `z` `[B, Z]` and `cond` `{"label": int32 [B]}` or `None` → styles `[B, W]`.

        Raises:
          ValueError: if `z` is not a vector an example.
        """
        if z.ndim != 2:
            raise ValueError(f"expected latents [B, Z], got an array of shape {z.shape}")
        h = pixel_norm(z.astype(self.dtype))
        one_hot = one_hot_of(cond, self.num_classes, z.shape[0])
        if self.num_classes:
            embedding = EqualizedDense(self.features, bias=None, dtype=self.dtype, name="label")(one_hot)
            h = jnp.concatenate([h, pixel_norm(embedding)], axis=1)
        for layer in range(self.depth):
            dense = EqualizedDense(self.features, multiplier=self.multiplier, dtype=self.dtype, name=f"dense_{layer}")
            h = leaky_relu(dense(h))
        return h


class StyleGenerator(nn.Module):
    """A generator of two networks, `mapping` and `synthesis`; truncation and mixing act on the styles between them.

    Each StyleGAN defines its second network in `synthesis_network`.

    Attributes:
      out_shape: `(height, width, channels)` of the images, which are square.
      channels: of the feature maps at the highest resolution; there are twice as many at half of it, and so on.
      max_channels: but no more than this.
      style_features: width W of a style.
      mapping_depth: layers of the mapping network.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      dtype: of the computation; parameters stay float32.
    """

    out_shape: tuple[int, int, int] = (32, 32, 3)
    channels: int = 32
    max_channels: int = 256
    style_features: int = 256
    mapping_depth: int = 8
    num_classes: int = 0
    dtype: jnp.dtype = jnp.float32

    @property
    def resolution(self) -> int:
        """The side of an image.

        Raises:
          ValueError: if images are not square.
        """
        height, width, _ = self.out_shape
        if height != width:
            raise ValueError(f"expected square images, got {height}x{width}")
        return height

    def setup(self) -> None:
        self.to_style = StyleMapping(self.style_features, self.mapping_depth, self.num_classes, dtype=self.dtype)
        self.to_image = self.synthesis_network()

    def synthesis_network(self) -> nn.Module:
        """`(styles [B, L, W], train) -> images`, with L as `num_styles`."""
        raise NotImplementedError

    def __call__(
        self,
        z: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """Generate images.

        Args:
          z: latents, `[B, Z]`.
          train: see `synthesis`.

        Returns:
          `[B, *out_shape]`, in the dtype of `z`.

        Raises:
          ValueError: if `z` is not a vector an example.
        """
        return self.synthesis(self.mapping(z, cond), train=train).astype(z.dtype)

    def mapping(self, z: Array, cond: Condition | None = None) -> Array:
        """Latents `[B, Z]` and their classes → the same style for every layer, `[B, L, W]`."""
        w = self.to_style(z, cond)
        return jnp.broadcast_to(w[:, None, :], (w.shape[0], self.to_image.num_styles, w.shape[1]))

    def synthesis(self, w: Array, *, train: bool = False) -> Array:
        """Styles `[B, L, W]`, one a layer, → images `[B, *out_shape]`."""
        return self.to_image(w, train)


class DoublingSynthesis(nn.Module):
    """From styles to images, from a constant that is doubled until it is as large as they are.

    Attributes:
      resolution: of the images, `base_resolution` doubled a number of times.
      base_resolution: of the constant.
      out_channels: of the images.
      channels: of the feature maps at the highest resolution.
      max_channels: see `StyleGenerator`.
      dtype: of the computation; parameters stay float32.
    """

    resolution: int
    base_resolution: int
    out_channels: int
    channels: int
    max_channels: int
    dtype: jnp.dtype = jnp.float32

    @property
    def num_styles(self) -> int:
        """Number of styles, L."""
        return 2 * doublings(self.resolution, self.base_resolution) + 2

    @property
    def widths(self) -> list[int]:
        """Channels at each resolution, the lowest first."""
        levels = self.num_styles // 2
        return [min(self.channels << (levels - 1 - level), self.max_channels) for level in range(levels)]


class DoublingGenerator(StyleGenerator):
    """A `StyleGenerator` whose second network is a `DoublingSynthesis`, which a subclass names.

    Attributes:
      base_resolution: of the constant that the resolution is doubled from; 7 for 28.
    """

    base_resolution: int = 4
    synthesis_class: ClassVar[type[DoublingSynthesis]]

    def synthesis_network(self) -> DoublingSynthesis:
        """The second network.

        Raises:
          ValueError: if the resolution is not `base_resolution` doubled a number of times.
        """
        return self.synthesis_class(
            self.resolution, self.base_resolution, self.out_shape[-1], self.channels, self.max_channels, self.dtype
        )


def check_styles(w: Array, count: int) -> None:
    """Refuse what is not `[B, count, W]`.

    Raises:
      ValueError: if so.
    """
    if w.ndim != 3 or w.shape[1] != count:
        raise ValueError(f"expected styles [B, {count}, W], one for each of {count} layers, got shape {w.shape}")

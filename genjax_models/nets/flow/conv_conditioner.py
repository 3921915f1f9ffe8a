r"""Convolutional networks inside the couplings of a flow, with as many channels as the layer needs.

`ConvConditioner` is Glow's: 3×3, 1×1 and 3×3 convolutions with ReLUs between. `ResNetConditioner` has residual blocks
between its first and its last, as RealNVP and Flow++ do. The last convolution is initialised to zero unless `out_std`
is positive, so that the layer around it is the identity; a class embedding is added to the hidden channels.

References:
  Kingma and Dhariwal, Glow, 2018, https://arxiv.org/abs/1807.03039
  Dinh et al., Density Estimation using Real NVP, 2017, https://arxiv.org/abs/1605.08803
"""

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.convolution import Conv3x3
from genjax_models.nets.layers.embeddings import Conditioning
from genjax_models.nets.layers.linear import Dense
from genjax_models.nets.layers.normalization import GroupNorm


class ConvConditioner(nn.Module):
    """Three convolutions.

    Attributes:
      out_channels: of the result.
      width: hidden channels.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      vectors: names of the vector conditions, such as `text`; see `Conditioning`.
      out_std: standard deviation of the last kernel at the start.
      dtype: of the computation; parameters stay float32.
    """

    out_channels: int
    width: int = 512
    num_classes: int = 0
    vectors: tuple[str, ...] = ()
    out_std: float = 0.0
    dtype: jnp.dtype = jnp.float32

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
          x: `[B, H, W, C]`.

        Returns:
          `[B, H, W, out_channels]`, in the dtype of `x`.
        """
        embed = Conditioning(
            self.width, num_classes=self.num_classes, dtype=self.dtype, vectors=self.vectors, name="conditioning"
        )
        emb = embed(t, cond, x.shape[0])[:, None, None, :]
        h = nn.relu(Conv3x3(self.width, dtype=self.dtype, name="in")(x) + emb)
        h = nn.relu(Dense(self.width, dtype=self.dtype, name="hidden")(h))
        h = Conv3x3(self.out_channels, kernel_init=nn.initializers.normal(self.out_std), dtype=self.dtype, name="out")(
            h
        )
        return h.astype(x.dtype)


class ResNetConditioner(nn.Module):
    """Residual blocks between two convolutions.

    Attributes:
      out_channels: of the result.
      width: hidden channels.
      depth: residual blocks.
      groups: of the group norms; divides the width.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      vectors: names of the vector conditions, such as `text`; see `Conditioning`.
      out_std: standard deviation of the last kernel at the start.
      dtype: of the computation; parameters stay float32.
    """

    out_channels: int
    width: int = 64
    depth: int = 2
    groups: int = 8
    num_classes: int = 0
    vectors: tuple[str, ...] = ()
    out_std: float = 0.0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """Evaluate the network; arguments, result and errors are those of `ConvConditioner`.

        Raises:
          ValueError: also if the groups do not divide the width.
        """
        embed = Conditioning(
            self.width, num_classes=self.num_classes, dtype=self.dtype, vectors=self.vectors, name="conditioning"
        )
        emb = embed(t, cond, x.shape[0])[:, None, None, :]

        def block(h: Array, name: str) -> Array:
            for half in ("1", "2"):
                h = nn.silu(GroupNorm(self.groups, dtype=self.dtype, name=f"norm_{name}_{half}")(h))
                h = Conv3x3(self.width, dtype=self.dtype, name=f"conv_{name}_{half}")(h)
            return h

        h = Conv3x3(self.width, dtype=self.dtype, name="in")(x) + emb
        for layer in range(self.depth):
            h = h + block(h, str(layer))
        h = nn.silu(GroupNorm(self.groups, dtype=self.dtype, name="norm_out")(h))
        h = Conv3x3(self.out_channels, kernel_init=nn.initializers.normal(self.out_std), dtype=self.dtype, name="out")(
            h
        )
        return h.astype(x.dtype)

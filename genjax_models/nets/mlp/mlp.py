r"""A residual multilayer perceptron for vectors, conditioned as the DiT is.

$$(b, a, g) = W\,\mathrm{silu}(c), \qquad y = x + g\, W_2\,\mathrm{silu}(W_1 (\mathrm{LN}(x)(1 + a) + b))$$

With $W$ and the last projection zero at the start, it starts as the zero function. Images enter flattened.

References:
  He et al., Deep Residual Learning for Image Recognition, 2015, https://arxiv.org/abs/1512.03385
  Peebles and Xie, Scalable Diffusion Models with Transformers, 2022, https://arxiv.org/abs/2212.09748
"""

import math

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.embeddings import Conditioning


class Block(nn.Module):
    """One residual block with adaLN-zero conditioning.

    Attributes:
      expansion: hidden width over the width.
      dtype: of the computation; parameters stay float32.
    """

    expansion: float = 2.0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, emb: Array) -> Array:
        """`x` `[B, D]` and the activated embedding `emb` `[B, D]` → `[B, D]`."""
        width = x.shape[-1]
        modulation = nn.Dense(3 * width, dtype=self.dtype, kernel_init=nn.initializers.zeros, name="modulation")(emb)
        shift, scale, gate = jnp.split(modulation, 3, axis=-1)
        h = nn.LayerNorm(use_bias=False, use_scale=False, dtype=self.dtype)(x) * (1 + scale) + shift
        h = nn.silu(nn.Dense(int(self.expansion * width), dtype=self.dtype, name="in")(h))
        return x + gate * nn.Dense(width, dtype=self.dtype, name="out")(h)


class MLP(nn.Module):
    """A residual MLP over vectors or flattened images.

    Attributes:
      width: of the residual stream.
      depth: number of blocks.
      expansion: hidden width of each block over the width.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      vectors: names of the vector conditions, such as `text`; see `Conditioning`.
      time_embedding: how `t` enters, `sinusoidal` or `fourier`; see `embeddings.embed_time`.
      out_channels: `None` for the shape of the input; otherwise the result is `[B, out_channels]`.
      dtype: of the computation; parameters stay float32.
      remat: recompute each block in the backward pass, to save memory.
      scan_layers: one compiled block for all layers; the blocks' parameters are then stacked under `blocks`.
    """

    width: int = 256
    depth: int = 4
    expansion: float = 2.0
    num_classes: int = 0
    vectors: tuple[str, ...] = ()
    time_embedding: str = "sinusoidal"
    out_channels: int | None = None
    dtype: jnp.dtype = jnp.float32
    remat: bool = False
    scan_layers: bool = False

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
          x: `[B, ...]`, flattened inside.

        Returns:
          The shape of `x`, or `[B, out_channels]`; in the dtype of `x`.
        """
        batch = x.shape[0]
        frequencies = min(256, self.width)
        embed = Conditioning(
            self.width,
            frequencies,
            self.num_classes,
            self.time_embedding,
            dtype=self.dtype,
            vectors=self.vectors,
            name="conditioning",
        )
        emb = nn.silu(embed(t, cond, batch))
        h = nn.Dense(self.width, dtype=self.dtype, name="in")(x.reshape(batch, -1))
        block = nn.remat(Block, prevent_cse=not self.scan_layers) if self.remat else Block
        if self.scan_layers:
            layers = nn.scan(
                lambda block, h, emb: (block(h, emb), None),
                variable_axes={"params": 0},
                split_rngs={"params": True},
                in_axes=nn.broadcast,
                length=self.depth,
            )
            h, _ = layers(block(self.expansion, self.dtype, name="blocks"), h, emb)
        else:
            for layer in range(self.depth):
                h = block(self.expansion, self.dtype, name=f"block_{layer}")(h, emb)
        h = nn.LayerNorm(dtype=self.dtype, name="norm_out")(h)
        features = math.prod(x.shape[1:]) if self.out_channels is None else self.out_channels
        y = nn.Dense(features, dtype=self.dtype, kernel_init=nn.initializers.zeros, name="out")(h)
        return (y.reshape(x.shape) if self.out_channels is None else y).astype(x.dtype)

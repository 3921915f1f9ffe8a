r"""Dense layers with an activation between them: encoders, decoders and discriminators of the papers on vectors.

$$h_0 = (x, y), \qquad h_{l+1} = f(W_l h_l + b_l), \qquad \mathrm{out} = W_L h_L + b_L$$

with $y$ the one-hot class. Two layers of 200 with tanh are both networks of Burda et al.

References:
  Burda et al., Importance Weighted Autoencoders, 2016, https://arxiv.org/abs/1509.00519
"""

import math

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import one_hot_of

ACTIVATIONS = {
    "tanh": nn.tanh,
    "relu": nn.relu,
    "leaky_relu": lambda x: nn.leaky_relu(x, 0.2),
    "selu": nn.selu,
    "silu": nn.silu,
    "gelu": nn.gelu,
}


class Perceptron(nn.Module):
    """Dense layers over vectors or flattened images, from any shape to any other.

    Attributes:
      out_shape: of the result of one example.
      widths: of the hidden layers.
      activation: a key of `ACTIVATIONS`; the slope of `leaky_relu` is 0.2.
      bounded: whether the result passes a tanh, as images of a GAN do.
      num_classes: 0 for an unconditional network; a class enters one-hot, and label `num_classes` means no class.
      dtype: of the computation; parameters stay float32.
    """

    out_shape: tuple[int, ...]
    widths: tuple[int, ...] = (200, 200)
    activation: str = "tanh"
    bounded: bool = False
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
    ) -> Array:
        """Evaluate the network.

        Args:
          x: `[B, ...]`, flattened inside.

        Returns:
          `[B, *out_shape]`, in the dtype of `x`.

        Raises:
          ValueError: if the activation is unknown.
        """
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation={self.activation!r} is unknown; choose among {', '.join(ACTIVATIONS)}")
        batch = x.shape[0]
        h = jnp.concatenate([x.reshape(batch, -1), one_hot_of(cond, self.num_classes, batch)], axis=1)
        for layer, width in enumerate(self.widths):
            h = ACTIVATIONS[self.activation](nn.Dense(width, dtype=self.dtype, name=f"hidden_{layer}")(h))
        y = nn.Dense(math.prod(self.out_shape), dtype=self.dtype, name="out")(h)
        y = y.reshape(batch, *self.out_shape).astype(x.dtype)
        return nn.tanh(y) if self.bounded else y

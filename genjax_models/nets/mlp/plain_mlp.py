r"""A plain multilayer perceptron, with time as one more input: the network of many papers' two-dimensional examples.

$$h_0 = (x, t), \qquad h_{l+1} = f(W_l h_l + b_l), \qquad y = W_L h_L + b_L$$

with selu for $f$ unless another is named. It has no normalisation, so its output grows with its input: data of any
scale will do. `MLP` learns more, at several times the cost. Where an adaptive solver integrates the network, as in
continuous flows, name a smooth $f$: at the kink of selu the solver takes a hundred times as many steps.

References:
  Klambauer et al., Self-Normalizing Neural Networks, 2017, https://arxiv.org/abs/1706.02515
  Tong et al., Improving and Generalizing Flow-Based Generative Models with Minibatch OT, 2023, https://arxiv.org/abs/2302.00482
"""

import math

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import one_hot_of
from genjax_models.nets.mlp.perceptron import ACTIVATIONS


class PlainMLP(nn.Module):
    """Dense layers over vectors or flattened images.

    Attributes:
      width: of each hidden layer.
      depth: number of hidden layers.
      activation: a key of `perceptron.ACTIVATIONS`.
      num_classes: 0 for an unconditional network; a class enters one-hot, and label `num_classes` means no class.
      dtype: of the computation; parameters stay float32.
    """

    width: int = 64
    depth: int = 3
    activation: str = "selu"
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
          t: `[B]` float in [0, 1]; `None` counts as 0.

        Returns:
          The shape and dtype of `x`.
        """
        batch = x.shape[0]
        t = jnp.zeros(batch) if t is None else t
        h = jnp.concatenate([x.reshape(batch, -1), t[:, None], one_hot_of(cond, self.num_classes, batch)], axis=1)
        for layer in range(self.depth):
            h = ACTIVATIONS[self.activation](nn.Dense(self.width, dtype=self.dtype, name=f"hidden_{layer}")(h))
        y = nn.Dense(math.prod(x.shape[1:]), dtype=self.dtype, name="out")(h)
        return y.reshape(x.shape).astype(x.dtype)

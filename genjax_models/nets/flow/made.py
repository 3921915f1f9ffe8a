r"""MADE: a perceptron whose output for each variable sees only the variables before it, in one evaluation.

Variable $i$ is number $d(i) \in \{0, \dots, D-1\}$ of the order, and each hidden unit has a degree $m$: it may see the
first $m$ variables. Weights are zero wherever they would let more through,

$$M^{\mathrm{in}}_{ih} = [d(i) < m_h], \qquad M_{hk} = [m_h \le m_k], \qquad M^{\mathrm{out}}_{hi} = [m_h \le d(i)],$$

so $\partial y_i/\partial x_j = 0$ unless $d(j) < d(i)$. Every layer has the same degrees, as even as the width allows,
so that a residual block $h + W_2\,\mathrm{relu}(W_1\,\mathrm{relu}(h))$ may be put around two of them (ResMADE). A
condition enters the first hidden layer; units of degree 0, which see nothing else, take it to the first variable.

References:
  Germain et al., MADE: Masked Autoencoder for Distribution Estimation, 2015, https://arxiv.org/abs/1502.03509
  Nash and Durkan, Autoregressive Energy Machines, 2019, https://arxiv.org/abs/1904.05626 (ResMADE)
  Durkan et al., Neural Spline Flows, 2019, https://arxiv.org/abs/1906.04032, appendix B
"""

import math
from functools import partial

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from flax.linen.dtypes import promote_dtype

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.embeddings import Conditioning


class MaskedDense(nn.Module):
    """A dense layer with some weights held at zero.

    Attributes:
      kernel_init: of the weights.
      dtype: of the computation; parameters stay float32.
    """

    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, mask: np.ndarray) -> Array:
        """`x` `[B, in]` → `[B, out]`, without the weights where `mask` `[in, out]` is False."""
        kernel = self.param("kernel", self.kernel_init, mask.shape, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, mask.shape[1:], jnp.float32)
        x, kernel, bias = promote_dtype(x, kernel, bias, dtype=self.dtype)
        return x @ jnp.where(mask, kernel, 0.0) + bias[None]


class MADE(nn.Module):
    """A masked perceptron over vectors or flattened images.

    Attributes:
      out_channels: P, numbers for each variable.
      width: of each hidden layer; at least the number of variables.
      depth: hidden layers, or residual blocks.
      residual: whether the hidden layers are residual blocks.
      order: the variables in the order in which they are modelled, a permutation of 0 … D-1; `None` is natural.
      num_classes: 0 for a network without classes; label `num_classes` means no class.
      vectors: names of the vector conditions, such as `text`; see `Conditioning`.
      out_std: standard deviation of the last layer's initial weights. Zero suits maps of few parameters; the
        components of mixtures, which zeros keep alike for ever, want a little more.
      dtype: of the computation; parameters stay float32.
    """

    out_channels: int = 1
    width: int = 64
    depth: int = 2
    residual: bool = False
    order: tuple[int, ...] | None = None
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
          x: `[B, ...]`, D variables an example, flattened inside.
          t: `[B]` float, a time that every output may see, or `None`.
          cond: may have the field `context`, `[B, C]` float, too; every output sees the condition.

        Returns:
          `[B, ..., P]`, in the dtype of `x`.

        Raises:
          ValueError: if `order` is no permutation, or the width too small.
        """
        batch, dims = x.shape[0], math.prod(x.shape[1:])
        context = None if cond is None else cond.get("context")
        degree = np.argsort(self._checked_order(dims))  # of each variable
        fewest = 0 if dims == 1 or self.num_classes or self.vectors or t is not None or context is not None else 1
        degrees = dims - fewest
        if self.width < degrees:
            raise ValueError(f"a MADE of {dims} variables needs a width of at least {degrees}, got {self.width}")
        hidden = fewest + np.arange(self.width) * degrees // self.width
        between = hidden[:, None] <= hidden[None]

        dense = partial(MaskedDense, dtype=self.dtype)
        h = dense(name="in")(x.reshape(batch, dims), degree[:, None] < hidden[None])
        others = None if cond is None else {name: value for name, value in cond.items() if name != "context"}
        embed = Conditioning(
            self.width, num_classes=self.num_classes, dtype=self.dtype, vectors=self.vectors, name="conditioning"
        )
        h += embed(t, others, batch)
        if context is not None:
            h += nn.Dense(self.width, use_bias=False, dtype=self.dtype, name="context")(context)
        if self.residual:
            for block in range(self.depth):
                r = dense(name=f"block_{block}_in")(nn.relu(h), between)
                h += dense(name=f"block_{block}_out")(nn.relu(r), between)
        else:
            h = nn.relu(h)
            for layer in range(1, self.depth):
                h = nn.relu(dense(name=f"hidden_{layer}")(h, between))
        last = np.repeat(hidden[:, None] <= degree[None], self.out_channels, axis=1)
        y = dense(nn.initializers.normal(self.out_std), name="out")(h, last)
        return y.reshape(*x.shape, self.out_channels).astype(x.dtype)

    def _checked_order(self, dims: int) -> np.ndarray:
        order = np.arange(dims) if self.order is None else np.asarray(self.order)
        if sorted(order.tolist()) != list(range(dims)):
            raise ValueError(f"order={self.order} is no permutation of the {dims} variables")
        return order

r"""A perceptron that contracts: the branch of an invertible residual layer.

$$h_{l+1} = \phi(\tilde W_l h_l + b_l), \qquad \tilde W = W \min\!\left(1, \frac{c}{\sigma(W)}\right), \quad
\sigma(W) \ge \Vert W \Vert_2, \qquad \phi(x) = \frac{x\,\mathrm{sigmoid}(\beta x)}{1.1}$$

Each of the n layers gets $c = \mathrm{coefficient}^{1/n}$, so that `coefficient` bounds the whole. $\phi$ is LipSwish,
of Lipschitz constant below 1 for any $\beta > 0$. The papers estimate the norm from below, by power iteration on a
vector that they keep from step to step; the bound here is from above, a function of the weights alone (Delattre et
al.), so that the network contracts for certain and has no state:

$$\Vert W \Vert_2 \le \Vert G_n \Vert_F^{2^{-n-1}}, \qquad G_0 = W^\top W, \quad G_{i+1} = G_i^2.$$

It exceeds the norm by a factor of at most $r^{2^{-n-2}}$, r being the rank: 0.3% at r = 1000 and n = 9.

References:
  Behrmann et al., Invertible Residual Networks, 2019, https://arxiv.org/abs/1811.00995
  Chen et al., Residual Flows for Invertible Generative Modeling, 2019, https://arxiv.org/abs/1906.02735
  Delattre et al., Efficient Bound of Lipschitz Constant for Convolutional Layers by Gram Iteration, 2023,
    https://arxiv.org/abs/2305.16173
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.embeddings import Conditioning

LIP_SWISH = 1.1  # the largest slope of x sigmoid(x) is 1.0998


@jax.named_scope("norm_bound")
def norm_bound(weights: Array, iterations: int = 9) -> Array:
    """An upper bound on the largest singular value of matrices `[..., N, M]`, tight and differentiable: `[...]`."""
    adjoint = weights.conj().swapaxes(-1, -2)
    gram = weights @ adjoint if weights.shape[-2] < weights.shape[-1] else adjoint @ weights
    log_bound = jnp.zeros(weights.shape[:-2], weights.real.dtype)
    for i in range(iterations + 1):  # each G is kept at norm 1, since squares overflow
        square = (gram.real**2 + gram.imag**2).sum(axis=(-1, -2), keepdims=True)
        size = jnp.sqrt(square + jnp.finfo(log_bound.dtype).tiny)
        log_bound += jnp.log(size[..., 0, 0]) / 2**i
        gram = (gram / size) @ (gram / size)
    return jnp.exp(0.5 * log_bound)


def lip_swish(x: Array, beta: Array) -> Array:
    """Swish of sharpness `beta` > 0, divided so that no slope exceeds 1."""
    return x * nn.sigmoid(beta * x) / LIP_SWISH


class LipschitzDense(nn.Module):
    """A dense layer whose matrix has no singular value above `bound`.

    Attributes:
      features: of the output.
      bound: on its Lipschitz constant.
      dtype: of the computation; parameters and the norms' bounds stay float32.
    """

    features: int
    bound: float
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, D]` → `[B, features]`."""
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        kernel = kernel * jnp.minimum(1.0, self.bound / norm_bound(kernel))
        return x.astype(self.dtype) @ kernel.astype(self.dtype) + bias.astype(self.dtype)[None]


class LipschitzMLP(nn.Module):
    """Dense layers over vectors or flattened images, of Lipschitz constant at most `coefficient`.

    Attributes:
      width: of each hidden layer.
      depth: number of hidden layers.
      coefficient: the bound, in every example and for every time and class.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      vectors: names of the vector conditions, such as `text`; see `Conditioning`.
      dtype: of the computation; parameters and the norms' bounds stay float32.
    """

    width: int = 128
    depth: int = 3
    coefficient: float = 0.9
    num_classes: int = 0
    vectors: tuple[str, ...] = ()
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
          The shape and dtype of `x`.
        """
        bound = self.coefficient ** (1 / (self.depth + 1))
        batch, dims = x.shape[0], math.prod(x.shape[1:])
        embed = Conditioning(
            self.width, num_classes=self.num_classes, dtype=self.dtype, vectors=self.vectors, name="conditioning"
        )
        emb = embed(t, cond, batch)
        h = x.reshape(batch, dims)
        for layer in range(self.depth):
            h = LipschitzDense(self.width, bound, self.dtype, name=f"hidden_{layer}")(h)
            sharpness = self.param(f"sharpness_{layer}", nn.initializers.constant(0.5), (1, self.width))
            h = lip_swish(h + emb if layer == 0 else h, nn.softplus(sharpness).astype(self.dtype))
        return LipschitzDense(dims, bound, self.dtype, name="out")(h).reshape(x.shape).astype(x.dtype)

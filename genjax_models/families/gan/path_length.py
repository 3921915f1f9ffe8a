r"""Path-length regularisation: a step of fixed length in the latent space should change every image alike.

With $J_w = \partial g / \partial w$ the generator's Jacobian and $y$ normal noise of the image's shape over
$\sqrt{HW}$ (eq. 4),

$$\bigl(\lVert J_w^\top y \rVert - a\bigr)^2, \qquad
a \leftarrow a + \beta\,(\mathrm{mean}\,\lVert J_w^\top y \rVert - a),$$

and one backward pass gives $J_w^\top y = \nabla_w\,(g(w) \cdot y)$. Of a latent in L layers the squared length is the
mean of the layers' own.

References:
  Karras et al., Analyzing and Improving the Image Quality of StyleGAN, 2020, https://arxiv.org/abs/1912.04958
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import mean_over_data
from genjax_models.core.types import Array, Key


def path_lengths(key: Key, generate: Callable[[Array], Array], w: Array) -> Array:
    r"""$\lVert J_w^\top y \rVert$ of each example.

    Args:
      key: one typed PRNG key, consumed.
      generate: `w -> image [B, ..., C]`, bound to its parameters; an example must not see its neighbours.
      w: latents, `[B, W]`, or `[B, L, W]` a styled layer.

    Returns:
      `[B]`, in image units per latent unit; its gradient is zero where it is.
    """
    image, pull = jax.vjp(generate, w)
    y = jax.random.normal(key, image.shape, image.dtype) / math.sqrt(math.prod(image.shape[1:-1]))
    squared = mean_over_data((pull(y)[0] ** 2).sum(axis=-1))
    return jnp.sqrt(jnp.maximum(squared, jnp.finfo(squared.dtype).tiny))


def path_length_penalty(
    key: Key, generate: Callable[[Array], Array], w: Array, mean: Array, *, decay: float = 0.01
) -> tuple[Array, Array]:
    r"""$(\lVert J_w^\top y \rVert - a)^2$ of each example, and the running mean $a$ after it has seen this batch.

    Args:
      key: one typed PRNG key, consumed.
      generate: see `path_lengths`; the penalty is differentiated by its parameters.
      w: latents, `[B, W]` or `[B, L, W]`.
      mean: $a$ so far, `[]`, at first zero.
      decay: $\beta$, the weight of this batch.

    Returns:
      The penalty `[B]` and the new $a$ `[]`, through which no gradient goes.
    """
    lengths = path_lengths(key, generate, w)
    mean = mean + decay * (jax.lax.stop_gradient(lengths).mean() - mean)
    return (lengths - mean) ** 2, mean

r"""What the latent variables hold, and pictures of what they do.

A unit is *active* where its posterior's mean moves with the data, $\mathrm{Var}_x\,E_{q(z \mid x)}[z_j] > 0.01$
(Burda et al.). A straight line between two codes leaves the shell where a normal prior has its mass; the great circle
does not (White):

$$\frac{\sin((1 - t)\,\omega)}{\sin \omega}\,a + \frac{\sin(t\,\omega)}{\sin \omega}\,b, \qquad
\cos \omega = \frac{a^\top b}{\lVert a \rVert \lVert b \rVert}.$$

References:
  Burda et al., Importance Weighted Autoencoders, 2016, https://arxiv.org/abs/1509.00519
  White, Sampling Generative Networks, 2016, https://arxiv.org/abs/1609.04468
"""

import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.families.vae.posteriors import GaussianPosterior
from genjax_models.families.vae.total_correlation import Decomposition, decompose, whole_set


def active_units(means: Array, threshold: float = 0.01) -> Array:
    """Which latent variables the data move: the posteriors' means `[N, ...]` of a set -> bool `[...]`."""
    return means.var(axis=0) > threshold


def aggregate_decomposition(key: Key, posterior: GaussianPosterior) -> Decomposition:
    r"""Mutual information, total correlation and dimension-wise divergence of the aggregate posterior of a set.

    Args:
      key: one typed PRNG key, consumed.
      posterior: of the whole set, `[N, D]`; memory grows as N² D.

    Returns:
      The parts, `[N]` nats each, whose means estimate them without bias for the uniform distribution on these N
      examples, for which the information is at most $\log N$.
    """
    z, _ = posterior.sample(key)
    return decompose(posterior, z, whole_set(z.shape[0]))


def lerp(a: Array, b: Array, num: int) -> Array:
    """Points on the straight line from `a` to `b` `[B, ...]`, the ends among them: `[num, B, ...]`."""
    t = jnp.linspace(0.0, 1.0, num, dtype=a.dtype).reshape(num, *(1,) * a.ndim)
    return (1.0 - t) * a[None] + t * b[None]


def slerp(a: Array, b: Array, num: int) -> Array:
    """Points on the great circle from `a` to `b` `[B, ...]`, `[num, B, ...]`.

    Where the two are parallel or opposite, so that there is no one circle, they are on the straight line.
    """
    axes = tuple(range(1, a.ndim))
    squares = (a**2).sum(axis=axes, keepdims=True) * (b**2).sum(axis=axes, keepdims=True)
    cosine = (a * b).sum(axis=axes, keepdims=True) / jnp.sqrt(jnp.where(squares > 0.0, squares, 1.0))
    defined = (squares > 0.0) & (cosine**2 < 1.0 - 1e-6)  # elsewhere the angle's gradient is infinite
    omega = jnp.arccos(jnp.where(defined, cosine, 0.0))[None]
    t = jnp.linspace(0.0, 1.0, num, dtype=a.dtype).reshape(num, *(1,) * a.ndim)
    circle = (jnp.sin((1.0 - t) * omega) * a[None] + jnp.sin(t * omega) * b[None]) / jnp.sin(omega)
    return jnp.where(defined[None], circle, lerp(a, b, num))


def traversals(z: Array, values: Array) -> Array:
    """One code with each of its latent variables in turn set to each of some values: `[D]`, `[V]` -> `[D, V, D]`."""
    dims = z.shape[0]
    here = jnp.eye(dims, dtype=bool)[:, None, :]
    return jnp.where(here, values[None, :, None], z[None, None, :])

r"""Planar flows: space is stretched along one direction, across one hyperplane.

$$f(x) = x + \hat u \tanh(w^\top x + b), \qquad
\log|\det| = \log\left(1 + \hat u^\top w\,(1 - \tanh^2(w^\top x + b))\right)$$

It is invertible where $\hat u^\top w > -1$, which the free vector $u$ is moved to satisfy (appendix A.1),

$$\hat u = u + \left(m(w^\top u) - w^\top u\right) \frac{w}{\|w\|^2}, \qquad m(a) = \mathrm{softplus}(a) - 1.$$

The inverse is one scalar equation, $a + \hat u^\top w \tanh(a + b) = w^\top y$ for $a = w^\top x$, increasing in $a$.

Direction: $f$, the cheap way, is this layer's *forward*, from data to latent, which fits a density to data. The paper's
$f$ goes from the base to the sample of a posterior: that is `invert(planar())`, whose inverse is $f$.

References:
  Rezende and Mohamed, Variational Inference with Normalizing Flows, 2015, https://arxiv.org/abs/1505.05770, section 4.1
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.families.flows.amortized import amortizable
from genjax_models.families.flows.bijection import Bijection
from genjax_models.solvers.roots import bisect


def planar() -> Bijection:
    """A planar layer of vectors `[B, D]`; its parameters `u` and `w` `[D]` and `b` `[]` may have a batch in front."""
    return amortizable(_init, planar_forward, planar_inverse, {"u": 1, "w": 1, "b": 0})


def planar_forward(params: Mapping[str, Array], x: Array) -> tuple[Array, Array]:
    """One example: `x` `[D]` → `(f(x) [D], log |det|)`."""
    w, u = params["w"], _constrained(params)
    h = jnp.tanh(w @ x + params["b"])
    return x + u * h, jnp.log1p((u @ w) * (1 - h**2))


def planar_inverse(params: Mapping[str, Array], y: Array) -> tuple[Array, Array]:
    """One example: `y` `[D]` → `(x [D], log |det|)` of the inverse; NaN where bisection fails."""
    w, u = params["w"], _constrained(params)
    slope, target = u @ w, w @ y
    reach = 1 + jnp.abs(slope)
    a = bisect(lambda a: a + slope * jnp.tanh(a + params["b"]), target, target - reach, target + reach).x
    h = jnp.tanh(a + params["b"])
    return y - u * h, -jnp.log1p(slope * (1 - h**2))


def _constrained(params: Mapping[str, Array]) -> Array:
    u, w = params["u"], params["w"]
    product = w @ u
    square = jnp.maximum(w @ w, jnp.finfo(w.dtype).eps)  # an encoder may start from zeros
    return u + (jax.nn.softplus(product) - 1 - product) * w / square


def _init(key: Key, dims: int) -> Mapping[str, Array]:
    u, w = jax.random.normal(key, (2, dims)) / jnp.sqrt(dims)
    return {"u": u, "w": w, "b": jnp.zeros(())}

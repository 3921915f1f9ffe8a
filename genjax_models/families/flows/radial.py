r"""Radial flows: space is stretched or compressed around one point.

$$f(x) = x + \frac{\beta}{\alpha + r}\,(x - x_0), \quad r = \|x - x_0\|, \qquad
\log|\det| = (D-1) \log\left(1 + \frac{\beta}{\alpha + r}\right)
+ \log\left(1 + \frac{\alpha\beta}{(\alpha + r)^2}\right)$$

It is invertible where $\beta > -\alpha$, hence $\beta = -\alpha + \mathrm{softplus}(\hat\beta)$ and $\alpha > 0$
(appendix A.2). The radius after it, $\rho = r + \beta r/(\alpha + r)$, is a quadratic equation for $r$, so the inverse
has a closed form, $r = \frac12\left(q + \sqrt{q^2 + 4\alpha\rho}\right)$ with $q = \rho - \alpha - \beta$.

Direction: as in `planar`, $f$ is *forward*, from data to latent; the paper's way is `invert(radial())`.

References:
  Rezende and Mohamed, Variational Inference with Normalizing Flows, 2015, https://arxiv.org/abs/1505.05770, section 4.1
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.families.flows.amortized import amortizable
from genjax_models.families.flows.bijection import Bijection


def radial() -> Bijection:
    """A radial layer of vectors `[B, D]`.

    Its parameters are `center` `[D]`, `log_alpha` `[]` and `beta` `[]`, which may have a batch in front.
    """
    return amortizable(_init, radial_forward, radial_inverse, {"center": 1, "log_alpha": 0, "beta": 0})


def radial_forward(params: Mapping[str, Array], x: Array) -> tuple[Array, Array]:
    """One example: `x` `[D]` → `(f(x) [D], log |det|)`."""
    alpha, beta = _constrained(params)
    offset = x - params["center"]
    r = _norm(offset)
    return x + beta / (alpha + r) * offset, _log_det(alpha, beta, r, x.size)


def radial_inverse(params: Mapping[str, Array], y: Array) -> tuple[Array, Array]:
    """One example: `y` `[D]` → `(x [D], log |det|)` of the inverse."""
    alpha, beta = _constrained(params)
    offset = y - params["center"]
    rho = _norm(offset)
    q = rho - alpha - beta
    root = jnp.sqrt(q**2 + 4 * alpha * rho)
    r = jnp.where(q > 0, (q + root) / 2, 2 * alpha * rho / (root + jnp.abs(q)))  # no difference of near numbers
    return params["center"] + offset / (1 + beta / (alpha + r)), -_log_det(alpha, beta, r, y.size)


def _constrained(params: Mapping[str, Array]) -> tuple[Array, Array]:
    alpha = jnp.exp(params["log_alpha"])
    return alpha, jax.nn.softplus(params["beta"]) - alpha


def _norm(offset: Array) -> Array:
    return jnp.sqrt(jnp.maximum(offset @ offset, jnp.finfo(offset.dtype).tiny))  # so that 0 has a finite gradient


def _log_det(alpha: Array, beta: Array, r: Array, dims: int) -> Array:
    return (dims - 1) * jnp.log1p(beta / (alpha + r)) + jnp.log1p(alpha * beta / (alpha + r) ** 2)


def _init(key: Key, dims: int) -> Mapping[str, Array]:
    beta = jnp.log(jnp.expm1(1.0))  # softplus gives 1 = alpha: the identity
    return {"center": jax.random.normal(key, (dims,)), "log_alpha": jnp.zeros(()), "beta": beta}

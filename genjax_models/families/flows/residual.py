r"""Invertible residual layers: a step of a network that contracts.

$$y = x + g(x), \quad \mathrm{Lip}(g) < 1, \qquad
\log\left|\det\left(I + J\right)\right| = \sum_{k=1}^{\infty} \frac{(-1)^{k+1}}{k}\,\mathrm{tr}\,J^k, \qquad
J = \frac{\partial g}{\partial x}$$

The inverse is the fixed point of $x = y - g(x)$, which the contraction makes unique. The log-determinant is `exact`
for few dimensions; `power_series` cuts the sum off after n terms, and is wrong by at most $D L^{n+1} / ((n+1)(1-L))$
for a Lipschitz constant L (i-ResNet); `roulette` ends it at a random N and weighs what it has summed, which is unbiased
(Residual Flows, theorem 1):

$$E_{N, v}\left[\sum_{k=1}^{N} \frac{(-1)^{k+1}}{k}\,\frac{v^\top J^k v}{P(N \ge k)}\right].$$

Neither sum is differentiated term by term. Its gradient is a Neumann series (theorem 2), so that memory does not grow
with the number of terms:

$$\frac{\partial}{\partial\theta} \log\left|\det(I + J)\right|
= E_{N, v}\left[\left(\sum_{k=1}^{N} \frac{(-1)^{k-1}}{P(N \ge k)}\,v^\top J^{k-1}\right)
\frac{\partial J}{\partial\theta}\,v\right].$$

References:
  Behrmann et al., Invertible Residual Networks, 2019, https://arxiv.org/abs/1811.00995
  Chen et al., Residual Flows for Invertible Generative Modeling, 2019, https://arxiv.org/abs/1906.02735
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from genjax_models.core.jacobian import Directions, basis, hutchinson, inner_products, vector_jacobian_products
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows.bijection import Bijection, Conditioner
from genjax_models.solvers.roots import fixed_point

Branch = Callable[[PyTree, Array], Array]
"""`(weights, x [B, ...]) -> g(x) [B, ...]`: `weights` are what is differentiated besides `x`."""

LogDet = Callable[[Branch, PyTree, Array], Array]
r"""`(g, weights, x [B, ...]) -> log |det(I + J)| [B]`."""


def exact(g: Branch, weights: PyTree, x: Array) -> Array:
    """The determinant of the whole Jacobian: D backward passes and the cube of D."""
    dims = x[0].size
    _, rows = vector_jacobian_products(lambda x: g(weights, x), x, basis(x))
    jacobian = jnp.moveaxis(rows, 0, 1).reshape(-1, dims, dims)
    return jnp.linalg.slogdet(jnp.eye(dims, dtype=x.dtype)[None] + jacobian)[1]


def power_series(terms: int, directions: Directions = basis) -> LogDet:
    """The first `terms` of the series, with exact traces or those of `jacobian.hutchinson(key, num)`.

    Raises:
      ValueError: if there is no term.
    """
    if terms < 1:
        raise ValueError(f"a power series needs at least 1 term, got {terms}")
    return lambda g, weights, x: _series(g, weights, x, directions(x), terms, lambda k: jnp.ones((), x.dtype))


def roulette(key: Key, *, probes: int = 1, exact_terms: int = 2, p: float = 0.5) -> LogDet:
    r"""The unbiased estimate: N is `exact_terms` plus a geometric number 1, 2, ..., the same for the whole batch.

    Its variance is finite where the spectral radius of J is below $\sqrt{1 - p}$: a smaller `p` takes more terms,
    $1/p$ on average beyond those that are always there.

    Args:
      key: one typed PRNG key; every call draws the same N and the same probes from it.
      probes: of Hutchinson's traces, an example.
      exact_terms: those of weight 1; 2 in the paper's training, 20 in its evaluation.
      p: of ending after a term.

    Raises:
      ValueError: if `p` is not within (0, 1), `exact_terms` is negative or there is no probe.
    """
    if not 0.0 < p < 1.0:
        raise ValueError(f"the probability of an end must lie in (0, 1), got p={p}")
    if exact_terms < 0:
        raise ValueError(f"exact_terms must not be negative, got {exact_terms}")
    key_terms, key_probes = jax.random.split(key)
    directions = hutchinson(key_probes, probes)

    def log_det(g: Branch, weights: PyTree, x: Array) -> Array:
        terms = exact_terms + jax.random.geometric(key_terms, p)
        weight = lambda k: jnp.asarray(1.0 - p, x.dtype) ** -jnp.maximum(k - exact_terms - 1, 0)  # 1 / P(N >= k)
        return _series(g, weights, x, directions(x), terms, weight)

    return log_det


def residual(
    network: Conditioner, *, log_det: LogDet = exact, iterations: int = 256, tolerance: float = 1e-6
) -> Bijection:
    """The layer `x + g(x)`.

    Args:
      network: g, of the shape of its input, with a Lipschitz constant below 1, such as `nets.LipschitzMLP`; nothing
        here can tell whether it has.
      log_det: `exact`, `power_series(terms)` or `roulette(key)`.
      iterations: most evaluations of the network in the inverse; an example that needs more is NaN.
      tolerance: of the inverse, see `solvers.roots.fixed_point`.

    Returns:
      A bijection of `[B, ...]`, of the parameters of the network.
    """

    def forward(params: PyTree, x: Array, cond: PyTree) -> tuple[Array, Array]:
        return x + g((params, cond), x), log_det(g, (params, cond), x)

    def inverse(params: PyTree, y: Array, cond: PyTree) -> tuple[Array, Array]:
        x = fixed_point(lambda x: y - g((params, cond), x), y, iterations=iterations, tolerance=tolerance).x
        return x, -log_det(g, (params, cond), x)

    def g(weights: PyTree, x: Array) -> Array:
        params, cond = weights
        return network.apply(params, x, cond)

    return Bijection(network.init, forward, inverse)


def _series(
    g: Branch, weights: PyTree, x: Array, v: Array, terms: Array | int, weight: Callable[[Array], Array]
) -> Array:
    """The weighted series along `v` `[K, B, ...]`, with the gradient of the Neumann series; `[B]`."""
    frozen, here = lax.stop_gradient((weights, x))
    _, pull = jax.vjp(lambda x: g(frozen, x), here)

    def term(k: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        u, neumann, total = state  # u = v^T J^(k-1)
        signed = jnp.where(k % 2 == 1, 1.0, -1.0) * weight(k)
        neumann = neumann + signed * u
        u = jax.vmap(lambda u: pull(u)[0])(u)
        return u, neumann, total + signed / k * inner_products(u, v).sum(0)

    start = (v, jnp.zeros_like(v), jnp.zeros(x.shape[0], x.dtype))
    _, neumann, total = lax.fori_loop(1, terms + 1, term, start)
    _, products = vector_jacobian_products(lambda x: g(weights, x), x, neumann)
    slope = inner_products(products, v).sum(0)
    return total + slope - lax.stop_gradient(slope)

r"""Couplings: which noise a data point is paired with, `(key, x [B, ...]) -> (x, eps)`, both `[B, ...]`.

Any joint distribution with the data and the source as its marginals gives a valid flow; the pairing decides how
straight it is. The source, from which the flow starts, is $N(0, I)$ unless a coupling is given another.
Within a batch, a pairing is a plan $\pi$ of optimal transport on the squared distance,

$$\min_\pi \sum_{ij} \pi_{ij}\,\lVert x_i - \epsilon_j\rVert^2 - \varepsilon H(\pi),
\qquad \sum_j \pi_{ij} = \sum_i \pi_{ij} = \tfrac1B,$$

a permutation for $\varepsilon = 0$. All couplings return `x` as it came, so labels stay with their examples: each row
draws its noise from its row of the plan, which is distributed as a draw from the plan itself. Gradients stop here.

References:
  Tong et al., Improving and Generalizing Flow-Based Generative Models with Minibatch OT, 2023, https://arxiv.org/abs/2302.00482
  Pooladian et al., Multisample Flow Matching, 2023, https://arxiv.org/abs/2304.14772
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.optional import optional
from genjax_models.core.types import Array, Key

Coupling = Callable[[Key, Array], tuple[Array, Array]]
Source = Callable[[Key, tuple[int, ...]], Array]
"""`(key, shape) -> eps`, of that shape: what a flow starts from."""


def independent(key: Key, x: Array, *, source: Source = jax.random.normal) -> tuple[Array, Array]:
    """Noise that is independent of the data (I-CFM)."""
    return x, source(key, x.shape).astype(x.dtype)


def minibatch_ot(key: Key, x: Array, *, source: Source = jax.random.normal) -> tuple[Array, Array]:
    """The exact optimal assignment of a batch of noise to the batch of data (OT-CFM), in time $O(B^3)$."""
    from optax import assignment  # noqa: PLC0415 - the other couplings do without optax

    x, eps = independent(key, x, source=source)
    data, noise = assignment.hungarian_algorithm(_cost(x, eps))
    return x, eps[jnp.zeros_like(noise).at[data].set(noise)]


def schroedinger_bridge(sigma: float, source: Source = jax.random.normal) -> Coupling:
    r"""The entropic plan with $\varepsilon = 2\sigma^2$: the ends of a Brownian motion of diffusivity `sigma` (SB-CFM).

    It tends to `minibatch_ot` as `sigma` goes to 0, to `independent` as it grows. Noise is drawn from the plan with
    replacement.

    Raises:
      ValueError: if `sigma` is not positive.
    """
    if sigma <= 0:
        raise ValueError(f"sigma must be positive, got {sigma}: minibatch_ot is the limit at 0")

    def coupling(key: Key, x: Array) -> tuple[Array, Array]:
        key_eps, key_plan = jax.random.split(key)
        x, eps = independent(key_eps, x, source=source)
        return x, eps[jax.random.categorical(key_plan, entropic_plan(x, eps, sigma), axis=1)]

    return coupling


def smoothed(coupling: Coupling, sigma: float) -> Coupling:
    r"""Moves both ends of each pair by the same $\sigma z$: the line in between becomes a tube of width `sigma`.

    So $x_t = (1-t)\,x_0 + t\,\epsilon + \sigma z$; the velocity is still $\epsilon - x_0$ (Tong et al., eqs. 14, 15).
    """

    def widened(key: Key, x: Array) -> tuple[Array, Array]:
        key_pair, key_z = jax.random.split(key)
        shift = sigma * jax.random.normal(key_z, x.shape, x.dtype)
        x, eps = coupling(key_pair, x)
        return x + shift, eps + shift

    return widened


def entropic_plan(x: Array, eps: Array, sigma: float) -> Array:
    r"""Log-probability of each noise (column) for each data point (row), `[B, B]`, where $\varepsilon = 2\sigma^2$.

    Raises:
      MissingPackageError: if ott-jax is not installed (the extra `solvers`).
    """
    with optional("solvers"):
        from ott.geometry import geometry  # noqa: PLC0415 - takes three seconds
        from ott.solvers import linear  # noqa: PLC0415

    with jax.numpy_rank_promotion("allow"):  # ott-jax relies on it
        cost, epsilon = _cost(x, eps), 2.0 * sigma**2
        potential = linear.solve(geometry.Geometry(cost_matrix=cost, epsilon=epsilon)).g
        return jax.nn.log_softmax((potential[None, :] - cost) / epsilon, axis=1)


def _cost(x: Array, eps: Array) -> Array:
    """The squared distances `[B, B]` less the squared norms, whose cost is the same under every plan."""
    x, eps = (jax.lax.stop_gradient(a.reshape(a.shape[0], -1)) for a in (x, eps))
    return -2.0 * jnp.matmul(x, eps.T, precision="highest")

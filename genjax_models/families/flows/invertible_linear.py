r"""An invertible matrix along the last axis: of an image it is a 1×1 convolution, and a learnt permutation of channels.

$$y = W x, \qquad W = L\,(U + \mathrm{diag}(e^s)), \qquad \log|\det| = HW \textstyle\sum_c s_c$$

L is unit lower triangular and U strictly upper triangular. Glow (eq. 10) has a fixed permutation in front of them, and
fixed signs on the diagonal, both those of the rotation that it starts from. A rotation with rows permuted and columns
negated is a rotation as good (up to a reflection), so here the start absorbs the two, and all parameters are learnt.

References:
  Kingma and Dhariwal, Glow, 2018, section 3.2, https://arxiv.org/abs/1807.03039
"""

import math

import jax
import jax.numpy as jnp
from jax.scipy.linalg import lu, solve_triangular

from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows.bijection import Bijection


def invertible_linear() -> Bijection:
    """Mix the channels (last axis), at first by a random orthogonal matrix; the inverse is two triangular solves."""

    def init(key: Key, x: Array, cond: PyTree) -> PyTree:
        rotation = jax.random.orthogonal(key, x.shape[-1], dtype=x.dtype)
        _, lower, upper = lu(rotation)
        diagonal = jnp.diagonal(upper)
        return {
            "lower": jnp.tril(lower, -1),
            "upper": jnp.triu(upper * jnp.sign(diagonal)[None], 1),
            "log_scale": jnp.log(jnp.abs(diagonal)),
        }

    def read(params: PyTree, x: Array) -> tuple[Array, Array, Array]:
        lower = jnp.tril(params["lower"], -1) + jnp.eye(x.shape[-1], dtype=x.dtype)
        upper = jnp.triu(params["upper"], 1) + jnp.diag(jnp.exp(params["log_scale"]))
        return lower, upper, jnp.full(x.shape[0], math.prod(x.shape[1:-1]) * params["log_scale"].sum())

    def forward(params: PyTree, x: Array, cond: PyTree) -> tuple[Array, Array]:
        lower, upper, log_det = read(params, x)
        return x @ (lower @ upper).T, log_det

    def inverse(params: PyTree, y: Array, cond: PyTree) -> tuple[Array, Array]:
        lower, upper, log_det = read(params, y)
        columns = y.reshape(-1, y.shape[-1]).T
        columns = solve_triangular(upper, solve_triangular(lower, columns, lower=True, unit_diagonal=True))
        return columns.T.reshape(y.shape), -log_det

    return Bijection(init, forward, inverse)

r"""Sylvester flows: planar flows with M hidden units at once, whose determinant is that of a triangular matrix.

$$f(x) = x + Q R \tanh(\tilde R Q^\top x + b), \qquad
\log|\det| = \sum_{i=1}^M \log\left(1 + \tanh'(\cdot)_i\, R_{ii} \tilde R_{ii}\right)$$

$Q$ `[D, M]` has orthonormal columns, the first M of a product of reflections $I - 2 v v^\top/\|v\|^2$ (H-SNF);
$R$ and $\tilde R$ are upper triangular, with a tanh on their diagonals so that $R_{ii} \tilde R_{ii} > -1$ and $f$ is
invertible (theorem 2).

In $s = Q^\top x$ the equation $y = f(x)$ is triangular, $(Q^\top y)_i = s_i + \sum_{j \ge i} R_{ij}
\tanh(\sum_{k \ge j} \tilde R_{jk} s_k + b_j)$: the inverse is M increasing scalar equations, the last one first.

Direction: as in `planar`, $f$ is *forward*, from data to latent; the paper's way is `invert(sylvester(…))`.

References:
  van den Berg et al., Sylvester Normalizing Flows for Variational Inference, 2018, https://arxiv.org/abs/1803.05649
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.families.flows.amortized import amortizable
from genjax_models.families.flows.bijection import Bijection
from genjax_models.solvers.roots import bisect

RANKS = {"reflections": 2, "R": 2, "R_tilde": 2, "b": 1}


def sylvester(units: int) -> Bijection:
    """A Sylvester layer of vectors `[B, D]` with M = `units` <= D hidden units.

    Its parameters are `reflections` `[H, D]`, the vectors $v$; `R` and `R_tilde` `[M, M]`, of which the part below the
    diagonal is not used; `b` `[M]`. Each may have a batch in front, and with it any number H of reflections.

    Raises:
      ValueError: at `init`, if there are more units than dimensions.
    """

    def init(key: Key, dims: int) -> Mapping[str, Array]:
        if not 1 <= units <= dims:
            raise ValueError(f"a Sylvester layer of {dims} dimensions needs 1 to {dims} units, got {units}")
        of_v, of_r, of_r_tilde = jax.random.split(key, 3)
        scale = units**-0.5
        return {
            "reflections": jax.random.normal(of_v, (units, dims)),
            "R": scale * jax.random.normal(of_r, (units, units)),
            "R_tilde": scale * jax.random.normal(of_r_tilde, (units, units)),
            "b": jnp.zeros(units),
        }

    return amortizable(init, sylvester_forward, sylvester_inverse, RANKS)


def sylvester_forward(params: Mapping[str, Array], x: Array) -> tuple[Array, Array]:
    """One example: `x` `[D]` → `(f(x) [D], log |det|)`."""
    R, R_tilde = _triangular(params["R"]), _triangular(params["R_tilde"])
    h = jnp.tanh(R_tilde @ _to_units(params, x) + params["b"])
    return x + _from_units(params, R @ h), _log_det(R, R_tilde, h)


def sylvester_inverse(params: Mapping[str, Array], y: Array) -> tuple[Array, Array]:
    """One example: `y` `[D]` → `(x [D], log |det|)` of the inverse; NaN where bisection fails."""
    R, R_tilde = _triangular(params["R"]), _triangular(params["R_tilde"])
    projected = _to_units(params, y)

    def find(carry: tuple[Array, Array], i: Array) -> tuple[tuple[Array, Array], None]:
        s, h = carry  # zero where not found yet
        shift, target = R_tilde[i] @ s + params["b"][i], projected[i] - R[i] @ h
        reach = 1 + jnp.abs(R[i, i])
        found = bisect(
            lambda s: s + R[i, i] * jnp.tanh(R_tilde[i, i] * s + shift), target, target - reach, target + reach
        ).x
        return (s.at[i].set(found), h.at[i].set(jnp.tanh(R_tilde[i, i] * found + shift))), None

    zeros = jnp.zeros_like(projected)
    (_, h), _ = jax.lax.scan(find, (zeros, zeros), jnp.arange(projected.size), reverse=True)
    return y - _from_units(params, R @ h), -_log_det(R, R_tilde, h)


def _triangular(raw: Array) -> Array:
    return jnp.triu(raw, 1) + jnp.diag(jnp.tanh(jnp.diag(raw)))


def _log_det(R: Array, R_tilde: Array, h: Array) -> Array:
    return jnp.log1p((1 - h**2) * jnp.diag(R) * jnp.diag(R_tilde)).sum()


def _to_units(params: Mapping[str, Array], x: Array) -> Array:
    return _reflect(params["reflections"], x, reverse=False)[: params["b"].size]


def _from_units(params: Mapping[str, Array], s: Array) -> Array:
    padded = jnp.pad(s, (0, params["reflections"].shape[1] - s.size))
    return _reflect(params["reflections"], padded, reverse=True)


def _reflect(vectors: Array, x: Array, *, reverse: bool) -> Array:
    """The product of the reflections, the first to act the first, or the last if `reverse`; zeros reflect nothing."""

    def one(x: Array, v: Array) -> tuple[Array, None]:
        square = v @ v
        return x - 2 * v * (v @ x) / jnp.where(square > 0, square, 1.0), None

    return jax.lax.scan(one, x.astype(jnp.result_type(x, vectors)), vectors, reverse=reverse)[0]

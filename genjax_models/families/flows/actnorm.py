r"""Activation normalisation: a scale and a shift of each channel, which start by whitening the first batch.

$$y = (x + b)\,e^{s}, \qquad b = -\mathrm{mean}(x), \quad s = -\log \mathrm{std}(x), \qquad
\log|\det| = HW \textstyle\sum_c s_c$$

References:
  Kingma and Dhariwal, Glow, 2018, section 3.1, https://arxiv.org/abs/1807.03039
"""

import math

import jax.numpy as jnp

from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows.bijection import Bijection

LEAST_STD = 1e-6
"""Relative to the mean: what varies less in the first batch is constant but for rounding, and keeps its scale."""


def actnorm() -> Bijection:
    """Zero mean and unit variance of each channel (last axis) over the batch that `init` sees; then it is learnt.

    A channel that is constant in that batch, all of them in a batch of one, is only shifted.
    """

    def init(key: Key, x: Array, cond: PyTree) -> PyTree:
        axes = tuple(range(x.ndim - 1))
        mean, std = x.mean(axis=axes), x.std(axis=axes)
        varies = std > LEAST_STD * (1.0 + jnp.abs(mean))
        return {"shift": -mean, "log_scale": -jnp.log(jnp.where(varies, std, 1.0))}

    def read(params: PyTree, x: Array) -> tuple[Array, Array, Array]:
        shift, log_scale = (params[name].reshape((1,) * (x.ndim - 1) + (-1,)) for name in ("shift", "log_scale"))
        positions = math.prod(x.shape[1:-1])
        return shift, log_scale, jnp.full(x.shape[0], positions * params["log_scale"].sum())

    def forward(params: PyTree, x: Array, cond: PyTree) -> tuple[Array, Array]:
        shift, log_scale, log_det = read(params, x)
        return (x + shift) * jnp.exp(log_scale), log_det

    def inverse(params: PyTree, y: Array, cond: PyTree) -> tuple[Array, Array]:
        shift, log_scale, log_det = read(params, y)
        return y * jnp.exp(-log_scale) - shift, -log_det

    return Bijection(init, forward, inverse)

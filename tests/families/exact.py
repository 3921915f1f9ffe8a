"""Gaussian-mixture data with its exact denoiser and consistency function: what samplers and losses are held against."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key, Model
from genjax_models.processes import Denoiser, GaussianProcess


class Mixture(NamedTuple):
    r"""$\sum_k w_k N(m_k, s_k^2 I)$: `weights` `[K]`, `means` `[K, D]`, `stds` `[K]`."""

    weights: Array
    means: Array
    stds: Array

    def sample(self, key: Key, n: int) -> Array:
        key_k, key_z = jax.random.split(key)
        k = jax.random.categorical(key_k, jnp.log(self.weights), shape=(n,))
        return self.means[k] + self.stds[k][:, None] * jax.random.normal(key_z, (n, self.means.shape[1]))

    def denoiser(self, process: GaussianProcess) -> Model:
        r"""$E[x_0 \mid x_t]$: the components' posterior means, weighted by their responsibilities."""

        def x0(x: Array, t: Array) -> Array:
            alpha, sigma = process.alpha(t)[:, None], process.sigma(t)[:, None]
            variance = (alpha * self.stds[None, :]) ** 2 + sigma**2  # [B, K]
            offset = x[:, None, :] - alpha[:, :, None] * self.means[None]  # [B, K, D]
            log_r = (
                jnp.log(self.weights)[None, :]
                - 0.5 * (offset**2).sum(-1) / variance
                - 0.5 * x.shape[1] * jnp.log(variance)
            )
            gain = alpha * self.stds[None, :] ** 2 / variance
            posterior = self.means[None] + gain[:, :, None] * offset
            return (jax.nn.softmax(log_r, axis=1)[:, :, None] * posterior).sum(1)

        return x0


def two_moons_like() -> Mixture:
    """Three unequal components in the plane, none of them centred."""
    return Mixture(
        jnp.array([0.5, 0.3, 0.2]), jnp.array([[-0.6, 0.2], [0.5, 0.5], [0.3, -0.7]]), jnp.array([0.15, 0.1, 0.2])
    )


def gaussian(mean: float = 0.3, std: float = 0.5, dim: int = 2) -> Mixture:
    return Mixture(jnp.ones(1), jnp.full((1, dim), mean), jnp.array([std]))


def gaussian_teacher(process: GaussianProcess, mean: float = 0.3, std: float = 0.5) -> Denoiser:
    return Denoiser(process, gaussian(mean, std).denoiser(process), "x0")


def gaussian_consistency(process: GaussianProcess, t_min: float, mean: float | Array = 0.3, std: float = 0.5) -> Model:
    r"""The flow keeps $(y - m)/\sqrt{s^2 + \hat\sigma^2}$, where $y = x/\alpha$ and $\hat\sigma = \sigma/\alpha$."""

    def f(x: Array, t: Array) -> Array:
        alpha, sigma = process.alpha(t)[:, None], process.sigma(t)[:, None]
        low = process.scaled_sigma(jnp.full_like(t, t_min))[:, None]
        ratio = jnp.sqrt((std**2 + low**2) / ((alpha * std) ** 2 + sigma**2))
        return mean + ratio * (x - alpha * mean)

    return f

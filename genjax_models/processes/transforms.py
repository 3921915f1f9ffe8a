"""Processes made from other processes: zero signal at the end, and another resolution."""

import math

import jax.numpy as jnp

from genjax_models.core.types import Array
from genjax_models.processes.gaussian import GaussianProcess


def zero_terminal_snr(process: GaussianProcess) -> GaussianProcess:
    r"""A variance-preserving process whose signal is stretched to end at exactly zero.

    $$\alpha'(t) = \alpha(0)\,\frac{\alpha(t) - \alpha(1)}{\alpha(0) - \alpha(1)},
    \qquad \sigma' = \sqrt{1 - \alpha'^2}$$

    At t = 1 the sample is independent of the data, so the model must predict `v`, `velocity` or `x0`, not `eps`.

    References:
      Lin et al., Common Diffusion Noise Schedules and Sample Steps are Flawed, 2024, algorithm 1, https://arxiv.org/abs/2305.08891
    """
    return GaussianProcess(_stretched_alpha, _stretched_sigma, process)


def shift_log_snr(process: GaussianProcess, factor: float) -> GaussianProcess:
    r"""The same process with `factor` times the noise for its signal: $\lambda' = \lambda - 2\log(\mathrm{factor})$.

    An image of `n` times the side needs a factor of `n` to be as hard to see (Hoogeboom et al., section 3.2). The sum
    $\alpha^2 + \sigma^2$ stays what it was at each time, so a variance-preserving process remains one. On the
    straight line of `rectified_flow` the same shift is a change of time: `shifted_grid`, and `logit_normal_time` with
    mean $\log(\mathrm{factor})$.

    Raises:
      ValueError: if `factor` is not positive and finite.

    References:
      Hoogeboom et al., Simple Diffusion, 2023, https://arxiv.org/abs/2301.11093
    """
    if not 0.0 < factor < math.inf:
        raise ValueError(f"factor must be positive and finite, got {factor}")
    return GaussianProcess(_shifted_alpha, _shifted_sigma, (process, factor))


def _stretched_alpha(process: GaussianProcess, t: Array) -> Array:
    first, last = process.alpha(jnp.zeros((), t.dtype)), process.alpha(jnp.ones((), t.dtype))
    return first * (process.alpha(t) - last) / (first - last)


def _stretched_sigma(process: GaussianProcess, t: Array) -> Array:
    # 1 - alpha'^2 is sigma^2 plus (alpha - alpha')(alpha + alpha'), where
    # alpha - alpha' = alpha(1) (alpha(0) - alpha) / (alpha(0) - alpha(1)) and
    # alpha(0) - alpha = (sigma^2 - sigma(0)^2) / (alpha(0) + alpha): nothing cancels near the data.
    zero, alpha = jnp.zeros((), t.dtype), process.alpha(t)
    first, last = process.alpha(zero), process.alpha(jnp.ones((), t.dtype))
    fallen = (process.sigma(t) ** 2 - process.sigma(zero) ** 2) / (first + alpha)
    below = last * fallen / (first - last)
    return jnp.sqrt(process.sigma(t) ** 2 + below * (alpha + _stretched_alpha(process, t)))


def _norm(params: tuple[GaussianProcess, float], t: Array) -> Array:
    process, factor = params
    squares = process.alpha(t) ** 2, process.sigma(t) ** 2
    return jnp.sqrt((squares[0] + squares[1]) / (squares[0] + factor**2 * squares[1]))


def _shifted_alpha(params: tuple[GaussianProcess, float], t: Array) -> Array:
    return params[0].alpha(t) * _norm(params, t)


def _shifted_sigma(params: tuple[GaussianProcess, float], t: Array) -> Array:
    process, factor = params
    return factor * process.sigma(t) * _norm(params, t)

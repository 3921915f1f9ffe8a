r"""The named Gaussian processes: each a pair of functions $\alpha(t)$, $\sigma(t)$, nothing more.

| name           | $\alpha(t)$                                              | $\sigma(t)$            |
|----------------|----------------------------------------------------------|------------------------|
| ddpm           | $\prod_{i \le tT} \sqrt{1 - \beta_i}$, a table            | $\sqrt{1 - \alpha^2}$  |
| vp             | $\exp(-\tfrac14 t^2(\beta_1-\beta_0) - \tfrac12 t\beta_0)$ | $\sqrt{1 - \alpha^2}$  |
| cosine         | $\cos(\pi\tau/2)$, $\tau$ = t kept where $|\lambda|$ is bounded | $\sin(\pi\tau/2)$ |
| sigmoid        | $\alpha^2$ falls like a logistic curve                     | $\sqrt{1 - \alpha^2}$  |
| linear_log_snr | $\sqrt{\mathrm{sigmoid}(\lambda)}$, $\lambda$ linear in t  | $\sqrt{1 - \alpha^2}$  |
| trigonometric  | $\cos(\pi t/2)$                                           | $\sin(\pi t/2)$        |
| sub_vp         | as vp                                                    | $1 - \alpha^2$         |
| ve             | $1$                                                      | $\sigma_0(\sigma_1/\sigma_0)^t$ |
| edm            | $1$                                                      | $\sigma_1 t^\rho$      |
| rectified_flow | $1 - t$                                                  | $t$                    |

`learned.py` has the schedule that is trained with the model, `transforms.py` what makes one process from another.
"""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array, PyTree
from genjax_models.processes.gaussian import GaussianProcess


def ddpm(beta_start: float = 1e-4, beta_end: float = 0.02, num_steps: int = 1000) -> GaussianProcess:
    r"""DDPM's discrete chain with linear $\beta_i$: exact at $t = i/T$, $\log\alpha$ a monotone cubic in between.

    The paper's step $i \in 1..T$ is our time $i/T$; $t = 0$ is clean data.

    Raises:
      ValueError: if the betas do not rise within (0, 1), or there is no step.

    References:
      Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
    """
    from scipy.interpolate import PchipInterpolator  # noqa: PLC0415 - takes as long to import as half of JAX

    _check(0.0 < beta_start <= beta_end < 1.0, "0 < beta_start <= beta_end < 1", beta_start, beta_end)
    _check(num_steps >= 1, "num_steps of at least 1", num_steps)
    betas = np.linspace(beta_start, beta_end, num_steps, dtype=np.float64)
    log_alpha = np.concatenate([[0.0], 0.5 * np.cumsum(np.log1p(-betas))])
    # Linear pieces, whose slope jumps, would take an adaptive solver several times as many steps.
    pieces = PchipInterpolator(np.arange(num_steps + 1), log_alpha)
    return GaussianProcess(_cubic_alpha, _cubic_sigma, pieces.c)


def vp(beta_min: float = 0.1, beta_max: float = 20.0) -> GaussianProcess:
    r"""The variance-preserving SDE with $\beta(t) = \beta_0 + t(\beta_1 - \beta_0)$, DDPM's continuous limit.

    Raises:
      ValueError: if the betas fall or are negative.

    References:
      Song et al., Score-Based Generative Modeling through SDEs, 2021, eq. 33, https://arxiv.org/abs/2011.13456
    """
    _check_betas(beta_min, beta_max)
    return GaussianProcess(_vp_alpha, _vp_sigma, (beta_min, beta_max))


def cosine(log_snr_min: float = -15.0, log_snr_max: float = 15.0) -> GaussianProcess:
    r"""The cosine schedule, its ends cut where the log-SNR leaves `[log_snr_min, log_snr_max]`.

    $\lambda = -2\log\tan(\pi\tau/2)$, with $\tau$ running linearly between the two cuts, so neither end is singular
    (Nichol and Dhariwal cut with an offset and $\beta_i \le 0.999$ instead).

    Raises:
      ValueError: if the log-SNR does not fall.

    References:
      Nichol and Dhariwal, Improved DDPM, 2021, eq. 17, https://arxiv.org/abs/2102.09672
      Hoogeboom et al., Simple Diffusion, 2023, app. B, https://arxiv.org/abs/2301.11093
    """
    _check_log_snr(log_snr_min, log_snr_max)
    tau_0, tau_1 = (2.0 / np.pi * np.arctan(np.exp(-0.5 * bound)) for bound in (log_snr_max, log_snr_min))
    return GaussianProcess(_cosine_alpha, _cosine_sigma, (float(tau_0), float(tau_1)))


def sigmoid(
    start: float = -3.0, end: float = 3.0, tau: float = 1.0, *, log_snr_min: float = -15.0, log_snr_max: float = 15.0
) -> GaussianProcess:
    r"""The sigmoid schedule: $\alpha^2(t)$ is a logistic curve of width `tau` between `start` and `end`.

    It is squeezed into the range where the log-SNR stays within its bounds, so that neither end is singular (the
    paper clips $\alpha^2$ from below instead).

    Raises:
      ValueError: if the curve or the log-SNR does not fall, or `tau` is not positive.

    References:
      Jabri et al., Scalable Adaptive Computation for Iterative Generation, 2023, https://arxiv.org/abs/2212.11972
      Chen, On the Importance of Noise Scheduling for Diffusion Models, 2023, https://arxiv.org/abs/2301.10972
    """
    _check(start < end and tau > 0.0, "start < end and a positive tau", start, end, tau)
    _check_log_snr(log_snr_min, log_snr_max)
    signal, noise = (float(1.0 / (1.0 + np.exp(-bound))) for bound in (log_snr_min, -log_snr_max))  # the least of each
    return GaussianProcess(_sigmoid_alpha, _sigmoid_sigma, (start / tau, end / tau, signal, noise))


def linear_log_snr(log_snr_min: float = -5.0, log_snr_max: float = 13.3) -> GaussianProcess:
    r"""A variance-preserving process whose log-SNR falls linearly, VDM's fixed schedule.

    Raises:
      ValueError: if it does not fall.

    References:
      Kingma et al., Variational Diffusion Models, 2021, app. D, https://arxiv.org/abs/2107.00630
    """
    _check_log_snr(log_snr_min, log_snr_max)
    return GaussianProcess(_linear_alpha, _linear_sigma, (log_snr_min, log_snr_max))


def trigonometric() -> GaussianProcess:
    """A quarter of a circle from data to noise: SiT's generalised variance-preserving interpolant.

    References:
      Albergo and Vanden-Eijnden, Building Normalizing Flows with Stochastic Interpolants, 2023, https://arxiv.org/abs/2209.15571
      Ma et al., SiT, 2024, https://arxiv.org/abs/2401.08740
    """
    return GaussianProcess(_circle_alpha, _circle_sigma)


def sub_vp(beta_min: float = 0.1, beta_max: float = 20.0) -> GaussianProcess:
    r"""The sub-VP SDE: the signal of `vp`, and never more noise, $g^2 = \beta(t)\,(1 - \alpha^4)$.

    Raises:
      ValueError: if the betas fall or are negative.

    References:
      Song et al., Score-Based Generative Modeling through SDEs, 2021, eq. 28, https://arxiv.org/abs/2011.13456
    """
    _check_betas(beta_min, beta_max)
    return GaussianProcess(_vp_alpha, _sub_vp_sigma, (beta_min, beta_max))


def ve(sigma_min: float = 0.01, sigma_max: float = 50.0) -> GaussianProcess:
    r"""The variance-exploding SDE: no drift, geometric noise levels. At t = 0 the noise is `sigma_min`, not zero.

    Raises:
      ValueError: if `0 < sigma_min < sigma_max` does not hold.

    References:
      Song et al., Score-Based Generative Modeling through SDEs, 2021, eq. 30, https://arxiv.org/abs/2011.13456
    """
    _check(0.0 < sigma_min < sigma_max, "0 < sigma_min < sigma_max", sigma_min, sigma_max)
    return GaussianProcess(_one, _geometric_sigma, (sigma_min, sigma_max))


def edm(sigma_max: float = 80.0, rho: float = 7.0) -> GaussianProcess:
    r"""EDM's unscaled path, $x_t = x_0 + \sigma\epsilon$, with $\sigma = \sigma_\mathrm{max} t^\rho$.

    EDM's own time is $\sigma$. Ours is the one in which EDM's noise levels are evenly spaced (its eq. 5), with
    t = 0 at no noise at all.

    Raises:
      ValueError: if an argument is not positive.

    References:
      Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022, https://arxiv.org/abs/2206.00364
    """
    _check(sigma_max > 0.0 and rho > 0.0, "a positive sigma_max and rho", sigma_max, rho)
    return GaussianProcess(_one, _power_sigma, (sigma_max, rho))


def rectified_flow() -> GaussianProcess:
    """The straight line between data and noise; the papers' time is our `1 - t`.

    References:
      Lipman et al., Flow Matching for Generative Modeling, 2023, https://arxiv.org/abs/2210.02747
      Liu et al., Flow Straight and Fast, 2023, https://arxiv.org/abs/2209.03003
    """
    return GaussianProcess(_line_alpha, _line_sigma)


def _check(holds: bool, expected: str, *got: float) -> None:
    if not holds:
        raise ValueError(f"expected {expected}, got {' and '.join(map(str, got))}")


def _check_betas(beta_min: float, beta_max: float) -> None:
    _check(0.0 <= beta_min <= beta_max and beta_max > 0.0, "0 <= beta_min <= beta_max > 0", beta_min, beta_max)


def _check_log_snr(low: float, high: float) -> None:
    _check(low < high, "log_snr_min < log_snr_max", low, high)


def _line_alpha(_: PyTree, t: Array) -> Array:
    return 1.0 - t


def _line_sigma(_: PyTree, t: Array) -> Array:
    return t


def _cubic_log_alpha(pieces: PyTree, t: Array) -> Array:
    pieces = jnp.asarray(pieces, t.dtype)  # [4, T]: of each interval, from the cube's coefficient to the constant
    steps = pieces.shape[1]
    interval = jnp.clip((steps * t).astype(jnp.int32), 0, steps - 1)
    return jnp.polyval(pieces[:, interval], steps * t - interval)


def _cubic_alpha(pieces: PyTree, t: Array) -> Array:
    return jnp.exp(_cubic_log_alpha(pieces, t))


def _cubic_sigma(pieces: PyTree, t: Array) -> Array:
    return _vp_complement(_cubic_log_alpha(pieces, t))


def _vp_log_alpha(betas: PyTree, t: Array) -> Array:
    beta_min, beta_max = betas
    return -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min


def _vp_alpha(betas: PyTree, t: Array) -> Array:
    return jnp.exp(_vp_log_alpha(betas, t))


def _vp_sigma(betas: PyTree, t: Array) -> Array:
    return _vp_complement(_vp_log_alpha(betas, t))


def _vp_complement(log_alpha: Array) -> Array:
    r"""$\sqrt{1 - \alpha^2}$ without cancellation near $\alpha = 1$."""
    return jnp.sqrt(-jnp.expm1(2.0 * log_alpha))


def _cosine_angle(ends: PyTree, t: Array) -> Array:
    tau_0, tau_1 = ends
    return 0.5 * jnp.pi * (tau_0 + t * (tau_1 - tau_0))


def _cosine_alpha(ends: PyTree, t: Array) -> Array:
    return jnp.cos(_cosine_angle(ends, t))


def _cosine_sigma(ends: PyTree, t: Array) -> Array:
    return jnp.sin(_cosine_angle(ends, t))


def _logistic_rise(start: Array, by: Array) -> Array:
    """How far the logistic curve climbs from `start` to `start + by`; a small step does not cancel."""
    return jax.nn.sigmoid(start + by) * jax.nn.sigmoid(-start) * -jnp.expm1(-by)


def _sigmoid_alpha(params: PyTree, t: Array) -> Array:
    start, end, signal, noise = jnp.asarray(params, t.dtype)
    left = _logistic_rise(start + t * (end - start), (1.0 - t) * (end - start)) / _logistic_rise(start, end - start)
    return jnp.sqrt(signal + left * (1.0 - noise - signal))


def _sigmoid_sigma(params: PyTree, t: Array) -> Array:
    start, end, signal, noise = jnp.asarray(params, t.dtype)
    lost = _logistic_rise(start, t * (end - start)) / _logistic_rise(start, end - start)
    return jnp.sqrt(noise + lost * (1.0 - noise - signal))


def _linear_log_snr(ends: PyTree, t: Array) -> Array:
    log_snr_min, log_snr_max = ends
    return log_snr_max + t * (log_snr_min - log_snr_max)


def _linear_alpha(ends: PyTree, t: Array) -> Array:
    return jnp.exp(0.5 * jax.nn.log_sigmoid(_linear_log_snr(ends, t)))


def _linear_sigma(ends: PyTree, t: Array) -> Array:
    return jnp.exp(0.5 * jax.nn.log_sigmoid(-_linear_log_snr(ends, t)))


def _circle_alpha(_: PyTree, t: Array) -> Array:
    return jnp.sin(0.5 * jnp.pi * (1.0 - t))  # exactly 0 at t = 1, as cos(pi t / 2) is not


def _circle_sigma(_: PyTree, t: Array) -> Array:
    return jnp.sin(0.5 * jnp.pi * t)


def _sub_vp_sigma(betas: PyTree, t: Array) -> Array:
    return -jnp.expm1(2.0 * _vp_log_alpha(betas, t))


def _one(_: PyTree, t: Array) -> Array:
    return jnp.ones_like(t)


def _geometric_sigma(ends: PyTree, t: Array) -> Array:
    sigma_min, sigma_max = ends
    return sigma_min * (sigma_max / sigma_min) ** t


def _power_sigma(params: PyTree, t: Array) -> Array:
    sigma_max, rho = params
    return sigma_max * t**rho

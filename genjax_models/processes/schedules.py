r"""The named Gaussian processes: each a pair of functions $\alpha(t)$, $\sigma(t)$, nothing more.

| name           | $\alpha(t)$                                              | $\sigma(t)$            |
|----------------|----------------------------------------------------------|------------------------|
| ddpm           | $\prod_{i \le tT} \sqrt{1 - \beta_i}$, a table            | $\sqrt{1 - \alpha^2}$  |
| vp             | $\exp(-\tfrac14 t^2(\beta_1-\beta_0) - \tfrac12 t\beta_0)$ | $\sqrt{1 - \alpha^2}$  |
| cosine         | $\cos(\pi\tau/2)$, $\tau$ = t kept where $|\lambda|$ is bounded | $\sin(\pi\tau/2)$ |
| rectified_flow | $1 - t$                                                  | $t$                    |
"""

import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array, PyTree
from genjax_models.processes.gaussian import GaussianProcess


def ddpm(beta_start: float = 1e-4, beta_end: float = 0.02, num_steps: int = 1000) -> GaussianProcess:
    r"""DDPM's discrete chain with linear $\beta_i$: exact at $t = i/T$, $\log\alpha$ linear in between.

    The paper's step $i \in 1..T$ is our time $i/T$; $t = 0$ is clean data.

    References:
      Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
    """
    betas = np.linspace(beta_start, beta_end, num_steps, dtype=np.float64)
    log_alpha = np.concatenate([[0.0], 0.5 * np.cumsum(np.log1p(-betas))])
    return GaussianProcess(_table_alpha, _table_sigma, log_alpha)


def vp(beta_min: float = 0.1, beta_max: float = 20.0) -> GaussianProcess:
    r"""The variance-preserving SDE with $\beta(t) = \beta_0 + t(\beta_1 - \beta_0)$, DDPM's continuous limit.

    References:
      Song et al., Score-Based Generative Modeling through SDEs, 2021, eq. 33, https://arxiv.org/abs/2011.13456
    """
    return GaussianProcess(_vp_alpha, _vp_sigma, (beta_min, beta_max))


def cosine(log_snr_min: float = -15.0, log_snr_max: float = 15.0) -> GaussianProcess:
    r"""The cosine schedule, its ends cut where the log-SNR leaves `[log_snr_min, log_snr_max]`.

    $\lambda = -2\log\tan(\pi\tau/2)$, with $\tau$ running linearly between the two cuts, so neither end is singular
    (Nichol and Dhariwal cut with an offset and $\beta_i \le 0.999$ instead).

    References:
      Nichol and Dhariwal, Improved DDPM, 2021, eq. 17, https://arxiv.org/abs/2102.09672
      Hoogeboom et al., Simple Diffusion, 2023, app. B, https://arxiv.org/abs/2301.11093
    """
    tau_0, tau_1 = (2.0 / np.pi * np.arctan(np.exp(-0.5 * bound)) for bound in (log_snr_max, log_snr_min))
    return GaussianProcess(_cosine_alpha, _cosine_sigma, (float(tau_0), float(tau_1)))


def rectified_flow() -> GaussianProcess:
    """The straight line between data and noise; the papers' time is our `1 - t`.

    References:
      Lipman et al., Flow Matching for Generative Modeling, 2023, https://arxiv.org/abs/2210.02747
      Liu et al., Flow Straight and Fast, 2023, https://arxiv.org/abs/2209.03003
    """
    return GaussianProcess(_line_alpha, _line_sigma)


def _line_alpha(_: PyTree, t: Array) -> Array:
    return 1.0 - t


def _line_sigma(_: PyTree, t: Array) -> Array:
    return t


def _table_log_alpha(table: PyTree, t: Array) -> Array:
    table = jnp.asarray(table, t.dtype)
    return jnp.interp(t, jnp.linspace(0.0, 1.0, table.shape[0], dtype=t.dtype), table)


def _table_alpha(table: PyTree, t: Array) -> Array:
    return jnp.exp(_table_log_alpha(table, t))


def _table_sigma(table: PyTree, t: Array) -> Array:
    return _vp_complement(_table_log_alpha(table, t))


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

r"""Loss weightings, $w(t)\,\lVert p - p_\theta \rVert^2$, for any prediction type $p$ on any process.

A weighting is a function `(process, prediction, t [B]) -> [B]`. The literature's are stated on the noise error;
since $\epsilon = A\,p + B\,x_t$ (see `GaussianProcess.conversion`), $A^2$ carries them over to any other type.

References:
  Kingma and Gao, Understanding Diffusion Objectives as the ELBO, 2023, https://arxiv.org/abs/2303.00848
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array
from genjax_models.processes.gaussian import GaussianProcess

Weighting = Callable[[GaussianProcess, str, Array], Array]


def unweighted(process: GaussianProcess, prediction: str, t: Array) -> Array:
    r"""$w = 1$ on the network's own prediction type; on `eps` this is DDPM's $L_\mathrm{simple}$ (its eq. 14)."""
    return jnp.ones_like(t)


def on_type(space: str) -> Weighting:
    """The plain squared error measured in another type: a network that outputs `x0`, trained on velocity, say."""
    return lambda process, prediction, t: process.conversion(prediction, space, t)[0] ** 2


def _on_eps(weight: Callable[[Array], Array], process: GaussianProcess, prediction: str, t: Array) -> Array:
    return on_type("eps")(process, prediction, t) * weight(process.log_snr(t))


def min_snr(gamma: float = 5.0) -> Weighting:
    r"""$\min(\mathrm{SNR}, \gamma)$ on the `x0` error, that is $\min(1, \gamma/\mathrm{SNR})$ on `eps`.

    References:
      Hang et al., Efficient Diffusion Training via Min-SNR, 2023, https://arxiv.org/abs/2303.09556
    """
    return partial(_on_eps, lambda log_snr: jnp.minimum(1.0, gamma * jnp.exp(-log_snr)))


def sigmoid(bias: float = 0.0) -> Weighting:
    r"""$\mathrm{sigmoid}(b - \lambda)$ on `eps`: monotone, so an ELBO of noise-augmented data."""
    return partial(_on_eps, lambda log_snr: jax.nn.sigmoid(bias - log_snr))


def p2(k: float = 1.0, gamma: float = 1.0) -> Weighting:
    r"""$(k + \mathrm{SNR})^{-\gamma}$ on `eps`: less weight on the noise levels that hide only fine detail.

    References:
      Choi et al., Perception Prioritized Training of Diffusion Models, 2022, https://arxiv.org/abs/2204.00227
    """
    return partial(_on_eps, lambda log_snr: (k + jnp.exp(log_snr)) ** -gamma)


def edm(sigma_data: float = 0.5) -> Weighting:
    r"""$(\tilde\sigma^2 + \sigma_d^2)/(\tilde\sigma\sigma_d)^2$ on `x0`, $\tilde\sigma = \sigma/\alpha$.

    That is $e^\lambda + 1/\sigma_d^2$, and $1 + e^{-\lambda}/\sigma_d^2$ on `eps`; it undoes
    the output scale of `diffusion.precondition`. `edm(1.0)` is $\mathrm{SNR} + 1$ on `x0`, the weight of Salimans and
    Ho (https://arxiv.org/abs/2202.00512).

    Raises:
      ValueError: if `sigma_data` is not positive.

    References:
      Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022, table 1, https://arxiv.org/abs/2206.00364
    """
    if sigma_data <= 0:
        raise ValueError(f"sigma_data must be positive, got {sigma_data}")

    def weight(process: GaussianProcess, prediction: str, t: Array) -> Array:
        log_snr = process.log_snr(t)
        on_x0 = on_type("x0")(process, prediction, t) * (jnp.exp(log_snr) + sigma_data**-2)
        on_eps = on_type("eps")(process, prediction, t) * (1.0 + jnp.exp(-log_snr) * sigma_data**-2)
        return jnp.where(log_snr < 0.0, on_x0, on_eps)  # the same, each finite at one end

    return weight


def likelihood(process: GaussianProcess, prediction: str, t: Array) -> Array:
    r"""$g(t)^2$ on `score`, that is $-\dot\lambda$ on `eps`: half of the summed error bounds the likelihood.

    References:
      Song et al., Maximum Likelihood Training of Score-Based Diffusion Models, 2021, https://arxiv.org/abs/2101.09258
    """
    return on_type("score")(process, prediction, t) * process.diffusion(t) ** 2

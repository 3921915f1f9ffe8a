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

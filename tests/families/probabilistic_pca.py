r"""Probabilistic PCA: the VAE whose bound, optimum and posterior are all in closed form.

$z \sim N(0, I)$, $x = W z + \mu + \sigma \epsilon$, so $x \sim N(\mu, W W^\top + \sigma^2 I)$, and for a diagonal
$W^\top W$, as at the maximum of the likelihood, the posterior is a normal with a diagonal covariance,

$$q(z \mid x) = N(M^{-1} W^\top (x - \mu),\ \sigma^2 M^{-1}), \qquad M = W^\top W + \sigma^2 I.$$

With $\lambda_j, u_j$ the eigenvalues and eigenvectors of the data's covariance, the maximum is at
$W_j = u_j \sqrt{\lambda_j - \sigma^2}$ and $\sigma^2$ the mean of the eigenvalues left out.

References:
  Tipping and Bishop, Probabilistic Principal Component Analysis, 1999
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from scipy import stats

from genjax_models.core.types import Array
from genjax_models.families.vae import GaussianPosterior, ObservationModel, gaussian


class PPCA(NamedTuple):
    """A linear VAE: the decoder's `weights` `[P, Q]`, `mean` `[P]`, `log_std`; the encoder's matrix, bias, log-stds."""

    weights: Array
    mean: Array
    log_std: Array
    encoder: Array
    bias: Array
    posterior_log_std: Array

    def encode(self, x: Array) -> GaussianPosterior:
        mean = x @ self.encoder + self.bias[None]
        return GaussianPosterior(mean, jnp.broadcast_to(self.posterior_log_std[None], mean.shape))

    def decode(self, z: Array) -> Array:
        return z @ self.weights.T + self.mean[None]

    @property
    def likelihood(self) -> ObservationModel:
        return gaussian(self.log_std)

    def log_marginal(self, x: Array) -> np.ndarray:
        covariance = self.weights @ self.weights.T + np.exp(2 * self.log_std) * np.eye(len(self.mean))
        return stats.multivariate_normal(self.mean, covariance).logpdf(x)


def data(n: int = 12, dims: int = 4, seed: int = 0) -> np.ndarray:
    """Correlated, not centred, float64 `[n, dims]`."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, dims)) @ rng.normal(size=(dims, dims)) + rng.normal(size=dims)


def maximum_likelihood(x: np.ndarray, latents: int = 2) -> PPCA:
    mean = x.mean(axis=0)
    values, vectors = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    kept, variance = values[::-1][:latents], values[::-1][latents:].mean()
    weights = vectors[:, ::-1][:, :latents] * np.sqrt(kept - variance)
    encoder = weights / kept
    parts = weights, mean, 0.5 * np.log(variance), encoder, -mean @ encoder, 0.5 * np.log(variance / kept)
    return PPCA(*(jnp.asarray(part) for part in parts))

"""Variational autoencoders."""

from genjax_models.families.vae.likelihoods import (
    ObservationModel,
    bernoulli,
    categorical,
    gaussian,
    gaussian_learned,
    gaussian_optimal,
    optimal_log_std,
)
from genjax_models.families.vae.logistic_mixture import logistic_mixture
from genjax_models.families.vae.posteriors import (
    Encoder,
    FlowPosterior,
    GaussianPosterior,
    Posterior,
    gaussian_posterior,
)

__all__ = [
    "Encoder",
    "FlowPosterior",
    "GaussianPosterior",
    "ObservationModel",
    "Posterior",
    "bernoulli",
    "categorical",
    "gaussian",
    "gaussian_learned",
    "gaussian_optimal",
    "gaussian_posterior",
    "logistic_mixture",
    "optimal_log_std",
]

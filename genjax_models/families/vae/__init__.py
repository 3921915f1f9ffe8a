"""Variational autoencoders: likelihoods, posteriors, priors, bounds, and regularisers of the aggregate posterior."""

from genjax_models.families.vae.adversarial import VAEGANLosses, vae_gan_losses
from genjax_models.families.vae.diagnostics import active_units, aggregate_decomposition, lerp, slerp, traversals
from genjax_models.families.vae.divergences import gaussian_kernel, imq_kernel, info_vae_loss, squared_mmd, wae_loss
from genjax_models.families.vae.elbo import Decoder, beta_vae_loss, vae_loss
from genjax_models.families.vae.factor_vae import (
    FactorVAELosses,
    factor_discriminator_loss,
    factor_vae_loss,
    factor_vae_losses,
    permute_dims,
)
from genjax_models.families.vae.importance import dreg_loss, importance_log_prob, iwae_loss
from genjax_models.families.vae.imputation import impute
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
from genjax_models.families.vae.priors import autoregressive_prior, flow_prior, gaussian_mixture, vamp_prior
from genjax_models.families.vae.schedules import cyclical, linear
from genjax_models.families.vae.total_correlation import (
    Decomposition,
    beta_tc_vae_loss,
    decompose,
    minibatch_stratified,
    minibatch_weighted,
    tc_vae_loss,
    whole_set,
)

__all__ = [
    "Decoder",
    "Decomposition",
    "Encoder",
    "FactorVAELosses",
    "FlowPosterior",
    "GaussianPosterior",
    "ObservationModel",
    "Posterior",
    "VAEGANLosses",
    "active_units",
    "aggregate_decomposition",
    "autoregressive_prior",
    "bernoulli",
    "beta_tc_vae_loss",
    "beta_vae_loss",
    "categorical",
    "cyclical",
    "decompose",
    "dreg_loss",
    "factor_discriminator_loss",
    "factor_vae_loss",
    "factor_vae_losses",
    "flow_prior",
    "gaussian",
    "gaussian_kernel",
    "gaussian_learned",
    "gaussian_mixture",
    "gaussian_optimal",
    "gaussian_posterior",
    "importance_log_prob",
    "impute",
    "imq_kernel",
    "info_vae_loss",
    "iwae_loss",
    "lerp",
    "linear",
    "logistic_mixture",
    "minibatch_stratified",
    "minibatch_weighted",
    "optimal_log_std",
    "permute_dims",
    "slerp",
    "squared_mmd",
    "tc_vae_loss",
    "traversals",
    "vae_gan_losses",
    "vae_loss",
    "vamp_prior",
    "wae_loss",
    "whole_set",
]

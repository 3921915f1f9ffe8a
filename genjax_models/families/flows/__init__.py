"""Normalizing flows."""

from genjax_models.families.flows.autoregressive import autoregressive
from genjax_models.families.flows.bijection import (
    Bijection,
    Conditioner,
    MakeConditioner,
    chain,
    inverse_residual,
    invert,
    log_prob,
    repeat,
    sample,
)
from genjax_models.families.flows.block_autoregressive import block_autoregressive
from genjax_models.families.flows.continuous import Transport, VectorField, continuous, transport
from genjax_models.families.flows.dequantization import variational_offset
from genjax_models.families.flows.maf import maf
from genjax_models.families.flows.neural_autoregressive import deep_sigmoidal
from genjax_models.families.flows.planar import planar
from genjax_models.families.flows.posterior import sample_posterior
from genjax_models.families.flows.radial import radial
from genjax_models.families.flows.residual import power_series, residual, roulette
from genjax_models.families.flows.sylvester import sylvester
from genjax_models.families.flows.tarflow import (
    CausalNetwork,
    autoregressive_over_tokens,
    denoise,
    guided,
    noisy_nll,
    tarflow,
)

__all__ = [
    "Bijection",
    "CausalNetwork",
    "Conditioner",
    "MakeConditioner",
    "Transport",
    "VectorField",
    "autoregressive",
    "autoregressive_over_tokens",
    "block_autoregressive",
    "chain",
    "continuous",
    "deep_sigmoidal",
    "denoise",
    "guided",
    "inverse_residual",
    "invert",
    "log_prob",
    "maf",
    "noisy_nll",
    "planar",
    "power_series",
    "radial",
    "repeat",
    "residual",
    "roulette",
    "sample",
    "sample_posterior",
    "sylvester",
    "tarflow",
    "transport",
    "variational_offset",
]

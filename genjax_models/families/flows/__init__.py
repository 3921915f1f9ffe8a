"""Normalizing flows."""

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
from genjax_models.families.flows.continuous import Transport, VectorField, continuous, transport
from genjax_models.families.flows.dequantization import variational_offset
from genjax_models.families.flows.residual import power_series, residual, roulette
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
    "autoregressive_over_tokens",
    "chain",
    "continuous",
    "denoise",
    "guided",
    "inverse_residual",
    "invert",
    "log_prob",
    "noisy_nll",
    "power_series",
    "repeat",
    "residual",
    "roulette",
    "sample",
    "tarflow",
    "transport",
    "variational_offset",
]

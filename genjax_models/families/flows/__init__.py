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
from genjax_models.families.flows.residual import power_series, residual, roulette

__all__ = [
    "Bijection",
    "Conditioner",
    "MakeConditioner",
    "Transport",
    "VectorField",
    "chain",
    "continuous",
    "inverse_residual",
    "invert",
    "log_prob",
    "power_series",
    "repeat",
    "residual",
    "roulette",
    "sample",
    "transport",
]

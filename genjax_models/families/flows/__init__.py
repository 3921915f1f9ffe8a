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

__all__ = [
    "Bijection",
    "Conditioner",
    "MakeConditioner",
    "chain",
    "inverse_residual",
    "invert",
    "log_prob",
    "repeat",
    "sample",
]

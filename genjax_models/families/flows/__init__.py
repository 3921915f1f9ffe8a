"""Normalizing flows: layers, whole flows, and the density that they give the data."""

from genjax_models.families.flows.actnorm import actnorm
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
    stack,
)
from genjax_models.families.flows.block_autoregressive import block_autoregressive
from genjax_models.families.flows.continuous import Transport, VectorField, continuous, transport
from genjax_models.families.flows.coupling import checkerboard_mask, coupling, masked_coupling
from genjax_models.families.flows.dequantization import offset_flow, variational_offset
from genjax_models.families.flows.elementwise import Transformer, additive, affine, gated
from genjax_models.families.flows.flow_plus_plus import flow_plus_plus
from genjax_models.families.flows.glow import glow
from genjax_models.families.flows.invertible_linear import invertible_linear
from genjax_models.families.flows.losses import reverse_kl
from genjax_models.families.flows.maf import maf
from genjax_models.families.flows.mixture_logistic import mixture_logistic
from genjax_models.families.flows.multiscale import split
from genjax_models.families.flows.neural_autoregressive import deep_sigmoidal
from genjax_models.families.flows.nice import nice
from genjax_models.families.flows.permutation import permutation, reverse
from genjax_models.families.flows.planar import planar
from genjax_models.families.flows.preprocess import logit, rescale
from genjax_models.families.flows.radial import radial
from genjax_models.families.flows.real_nvp import coupling_flow, real_nvp
from genjax_models.families.flows.residual import LogDet, exact, power_series, residual, roulette
from genjax_models.families.flows.spline_coupling import spline_coupling
from genjax_models.families.flows.splines import circular, rational_quadratic
from genjax_models.families.flows.squeeze import flatten, squeeze, tokens
from genjax_models.families.flows.sylvester import sylvester
from genjax_models.families.flows.tarflow import (
    CausalNetwork,
    autoregressive_over_tokens,
    denoise,
    guided,
    noisy_nll,
    tarflow,
)
from genjax_models.families.flows.torus import periodic, rotation, torus_flow

__all__ = [
    "Bijection",
    "CausalNetwork",
    "Conditioner",
    "LogDet",
    "MakeConditioner",
    "Transformer",
    "Transport",
    "VectorField",
    "actnorm",
    "additive",
    "affine",
    "autoregressive",
    "autoregressive_over_tokens",
    "block_autoregressive",
    "chain",
    "checkerboard_mask",
    "circular",
    "continuous",
    "coupling",
    "coupling_flow",
    "deep_sigmoidal",
    "denoise",
    "exact",
    "flatten",
    "flow_plus_plus",
    "gated",
    "glow",
    "guided",
    "inverse_residual",
    "invert",
    "invertible_linear",
    "log_prob",
    "logit",
    "maf",
    "masked_coupling",
    "mixture_logistic",
    "nice",
    "noisy_nll",
    "offset_flow",
    "periodic",
    "permutation",
    "planar",
    "power_series",
    "radial",
    "rational_quadratic",
    "real_nvp",
    "repeat",
    "rescale",
    "residual",
    "reverse",
    "reverse_kl",
    "rotation",
    "roulette",
    "sample",
    "spline_coupling",
    "split",
    "squeeze",
    "stack",
    "sylvester",
    "tarflow",
    "tokens",
    "torus_flow",
    "transport",
    "variational_offset",
]

"""Diffusion models: losses, bounds, likelihoods and samplers, on any Gaussian process."""

from genjax_models.core.dequantization import dequantized_log_prob, uniform_offset
from genjax_models.families.diffusion.learned_variance import (
    hybrid_loss,
    iddpm_loss,
    learned_variance_ancestral,
    variational_bound,
    without_variance,
)
from genjax_models.families.diffusion.likelihood import decode, encode, log_prob
from genjax_models.families.diffusion.losses import denoising_loss
from genjax_models.families.diffusion.papers import ddpm_loss, edm_loss
from genjax_models.families.diffusion.preconditioning import c_noise, precondition
from genjax_models.families.diffusion.samplers import (
    ancestral,
    annealed_langevin,
    ddim,
    deis,
    dpm_multistep,
    dpm_singlestep,
    edm_heun,
    euler_maruyama,
    langevin_corrector,
    plms,
    pndm,
    predictor_corrector,
    reverse_diffusion,
    sde_dpm_multistep,
    unipc,
)
from genjax_models.families.diffusion.uncertainty import uncertainty_loss
from genjax_models.families.diffusion.vdm import fourier_channels, pinned, vdm_loss

__all__ = [
    "ancestral",
    "annealed_langevin",
    "c_noise",
    "ddim",
    "ddpm_loss",
    "decode",
    "deis",
    "denoising_loss",
    "dequantized_log_prob",
    "dpm_multistep",
    "dpm_singlestep",
    "edm_heun",
    "edm_loss",
    "encode",
    "euler_maruyama",
    "fourier_channels",
    "hybrid_loss",
    "iddpm_loss",
    "langevin_corrector",
    "learned_variance_ancestral",
    "log_prob",
    "pinned",
    "plms",
    "pndm",
    "precondition",
    "predictor_corrector",
    "reverse_diffusion",
    "sde_dpm_multistep",
    "uncertainty_loss",
    "uniform_offset",
    "unipc",
    "variational_bound",
    "vdm_loss",
    "without_variance",
]

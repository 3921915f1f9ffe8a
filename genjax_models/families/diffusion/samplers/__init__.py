"""Samplers of diffusion models, one paper's idea a file; each runs on any process and any prediction type."""

from genjax_models.families.diffusion.samplers.ancestral import ancestral, ddim
from genjax_models.families.diffusion.samplers.deis import deis
from genjax_models.families.diffusion.samplers.dpm_multistep import dpm_multistep, sde_dpm_multistep
from genjax_models.families.diffusion.samplers.dpm_singlestep import dpm_singlestep
from genjax_models.families.diffusion.samplers.edm import edm_heun
from genjax_models.families.diffusion.samplers.langevin import (
    annealed_langevin,
    langevin_corrector,
    predictor_corrector,
)
from genjax_models.families.diffusion.samplers.pndm import plms, pndm
from genjax_models.families.diffusion.samplers.sde import euler_maruyama, reverse_diffusion
from genjax_models.families.diffusion.samplers.unipc import unipc

__all__ = [
    "ancestral",
    "annealed_langevin",
    "ddim",
    "deis",
    "dpm_multistep",
    "dpm_singlestep",
    "edm_heun",
    "euler_maruyama",
    "langevin_corrector",
    "plms",
    "pndm",
    "predictor_corrector",
    "reverse_diffusion",
    "sde_dpm_multistep",
    "unipc",
]

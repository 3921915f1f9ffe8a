"""Diffusion and score SDEs."""

from experiments.diffusion.denoising import FIELDS as FIELDS
from experiments.diffusion.denoising import TASKS as TASKS
from experiments.diffusion.denoising import build as build
from experiments.diffusion.denoising import edm_config as edm_config
from experiments.diffusion.denoising import get_config as get_config
from experiments.diffusion.denoising import ncsn_config as ncsn_config
from experiments.diffusion.denoising import ve_sde_config as ve_sde_config
from experiments.diffusion.denoising import vp_sde_config as vp_sde_config

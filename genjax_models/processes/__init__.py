"""The corruption side: Gaussian processes, their named schedules, time samplers and loss weightings."""

from genjax_models.processes.denoiser import Denoiser
from genjax_models.processes.gaussian import PREDICTIONS, GaussianProcess
from genjax_models.processes.schedules import cosine, ddpm, rectified_flow, vp

__all__ = ["PREDICTIONS", "Denoiser", "GaussianProcess", "cosine", "ddpm", "rectified_flow", "vp"]

"""The corruption side: Gaussian processes, their named schedules, time samplers, grids and loss weightings."""

from genjax_models.processes.denoiser import Denoiser
from genjax_models.processes.gaussian import PREDICTIONS, GaussianProcess
from genjax_models.processes.grids import karras_grid, log_snr_grid
from genjax_models.processes.learned import init_monotone, learned
from genjax_models.processes.schedules import (
    cosine,
    ddpm,
    edm,
    linear_log_snr,
    rectified_flow,
    sigmoid,
    sub_vp,
    trigonometric,
    ve,
    vp,
)
from genjax_models.processes.transforms import shift_log_snr, zero_terminal_snr

__all__ = [
    "PREDICTIONS",
    "Denoiser",
    "GaussianProcess",
    "cosine",
    "ddpm",
    "edm",
    "init_monotone",
    "karras_grid",
    "learned",
    "linear_log_snr",
    "log_snr_grid",
    "rectified_flow",
    "shift_log_snr",
    "sigmoid",
    "sub_vp",
    "trigonometric",
    "ve",
    "vp",
    "zero_terminal_snr",
]

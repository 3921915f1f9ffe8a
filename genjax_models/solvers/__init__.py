"""Time grids, integrator steps and the sampling loop; nothing here knows of models or data."""

from genjax_models.solvers.adaptive import adaptive
from genjax_models.solvers.driver import Sampler, sample
from genjax_models.solvers.grids import power_grid, shifted_grid, uniform_grid
from genjax_models.solvers.mala import mala
from genjax_models.solvers.ode import euler_step, heun_step, midpoint_step, rk4_step

__all__ = [
    "Sampler",
    "adaptive",
    "euler_step",
    "heun_step",
    "mala",
    "midpoint_step",
    "power_grid",
    "rk4_step",
    "sample",
    "shifted_grid",
    "uniform_grid",
]

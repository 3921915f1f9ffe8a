"""Time grids, integrator steps, the sampling loop and roots; independent of models and data."""

from genjax_models.solvers.adaptive import adaptive
from genjax_models.solvers.driver import Sampler, sample
from genjax_models.solvers.grids import given_grid, power_grid, shifted_grid, uniform_grid
from genjax_models.solvers.mala import mala
from genjax_models.solvers.ode import euler_step, heun_step, midpoint_step, rk4_step
from genjax_models.solvers.roots import Root, bisect, fixed_point

__all__ = [
    "Root",
    "Sampler",
    "adaptive",
    "bisect",
    "euler_step",
    "fixed_point",
    "given_grid",
    "heun_step",
    "mala",
    "midpoint_step",
    "power_grid",
    "rk4_step",
    "sample",
    "shifted_grid",
    "uniform_grid",
]

"""Flow matching: velocity losses and ODE samplers, on any Gaussian process."""

from genjax_models.families.flow_matching.losses import velocity_loss, velocity_target
from genjax_models.families.flow_matching.samplers import euler, heun, midpoint, rk4

__all__ = ["euler", "heun", "midpoint", "rk4", "velocity_loss", "velocity_target"]

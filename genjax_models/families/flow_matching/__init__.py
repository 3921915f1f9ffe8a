"""Flow matching: velocity losses, couplings, reflow, manifolds, ODE and SDE samplers, on any Gaussian process."""

from genjax_models.families.flow_matching.bridge import bridge_loss, bridge_sample
from genjax_models.families.flow_matching.couplings import (
    Coupling,
    Source,
    independent,
    minibatch_ot,
    schroedinger_bridge,
    smoothed,
)
from genjax_models.families.flow_matching.losses import (
    cfm_loss,
    ot_cfm_loss,
    rectified_flow_loss,
    velocity_loss,
    velocity_target,
)
from genjax_models.families.flow_matching.reflow import (
    make_pairs,
    normalized_path_energy,
    path_energy,
    reflow_loss,
    straightness,
)
from genjax_models.families.flow_matching.riemannian import (
    Manifold,
    geodesic,
    geodesic_euler,
    riemannian_log_prob,
    riemannian_velocity_loss,
    sphere,
    torus,
)
from genjax_models.families.flow_matching.samplers import adaptive_ode, euler, heun, interpolant_sde, midpoint, rk4

__all__ = [
    "Coupling",
    "Manifold",
    "Source",
    "adaptive_ode",
    "bridge_loss",
    "bridge_sample",
    "cfm_loss",
    "euler",
    "geodesic",
    "geodesic_euler",
    "heun",
    "independent",
    "interpolant_sde",
    "make_pairs",
    "midpoint",
    "minibatch_ot",
    "normalized_path_energy",
    "ot_cfm_loss",
    "path_energy",
    "rectified_flow_loss",
    "reflow_loss",
    "riemannian_log_prob",
    "riemannian_velocity_loss",
    "rk4",
    "schroedinger_bridge",
    "smoothed",
    "sphere",
    "straightness",
    "torus",
    "velocity_loss",
    "velocity_target",
]

"""Consistency models: functions that jump from any point of a path to its end, by distillation or by themselves."""

from genjax_models.families.consistency.curricula import doubling_steps, following_decay, square_root_steps
from genjax_models.families.consistency.discretization import lognormal_position
from genjax_models.families.consistency.latent import guided_teacher, latent_consistency_loss
from genjax_models.families.consistency.losses import (
    consistency_distillation_loss,
    consistency_training_loss,
    equal_weight,
    improved_consistency_training_loss,
    inverse_gap,
)
from genjax_models.families.consistency.metrics import l2, pseudo_huber
from genjax_models.families.consistency.parametrization import consistency_function
from genjax_models.families.consistency.samplers import multistep
from genjax_models.families.consistency.teachers import Solver, ddim_step, heun_step

__all__ = [
    "Solver",
    "consistency_distillation_loss",
    "consistency_function",
    "consistency_training_loss",
    "ddim_step",
    "doubling_steps",
    "equal_weight",
    "following_decay",
    "guided_teacher",
    "heun_step",
    "improved_consistency_training_loss",
    "inverse_gap",
    "l2",
    "latent_consistency_loss",
    "lognormal_position",
    "multistep",
    "pseudo_huber",
    "square_root_steps",
]

"""Consistency models: training, distillation, latent consistency."""

from experiments.consistency.training import FIELDS as FIELDS
from experiments.consistency.training import TASKS as TASKS
from experiments.consistency.training import build as build
from experiments.consistency.training import get_config as get_config

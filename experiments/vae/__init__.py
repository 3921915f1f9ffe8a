"""Variational autoencoders: of one vector, hierarchical, adversarial."""

from experiments.vae.variational import FIELDS as FIELDS
from experiments.vae.variational import TASKS as TASKS
from experiments.vae.variational import build as build
from experiments.vae.variational import get_config as get_config

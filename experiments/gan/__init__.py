"""Generative adversarial networks."""

from experiments.gan.game import FIELDS as FIELDS
from experiments.gan.game import TASKS as TASKS
from experiments.gan.game import build as build
from experiments.gan.game import get_config as get_config

"""Normalizing flows on images, tables and toy densities."""

from experiments.flows.likelihood import FIELDS as FIELDS
from experiments.flows.likelihood import TASKS as TASKS
from experiments.flows.likelihood import build as build
from experiments.flows.likelihood import get_config as get_config
from experiments.flows.likelihood import vector_config as vector_config

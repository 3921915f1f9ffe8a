"""Flow matching, reflow, and Riemannian flow matching."""

from experiments.flow_matching.conditional import FIELDS as FIELDS
from experiments.flow_matching.conditional import TASKS as TASKS
from experiments.flow_matching.conditional import build as build
from experiments.flow_matching.conditional import get_config as get_config

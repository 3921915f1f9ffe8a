"""Autoregressive models of tokens."""

from experiments.autoregressive.next_token import FIELDS as FIELDS
from experiments.autoregressive.next_token import TASKS as TASKS
from experiments.autoregressive.next_token import build as build
from experiments.autoregressive.next_token import get_config as get_config

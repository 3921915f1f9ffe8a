"""Autoregressive models of tokens."""

from experiments.autoregressive.next_token import build as build
from experiments.autoregressive.next_token import get_config as get_config

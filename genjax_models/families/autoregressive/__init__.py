"""Autoregressive models of sequences of tokens: next-token loss, exact likelihood, sampling token by token."""

from genjax_models.families.autoregressive.likelihood import Logits, log_prob, next_token_loss
from genjax_models.families.autoregressive.sampling import CachedModel, draw_token, sample

__all__ = ["CachedModel", "Logits", "draw_token", "log_prob", "next_token_loss", "sample"]

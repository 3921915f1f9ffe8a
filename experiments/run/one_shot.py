"""What models that draw in one step share: their classes, and what they refuse to be asked."""

from collections.abc import Mapping

import jax.numpy as jnp
from ml_collections import ConfigDict

from genjax_models.core.errors import UserError
from genjax_models.core.types import Array


def labelled(config: ConfigDict, label: Array | None) -> Mapping[str, Array] | None:
    """The condition of the networks; no label is no class."""
    return {"label": label} if config.conditional and label is not None else None


def labels_of_draws(
    config: ConfigDict, num: int, label: Array | None, *, steps: int | None, guidance: float | None, keep: int
) -> Array | None:
    """The classes `[num]` of `num` draws: `label`, or all in turn of a conditional model, or `None`.

    Raises:
      UserError: if guidance, more than one step or a path is asked for, or a class of an unconditional model.
    """
    if guidance not in (None, 1.0):
        raise UserError("guidance is for class-conditional models that sample step by step: leave it at 1")
    if steps not in (None, 1) or keep:
        raise UserError(f"this model samples in one step and has no path to show; {steps or keep} were asked for")
    if label is not None and not config.conditional:
        raise UserError("labels need a class-conditional model: train with --config.conditional=True")
    return jnp.arange(num) % config.data.num_classes if config.conditional and label is None else label


def require_label(config: ConfigDict, label: Array | None) -> None:
    """Refuse to decode without a class what was trained with one.

    Raises:
      UserError: if the model is conditional and there is no label.
    """
    if config.conditional and label is None:
        raise UserError("this model is conditional, and has not seen data without a class: give decode their label")

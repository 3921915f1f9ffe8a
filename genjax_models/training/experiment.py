"""What an experiment hands to the training loop, to the sampler and to the evaluation: pure functions."""

from collections.abc import Callable
from typing import NamedTuple

import jax

from genjax_models.core.types import Array, Key, Likelihood, PyTree
from genjax_models.training.state import Player, TrainState, init_state


class Experiment(NamedTuple):
    """A family, a network and a data set bound together; what `experiments/<family>.py:build(config)` returns.

    Attributes:
      init: `key -> (params, extra)`; params maps a player's name to its tree.
      players: who is trained, in the order in which they move.
      sample: `(key, params, num, *, label=None, sampler=None, steps=None, guidance=None) -> [num, ...]` in [-1, 1];
        pure, and jit-able with `num`, `sampler` and `steps` static. `None` for what cannot sample.
      log_prob: `(key, params, x) -> Likelihood`, or `None`.
      validate: `(key, params, extra, batch) -> {name: [B]}`, or `None`.
    """

    init: Callable[[Key], tuple[dict[str, PyTree], PyTree]]
    players: tuple[Player, ...]
    sample: Callable[..., Array] | None = None
    log_prob: Callable[[Key, dict[str, PyTree], Array], Likelihood] | None = None
    validate: Callable[[Key, dict[str, PyTree], PyTree, PyTree], dict[str, Array]] | None = None


def initial_state(key: Key, experiment: Experiment, *, ema: bool) -> TrainState:
    """The experiment's state before its first step; pure, so `jax.eval_shape` gives its layout at no cost."""
    init_key, train_key = jax.random.split(key)
    params, extra = experiment.init(init_key)
    return init_state(train_key, params, experiment.players, extra=extra, ema=ema)

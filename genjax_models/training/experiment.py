"""What an experiment hands to the training loop, to the sampler and to the evaluation: pure functions."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

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
      log_prob: `(key, params, batch) -> Likelihood` of the batch's `x` as it comes, nats, or `None`.
      encode: `(key, params, batch) -> z`, the latent variables of each example, or one draw of them: a tree of
        `[B, ...]`; or `None`.
      decode: `(key, params, z, *, label=None) -> x [B, ...]`, in [-1, 1] for images, what latent variables stand for;
        or `None`.
      impute: `(key, params, batch, observed) -> x [B, ...]`, a draw of what `observed` (bool, as `x`) leaves open given
        the rest, or `None`.
      validate: `(key, params, extra, batch) -> {name: [B]}`, or `None`.
      denoiser: `(params, label=None) -> Denoiser`, for the families that have one: what samplers, guidance and
        students of this model call.
      classify: `(params, x [B, ...], t [B]) -> logits [B, K]`, for classifiers of noisy data: what guides samples.
      training_set: `folder of the run -> data set`, for what trains on a set of its own making; made once.
      test_set: `() -> data set`, what `validate` is asked about where that is no split of `config.data` as it is.
      warm_start: `(initial state, folder of the run) -> state`: what a fresh run takes over from an earlier one.
      settle: `(params, extra) -> params`, pure: adds to the weights what a network needs once training is over, such as
        the standing statistics of a batch norm. All functions above but those of `players` then take its result.
      watch: `metrics of a step -> what to warn of, or None`; asked at the steps that are logged.
    """

    init: Callable[[Key], tuple[dict[str, PyTree], PyTree]]
    players: tuple[Player, ...]
    sample: Callable[..., Array] | None = None
    log_prob: Callable[[Key, dict[str, PyTree], PyTree], Likelihood] | None = None
    encode: Callable[[Key, dict[str, PyTree], PyTree], PyTree] | None = None
    decode: Callable[..., Array] | None = None
    impute: Callable[[Key, dict[str, PyTree], PyTree, Array], Array] | None = None
    validate: Callable[[Key, dict[str, PyTree], PyTree, PyTree], dict[str, Array]] | None = None
    denoiser: Callable[..., Any] | None = None
    classify: Callable[[dict[str, PyTree], Array, Array], Array] | None = None
    training_set: Callable[[Path], Any] | None = None
    test_set: Callable[[], Any] | None = None
    warm_start: Callable[[TrainState, Path], TrainState] | None = None
    settle: Callable[[dict[str, PyTree], PyTree], dict[str, PyTree]] | None = None
    watch: Callable[[Mapping[str, float]], str | None] | None = None


def initial_state(key: Key, experiment: Experiment, *, ema: bool, tracks: tuple[int, ...] = ()) -> TrainState:
    """The experiment's state before its first step; pure, so `jax.eval_shape` gives its layout at no cost."""
    init_key, train_key = jax.random.split(key)
    params, extra = experiment.init(init_key)
    return init_state(train_key, params, experiment.players, extra=extra, ema=ema, tracks=tracks)

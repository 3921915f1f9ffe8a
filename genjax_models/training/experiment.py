"""The pure functions of an experiment, for the training loop, sampling and evaluation."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
from flax import struct

from genjax_models.core.types import Array, Condition, Key, Likelihood, PyTree
from genjax_models.data.spec import DataSpec
from genjax_models.training.state import Player, TrainState, init_state

Guidance = float | tuple[tuple[str, float], ...]
"""One scale for the whole condition, or a scale for each field of it in order, `(("label", 2.0), ("text", 3.0))`."""


@struct.dataclass
class Inference:
    """What a finished state is used with: the networks' variables, as `finalize` makes them.

    Attributes:
      params: player name -> parameters, averaged where the run keeps an average.
      extra: `TrainState.extra`, and what `finalize` adds to it: statistics of batch norms over many batches, say.
    """

    params: dict[str, PyTree]
    extra: PyTree


@struct.dataclass
class SampleRequest:
    """The arguments of `Experiment.sample`; only `cond` holds arrays, the rest is static under `jit`.

    Attributes:
      num: how many samples.
      cond: arrays `[num, ...]` by the name of a field; fields that are left out are at their default, see
        `Experiment.sample`.
      sampler: its name; `None` for the config's, as for the next two.
      steps: of the sampler.
      guidance: see `Guidance`.
      keep: how many states of the path from noise to data to return; 0 for the samples alone.
    """

    num: int = struct.field(pytree_node=False)
    cond: Condition | None = None
    sampler: str | None = struct.field(pytree_node=False, default=None)
    steps: int | None = struct.field(pytree_node=False, default=None)
    guidance: Guidance | None = struct.field(pytree_node=False, default=None)
    keep: int = struct.field(pytree_node=False, default=0)


def as_trained(params: dict[str, PyTree], extra: PyTree) -> Inference:
    """`Experiment.finalize` where nothing is to be done."""
    return Inference(dict(params), extra)


class Experiment(NamedTuple):
    """A family, a network and a data set bound together; what `build(config)` of an experiment returns.

    What a family cannot do is `None`. Samples and decodings are model values, see `modalities`.

    Attributes:
      spec: the fields of the data that it models.
      init: `key -> (params, extra)`; params maps a player's name to its tree.
      players: who is trained, in the order in which they move.
      conditions: names of the fields that the model is conditioned on.
      finalize: `(params, extra) -> Inference`, pure: what the functions below take, once training is over.
      sample: `(key, Inference, SampleRequest) -> [num, ...]`, or with `keep` the path `[keep, num, ...]`; pure. Fields
        of the condition that are left out are at their null values; without any condition, labels run through the
        classes.
      log_prob: `(key, Inference, batch) -> Likelihood` of the modelled field as it is stored, nats.
      encode: `(key, Inference, batch) -> z`, the latent variables of each example, or one draw of them: a tree of
        `[B, ...]`.
      decode: `(key, Inference, z, cond=None) -> x [B, ...]`, the data that latent variables encode.
      impute: `(key, Inference, batch, observed) -> x [B, ...]`, a draw of what `observed` (bool, as `x`) leaves open
        given the rest.
      validate: `(key, Inference, batch) -> {name: [B]}`.
      denoiser: `(Inference, cond=None) -> Denoiser`, what samplers, guidance and students of this model call.
      classify: `(Inference, x [B, ...], t [B]) -> logits [B, K]`, for classifiers of noisy data, which guide samples.
      training_set: `folder of the run -> data set`, for what trains on a set of its own making; made once.
      test_set: `() -> data set`, what `validate` is given where that is no split of the config's data set.
      warm_start: `(initial state, folder of the run) -> state`: what a fresh run takes over from an earlier one.
      watch: `metrics of a step -> what to warn of, or None`; called at the steps that are logged.
    """

    spec: DataSpec
    init: Callable[[Key], tuple[dict[str, PyTree], PyTree]]
    players: tuple[Player, ...]
    conditions: tuple[str, ...] = ()
    finalize: Callable[[dict[str, PyTree], PyTree], Inference] = as_trained
    sample: Callable[[Key, Inference, SampleRequest], Array] | None = None
    log_prob: Callable[[Key, Inference, PyTree], Likelihood] | None = None
    encode: Callable[[Key, Inference, PyTree], PyTree] | None = None
    decode: Callable[..., Array] | None = None
    impute: Callable[[Key, Inference, PyTree, Array], Array] | None = None
    validate: Callable[[Key, Inference, PyTree], dict[str, Array]] | None = None
    denoiser: Callable[..., Any] | None = None
    classify: Callable[[Inference, Array, Array], Array] | None = None
    training_set: Callable[[Path], Any] | None = None
    test_set: Callable[[], Any] | None = None
    warm_start: Callable[[TrainState, Path], TrainState] | None = None
    watch: Callable[[Mapping[str, float]], str | None] | None = None


def initial_state(key: Key, experiment: Experiment, *, ema: bool, tracks: tuple[int, ...] = ()) -> TrainState:
    """The experiment's state before its first step; pure, so `jax.eval_shape` gives its layout at no cost."""
    init_key, train_key = jax.random.split(key)
    params, extra = experiment.init(init_key)
    return init_state(train_key, params, experiment.players, extra=extra, ema=ema, tracks=tracks)

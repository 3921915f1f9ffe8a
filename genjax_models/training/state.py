"""What a training run carries from step to step, and who is trained in it.

A `TrainState` holds arrays only, so it can be sharded, donated and written to disk as it is. Everything that is
not an array (objectives, optimisers, how often each is used) stands in a tuple of `Player`s beside it. One player
is an ordinary model, two are a GAN.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax

from genjax_models.core.arrays import at_least_float32
from genjax_models.core.types import Array, Key, LossOutput, PyTree

Objective = Callable[[Key, Mapping[str, PyTree], PyTree, PyTree, Array], tuple[LossOutput, PyTree]]
"""`(key, params of every player, extra, batch, step) -> (LossOutput, new_extra)`, pure.

`step` `[]` int32 counts the steps already taken, for curricula, warm-ups and fade-ins; most objectives ignore it.
"""


class Player(NamedTuple):
    """One set of parameters with its own objective and optimiser.

    Attributes:
      name: its key in `params` and `opt_state`.
      objective: what it minimises; only `params[name]` is differentiated.
      tx: the optax transformation that turns its gradient into an update.
      every: it is updated on every `every`-th step only.
    """

    name: str
    objective: Objective
    tx: optax.GradientTransformation
    every: int = 1


@flax.struct.dataclass
class TrainState:
    """Arrays only.

    Attributes:
      step: `[]` int32, the number of steps taken.
      key: `[]` typed key, the same throughout the run; step `n` draws from `fold_in(key, n)`.
      params: player name -> parameters.
      opt_state: player name -> optimiser state.
      ema: averaged parameters in the tree of `params`, in float32 or wider, or `None` where no average is kept. Where
        several are tracked, every array has one more axis at the front.
      extra: whatever else the objectives carry (batch statistics, codebooks, chains); `{}` where nothing is.
    """

    step: Array
    key: Key
    params: dict[str, PyTree]
    opt_state: dict[str, PyTree]
    ema: dict[str, PyTree] | None
    extra: PyTree


def init_state(
    key: Key,
    params: Mapping[str, PyTree],
    players: tuple[Player, ...],
    *,
    extra: PyTree = None,
    ema: bool = False,
    tracks: tuple[int, ...] = (),
) -> TrainState:
    """The state before the first step; pure, so it may run under `jit` with sharded outputs.

    Args:
      key: one typed key, kept in the state.
      params: player name -> initial parameters.
      players: who is trained.
      extra: initial extra state, `{}` by default.
      ema: keep an average of the parameters, starting from the initial ones.
      tracks: `ema.tracks_of(decay)`, the axis of several averages side by side.

    Raises:
      ValueError: if the names of `players` and `params` differ.
    """
    names = [player.name for player in players]
    if sorted(names) != sorted(params):
        raise ValueError(f"players are {sorted(names)}, but params has {sorted(params)}: each player needs one tree")
    start = lambda x: at_least_float32(x) if jnp.issubdtype(x.dtype, jnp.floating) else x
    params = dict(params)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        key=key,
        params=params,
        opt_state={player.name: player.tx.init(params[player.name]) for player in players},
        # A copy: the step donates its buffers, and one buffer cannot be donated twice.
        ema=jax.tree.map(lambda x: jnp.copy(jnp.broadcast_to(start(x), tracks + x.shape)), params) if ema else None,
        extra={} if extra is None else extra,
    )


def with_params(state: TrainState, params: Mapping[str, PyTree]) -> TrainState:
    """An initial state that starts from other parameters, on the host, of the same shapes; so does its average."""
    like = lambda old, new: np.broadcast_to(new, old.shape).astype(old.dtype)  # an average may have several tracks
    ema = None if state.ema is None else jax.tree.map(like, state.ema, dict(params))
    return replace(state, params=dict(params), ema=ema)

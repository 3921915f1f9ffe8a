r"""One pure training step over any number of players.

Every player in turn, with microbatches :math:`b_1, \dots, b_A` of the batch and its own stream of keys, takes

.. math:: g = \frac{1}{A} \sum_a \nabla_\theta \frac{1}{|b_a|} \sum_{x \in b_a} \ell(\theta; x),
          \qquad \theta \leftarrow \theta + \mathrm{tx}(g),

and later players see the parameters that earlier ones have just moved. The mean over the batch is taken here and
nowhere else. Randomness is a function of `(state.key, state.step, player, microbatch)` alone, so a run that is
killed and resumed repeats itself exactly.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace

import jax
import jax.numpy as jnp
import optax

from genjax_models.core.arrays import expand_as
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.training.state import Player, TrainState

Metrics = dict[str, Array]
Mean = Callable[[PyTree], PyTree]


def identity(tree: PyTree) -> PyTree:
    """The mean over shards where the program sees the whole batch at once."""
    return tree


def train_step(
    state: TrainState,
    batch: PyTree,
    *,
    players: tuple[Player, ...],
    mean: Mean = identity,
    accumulate: int = 1,
    ema: Callable[[Array], Array] | None = None,
) -> tuple[TrainState, Metrics]:
    """Update every player once.

    An update is not applied if the loss or the gradient, or what it would make of parameters, optimiser or `extra`, is
    not finite: these are unchanged, the metric `nonfinite` is 1, and the step counter is increased. Parameters count as
    finite while their squares and their averages are. Every array of the state keeps its dtype.

    Args:
      state: the state; `state.ema` must be there exactly if `ema` is given.
      batch: a tree of arrays, each `[B, ...]`.
      players: who moves, in this order.
      mean: averages a tree over the shards of a mapped axis; `parallel.compile` injects it.
      accumulate: number of equal microbatches whose gradients are averaged; divides `B`.
      ema: number of the update (1, 2, ...) -> decay of the parameter average, or of each of several.

    Returns:
      The new state, and scalars: `loss`, the objective's own aux terms, `grad_norm` (the global norm before any
      clipping) and `nonfinite`. With several players each name is preceded by `<player>/`. A player that rests
      reports NaN for everything but `nonfinite`.

    Raises:
      ValueError: if `accumulate` does not divide the batch.
    """
    key = jax.random.fold_in(state.key, state.step)
    number = state.step + 1
    metrics: Metrics = {}
    for i, player in enumerate(players):
        move = lambda s, k, p=player: _move(k, s, p, batch, mean, accumulate)
        player_key = jax.random.fold_in(key, i)
        if player.every == 1:
            state, own = move(state, player_key)
        else:
            rest = lambda s, k, m=move: (s, _resting(jax.eval_shape(m, s, k)[1]))
            state, own = jax.lax.cond(number % player.every == 0, move, rest, state, player_key)
        prefix = f"{player.name}/" if len(players) > 1 else ""
        metrics |= {prefix + name: value for name, value in own.items()}
    if ema is not None:
        decay = ema(number)
        blend = lambda e, p: e + (1 - expand_as(decay, e).astype(e.dtype)) * (jnp.broadcast_to(p, e.shape) - e)
        state = replace(state, ema=jax.tree.map(blend, state.ema, state.params))
    return replace(state, step=number), metrics


def _move(
    key: Key, state: TrainState, player: Player, batch: PyTree, mean: Mean, accumulate: int
) -> tuple[TrainState, Metrics]:
    """One player's update, or none where it would not be finite."""
    name = player.name
    loss, aux, grads, extra = mean(_gradient(key, state, player, batch, accumulate))
    grad_norm = optax.global_norm(grads)
    finite = jnp.isfinite(loss) & jnp.isfinite(grad_norm)
    updates, opt_state = player.tx.update(grads, state.opt_state[name], state.params[name])
    params = optax.apply_updates(state.params[name], updates)
    finite &= _bounded(params) & _as_finite(opt_state, state.opt_state[name]) & _as_finite(extra, state.extra)
    keep = lambda new, old: jax.tree.map(lambda n, o: jnp.where(finite, n.astype(o.dtype), o), new, old)
    state = replace(
        state,
        params=state.params | {name: keep(params, state.params[name])},
        opt_state=state.opt_state | {name: keep(opt_state, state.opt_state[name])},
        extra=keep(extra, state.extra),
    )
    return state, {"loss": loss, **aux, "grad_norm": grad_norm, "nonfinite": 1.0 - finite.astype(jnp.float32)}


def _bounded(params: PyTree) -> Array:
    """Whether all numbers are finite, their squares (in float32 or wider), and the differences of any two of them."""

    def small(x: Array) -> Array:
        wide = jnp.promote_types(x.dtype, jnp.float32)
        bound = min(float(jnp.finfo(wide).max) ** 0.5, 0.25 * float(jnp.finfo(x.dtype).max))
        return (jnp.abs(x) < bound).all()

    return _all(small(x) for x in jax.tree.leaves(params) if jnp.issubdtype(x.dtype, jnp.floating))


def _as_finite(new: PyTree, old: PyTree) -> Array:
    """Whether what was finite still is; an optimiser may hold an infinity from its start."""
    kept = lambda n, o: (jnp.isfinite(n) | ~jnp.isfinite(o)).all()
    pairs = zip(jax.tree.leaves(new), jax.tree.leaves(old), strict=True)
    return _all(kept(n, o) for n, o in pairs if jnp.issubdtype(n.dtype, jnp.floating))


def _all(flags: Iterable[Array]) -> Array:
    return functools.reduce(jnp.logical_and, flags, jnp.ones((), bool))


def _gradient(key: Key, state: TrainState, player: Player, batch: PyTree, accumulate: int) -> tuple:
    """Mean loss, mean aux, mean gradient of one player's parameters, and the extra state after the batch."""

    def mean_loss(own, key, extra, microbatch):
        params = state.params | {player.name: own}
        output, new_extra = player.objective(key, params, extra, microbatch, state.step)
        _check_per_example(player.name, output, microbatch)
        return output.value.mean(), ({k: v.mean() for k, v in output.aux.items()}, new_extra)

    def gradient(extra, i, microbatch):
        differentiate = jax.value_and_grad(mean_loss, has_aux=True)
        own = state.params[player.name]
        (loss, (aux, extra)), grads = differentiate(own, jax.random.fold_in(key, i), extra, microbatch)
        return extra, (loss, aux, grads)

    if accumulate == 1:
        extra, (loss, aux, grads) = gradient(state.extra, 0, batch)
        return loss, aux, grads, extra

    def add(carry, slice_):
        extra, total = carry
        extra, terms = gradient(extra, *slice_)
        return (extra, jax.tree.map(jnp.add, total, terms)), None

    slices = (jnp.arange(accumulate), jax.tree.map(lambda x: _split(x, accumulate), batch))
    first = jax.tree.map(lambda x: x[0], slices)
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(gradient, state.extra, *first)[1])
    (extra, total), _ = jax.lax.scan(add, (state.extra, zeros), slices)
    loss, aux, grads = jax.tree.map(lambda x: x / accumulate, total)
    return loss, aux, grads, extra


def _split(x: Array, count: int) -> Array:
    """`[B, ...] -> [count, B / count, ...]`, striding over the batch so that a sharded batch need not move."""
    if x.shape[0] % count:
        raise ValueError(f"accumulate={count} does not divide a batch of {x.shape[0]} examples")
    return x.reshape((x.shape[0] // count, count, *x.shape[1:])).swapaxes(0, 1)


def _check_per_example(name: str, output: LossOutput, batch: PyTree) -> None:
    size = jax.tree.leaves(batch)[0].shape[0]
    for term, value in {"value": output.value, **output.aux}.items():
        if value.shape != (size,):
            raise ValueError(
                f"objective of {name!r}: {term} must have shape [{size}] (one per example), got {value.shape}"
            )


def _resting(shapes: Metrics) -> Metrics:
    nan = {name: jnp.full(x.shape, jnp.nan, x.dtype) for name, x in shapes.items()}
    return nan | {"nonfinite": jnp.zeros_like(nan["nonfinite"])}

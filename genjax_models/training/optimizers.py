r"""Optimisers and learning-rate schedules from a config section.

The rate of update :math:`n = 0, 1, \dots` of :math:`T`, with :math:`W` updates of linear warm-up, is

.. math:: \eta_n = \eta \cdot \min\left(1, \frac{n + 1}{W}\right) \cdot d(n), \qquad p = \frac{n - W}{T - W} \in [0, 1],

* constant: :math:`d = 1`;
* linear: :math:`d = 1 - (1 - f)\,p`, down to the fraction :math:`f` of the peak;
* cosine: :math:`d = f + (1 - f)(1 + \cos \pi p) / 2`;
* inverse_sqrt: :math:`d = \sqrt{W / \max(n + 1, W)}`, as in https://arxiv.org/abs/1706.03762, section 5.3.

Parameters called `direction`, of which only the direction counts (`nets/layers/magnitude.py`), are brought back to unit
magnitude after each update, whatever the optimiser:

.. math:: v \leftarrow \frac{v + u}{|v + u|}, \qquad |v| = \sqrt{\mathrm{mean}(v^2)},

with the mean over the inputs of each output. Their length would otherwise grow, and slow them down (Karras et al.,
2023, https://arxiv.org/abs/2312.02696, eq. 66).
"""

import inspect
import math
import re
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import optax
import optax.contrib
from ml_collections import ConfigDict

from genjax_models.core.arrays import unit_rms
from genjax_models.core.errors import UserError
from genjax_models.core.types import PyTree
from genjax_models.training.config import OPTIMIZER
from genjax_models.training.names import nearest, path_name, pick
from genjax_models.training.settings import check

LATER = ("multipliers", "options")
"""Fields that the sections of old runs do not have."""


def make_schedule(section: ConfigDict, learning_rate: float, steps: int) -> optax.Schedule:
    """Number of the update (from 0) -> learning rate.

    Args:
      section: fields `name` (`constant`, `linear`, `cosine`, `inverse_sqrt`), `warmup_steps` (0: none), and `final`,
        the fraction of the peak at which `linear` and `cosine` end.
      learning_rate: the peak.
      steps: updates in all; the rate stays at its last value after them.

    Raises:
      UserError: if the name is unknown or the warm-up does not fit into the run.
    """
    warmup, final = section.warmup_steps, section.final
    if not 0 <= warmup < steps:
        raise UserError(f"schedule.warmup_steps must lie between 0 and train.steps={steps}, got {warmup}")
    progress = lambda n: jnp.clip((n - warmup) / (steps - warmup), 0, 1)
    decays = {
        "constant": lambda n: 1.0,
        "linear": lambda n: 1 - (1 - final) * progress(n),
        "cosine": lambda n: final + (1 - final) * (1 + jnp.cos(jnp.pi * progress(n))) / 2,
        "inverse_sqrt": lambda n: jnp.sqrt(max(warmup, 1) / jnp.maximum(n + 1, max(warmup, 1))),
    }
    decay = pick("schedule.name", section.name, decays)
    return lambda n: learning_rate * jnp.minimum(1, (n + 1) / max(warmup, 1)) * decay(n)


def make_optimizer(section: ConfigDict, steps: int) -> optax.GradientTransformation:
    """Global-norm clipping, the named optimiser on its schedule, `multiplied`, then `forced_unit_directions`.

    Args:
      section: fields

        * `name`: `adam`, `adamw`, `rmsprop` or `sgd`, which have the fields `b1` (momentum, that of rmsprop and sgd
          too), `b2`, `eps` and `weight_decay` (adamw alone; not on biases and normalisation scales); or the path of an
          optimiser of optax, such as `optax.lion` or `optax.contrib.muon`, which has none of them;
        * `options`: keyword arguments of an optimiser that is named by its path, beside the learning rate;
        * `learning_rate` and `schedule`, see `make_schedule`;
        * `multipliers`: of the learning rate, see `multiplied`;
        * `clip_norm`: 0 is no clipping.
      steps: updates in all.

    Raises:
      UserError: if a name is unknown, options or multipliers do not suit, or weight decay is set for an optimiser that
        has none; or a number is out of its range.
    """
    known = {name: entry for name, entry in OPTIMIZER.items() if name in section or name not in LATER}
    check(known, section, prefix="optimizer")
    rate = make_schedule(section.schedule, section.learning_rate, steps)
    makers = {
        "adam": lambda: optax.adam(rate, section.b1, section.b2, section.eps),
        "adamw": lambda: optax.adamw(
            rate, section.b1, section.b2, section.eps, weight_decay=section.weight_decay, mask=decayed
        ),
        "rmsprop": lambda: optax.rmsprop(rate, decay=section.b2, eps=section.eps, momentum=section.b1 or None),
        "sgd": lambda: optax.sgd(rate, momentum=section.b1 or None),
    }
    options = dict(section.get("options", {}))
    if section.name.startswith("optax"):
        make = lambda: _from_optax(section.name, rate, options)
    else:
        make = pick("optimizer.name", section.name, makers)
        if options:
            raise UserError(f"optimizer.options are for optimisers by path, such as optax.adam, not for {section.name}")
    if section.weight_decay and section.name.startswith("optax"):
        raise UserError(f"{section.name} reads optimizer.options.weight_decay: set optimizer.weight_decay=0")
    if section.weight_decay and section.name != "adamw":
        raise UserError(
            f"optimizer.weight_decay={section.weight_decay} has no effect on {section.name}; use adamw or set it to 0"
        )
    clip = optax.clip_by_global_norm(section.clip_norm) if section.clip_norm else optax.identity()
    tx = optax.chain(clip, make())
    multipliers = section.get("multipliers", ())
    return multiplied(tx, multipliers) if multipliers else forced_unit_directions(tx)


def optax_optimizers() -> dict[str, Callable[..., optax.GradientTransformation]]:
    """The optimisers of optax that have a learning rate, by path."""
    rooms = {"optax": optax, "optax.contrib": optax.contrib}
    return {
        f"{room}.{name}": make
        for room, module in rooms.items()
        for name, make in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith(("_", "scale_by")) and "learning_rate" in inspect.signature(make).parameters
    }


def _from_optax(name: str, rate: optax.Schedule, options: dict) -> optax.GradientTransformation:
    make = pick("optimizer.name", name, optax_optimizers())
    params = {"kernel": jnp.ones((2, 3)), "bias": jnp.ones(3)}
    try:
        tx = make(rate, **options)
        updates = jax.eval_shape(lambda: tx.update(params, tx.init(params), params)[0])
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        why = " ".join(str(error).split())
        raise UserError(f"optimizer.options do not suit {name}, or it needs more than gradients: {why}") from None
    if jax.tree.map(jnp.shape, updates) != jax.tree.map(jnp.shape, params):
        raise UserError(f"optimizer.name={name} makes no update of the parameters' shapes: choose another optimiser")
    return tx


def multiplied(
    tx: optax.GradientTransformation, multipliers: Sequence[tuple[str, float]]
) -> optax.GradientTransformation:
    """`forced_unit_directions(tx)` with a learning rate of its own for the parameters that a pattern finds.

    The whole update is multiplied, weight decay included. A factor of 0 freezes, though gradients of what is frozen
    still count in the global norm. The state is that of `tx`.

    Args:
      tx: an optimiser.
      multipliers: pairs of a regular expression and a factor. The expression is searched for in each parameter's path,
        `block_0/dense/kernel`; the first that is found decides, and the factor is 1 where none is.

    Returns:
      An optimiser that needs the parameters; its `init` raises `UserError` if a pattern finds no parameter.

    Raises:
      UserError: if a pattern is no regular expression, or a factor negative or not finite.
    """
    try:
        table = [(re.compile(pattern), float(factor)) for pattern, factor in multipliers]
    except (re.error, TypeError, ValueError) as error:
        raise UserError(f"optimizer.multipliers must be pairs (regular expression, factor): {error}") from None
    for pattern, factor in table:
        if not 0.0 <= factor < math.inf:
            raise UserError(f"optimizer.multipliers: the factor of {pattern.pattern!r} must be 0 or more, got {factor}")

    def factor_of(path: tuple) -> float:
        return next((factor for pattern, factor in table if pattern.search(path_name(path))), 1.0)

    def multiply(updates: PyTree, state: PyTree, params: PyTree = None) -> tuple[PyTree, PyTree]:
        updates, state = tx.update(updates, state, params)
        return jax.tree.map_with_path(lambda path, u: u * factor_of(path), updates), state

    forced = forced_unit_directions(optax.GradientTransformation(tx.init, multiply))

    def init(params: PyTree) -> PyTree:
        names = [path_name(path) for path, _ in jax.tree.leaves_with_path(params)]
        for pattern, _ in table:
            if not any(map(pattern.search, names)):
                raise UserError(
                    f"optimizer.multipliers: {pattern.pattern!r} is found in no parameter's path; the nearest is "
                    f"{nearest(pattern.pattern, names)!r}"
                )
        return tx.init(params)

    def update(updates: PyTree, state: PyTree, params: PyTree = None) -> tuple[PyTree, PyTree]:
        updates, state = forced.update(updates, state, params)
        freeze = lambda path, u: u if factor_of(path) else jnp.zeros_like(u)  # whatever a gradient or a norm is
        return jax.tree.map_with_path(freeze, updates), state

    return optax.GradientTransformation(init, update)


def forced_unit_directions(tx: optax.GradientTransformation) -> optax.GradientTransformation:
    """`tx`, with an update that leaves every parameter called `direction`, `[..., inputs, outputs]`, of unit magnitude.

    It needs the parameters: `update(grads, state, params)`. Its state is that of `tx`.
    """

    def update(grads: PyTree, state: PyTree, params: PyTree = None) -> tuple[PyTree, PyTree]:
        updates, state = tx.update(grads, state, params)
        if any(_is_direction(path) for path, _ in jax.tree.leaves_with_path(updates)):
            force = lambda path, u, v: unit_rms(v + u, tuple(range(v.ndim - 1))) - v if _is_direction(path) else u
            updates = jax.tree.map_with_path(force, updates, params)
        return updates, state

    return optax.GradientTransformation(tx.init, update)


def _is_direction(path: tuple) -> bool:
    return bool(path) and getattr(path[-1], "key", None) == "direction"


def decayed(params: PyTree) -> PyTree:
    """True for what weight decay acts on: matrices and kernels, not biases and scales (stacked over layers or not)."""
    is_weight = lambda path, x: x.ndim > 1 and getattr(path[-1], "key", None) not in ("bias", "scale")
    return jax.tree.map_with_path(is_weight, params)

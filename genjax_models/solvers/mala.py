r"""Metropolis-adjusted Langevin: draws from a density that is known up to a constant, by its gradient.

$$x' = x + \tfrac{h^2}{2}\nabla \log p(x) + h\,\epsilon, \qquad
\text{accepted with probability } \min\!\left(1, \frac{p(x')\,q(x \mid x')}{p(x)\,q(x' \mid x)}\right)$$

where $q(x' \mid x)$ is the normal density of the proposal. The rejection makes the chain exact whatever the step $h$;
each example finds its own in the first half of the steps, at which 57 % of the proposals are accepted (the best in many
dimensions), and keeps it in the second half. Elements that are held fixed make it a draw from a conditional.

References:
  Roberts and Rosenthal, Optimal scaling of discrete approximations to Langevin diffusions, 1998
  Andrieu and Thoms, A tutorial on adaptive MCMC, 2008
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import expand_as, sum_over_data
from genjax_models.core.types import Array, Key

ACCEPTANCE = 0.574
"""The share of accepted proposals at which the chain moves fastest (Roberts and Rosenthal)."""


State = tuple[Array, Array, Array, Array]


class Chains(NamedTuple):
    """Where the chains ended.

    Attributes:
      x: `[B, ...]`.
      acceptance: `[B]`, the share of proposals accepted in the second half; near 0 the chain did not move.
    """

    x: Array
    acceptance: Array


def mala(
    key: Key,
    log_prob: Callable[[Array], Array],
    x: Array,
    *,
    steps: int,
    step_size: float = 0.1,
    moving: Array | None = None,
) -> Chains:
    """Run one chain an example.

    Args:
      key: one typed PRNG key, consumed.
      log_prob: `[B, ...] -> [B]`, the target's logarithm up to a constant; an example must not see its neighbours.
        Where it is not finite no chain goes.
      x: where the chains start, `[B, ...]` float; where `log_prob` is NaN the chain stays.
      steps: proposals of each chain, at least 2.
      step_size: h to start from.
      moving: bool, broadcastable to `x`: what is drawn; the rest stays as it is. None draws all.

    Returns:
      See `Chains`.

    Raises:
      ValueError: if there are fewer than 2 steps.
    """
    if steps < 2:
        raise ValueError(f"a chain that adapts its step needs at least 2 steps, got {steps}")
    free = jnp.ones_like(x) if moving is None else jnp.broadcast_to(moving, x.shape).astype(x.dtype)

    def evaluate(x: Array) -> tuple[Array, Array]:
        value, pull = jax.vjp(log_prob, x)
        (gradient,) = pull(jnp.ones_like(value))
        return value, jnp.where(jnp.isfinite(gradient), gradient, 0.0) * free

    def log_proposal(h: Array, gradient: Array, x: Array, y: Array) -> Array:
        h = expand_as(h, x)
        return -0.5 * sum_over_data(((y - x - 0.5 * h**2 * gradient) / h) ** 2 * free)

    def step(carry: State, number: Array) -> tuple[State, Array]:
        x, value, gradient, log_h = carry
        key_noise, key_accept = jax.random.split(jax.random.fold_in(key, number))
        h = jnp.exp(log_h)
        noise = free * jax.random.normal(key_noise, x.shape, x.dtype)
        y = x + 0.5 * expand_as(h, x) ** 2 * gradient + expand_as(h, x) * noise
        y_value, y_gradient = evaluate(y)
        log_ratio = y_value - value + log_proposal(h, y_gradient, y, x) - log_proposal(h, gradient, x, y)
        log_ratio = jnp.where(jnp.isfinite(y_value), jnp.nan_to_num(log_ratio, nan=-jnp.inf), -jnp.inf)
        probability = jnp.exp(jnp.minimum(log_ratio, 0.0))
        accepted = jax.random.uniform(key_accept, probability.shape, probability.dtype) < probability
        chosen = expand_as(accepted, x)
        gain = jnp.where(number < steps // 2, (number + 1.0) ** -0.6, 0.0)
        carry = (
            jnp.where(chosen, y, x),
            jnp.where(accepted, y_value, value),
            jnp.where(chosen, y_gradient, gradient),
            log_h + gain.astype(x.dtype) * (probability - ACCEPTANCE),
        )
        return carry, accepted

    start = (x, *evaluate(x), jnp.full(x.shape[0], jnp.log(step_size), x.dtype))
    end, accepted = jax.lax.scan(step, start, jnp.arange(steps))
    return Chains(end[0], accepted[steps // 2 :].mean(axis=0))

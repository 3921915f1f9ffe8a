r"""Schroedinger-bridge flow matching: Brownian bridges between entropically coupled data and noise.

With pairs $(x_0, \epsilon)$ from the entropic plan of regularisation $2\sigma^2$ and $z \sim N(0, I)$,

$$x_t = (1-t)\,x_0 + t\,\epsilon + \sigma\sqrt{t(1-t)}\;z, \qquad
u_t = \epsilon - x_0 + \frac{1 - 2t}{2t(1-t)}\,\bigl(x_t - (1-t)\,x_0 - t\,\epsilon\bigr)$$

the regression of $u_t$ on $x_t$ is the velocity of the bridge's marginals (Tong et al., proposition 3.5; the formulas
are the same in their time, 1 - t). At both ends $u_t$ is singular, and its square not integrable: times keep away.

References:
  Tong et al., Improving and Generalizing Flow-Based Generative Models with Minibatch OT, 2023, https://arxiv.org/abs/2302.00482
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import expand_as, mean_over_data
from genjax_models.core.checks import predict
from genjax_models.core.types import Array, Key, LossOutput, Model
from genjax_models.families.flow_matching.couplings import Coupling, schroedinger_bridge
from genjax_models.processes.times import uniform_time

inner_time = partial(uniform_time, low=1e-3, high=1.0 - 1e-3)
"""Uniform times that keep away from both ends."""


def bridge_sample(x: Array, eps: Array, z: Array, t: Array, sigma: float) -> tuple[Array, Array]:
    """A point of each bridge and its velocity, each `[B, ...]`, from its ends, its own noise `z`, and `t` `[B]`."""
    t = expand_as(t, x)
    spread = sigma * jnp.sqrt(t * (1.0 - t))
    growth = sigma * (1.0 - 2.0 * t) / (2.0 * jnp.sqrt(t * (1.0 - t)))
    return (1.0 - t) * x + t * eps + spread * z, eps - x + growth * z


def bridge_loss(
    key: Key,
    model: Model,
    x: Array,
    *,
    sigma: float,
    time: Callable[[Key, int], Array] = inner_time,
    coupling: Coupling | None = None,
) -> LossOutput:
    r"""SB-CFM: $\lVert u_\theta(x_t, t) - u_t\rVert^2$ over Brownian bridges of diffusivity `sigma`.

    The field runs on the samplers of `rectified_flow()` velocities, on a grid within the times trained on.

    Args:
      key: one typed PRNG key, consumed.
      model: `(x_t [B, ...], t [B]) -> velocity [B, ...]`, already bound to its parameters.
      x: data, `[B, ...]` float, scaled to [-1, 1].
      sigma: diffusivity of the reference Brownian motion, in units of the data.
      time: draws the times, inside (0, 1).
      coupling: the ends of the bridges; `None` is `schroedinger_bridge(sigma)`, the one that makes them a Schroedinger
        bridge.

    Returns:
      `LossOutput` with `value` `[B]`, the squared error averaged over the data axes.

    Raises:
      ValueError: if `sigma` is not positive and no coupling is given.
    """
    key_t, key_eps, key_z = jax.random.split(key, 3)
    t = time(key_t, x.shape[0])
    x, eps = (coupling or schroedinger_bridge(sigma))(key_eps, x)
    x_t, velocity = bridge_sample(x, eps, jax.random.normal(key_z, x.shape, x.dtype), t, sigma)
    return LossOutput(mean_over_data((predict(model, x_t, t) - velocity) ** 2))

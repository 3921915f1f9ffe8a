r"""Flows on the torus: circular splines in couplings whose networks see angles by cosine and sine, and rotations.

$$\theta_b \to \tau\big(\theta_b;\ \mathrm{net}(\cos\theta_a, \sin\theta_a)\big), \qquad
\theta \to \theta + \phi \mod 2\pi$$

A circular spline has one fixed point of the circle, which the rotation before it chooses. The uniform distribution is
invariant under rotations; with it as the base, the flow is initialised to the uniform distribution.

References:
  Rezende et al., Normalizing Flows on Tori and Spheres, 2020, https://arxiv.org/abs/2002.02428
"""

import jax
import jax.numpy as jnp

from genjax_models.core.sinusoids import cosines_and_sines
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows.bijection import Bijection, Conditioner, MakeConditioner, chain, stack
from genjax_models.families.flows.coupling import alternating
from genjax_models.families.flows.splines import circular, wrap


def rotation() -> Bijection:
    """Each angle (last axis) by an angle of its own, which starts anywhere."""

    def turn(angles: Array, by: Array) -> tuple[Array, Array]:
        return wrap(angles + by.reshape((1,) * (angles.ndim - 1) + (-1,))), jnp.zeros(angles.shape[0], angles.dtype)

    return Bijection(
        lambda key, x, cond: jax.random.uniform(key, x.shape[-1:], x.dtype, -jnp.pi, jnp.pi),
        lambda params, x, cond: turn(x, params),
        lambda params, y, cond: turn(y, -params),
    )


def periodic(network: MakeConditioner) -> MakeConditioner:
    """Networks that are shown the cosines and sines of what they see, along the last axis."""

    def make(channels: int) -> Conditioner:
        net = network(channels)

        def init(key: Key, h: Array, cond: PyTree) -> PyTree:
            return net.init(key, cosines_and_sines(h), cond)

        return Conditioner(init, lambda params, h, cond: net.apply(params, cosines_and_sines(h), cond))

    return make


def torus_flow(network: MakeConditioner, *, features: int, depth: int, bins: int = 8, scan: bool = False) -> Bijection:
    r"""A flow of D angles `[B, D]` in $[-\pi, \pi)$ to `core.densities.uniform_angle`.

    Args:
      network: of the couplings.
      features: D, at least 2.
      depth: times a rotation and a pair of couplings of the two halves.
      bins: K of the splines.
      scan: see `bijection.stack`.

    Raises:
      ValueError: if there is nothing to couple, or no bin.
    """
    pair = alternating(circular(bins), periodic(network), channels=features)
    return stack(chain([rotation(), pair]), depth, scan=scan)

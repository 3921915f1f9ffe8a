r"""The first Lipschitz constraint of Wasserstein GANs: every weight is clipped to $[-c, c]$ after the update.

References:
  Arjovsky et al., Wasserstein GAN, 2017, algorithm 1, https://arxiv.org/abs/1701.07875
"""

import jax
import jax.numpy as jnp
import optax

from genjax_models.core.types import PyTree


def clip_weights(limit: float = 0.01) -> optax.GradientTransformation:
    """What turns an update into one that leaves every parameter within `limit` of zero: the last of an `optax.chain`.

    It needs the parameters: `update(updates, state, params)`.

    Raises:
      ValueError: if `limit` is not positive, or `update` is not given the parameters.
    """
    if limit <= 0:
        raise ValueError(f"weights are clipped to a positive limit, got {limit}")

    def update(updates: PyTree, state: optax.EmptyState, params: PyTree = None) -> tuple[PyTree, optax.EmptyState]:
        if params is None:
            raise ValueError("clip_weights needs the parameters: update(updates, state, params)")
        clipped = lambda u, p: jnp.clip(p + u, -limit, limit) - p
        return jax.tree.map(clipped, updates, params), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)

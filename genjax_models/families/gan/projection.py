r"""Projection: the latent variables whose image comes nearest to a given one, by gradient descent.

$$z^* = \arg\min_z d(g(z), x)$$

Adam's rate follows a cosine to zero. The distance is the caller's: squares of pixels, or of a network's features.

References:
  Karras et al., Analyzing and Improving the Image Quality of StyleGAN, 2020, section 5, https://arxiv.org/abs/1912.04958
"""

from collections.abc import Callable

import jax
import optax

from genjax_models.core.types import Array


def project(distance: Callable[[Array], Array], start: Array, *, steps: int, learning_rate: float = 0.1) -> Array:
    """Descend from `start`; each example by itself, since Adam works number by number.

    Args:
      distance: `z [B, ...] -> [B]` of each image to its target.
      start: `[B, ...]`, the mean of the latent variables as a rule.
      steps: of Adam.
      learning_rate: the first one, in units of `z`.

    Returns:
      As `start`.

    Raises:
      ValueError: if `steps` is less than 1.
    """
    if steps < 1:
        raise ValueError(f"a projection takes at least 1 step, got {steps}")
    tx = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))

    def step(carry: tuple, _: None) -> tuple[tuple, None]:
        z, state = carry
        updates, state = tx.update(jax.grad(lambda z: distance(z).sum())(z), state)
        return (optax.apply_updates(z, updates), state), None

    return jax.lax.scan(step, (start, tx.init(start)), length=steps)[0][0]

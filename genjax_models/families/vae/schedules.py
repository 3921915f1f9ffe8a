r"""What $\beta$ or a capacity is at a step of training: functions of the step, to be traced or not.

Cyclical annealing (Fu et al.), at step $t$ of $T$ in $M$ cycles, of which each rises for a share $R$:

$$\beta_t = \min(\tau / R, 1), \qquad \tau = \frac{t \bmod (T/M)}{T/M}.$$

References:
  Bowman et al., Generating Sentences from a Continuous Space, 2016, https://arxiv.org/abs/1511.06349
  Fu et al., Cyclical Annealing Schedule, 2019, https://arxiv.org/abs/1903.10145
"""

import jax.numpy as jnp

from genjax_models.core.types import Array


def linear(step: Array | int, *, steps: int, start: float = 0.0, end: float = 1.0) -> Array:
    """From `start` at step 0 to `end` at step `steps`, and there it stays: a warm-up of beta, a rising capacity."""
    return start + (end - start) * jnp.clip(step / steps, 0.0, 1.0)


def cyclical(step: Array | int, *, steps: int, cycles: int = 4, ratio: float = 0.5) -> Array:
    """Cyclical annealing from 0 to 1; the authors' defaults.

    Args:
      step: t, counted from 0.
      steps: T, after which beta stays 1.
      cycles: M.
      ratio: R, the share of a cycle in which beta rises.
    """
    phase = jnp.mod(step * cycles / steps, 1.0)
    return jnp.where(jnp.asarray(step) < steps, jnp.minimum(phase / ratio, 1.0), 1.0)

r"""The probability of augmentation, adapted so that the discriminator's overfitting measure r stays at its target.

$$r = E\,[\mathrm{sign}\,\ell(x)], \qquad
p \leftarrow \mathrm{clip}\Bigl(p + \mathrm{sign}(r - r^*)\,\frac{B}{1000\,K},\; 0,\; 1\Bigr).$$

An r near 1 indicates overfitting. K, in thousands of data, is how long p takes from 0 to 1.

References:
  Karras et al., Training Generative Adversarial Networks with Limited Data, 2020, section 3.1, https://arxiv.org/abs/2006.06676
"""

import jax.numpy as jnp

from genjax_models.core.types import Array


def overfitting(real_logits: Array) -> Array:
    """The heuristic $r$ (eq. 1, $r_t$): logits of augmented data, any shape -> `[]` in [-1, 1]."""
    return jnp.sign(real_logits).mean()


def adapt(p: Array, overfit: Array, *, data: int, target: float = 0.6, thousands: float = 500.0) -> Array:
    """The next probability.

    Args:
      p: the probability so far, `[]`, at first 0.
      overfit: r, `[]`; the authors average it over 4 batches and adapt once in 4.
      data: B, the number of data over all devices since the last time.
      target: $r^*$.
      thousands: K.
    """
    return jnp.clip(p + jnp.sign(overfit - target) * data / (1000.0 * thousands), 0.0, 1.0)

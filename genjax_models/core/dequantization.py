r"""From the density of real numbers to the probability of bytes.

A byte $b$ represents the interval $[b, b+1)$, and $x = (b + u)/128 - 1$ covers $2/256$ of $[-1, 1]$ as $u$ covers
$[0, 1)$, so $du = 128\,dx$ and, with any distribution $q(u \mid b)$ of the offset,

$$P(b) = \int_{[0,1)^D} 128^{-D}\,p(x)\,du, \qquad
\log P(b) \ge E_{q(u \mid b)}\left[\log p(x) - \log q(u \mid b)\right] - D \log 128.$$

Uniform $q$ (Theis et al.) has $\log q = 0$. The bound is an equality where $q(u \mid b) \propto p(x)$, which a learned
flow for $q$ approximates (Ho et al.).

References:
  Theis et al., A note on the evaluation of generative models, 2016, https://arxiv.org/abs/1511.01844
  Ho et al., Flow++, 2019, section 3.1, https://arxiv.org/abs/1902.00275
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array, Key

BIN = 1.0 / 128.0  # width of a byte's interval where all 256 fill [-1, 1]

Dequantizer = Callable[[Key, Array], tuple[Array, Array]]
"""`(key, bytes [B, ...]) -> (u [B, ...] in [0, 1), log q(u | bytes) [B])`."""


def uniform_offset(key: Key, x: Array) -> tuple[Array, Array]:
    """Offsets `u` uniform on [0, 1), of log-density zero."""
    # 16 bits of noise and the byte's 8 fit float32, so that no draw is rounded up into the next byte.
    noise = jax.random.bits(key, x.shape, jnp.uint16).astype(jnp.float32) / 65536
    return noise, jnp.zeros(x.shape[:1])


def dequantized_log_prob(
    key: Key, log_prob: Callable[[Key, Array], Array], x: Array, *, dequantizer: Dequantizer = uniform_offset
) -> Array:
    """One draw of the bound above on the log-probability of bytes.

    Args:
      key: one typed PRNG key, consumed.
      log_prob: `(key, x [B, ...] in [-1, 1)) -> [B]`, the log-density of the model in nats.
      x: `uint8`, `[B, ...]`.
      dequantizer: draws the offsets; a flow `q(u | x)` makes this variational dequantisation.

    Returns:
      `[B]` nats, on average a lower bound. `core.likelihood.elbo` averages draws of it, `bits_per_dim` shows it.

    Raises:
      TypeError: if `x` is not `uint8`.
    """
    if x.dtype != jnp.uint8:
        raise TypeError(f"expected data as uint8 bytes, got {x.dtype}")
    key_u, key_p = jax.random.split(key)
    u, log_q = dequantizer(key_u, x)
    return log_prob(key_p, (x.astype(u.dtype) + u) * BIN - 1.0) - log_q + x[0].size * np.log(BIN)

"""Where on [0, 1] a loss is evaluated: time samplers `(key, n) -> t [n]`."""

import math

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.processes.gaussian import GaussianProcess


def uniform_time(key: Key, n: int, *, low: float = 0.0, high: float = 1.0) -> Array:
    """`n` independent times, uniform on `[low, high)`."""
    return jax.random.uniform(key, (n,), minval=low, maxval=high)


def stratified_time(key: Key, n: int, *, low: float = 0.0, high: float = 1.0) -> Array:
    """`n` times, one in each n-th of `[low, high)`, sharing one offset: each uniform, their mean less noisy.

    References:
      Kingma et al., Variational Diffusion Models, 2021, app. I.1, https://arxiv.org/abs/2107.00630
    """
    offset = jax.random.uniform(key, ())
    return low + (high - low) * jnp.mod(offset + jnp.arange(n) / n, 1.0)


def logit_normal_time(key: Key, n: int, *, mean: float = 0.0, std: float = 1.0) -> Array:
    r"""`n` times with $\mathrm{logit}(t) \sim N(\mathrm{mean}, \mathrm{std}^2)$: a positive mean favours noise.

    Raises:
      ValueError: if `std` is negative, or one of the two not finite.

    References:
      Esser et al., Scaling Rectified Flow Transformers, 2024, eq. 19, https://arxiv.org/abs/2403.03206
    """
    _check(mean, std)
    return jax.nn.sigmoid(mean + std * jax.random.normal(key, (n,)))


def log_normal_sigma_time(key: Key, n: int, *, process: GaussianProcess, mean: float = -1.2, std: float = 1.2) -> Array:
    r"""`n` times at which $\log \sigma/\alpha \sim N(\mathrm{mean}, \mathrm{std}^2)$, within what `process` reaches.

    Raises:
      ValueError: if `std` is negative, or one of the two not finite.

    References:
      Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022, table 1, https://arxiv.org/abs/2206.00364
    """
    _check(mean, std)
    return process.time_of(-2.0 * (mean + std * jax.random.normal(key, (n,))))


def discrete_time(key: Key, n: int, *, num_steps: int = 1000, first: int = 1) -> Array:
    """`n` times, uniform on DDPM's grid `{1/T, ..., 1}`: the paper's step $i$ at $t = i/T$.

    NCSN's levels, which do not vanish at t = 0, have `first=0`, and one more.

    Raises:
      ValueError: if `0 <= first <= num_steps` does not hold, or there is no step.
    """
    if not 0 <= first <= num_steps or num_steps < 1:
        raise ValueError(f"steps run from first to num_steps, got first={first} and num_steps={num_steps}")
    return jax.random.randint(key, (n,), first, num_steps + 1) / num_steps


def _check(mean: float, std: float) -> None:
    if not (math.isfinite(mean) and 0.0 <= std < math.inf):
        raise ValueError(f"expected a finite mean, and a finite std that is not negative; got {mean} and {std}")

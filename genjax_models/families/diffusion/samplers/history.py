"""The state of multistep samplers: earlier predictions, newest first, and their times."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from genjax_models.core.types import Array
from genjax_models.processes.gaussian import GaussianProcess


class History(NamedTuple):
    """The last predictions of a path.

    Attributes:
      values: `[K, B, ...]`, newest first; zeros where there is none yet.
      times: `[K]`.
      made: how many predictions there have ever been, a scalar.
    """

    values: Array
    times: Array
    made: Array

    def push(self, value: Array, t: Array) -> "History":
        """The history after one more prediction `[B, ...]`, made at time `t`."""
        values = jnp.concatenate([value[None], self.values[:-1]])
        times = jnp.concatenate([t[None].astype(self.times.dtype), self.times[:-1]])
        return History(values, times, self.made + 1)


def no_history(length: int) -> Callable[[Array, Array], History]:
    """The start of a sampler that remembers `length` predictions."""
    return lambda x, grid: History(
        jnp.zeros((length, *x.shape), x.dtype), jnp.ones(length, x.dtype), jnp.zeros((), jnp.int32)
    )


def half_log_snr(process: GaussianProcess, t: Array) -> Array:
    r"""$\log(\alpha/\sigma)$, the solvers' $\lambda$: half of ours."""
    return 0.5 * process.log_snr(t)


def usable_order(process: GaussianProcess, history: History, s: Array) -> Array:
    """How many of the newest predictions a step to `s` can build on: from 1, where a log-SNR is infinite, to all K."""
    there = jnp.arange(history.times.shape[0]) < history.made
    finite = jnp.isfinite(process.log_snr(history.times)) & there
    run = jnp.cumprod(finite).sum(dtype=jnp.int32)
    return jnp.where(jnp.isfinite(process.log_snr(s)), jnp.maximum(run, 1), 1)

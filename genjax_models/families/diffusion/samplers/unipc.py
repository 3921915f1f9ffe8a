r"""UniPC: a predictor of order p, and a corrector of order p + 1 that reuses the next step's evaluation.

In the notation of `dpm_multistep` with $p = x_0$, $g = -h$: earlier predictions give differences
$D_i = (p_i - p)/r_i$ at $r_i = (\lambda_i - \lambda_t)/h$; the prediction at the end of the step has $r = 1$. With
$B(h) = e^g - 1$ ("bh2") or $g$ ("bh1") and weights $\rho$ that solve

$$\sum_i \rho_i\,r_i^{k-1} = \frac{k!\,q_k}{B(h)}, \qquad
q_1 = \frac{e^g-1}{g} - 1,\; q_{k+1} = \frac{q_k}{g} - \frac{1}{(k+1)!},$$

the step is $x_s = \frac{\sigma_s}{\sigma_t}x_t - \alpha_s\left[(e^g - 1)\,p + B(h)\sum_i\rho_i D_i\right]$.

References:
  Zhao et al., UniPC, 2023, https://arxiv.org/abs/2302.04867
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.families.diffusion.samplers.history import History, half_log_snr, no_history, usable_order
from genjax_models.processes.denoiser import Denoiser
from genjax_models.processes.gaussian import GaussianProcess
from genjax_models.solvers.driver import Sampler


class Carry(NamedTuple):
    """The state between steps: the predictions so far, where the last step started, and its order."""

    history: History
    x: Array
    order: Array


def unipc(order: int = 2, variant: str = "bh2") -> Sampler:
    """UniPC on the prediction of clean data; one evaluation a step. The first steps are of lower order.

    Args:
      order: of the predictor.
      variant: "bh2", the authors' default, or "bh1", which they recommend for unguided sampling in few steps.

    Raises:
      ValueError: if the order is not 1, 2 or 3, or the variant unknown.
    """
    if order not in (1, 2, 3):
        raise ValueError(f"order must be 1, 2 or 3, got {order}")
    if variant not in ("bh1", "bh2"):
        raise ValueError(f"variant must be 'bh1' or 'bh2', got {variant!r}")

    def advance(
        process: GaussianProcess, history: History, x: Array, s: Array, n: int, end: Array | None = None
    ) -> Array:
        """From the newest time of `history` to `s`, of order `n`, or `n + 1` with the prediction `end` made there."""
        lam, then = half_log_snr(process, history.times), half_log_snr(process, s)
        h = then - lam[0]
        p, r = history.values, (lam[1:n] - lam[0]) / h
        differences = (p[1:n] - p[:1]) / r.reshape(-1, *[1] * x.ndim)
        if end is not None:
            r, differences = jnp.append(r, 1.0), jnp.concatenate([differences, (end - p[0])[None]])
        b = jnp.expm1(-h) if variant == "bh2" else -h
        total = jnp.expm1(-h) * p[0]
        if r.size:
            total = total + b * jnp.tensordot(_weights(-h, b, r), differences, 1)
        start, stop = process.sigma(history.times[0]), process.sigma(s)
        return stop / start * x - process.alpha(s) * total

    def step(key: Key, denoiser: Denoiser, carry: Carry, x: Array, t: Array, s: Array) -> tuple[Array, Carry]:
        del key
        process, last = denoiser.process, carry.history
        x0 = denoiser(x, t, "x0")
        corrections = [lambda: x] + [lambda n=n: advance(process, last, carry.x, t, n, x0) for n in range(1, order + 1)]
        corrected = jax.lax.switch(carry.order, corrections)
        history = last.push(x0, t)
        possible = jnp.isfinite(process.log_snr(t)) & jnp.isfinite(process.log_snr(s))
        usable = jnp.where(possible, usable_order(process, history, s), 0)
        first = lambda: process.add_noise(x0, (corrected - process.alpha(t) * x0) / process.sigma(t), s)
        predictions = [first] + [lambda n=n: advance(process, history, corrected, s, n) for n in range(1, order + 1)]
        return jax.lax.switch(usable, predictions), Carry(history, corrected, usable)

    start = no_history(order)
    return Sampler(lambda x, grid: Carry(start(x, grid), x, jnp.zeros((), jnp.int32)), step)


def _weights(g: Array, b: Array, r: Array) -> Array:
    """The weights above; a single one is 1/2 whatever the step, as the authors take it."""
    n = r.shape[0]
    if n == 1:
        return jnp.full(1, 0.5, r.dtype)
    q, moments = jnp.expm1(g) / g - 1.0, []
    for k in range(1, n + 1):
        moments.append(math.factorial(k) * q / b)
        q = q / g - 1.0 / math.factorial(k + 1)
    return jnp.linalg.solve(r[None, :] ** jnp.arange(n)[:, None], jnp.stack(moments))

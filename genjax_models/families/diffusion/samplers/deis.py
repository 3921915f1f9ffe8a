r"""DEIS: exponential integration with a polynomial through the last noise predictions, in log-noise time (tAB-DEIS).

In $\rho = \sigma/\alpha$ the path is $d(x/\alpha) = \hat\epsilon\,d\rho$. The noise is interpolated in
$v = \log\rho - \log\rho_t$ through its last values at $v_0 = 0, v_1, ...$, and the polynomial is integrated exactly:

$$\frac{x_s}{\alpha_s} = \frac{x_t}{\alpha_t} + \rho_t\sum_i c_i\,\hat\epsilon_i, \qquad
\sum_i c_i v_i^k = J_k = \int_0^g v^k e^v\,dv, \qquad J_0 = e^g - 1,\; J_k = g^k e^g - k J_{k-1}.$$

References:
  Zhang and Chen, Fast Sampling of Diffusion Models with Exponential Integrator, 2023, eq. 15, https://arxiv.org/abs/2204.13902
"""

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.families.diffusion.samplers.history import History, half_log_snr, no_history, usable_order
from genjax_models.processes.denoiser import Denoiser
from genjax_models.solvers.driver import Sampler


def deis(order: int = 3) -> Sampler:
    """Order `order` once as many predictions are there; one evaluation a step.

    Raises:
      ValueError: if the order is not between 1 and 4.
    """
    if order not in (1, 2, 3, 4):
        raise ValueError(f"order must lie between 1 and 4, got {order}")

    def step(key: Key, denoiser: Denoiser, carry: History, x: Array, t: Array, s: Array) -> tuple[Array, History]:
        del key
        process = denoiser.process
        x0, eps = denoiser.x0_and_eps(x, t)
        history = carry.push(eps, t)
        now = half_log_snr(process, t)
        g = now - half_log_snr(process, s)
        nodes = now - half_log_snr(process, history.times)
        rho = process.scaled_sigma(t)

        def of_order(n: int) -> Array:
            integrals = [jnp.expm1(g)]
            for k in range(1, n):
                integrals.append(g**k * jnp.exp(g) - k * integrals[-1])
            powers = nodes[None, :n] ** jnp.arange(n)[:, None]
            c = jnp.linalg.solve(powers, jnp.stack(integrals))
            return process.alpha(s) * (x / process.alpha(t) + rho * jnp.tensordot(c, history.values[:n], 1))

        def first() -> Array:
            return process.add_noise(x0, eps, s)

        branches = [first] + [lambda n=n: of_order(n) for n in range(2, order + 1)]
        return jax.lax.switch(usable_order(process, history, s) - 1, branches), history

    return Sampler(no_history(order), step, steps_from_x0_and_eps=order == 1)

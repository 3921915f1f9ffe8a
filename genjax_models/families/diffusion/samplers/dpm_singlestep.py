r"""DPM-Solver-1, 2, 3 and DPM-Solver++(2S, 3S): evaluations inside a step, at fixed fractions of its log-SNR.

The notation is that of `dpm_multistep`. With fractions $r_1 < r_2$ of the step in $\lambda$, $u_i$ the state at
fraction $r_i$ and $D_i = p(u_i) - p$:

$$u_1 = r\,x - c\,(e^{r_1 g}-1)\,p, \qquad
x_s = r\,x - c\,(e^g - 1)\left(p + \tfrac{1}{2 r_1}D_1\right) \quad \text{(second order)},$$

$$u_2 = r\,x - c\left[(e^{r_2 g}-1)\,p + \tfrac{r_2}{r_1}\left(\tfrac{e^{r_2 g}-1}{r_2 g} - 1\right)D_1\right], \qquad
x_s = r\,x - c\left[(e^g - 1)\,p + \tfrac{1}{r_2}\left(\tfrac{e^g-1}{g} - 1\right)D_2\right] \quad \text{(third)}.$$

References:
  Lu et al., DPM-Solver, 2022, algorithms 1 and 2, https://arxiv.org/abs/2206.00927
  Lu et al., DPM-Solver++, 2022, algorithm 1, https://arxiv.org/abs/2211.01095
"""

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.families.diffusion.samplers.dpm_multistep import check, ratio_and_scale
from genjax_models.families.diffusion.samplers.history import half_log_snr
from genjax_models.processes.denoiser import Denoiser
from genjax_models.solvers.driver import Sampler, nothing


def dpm_singlestep(order: int = 2, prediction: str = "eps") -> Sampler:
    r"""DPM-Solver of the given order; `prediction="x0"` is DPM-Solver++. `order` evaluations a step.

    A step from or to an infinite log-SNR is of first order, since it has no middle. Order 3 is the paper's algorithm;
    diffusers finds $u_2$ by its rule of second order, with $\frac12(e^{r_2 g} - 1)$ before $D_1$, so the two differ.

    Raises:
      ValueError: if the order is not 1, 2 or 3, or the prediction not "x0" or "eps".
    """
    check(order, prediction)

    def step(key: Key, denoiser: Denoiser, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        del key
        process = denoiser.process
        x0, eps = denoiser.x0_and_eps(x, t)
        p = x0 if prediction == "x0" else eps
        now, then = half_log_snr(process, t), half_log_snr(process, s)
        sign = -1.0 if prediction == "x0" else 1.0

        def at(fraction: float) -> tuple[Array, Array, Array, Array]:
            lam = now + fraction * (then - now)
            time = s if fraction == 1.0 else process.time_of(2.0 * lam)
            return time, *ratio_and_scale(process, prediction, t, time), sign * (lam - now)

        def first() -> Array:
            return process.add_noise(x0, eps, s)

        def second() -> Array:
            time, ratio, scale, g = at(0.5)
            difference = denoiser(ratio * x - scale * jnp.expm1(g) * p, time, prediction) - p
            _, ratio, scale, g = at(1.0)
            return ratio * x - scale * jnp.expm1(g) * (p + difference)

        def third() -> Array:
            time, ratio, scale, g = at(1.0 / 3.0)
            difference = denoiser(ratio * x - scale * jnp.expm1(g) * p, time, prediction) - p
            time, ratio, scale, g = at(2.0 / 3.0)
            u = ratio * x - scale * (jnp.expm1(g) * p + 2.0 * (jnp.expm1(g) / g - 1.0) * difference)
            difference = denoiser(u, time, prediction) - p
            _, ratio, scale, g = at(1.0)
            return ratio * x - scale * (jnp.expm1(g) * p + 1.5 * (jnp.expm1(g) / g - 1.0) * difference)

        if order == 1:
            return first(), carry
        finite = jnp.isfinite(now) & jnp.isfinite(then)
        return jax.lax.cond(finite, second if order == 2 else third, first), carry

    return Sampler(nothing, step, order, steps_from_x0_and_eps=order == 1)

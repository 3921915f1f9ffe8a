r"""DPM-Solver and DPM-Solver++ as multistep methods, and the stochastic solver that goes with them.

With $\lambda = \log(\alpha/\sigma)$ and $h = \lambda_s - \lambda_t$ the path from $t$ to $s$ is exactly

$$x_s = \frac{\sigma_s}{\sigma_t}x_t + \sigma_s\int_{\lambda_t}^{\lambda_s} e^{\lambda}\,\hat x_0\,d\lambda
     = \frac{\alpha_s}{\alpha_t}x_t - \alpha_s\int_{\lambda_t}^{\lambda_s} e^{-\lambda}\,\hat\epsilon\,d\lambda.$$

Both solvers expand the prediction $p$ in powers of $\lambda$ from earlier evaluations. With $g = h$ and $r$ the ratio
of the signal's coefficients for $p = \epsilon$, and $g = -h$ and that of the noise's for $p = x_0$, one formula does:

$$x_s = r\,x_t - c\,\left[(e^g - 1)\,p + \left(\frac{e^g - 1}{g} - 1\right) D_1
      + \left(\frac{e^g - 1 - g}{g^2} - \frac12\right) D_2\right],$$

$c = \sigma_s$ or $\alpha_s$, with differences $D_1, D_2$ over the step. (At second order the papers take
$\frac12(e^g-1)$ for the coefficient of $D_1$, equal to the order in question.)

References:
  Lu et al., DPM-Solver, 2022, https://arxiv.org/abs/2206.00927
  Lu et al., DPM-Solver++, 2022, algorithm 2 and eq. 11, https://arxiv.org/abs/2211.01095
"""

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.families.diffusion.samplers.history import History, half_log_snr, no_history, usable_order
from genjax_models.processes.denoiser import Denoiser
from genjax_models.processes.gaussian import GaussianProcess
from genjax_models.solvers.driver import Sampler


def dpm_multistep(order: int = 2, prediction: str = "x0") -> Sampler:
    """DPM-Solver++(2M) by default; `prediction="eps"` is the multistep form of DPM-Solver. One evaluation a step.

    The first steps, and a last step to t = 0, are of lower order; diffusers lowers that of more last steps in runs of
    fewer than 15 (as its DEIS does; its UniPC in runs of any length), by default. Order 3 suits unguided
    sampling only; its second difference is twice that of the authors' code (and of diffusers), with which the method is
    of second order.

    Raises:
      ValueError: if the order is not 1, 2 or 3, or the prediction not "x0" or "eps".
    """
    check(order, prediction)

    def step(key: Key, denoiser: Denoiser, carry: History, x: Array, t: Array, s: Array) -> tuple[Array, History]:
        del key
        process = denoiser.process
        x0, eps = denoiser.x0_and_eps(x, t)
        history = carry.push(x0 if prediction == "x0" else eps, t)
        lam, now, then = (half_log_snr(process, time) for time in (history.times, t, s))
        g = now - then if prediction == "x0" else then - now
        ratio, scale = ratio_and_scale(process, prediction, t, s)
        p = history.values
        r = (lam[:-1] - lam[1:]) / (then - now)  # lengths of the earlier steps over that of this one

        def first() -> Array:
            return process.add_noise(x0, eps, s)

        def second() -> Array:
            return ratio * x - scale * jnp.expm1(g) * (p[0] + 0.5 * (p[0] - p[1]) / r[0])

        def third() -> Array:
            near, far = (p[0] - p[1]) / r[0], (p[1] - p[2]) / r[1]
            d1 = near + r[0] / (r[0] + r[1]) * (near - far)
            d2 = 2.0 * (near - far) / (r[0] + r[1])
            phi_1 = jnp.expm1(g) / g - 1.0
            phi_2 = (jnp.expm1(g) - g) / g**2 - 0.5
            return ratio * x - scale * (jnp.expm1(g) * p[0] + phi_1 * d1 + phi_2 * d2)

        branches = [first, second, third][:order]
        return jax.lax.switch(usable_order(process, history, s) - 1, branches), history

    return Sampler(no_history(order), step, steps_from_x0_and_eps=order == 1)


def sde_dpm_multistep(order: int = 2) -> Sampler:
    r"""SDE-DPM-Solver++(1 or 2M): exact noise, and the prediction of the clean data expanded as above.

    $$x_s = \frac{\sigma_s}{\sigma_t}e^{-h}x_t + \alpha_s(1 - e^{-2h})(\hat x_0 + \tfrac12 D_1)
        + \sigma_s\sqrt{1 - e^{-2h}}\,z$$

    Raises:
      ValueError: if the order is not 1 or 2.
    """
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, got {order}")

    def step(key: Key, denoiser: Denoiser, carry: History, x: Array, t: Array, s: Array) -> tuple[Array, History]:
        process = denoiser.process
        x0 = denoiser(x, t, "x0")
        history = carry.push(x0, t)
        lam, now, then = (half_log_snr(process, time) for time in (history.times, t, s))
        h = then - now

        def extrapolated() -> Array:
            return x0 + 0.5 * (x0 - history.values[1]) * h / (lam[0] - lam[1])

        guess = jax.lax.switch(usable_order(process, history, s) - 1, [lambda: x0, extrapolated][:order])
        z = jax.random.normal(key, x.shape, x.dtype)
        x = process.sigma(s) / process.sigma(t) * jnp.exp(-h) * x - process.alpha(s) * jnp.expm1(-2.0 * h) * guess
        return x + process.sigma(s) * jnp.sqrt(-jnp.expm1(-2.0 * h)) * z, history

    return Sampler(no_history(order), step, stochastic=True)


def check(order: int, prediction: str) -> None:
    """Refuse an order or a prediction that neither form of the solvers has."""
    if order not in (1, 2, 3):
        raise ValueError(f"order must be 1, 2 or 3, got {order}")
    if prediction not in ("x0", "eps"):
        raise ValueError(f"prediction must be 'x0' (DPM-Solver++) or 'eps' (DPM-Solver), got {prediction!r}")


def ratio_and_scale(process: GaussianProcess, prediction: str, t: Array, s: Array) -> tuple[Array, Array]:
    """The two coefficients `r` and `c` above, for a step from `t` to `s`."""
    if prediction == "x0":
        return process.sigma(s) / process.sigma(t), process.alpha(s)
    return process.alpha(s) / process.alpha(t), process.sigma(s)

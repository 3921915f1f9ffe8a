r"""Flow-matching samplers: integrate $dx/dt = u_\theta(x, t)$ from noise at t = 1 to data at t = 0.

On any Gaussian process the same field is the probability-flow ODE (Song et al., 2021, eq. 13,
https://arxiv.org/abs/2011.13456), so a diffusion model runs on these solvers as well. And for any $w(t) \ge 0$ the SDE
that runs backwards in time,

$$dx = \left[u(x, t) - \tfrac12 w(t)\,\nabla\log p_t(x)\right] dt + \sqrt{w(t)}\,d\bar w,$$

has the same marginals (Ma et al., SiT, 2024, eq. 4, https://arxiv.org/abs/2401.08740). $w = 0$ is the ODE and
$w = g^2$ the reverse SDE of Song et al., whose coefficients are infinite where there is no signal; these are not.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.processes.denoiser import Denoiser
from genjax_models.processes.gaussian import GaussianProcess
from genjax_models.solvers.adaptive import adaptive
from genjax_models.solvers.driver import Sampler, nothing
from genjax_models.solvers.ode import Step, euler_step, heun_step, midpoint_step, rk4_step


def _ode(solver: Step, evaluations: int, *, sees_end: bool = False) -> Sampler:
    """A solver that may evaluate where a step ends: at t = 0 no other prediction becomes a velocity."""

    def step(key: Key, denoiser: Denoiser, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        del key
        solve = lambda x: solver(lambda x, t: denoiser(x, t, "velocity"), x, t, s)
        if not sees_end or denoiser.prediction == "velocity":
            return solve(x), carry
        return jax.lax.cond(s > 0.0, solve, lambda x: denoiser(x, t, "x0").astype(x.dtype), x), carry

    return Sampler(nothing, step, evaluations)


def euler() -> Sampler:
    """The first-order solver, one evaluation a step."""
    return _ode(euler_step, 1)


def midpoint() -> Sampler:
    """The second-order midpoint rule, two evaluations a step, none of them at t = 0."""
    return _ode(midpoint_step, 2)


def heun() -> Sampler:
    """Heun's second-order solver, two evaluations a step, the last of them at t = 0.

    Where the model predicts something else than a velocity the step onto t = 0 is of first order, to the clean data.
    """
    return _ode(heun_step, 2, sees_end=True)


def rk4() -> Sampler:
    """The classic fourth-order Runge-Kutta solver, four evaluations a step; onto t = 0 as `heun`."""
    return _ode(rk4_step, 4, sees_end=True)


def adaptive_ode(rtol: float = 1e-4, atol: float = 1e-4) -> Sampler:
    """Every step of the grid solved to a tolerance, see `solvers.adaptive`; one step from noise to data will do.

    It stops where the noise is a thousandth of the signal, as `decode` does: the velocity has no value at t = 0. How
    often it evaluates the network is up to the tolerances.
    """

    def step(key: Key, denoiser: Denoiser, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        del key
        last = jnp.maximum(s, denoiser.process.least_time(x.dtype))
        solve = lambda x: adaptive(lambda x, t: denoiser(x, t, "velocity"), x, t, last, rtol=rtol, atol=atol).x
        return jax.lax.cond(t > last, solve, lambda x: x, x), carry

    return Sampler(nothing, step, evaluations=None)


def interpolant_sde(diffusion: Callable[[GaussianProcess, Array], Array] = GaussianProcess.sigma) -> Sampler:
    r"""The Euler-Maruyama scheme of the SDE above; a step to t = 0 adds no noise.

    Args:
      diffusion: `(process, t) -> w(t)`, by default $\sigma(t)$.
    """

    def step(key: Key, denoiser: Denoiser, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        process, h = denoiser.process, t - s
        velocity, w = denoiser(x, t, "velocity"), diffusion(process, t)
        drift = velocity - 0.5 * w * process.convert(velocity, "velocity", "score", x, t)
        noise = jnp.where(s > 0.0, jnp.sqrt(w * h), 0.0) * jax.random.normal(key, x.shape, x.dtype)
        return x - h * drift + noise, carry

    return Sampler(nothing, step, stochastic=True)

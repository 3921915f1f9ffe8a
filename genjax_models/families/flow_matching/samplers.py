r"""Flow-matching samplers: integrate $dx/dt = u_\theta(x, t)$ from noise at t = 1 to data at t = 0.

On any Gaussian process the same field is the probability-flow ODE (Song et al., 2021, eq. 13,
https://arxiv.org/abs/2011.13456), so a diffusion model runs on these solvers as well.
"""

from genjax_models.core.types import Array, Key
from genjax_models.processes.denoiser import Denoiser
from genjax_models.solvers.driver import Sampler, nothing
from genjax_models.solvers.ode import Step, euler_step, heun_step, midpoint_step, rk4_step


def _ode(solver: Step, evaluations: int) -> Sampler:
    def step(key: Key, denoiser: Denoiser, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        del key
        return solver(lambda x, t: denoiser(x, t, "velocity"), x, t, s), carry

    return Sampler(nothing, step, evaluations)


def euler() -> Sampler:
    """The first-order solver, one evaluation a step."""
    return _ode(euler_step, 1)


def midpoint() -> Sampler:
    """The second-order midpoint rule, two evaluations a step, none of them at t = 0."""
    return _ode(midpoint_step, 2)


def heun() -> Sampler:
    """Heun's second-order solver, two evaluations a step, the last of them at t = 0."""
    return _ode(heun_step, 2)


def rk4() -> Sampler:
    """The classic fourth-order Runge-Kutta solver, four evaluations a step."""
    return _ode(rk4_step, 4)

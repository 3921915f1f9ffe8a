r"""PNDM and PLMS: a linear multistep rule for the noise, then DDIM's step with that noise.

$$\hat\epsilon' = \tfrac{1}{24}(55\hat\epsilon_0 - 59\hat\epsilon_1 + 37\hat\epsilon_2 - 9\hat\epsilon_3), \qquad
x_s = \phi(x_t, \hat\epsilon', t, s) = \frac{\alpha_s}{\alpha_t}(x_t - \sigma_t\hat\epsilon') + \sigma_s\hat\epsilon'$$

The rule is applied to the noise whatever the network predicts; diffusers applies it to the network's own output.

The signal must not vanish where a step starts; start a grid on `rectified_flow` below t = 1.

References:
  Liu et al., Pseudo Numerical Methods for Diffusion Models on Manifolds, 2022, algorithms 1 and 2,
  https://arxiv.org/abs/2202.09778
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.families.diffusion.samplers.history import History, no_history
from genjax_models.processes.denoiser import Denoiser
from genjax_models.solvers.driver import Sampler

Start = Callable[[Denoiser, Array, Array, Array, Array], Array]

ADAMS_BASHFORTH = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))


def pndm() -> Sampler:
    """PNDM (F-PNDM): three pseudo Runge-Kutta steps of four evaluations, then the multistep rule with one.

    One of the first steps that ends without noise is DDIM's.
    """
    return _multistep(_runge_kutta, warmup=3)


def plms() -> Sampler:
    """PLMS (S-PNDM's start): one pseudo Heun step of two evaluations, then rules of growing order with one.

    A run of one step that ends without noise is DDIM's.
    """
    return _multistep(_heun, warmup=1)


def _multistep(start: Start, warmup: int) -> Sampler:
    def step(key: Key, denoiser: Denoiser, carry: History, x: Array, t: Array, s: Array) -> tuple[Array, History]:
        del key
        newest = denoiser(x, t, "eps")
        history = carry.push(newest, t)

        def rule(weights: tuple[float, ...]) -> Array:
            return jnp.tensordot(jnp.array(weights, x.dtype), history.values[: len(weights)], 1)

        def multistep() -> Array:
            rules = [lambda weights=weights: rule(weights) for weights in ADAMS_BASHFORTH[warmup:]]
            return jax.lax.switch(jnp.clip(history.made - 1 - warmup, 0, len(rules) - 1), rules)

        # Where a step ends without noise no prediction becomes noise: the first steps are then of first order.
        begin = lambda: start(denoiser, x, newest, t, s)
        first = lambda: jax.lax.cond(denoiser.process.sigma(s) > 0.0, begin, lambda: newest)
        eps = jax.lax.cond(history.made <= warmup, first, multistep)
        return _transfer(denoiser, x, eps, t, s), history

    return Sampler(no_history(4), step, needs_signal=True)


def _transfer(denoiser: Denoiser, x: Array, eps: Array, t: Array, s: Array) -> Array:
    alpha, sigma = denoiser.process.alpha, denoiser.process.sigma
    return alpha(s) / alpha(t) * (x - sigma(t) * eps) + sigma(s) * eps


def _heun(denoiser: Denoiser, x: Array, eps: Array, t: Array, s: Array) -> Array:
    return 0.5 * (eps + denoiser(_transfer(denoiser, x, eps, t, s), s, "eps"))


def _runge_kutta(denoiser: Denoiser, x: Array, eps: Array, t: Array, s: Array) -> Array:
    middle = 0.5 * (t + s)
    second = denoiser(_transfer(denoiser, x, eps, t, middle), middle, "eps")
    third = denoiser(_transfer(denoiser, x, second, t, middle), middle, "eps")
    fourth = denoiser(_transfer(denoiser, x, third, t, s), s, "eps")
    return (eps + 2.0 * second + 2.0 * third + fourth) / 6.0

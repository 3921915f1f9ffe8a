"""What every sampler says of itself is true: its evaluations, its noise, what it needs, and what CFG++ may run on."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.gaussian_path import registry
from genjax_models.families.consistency import multistep
from genjax_models.families.diffusion import ddim, deis, dpm_multistep, edm_heun, learned_variance_ancestral
from genjax_models.families.flow_matching import adaptive_ode
from genjax_models.processes import Denoiser, GaussianProcess, rectified_flow, vp
from genjax_models.solvers import Sampler, sample

LEARNED = "ancestral_learned"  # its network has a second half, the variance
SAMPLERS: dict[str, Sampler] = {
    **{name: make() for name, make in registry.SAMPLERS.items()},
    LEARNED: learned_variance_ancestral(),
    "multistep": multistep(0.01),
    "ddim_half": ddim(0.5),
    "deis_1": deis(1),
    "dpm_solver_pp_1m": dpm_multistep(1),
}
every_sampler = pytest.mark.parametrize("name", SAMPLERS)


def exact(process: GaussianProcess, name: str, mean: float = 0.4, std: float = 0.5) -> Denoiser:
    """The velocity of normal data, with a second half for the sampler that wants one."""

    def velocity(x, t):
        x0 = mean + process.alpha(t) * std**2 / variance(t) * (x - process.alpha(t) * mean)
        eps = process.sigma(t) / variance(t) * (x - process.alpha(t) * mean)
        v = process.alpha_dot(t) * x0 + process.sigma_dot(t) * eps
        return jnp.concatenate([v, jnp.full_like(v, 0.5)], axis=-1) if name == LEARNED else v

    def variance(t):
        return (process.alpha(t) * std) ** 2 + process.sigma(t) ** 2

    return Denoiser(process, lambda x, t: velocity(x, t[:, None]), "velocity")


def normal(seed: int, rows: int = 16) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), (rows, 1))


@every_sampler
def test_noise_and_evaluations_are_as_it_says(name):
    """Two keys have two ends if steps draw noise; the last of six steps calls the model as often as a step is said to.

    By then a multistep method is past its start, and all times have signal and noise.
    """
    sampler, calls = SAMPLERS[name], []
    grid = jnp.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])

    def counting(key, denoiser, carry, x, t, s):
        def model(x, t):
            jax.debug.callback(lambda s: calls.append(float(s)), s)
            return denoiser.model(x, t)

        return sampler.step(key, denoiser._replace(model=model), carry, x, t, s)

    run = jax.jit(lambda key: sample(key, exact(vp(), name), normal(0), grid, sampler._replace(step=counting)))
    equal = bool((run(jax.random.key(1)) == run(jax.random.key(2))).all())
    assert sampler.stochastic is not equal
    jax.effects_barrier()
    if sampler.evaluations is not None:
        assert calls.count(float(grid[-1])) == 2 * sampler.evaluations


def test_a_tolerance_decides_how_often_an_adaptive_solver_evaluates():
    def evaluations(tolerance):
        calls, plain = [], exact(vp(), "")

        def counted(x, t):
            jax.debug.callback(lambda: calls.append(0))
            return plain.model(x, t)

        sampler = adaptive_ode(tolerance, tolerance)
        assert sampler.evaluations is None
        jax.jit(lambda x: sample(jax.random.key(0), plain._replace(model=counted), x, jnp.array([0.9, 0.4]), sampler))(
            normal(0)
        )
        jax.effects_barrier()
        return len(calls)

    assert evaluations(1e-2) < evaluations(1e-6)


@every_sampler
def test_only_those_that_need_signal_fail_from_pure_noise(name):
    process, sampler = rectified_flow(), SAMPLERS[name]
    run = lambda: sample(jax.random.key(0), exact(process, name), normal(0), jnp.array([1.0, 0.9]), sampler)
    found = np.asarray(jax.jit(run)())
    sane = bool((np.abs(found) < 100.0).all())  # NaN is not
    assert sampler.needs_signal is not sane


@every_sampler
def test_only_those_that_need_noise_do_nothing_onto_clean_data(name):
    process, sampler, x = vp(), SAMPLERS[name], normal(0)
    found = jax.jit(lambda: sample(jax.random.key(0), exact(process, name), x, jnp.array([0.05, 0.0]), sampler))()
    assert sampler.needs_noise is bool((found == x).all())


class Said(NamedTuple):
    """A denoiser that says the same of any input: clean data 0.3 and this noise, which need not agree with it."""

    eps: jax.Array
    channels: int
    process: GaussianProcess = vp()
    prediction: str = "x0"

    def model(self, x, t):
        return jnp.full((*x.shape[:-1], self.channels), 0.3)

    def __call__(self, x, t, target="x0"):
        return jnp.full_like(x, 0.3)

    def x0_and_eps(self, x, t):
        return jnp.full_like(x, 0.3), jnp.broadcast_to(self.eps, x.shape)


@every_sampler
def test_only_some_step_from_the_predictions_alone(name):
    """Then a step, also one after another, does not depend on `x` but for them, and depends on the noise."""
    sampler, grid = SAMPLERS[name], jnp.array([0.6, 0.5, 0.4])

    @jax.jit
    def second(x, eps):
        denoiser = Said(eps, 2 if name == LEARNED else 1)
        _, carry = sampler.step(jax.random.key(0), denoiser, sampler.init(normal(0), grid), normal(0), *grid[:2])
        return sampler.step(jax.random.key(1), denoiser, carry, x, *grid[1:])[0]

    plain, moved, noisier = second(normal(1), 0.2), second(normal(2), 0.2), second(normal(1), 0.4)
    alone = bool((plain == moved).all()) and not bool((plain == noisier).any())
    assert sampler.steps_from_x0_and_eps is alone


def test_s_churn_is_spread_over_the_steps_of_the_grid():
    """Karras et al., algorithm 2: gamma = min(S_churn / N, sqrt(2) - 1), here seen in the first time asked for."""
    for s_churn, num_steps, gamma in ((1.8, 18, 0.1), (3.0, 10, 0.3), (80.0, 10, 2**0.5 - 1.0)):
        grid, asked, process = jnp.linspace(0.5, 0.1, num_steps + 1), [], vp()
        sampler = edm_heun(s_churn)
        silent = Denoiser(process, lambda x, t, asked=asked: asked.append(t) or jnp.zeros_like(x), "x0")
        sampler.step(jax.random.key(0), silent, sampler.init(normal(0), grid), normal(0), grid[0], grid[1])
        raised = process.scaled_sigma(asked[0]) / process.scaled_sigma(grid[0])
        np.testing.assert_allclose(raised, 1.0 + gamma, rtol=1e-5)


def test_churn_acts_between_its_two_levels_alone():
    run = partial(sample, jax.random.key(0), exact(vp(), ""), normal(0), jnp.array([0.6, 0.5, 0.4]))
    plain, level = run(edm_heun()), float(vp().scaled_sigma(jnp.array(0.45)))
    for outside in ({"s_max": 0.1}, {"s_min": 100.0}):
        np.testing.assert_allclose(run(edm_heun(0.4, **outside)), plain, rtol=1e-6)
    assert bool((run(edm_heun(0.4, s_min=level)) != plain).all())

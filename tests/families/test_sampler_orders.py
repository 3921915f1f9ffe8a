"""On the exact flow of normal data every ODE solver shows its order, and single steps are their formulas."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import gaussian, two_moons_like

from genjax_models.families.diffusion.samplers import (
    ddim,
    deis,
    dpm_multistep,
    dpm_singlestep,
    edm_heun,
    plms,
    pndm,
    unipc,
)
from genjax_models.families.diffusion.samplers.ancestral import posterior_variance, transition_variance
from genjax_models.families.flow_matching import euler, heun, midpoint, rk4
from genjax_models.processes import (
    Denoiser,
    vp,
)
from genjax_models.solvers import sample, uniform_grid


def linear_flow():
    r"""On $N(m, s^2)$ the ODE is linear: each $z = (x_t - \alpha m)/\sqrt{\alpha^2 s^2 + \sigma^2}$ is kept.

    The process, the exact denoiser, and where some fixed `z` are at a time.
    """
    process, mean, std = vp(0.1, 12.0), 0.3, 0.4
    z = jnp.asarray(np.random.default_rng(0).normal(size=(16, 2)))
    spread = lambda t: jnp.sqrt((process.alpha(t) * std) ** 2 + process.sigma(t) ** 2)
    place = lambda t: process.alpha(t) * mean + spread(t) * z
    return process, Denoiser(process, gaussian(mean, std).denoiser(process), "x0"), place


@pytest.mark.parametrize(("sampler", "order"), [(euler(), 1), (midpoint(), 2), (heun(), 2), (rk4(), 4), (ddim(), 1)])
def test_probability_flow_is_exact_on_gaussian_data(sampler, order):
    """Errors of 40 and 80 steps on the exact linear flow."""
    with jax.enable_x64(True):
        _, denoiser, place = linear_flow()
        end = 0.2

        @partial(jax.jit, static_argnums=0)
        def error(n: int) -> jax.Array:
            start, exact = (place(jnp.array(t)) for t in (1.0, end))
            x = sample(jax.random.key(1), denoiser, start, uniform_grid(n, end=end), sampler)
            return jnp.abs(x - exact).max()

        assert np.log2(error(40) / error(80)) == pytest.approx(order, abs=0.25)


@pytest.mark.parametrize(
    ("sampler", "order", "prediction", "length"),
    [
        (dpm_singlestep(1), 1, None, 0),
        (dpm_singlestep(2), 2, None, 0),
        (dpm_singlestep(3), 3, None, 0),
        (dpm_singlestep(2, "x0"), 2, None, 0),
        (dpm_singlestep(3, "x0"), 3, None, 0),
        (edm_heun(), 2, None, 0),
        (dpm_multistep(2), 2, "x0", 2),
        (dpm_multistep(3), 3, "x0", 3),
        (dpm_multistep(2, "eps"), 2, "eps", 2),
        (dpm_multistep(3, "eps"), 3, "eps", 3),
        (deis(2), 2, "eps", 2),
        (deis(3), 3, "eps", 3),
        (deis(4), 4, "eps", 4),
        (unipc(1), 2, "x0", 1),
        (unipc(2), 3, "x0", 2),
        (unipc(3), 4, "x0", 3),
        (unipc(2, "bh1"), 3, "x0", 2),
    ],
)
def test_order_of_convergence(sampler, order, prediction, length):
    """Errors of 64 and 128 steps on the exact linear flow; multistep rules begin with an exact past."""
    with jax.enable_x64(True):
        process, denoiser, place = linear_flow()

        @partial(jax.jit, static_argnums=0)
        def error(n: int) -> jax.Array:
            ends = process.log_snr(jnp.array([0.7, 0.2]))
            h = (ends[1] - ends[0]) / n
            grid = process.time_of(ends[0] + h * jnp.arange(n + 1))
            start = sampler.init(place(grid[0]), grid)
            past = process.time_of(ends[0] - h * jnp.arange(length, 0, -1))
            history = getattr(start, "history", start)
            for t in past:
                history = history.push(denoiser(place(t), t, prediction), t)
            if hasattr(start, "history"):
                start = start._replace(history=history, x=place(past[-1]), order=jnp.array(length, jnp.int32))
            elif length:
                start = history
            warm = sampler._replace(init=lambda *_: start)
            x = sample(jax.random.key(1), denoiser, place(grid[0]), grid, warm)
            return jnp.abs(x - place(grid[-1])).max()

        assert np.log2(error(64) / error(128)) == pytest.approx(order, abs=0.45)


@pytest.mark.parametrize("sampler", [plms(), pndm()])
def test_pseudo_linear_multistep_is_of_second_order_at_least(sampler):
    with jax.enable_x64(True):
        _, denoiser, place = linear_flow()

        @partial(jax.jit, static_argnums=0)
        def error(n: int) -> jax.Array:
            grid = uniform_grid(n, start=0.7, end=0.2)
            x = sample(jax.random.key(1), denoiser, place(grid[0]), grid, sampler)
            return jnp.abs(x - place(grid[-1])).max()

        assert np.log2(error(80) / error(160)) > 1.75


def test_deterministic_ddim_is_the_first_order_exponential_integrator():
    r"""$x_s = \frac{\alpha_s}{\alpha_t}x_t - \sigma_s(e^h - 1)\hat\epsilon$ (DPM-Solver, eq. 3.7)."""
    with jax.enable_x64(True):
        process, t, s = vp(), jnp.array(0.7), jnp.array(0.4)
        denoiser = Denoiser(process, two_moons_like().denoiser(process), "x0")
        samplers = (ddim(), dpm_singlestep(1), dpm_multistep(1), deis(1), unipc(1))

        @jax.jit
        def steps(x: jax.Array) -> tuple[jax.Array, list[jax.Array]]:
            h = 0.5 * (process.log_snr(s) - process.log_snr(t))
            expected = process.alpha(s) / process.alpha(t) * x - process.sigma(s) * jnp.expm1(h) * denoiser(x, t, "eps")
            run = lambda sampler: sample(jax.random.key(0), denoiser, x, jnp.stack([t, s]), sampler)
            return expected, [run(sampler) for sampler in samplers]

        expected, found = steps(np.random.default_rng(0).normal(size=(8, 2)))
        for x in found:
            np.testing.assert_allclose(x, expected, rtol=1e-12)


def test_posterior_matches_bayes():
    """q(x_s | x_t, x_0) from the product of two Gaussians, against the closed form that the sampler uses."""
    with jax.enable_x64(True):
        process, t, s = vp(), jnp.array(0.6), jnp.array(0.4)
        alpha_ts, variance_ts = process.alpha(t) / process.alpha(s), transition_variance(process, t, s)
        precision = alpha_ts**2 / variance_ts + 1 / process.sigma(s) ** 2
        np.testing.assert_allclose(posterior_variance(process, t, s), 1 / precision, rtol=1e-10)

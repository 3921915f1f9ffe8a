"""Samplers where a process is singular, where there is no noise left, and where an argument is out of range."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import gaussian

from genjax_models.families.diffusion.samplers import (
    ancestral,
    annealed_langevin,
    ddim,
    deis,
    dpm_multistep,
    dpm_singlestep,
    edm_heun,
    euler_maruyama,
    langevin_corrector,
    reverse_diffusion,
    sde_dpm_multistep,
    unipc,
)
from genjax_models.families.flow_matching import heun, rk4
from genjax_models.processes import (
    Denoiser,
    cosine,
    edm,
    karras_grid,
    log_snr_grid,
    rectified_flow,
    ve,
    vp,
    zero_terminal_snr,
)
from genjax_models.solvers import sample, uniform_grid


@pytest.mark.parametrize("process", [vp(), ve(0.001, 20.0), rectified_flow(), zero_terminal_snr(vp())])
def test_samplers_reach_time_zero(process):
    """The last step onto t = 0, and the first from t = 1, are finite at whatever singularity the process has there."""
    denoiser = Denoiser(process, gaussian().denoiser(process), "x0")
    samplers = [ancestral(), ddim(), ddim(1.0), dpm_singlestep(3), dpm_multistep(3), dpm_multistep(3, "eps")]
    samplers += [sde_dpm_multistep(), deis(), unipc(3)]

    @jax.jit
    def finite(key: jax.Array) -> list[jax.Array]:
        x = process.sample_prior(key, (64, 2))
        return [jnp.isfinite(sample(key, denoiser, x, uniform_grid(6), sampler)).all() for sampler in samplers]

    assert np.flatnonzero(~np.array(finite(jax.random.key(0)))).tolist() == []


@pytest.mark.parametrize("prediction", ["x0", "velocity"])
@pytest.mark.parametrize("sampler", [ancestral(), ancestral(large_variance=True), ddim(), dpm_multistep()])
def test_many_steps_of_edm_reach_the_data(sampler, prediction):
    """In a thousand even steps the path slows down to a billionth of a billionth of its speed."""
    process, data = edm(), gaussian(0.3, 0.5)
    x0 = data.denoiser(process)
    model = lambda x, t: process.convert(x0(x, t), "x0", prediction, x, t)
    x = process.sample_prior(jax.random.key(0), (4000, 2))
    drawn = jax.jit(
        lambda x: sample(jax.random.key(1), Denoiser(process, model, prediction), x, uniform_grid(1000), sampler)
    )(x)
    assert float(drawn.mean()) == pytest.approx(0.3, abs=0.03)
    assert float(drawn.std()) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("solver", [heun(), rk4()])
@pytest.mark.parametrize(
    ("process", "prediction"), [(rectified_flow(), "x0"), (vp(), "x0"), (vp(), "eps"), (cosine(), "v")]
)
def test_a_small_error_of_a_network_stays_small_onto_clean_data(process, prediction, solver):
    """A velocity is these predictions over what vanishes at t = 0."""
    data = gaussian(-0.4, 0.5).denoiser(process)
    exact = Denoiser(process, data, "x0")
    wrong = lambda x, t: exact(x, t, prediction) + 1e-3 * jnp.sin(40.0 * x)
    x = process.sigma(jnp.array(1.0)) * jax.random.normal(jax.random.key(0), (4000, 2))
    grid = uniform_grid(30)
    drawn = jax.jit(lambda x: sample(jax.random.key(1), Denoiser(process, wrong, prediction), x, grid, solver))(x)
    assert float(drawn.std()) == pytest.approx(0.5, abs=0.05)
    assert float(drawn.mean()) == pytest.approx(-0.4, abs=0.05)


@pytest.mark.parametrize("solver", [euler_maruyama(), reverse_diffusion()])
def test_the_last_step_of_an_sde_adds_no_noise(solver):
    process = vp()
    denoiser = Denoiser(process, lambda x, t: jnp.zeros_like(x), "x0")
    take = lambda key: solver.step(key, denoiser, (), jnp.ones((8, 1)), jnp.array(0.01), jnp.array(0.0))[0]
    np.testing.assert_array_equal(*(jax.jit(take)(jax.random.key(seed)) for seed in (0, 1)))


@pytest.mark.parametrize("start", [1.0, 0.8])
def test_churn_conditions_the_network_on_the_raised_noise_level(start):
    """Also where the process has no more to offer, at t = 1."""
    process, asked = edm(), []
    silent = Denoiser(process, lambda x, t: asked.append((x, t)) or jnp.zeros_like(x), "x0")
    t = jnp.array(start)
    edm_heun(0.3).step(jax.random.key(0), silent, jnp.array(0.3), jnp.zeros((1, 20_000)), t, jnp.array(0.0))
    x, told = asked[0]
    noise = jnp.sqrt(process.scaled_sigma(t) ** 2 + x.var())
    np.testing.assert_allclose(process.scaled_sigma(told), noise, rtol=0.01)


def test_eta_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"eta must lie in \[0, 1\]"):
        ddim(1.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dpm_multistep(4), "order must be 1, 2 or 3, got 4"),
        (lambda: dpm_multistep(2, "v"), "got 'v'"),
        (lambda: dpm_singlestep(0), "got 0"),
        (lambda: dpm_singlestep(2, "score"), "got 'score'"),
        (lambda: sde_dpm_multistep(3), "order must be 1 or 2, got 3"),
        (lambda: deis(5), "between 1 and 4, got 5"),
        (lambda: unipc(4), "got 4"),
        (lambda: unipc(2, "bh3"), "got 'bh3'"),
        (lambda: edm_heun(-0.1), "not be negative"),
        (lambda: annealed_langevin(0.0), "a positive step_size"),
        (lambda: langevin_corrector(0.16, 0), "at least 1 step"),
        (lambda: edm_heun(0.1, s_noise=0.0), "must be positive"),
        (lambda: karras_grid(vp(), 1), "at least 2 steps, got 1"),
        (lambda: karras_grid(vp(), 5, sigma_min=2.0, sigma_max=1.0), "sigma_min < sigma_max"),
        (lambda: log_snr_grid(vp(), 0), "at least 1 step"),
        (lambda: log_snr_grid(vp(), 5, end=0.0), r"within \(0, 1\]"),
    ],
)
def test_bad_arguments_are_one_line(make, message):
    with pytest.raises(ValueError, match=message):
        make()

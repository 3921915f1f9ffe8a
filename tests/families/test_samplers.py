"""With the exact denoiser every sampler reaches the data's own law, on every process."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import Mixture, gaussian, two_moons_like

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
    plms,
    pndm,
    predictor_corrector,
    reverse_diffusion,
    sde_dpm_multistep,
    unipc,
)
from genjax_models.families.diffusion.samplers.ancestral import posterior_variance, transition_variance
from genjax_models.families.flow_matching import euler, heun, interpolant_sde, midpoint, rk4
from genjax_models.processes import (
    Denoiser,
    cosine,
    ddpm,
    edm,
    karras_grid,
    linear_log_snr,
    log_snr_grid,
    rectified_flow,
    shift_log_snr,
    sigmoid,
    sub_vp,
    trigonometric,
    ve,
    vp,
    zero_terminal_snr,
)
from genjax_models.solvers import sample, uniform_grid

PROCESSES = {
    "ddpm": ddpm,
    "vp": vp,
    "cosine": cosine,
    "sigmoid": sigmoid,
    "linear_log_snr": linear_log_snr,
    "trigonometric": trigonometric,
    "sub_vp": sub_vp,
    "ve": lambda: ve(0.001, 20.0),
    "edm": edm,
    "rectified_flow": rectified_flow,
    "zero_terminal": lambda: zero_terminal_snr(vp()),
    "shifted": lambda: shift_log_snr(cosine(), 2.0),
}
SAMPLERS = {
    "ancestral": ancestral(),
    "ancestral_large": ancestral(large_variance=True),
    "ddim": ddim(),
    "ddim_half": ddim(0.5),
    "ddim_one": ddim(1.0),
    "euler": euler(),
    "midpoint": midpoint(),
    "heun": heun(),
    "rk4": rk4(),
    "dpm_1": dpm_singlestep(1),
    "dpm_2": dpm_singlestep(2),
    "dpm_3": dpm_singlestep(3),
    "dpm_pp_2s": dpm_singlestep(2, "x0"),
    "dpm_pp_2m": dpm_multistep(2),
    "dpm_pp_3m": dpm_multistep(3),
    "dpm_2m": dpm_multistep(2, "eps"),
    "sde_dpm_pp": sde_dpm_multistep(1),
    "sde_dpm_pp_2m": sde_dpm_multistep(2),
    "deis": deis(3),
    "plms": plms(),
    "pndm": pndm(),
    "unipc": unipc(2),
    "unipc_3": unipc(3, "bh1"),
    "interpolant_sde": interpolant_sde(),
    "edm_heun": edm_heun(),
    "edm_stochastic": edm_heun(churn=0.1),
}
# Their discretisation of the forward SDE is good only where the signal fades slowly.
SDE_SAMPLERS = {
    "euler_maruyama": euler_maruyama(),
    "reverse_diffusion": reverse_diffusion(),
    "predictor_corrector": predictor_corrector(reverse_diffusion(), langevin_corrector(0.1)),
}
FAST_ON_EDM = ("ddim", "heun", "dpm_pp_2m", "sde_dpm_pp_2m", "deis", "unipc", "edm_heun", "edm_stochastic")
PAIRS = [("vp", sampler) for sampler in SAMPLERS] + [("edm", sampler) for sampler in FAST_ON_EDM]
PAIRS += [("vp", sampler) for sampler in SDE_SAMPLERS]
SLOW_PAIRS = [("rectified_flow", sampler) for sampler in SAMPLERS] + [(process, "heun") for process in PROCESSES]
SLOW_PAIRS += [(process, sampler) for process in ("sub_vp", "edm") for sampler in SDE_SAMPLERS]
ALL_PAIRS = PAIRS + [pytest.param(*pair, marks=pytest.mark.slow) for pair in SLOW_PAIRS if pair not in PAIRS]


def draw(data: Mixture, process, sampler, n: int, steps: int, seed: int = 0) -> np.ndarray:
    denoiser = Denoiser(process, data.denoiser(process), "x0")
    # Velocities of variance-preserving processes have a pole at t = 0, some processes no signal at t = 1.
    grid = uniform_grid(steps, start=0.999, end=1e-3)

    @jax.jit
    def run(key: jax.Array) -> jax.Array:
        key_x, key_s = jax.random.split(key)
        x = process.sample_prior(key_x, (n, data.means.shape[1]))
        return sample(key_s, denoiser, x, grid, sampler)

    return np.asarray(run(jax.random.key(seed)))


def assert_is_mixture(x: np.ndarray, data: Mixture, slack: float = 0.02) -> None:
    """Mean, covariance and component shares against the mixture's own, within four standard errors and `slack`."""
    n = len(x)
    w, m, s = (np.asarray(a, np.float64) for a in data)
    mean = w @ m
    cov = (m - mean).T @ np.diag(w) @ (m - mean) + (w @ s**2) * np.eye(2)
    np.testing.assert_allclose(x.mean(0), mean, atol=slack + 4 * np.sqrt(cov.max() / n))
    np.testing.assert_allclose(np.cov(x.T), cov, atol=slack + 4 * cov.max() * np.sqrt(2 / n))
    nearest = np.argmin(((x[:, None] - m[None]) ** 2).sum(-1) / s**2 + 4 * np.log(s), axis=1)
    np.testing.assert_allclose(np.bincount(nearest, minlength=3) / n, w, atol=slack + 4 * np.sqrt(0.25 / n))


@pytest.mark.parametrize(("process", "sampler"), ALL_PAIRS)
def test_every_sampler_reaches_the_mixture(process, sampler):
    data = two_moons_like()
    assert_is_mixture(draw(data, PROCESSES[process](), (SAMPLERS | SDE_SAMPLERS)[sampler], 4000, steps=200), data)


@pytest.mark.parametrize(
    ("diffusion", "known"),
    [(lambda process, t: jnp.zeros_like(t), euler()), (lambda process, t: process.diffusion(t) ** 2, euler_maruyama())],
)
def test_the_interpolants_sde_lies_between_the_flow_and_the_reverse_sde(diffusion, known):
    process, data = vp(), two_moons_like()
    denoiser = Denoiser(process, data.denoiser(process), "x0")
    key, x = jax.random.key(0), process.sample_prior(jax.random.key(1), (50, 2))

    @jax.jit
    def both(t, s):
        samplers = interpolant_sde(diffusion), known
        return [sampler.step(jax.random.clone(key), denoiser, (), x, t, s)[0] for sampler in samplers]

    for t, s in ((1.0, 0.9), (0.5, 0.4), (0.1, 0.05)):
        ours, theirs = both(jnp.float32(t), jnp.float32(s))
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_annealed_langevin_reaches_the_mixture():
    data, process = two_moons_like(), ve(0.02, 5.0)
    denoiser = Denoiser(process, data.denoiser(process), "x0")
    x = process.sample_prior(jax.random.key(0), (4000, 2))
    grid, sampler = uniform_grid(40), annealed_langevin(0.1, num_steps=30)
    x = jax.jit(lambda x: sample(jax.random.key(1), denoiser, x, grid, sampler))(x)
    assert_is_mixture(np.asarray(x), data)


@pytest.mark.parametrize("sampler", ["dpm_pp_2m", "dpm_pp_2s", "deis", "unipc", "edm_heun", "heun"])
@pytest.mark.parametrize("process", ["vp", "edm", "cosine"])
def test_twenty_steps_of_a_fast_sampler_reach_the_mixture(process, sampler):
    """On EDM's grid, down to no noise at all."""
    data, process = two_moons_like(), PROCESSES[process]()
    grid = karras_grid(process, 24 if sampler == "heun" else 20, sigma_min=0.01)
    denoiser = Denoiser(process, data.denoiser(process), "x0")
    start = process.add_noise(jnp.zeros((4000, 2)), jax.random.normal(jax.random.key(0), (4000, 2)), grid[0])
    x = jax.jit(lambda x: sample(jax.random.key(1), denoiser, x, grid, SAMPLERS[sampler]))(start)
    assert_is_mixture(np.asarray(x), data, slack=0.03)


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
            start = sampler.init(place(grid[0]))
            past = process.time_of(ends[0] - h * jnp.arange(length, 0, -1))
            history = getattr(start, "history", start)
            for t in past:
                history = history.push(denoiser(place(t), t, prediction), t)
            if hasattr(start, "history"):
                start = start._replace(history=history, x=place(past[-1]), order=jnp.array(length, jnp.int32))
            elif length:
                start = history
            warm = sampler._replace(init=lambda _: start)
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
            run = lambda sampler: sampler.step(jax.random.key(0), denoiser, sampler.init(x), x, t, s)[0]
            return expected, [run(sampler) for sampler in samplers]

        expected, found = steps(np.random.default_rng(0).normal(size=(8, 2)))
        for x in found:
            np.testing.assert_allclose(x, expected, rtol=1e-12)


def test_churn_keeps_the_marginal():
    """Raising the noise level with fresh noise and solving back down is the identity in law."""
    data, process = two_moons_like(), edm()
    x = draw(data, process, edm_heun(churn=0.2, churn_min=0.01, churn_max=1.0), 4000, steps=200)
    assert_is_mixture(x, data)


@pytest.mark.parametrize("start", [1.0, 0.8])
def test_churn_tells_the_network_how_much_noise_there_is(start):
    """Also where the process has no more to offer, at t = 1."""
    process, asked = edm(), []
    silent = Denoiser(process, lambda x, t: asked.append((x, t)) or jnp.zeros_like(x), "x0")
    t = jnp.array(start)
    edm_heun(0.3).step(jax.random.key(0), silent, (), jnp.zeros((1, 20_000)), t, jnp.array(0.0))
    x, told = asked[0]
    noise = jnp.sqrt(process.scaled_sigma(t) ** 2 + x.var())
    np.testing.assert_allclose(process.scaled_sigma(told), noise, rtol=0.01)


def test_ddim_is_exact_in_one_step_for_a_point_mass():
    data = Mixture(jnp.ones(1), jnp.array([[0.4, -0.2]]), jnp.array([0.0]))
    x = draw(data, vp(), ddim(), 8, steps=1)
    np.testing.assert_allclose(x, np.tile(np.asarray(data.means), (8, 1)), atol=0.02)


@pytest.mark.parametrize("process", ["vp", "ve", "rectified_flow", "zero_terminal"])
def test_samplers_reach_time_zero(process):
    """The last step onto t = 0, and the first from t = 1, are finite at whatever singularity the process has there."""
    process = PROCESSES[process]()
    denoiser = Denoiser(process, gaussian().denoiser(process), "x0")
    samplers = [ancestral(), ddim(), ddim(1.0), dpm_singlestep(3), dpm_multistep(3), dpm_multistep(3, "eps")]
    samplers += [sde_dpm_multistep(), deis(), unipc(3)]

    @jax.jit
    def finite(key: jax.Array) -> list[jax.Array]:
        x = process.sample_prior(key, (64, 2))
        return [jnp.isfinite(sample(key, denoiser, x, uniform_grid(6), sampler)).all() for sampler in samplers]

    assert np.flatnonzero(~np.array(finite(jax.random.key(0)))).tolist() == []


def test_posterior_matches_bayes():
    """q(x_s | x_t, x_0) from the product of two Gaussians, against the closed form that the sampler uses."""
    with jax.enable_x64(True):
        process, t, s = vp(), jnp.array(0.6), jnp.array(0.4)
        alpha_ts, variance_ts = process.alpha(t) / process.alpha(s), transition_variance(process, t, s)
        precision = alpha_ts**2 / variance_ts + 1 / process.sigma(s) ** 2
        np.testing.assert_allclose(posterior_variance(process, t, s), 1 / precision, rtol=1e-10)


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
        (lambda: edm_heun(0.1, churn_noise=0.0), "must be positive"),
        (lambda: karras_grid(vp(), 1), "at least 2 steps, got 1"),
        (lambda: karras_grid(vp(), 5, sigma_min=2.0, sigma_max=1.0), "sigma_min < sigma_max"),
        (lambda: log_snr_grid(vp(), 0), "at least 1 step"),
        (lambda: log_snr_grid(vp(), 5, end=0.0), r"within \(0, 1\]"),
    ],
)
def test_bad_arguments_are_one_line(make, message):
    with pytest.raises(ValueError, match=message):
        make()

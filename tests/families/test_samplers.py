"""With the exact denoiser every sampler reaches the data's own law, on every process."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import Mixture, two_moons_like

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
from genjax_models.families.flow_matching import adaptive_ode, euler, heun, interpolant_sde, midpoint, rk4
from genjax_models.processes import (
    Denoiser,
    cosine,
    ddpm,
    edm,
    karras_grid,
    linear_log_snr,
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
    "adaptive_ode": adaptive_ode(),
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
    "edm_stochastic": edm_heun(s_churn=20.0),
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


def test_churn_keeps_the_marginal():
    """Raising the noise level with fresh noise and solving back down is the identity in law."""
    data, process = two_moons_like(), edm()
    x = draw(data, process, edm_heun(s_churn=40.0, s_min=0.01, s_max=1.0), 4000, steps=200)
    assert_is_mixture(x, data)


def test_ddim_is_exact_in_one_step_for_a_point_mass():
    data = Mixture(jnp.ones(1), jnp.array([[0.4, -0.2]]), jnp.array([0.0]))
    x = draw(data, vp(), ddim(), 8, steps=1)
    np.testing.assert_allclose(x, np.tile(np.asarray(data.means), (8, 1)), atol=0.02)

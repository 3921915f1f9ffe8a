"""With the exact denoiser every sampler reaches the data's own law, on every process."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import Mixture, gaussian, two_moons_like

from genjax_models.families.diffusion import ancestral, ddim
from genjax_models.families.diffusion.samplers import posterior_variance, transition_variance
from genjax_models.families.flow_matching import euler, heun, midpoint, rk4
from genjax_models.processes import Denoiser, cosine, ddpm, rectified_flow, vp
from genjax_models.solvers import sample, uniform_grid

PROCESSES = {"ddpm": ddpm, "vp": vp, "cosine": cosine, "rectified_flow": rectified_flow}
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
}


def draw(data: Mixture, process, sampler, n: int, steps: int, seed: int = 0) -> np.ndarray:
    key_x, key_s = jax.random.split(jax.random.key(seed))
    x = process.sample_prior(key_x, (n, data.means.shape[1]))
    denoiser = Denoiser(process, data.denoiser(process), "x0")
    # Variance-preserving velocities have a pole at t = 0, and a DDPM's chain starts its last step at 1/T.
    grid = uniform_grid(steps, end=1e-3)
    return np.asarray(jax.jit(lambda x: sample(key_s, denoiser, x, grid, sampler))(x))


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_reaches_the_mixture(process, sampler):
    """Mean, covariance and component shares of 4,000 samples against the mixture's own, within sampling error."""
    data, n = two_moons_like(), 4000
    x = draw(data, PROCESSES[process](), SAMPLERS[sampler], n, steps=200)
    w, m, s = (np.asarray(a, np.float64) for a in data)
    mean = w @ m
    cov = (m - mean).T @ np.diag(w) @ (m - mean) + (w @ s**2) * np.eye(2)
    # Four standard errors, and 0.02 for the time steps.
    np.testing.assert_allclose(x.mean(0), mean, atol=0.02 + 4 * np.sqrt(cov.max() / n))
    np.testing.assert_allclose(np.cov(x.T), cov, atol=0.02 + 4 * cov.max() * np.sqrt(2 / n))
    nearest = np.argmin(((x[:, None] - m[None]) ** 2).sum(-1) / s**2 + 4 * np.log(s), axis=1)
    np.testing.assert_allclose(np.bincount(nearest, minlength=3) / n, w, atol=0.02 + 4 * np.sqrt(0.25 / n))


@pytest.mark.parametrize(("sampler", "order"), [(euler(), 1), (midpoint(), 2), (heun(), 2), (rk4(), 4), (ddim(), 1)])
def test_probability_flow_is_exact_on_gaussian_data(sampler, order):
    r"""On $N(m, s^2)$ the ODE is linear: each $z = (x_t - \alpha m)/\sqrt{\alpha^2 s^2 + \sigma^2}$ is kept."""
    with jax.enable_x64(True):
        process, mean, std, end = vp(0.1, 12.0), 0.3, 0.4, 0.2
        data = gaussian(mean, std)
        denoiser = Denoiser(process, data.denoiser(process), "x0")
        place = lambda t, z: (
            process.alpha(t) * mean + jnp.sqrt((process.alpha(t) * std) ** 2 + process.sigma(t) ** 2) * z
        )
        z = jax.random.normal(jax.random.key(0), (16, 2), jnp.float64)
        start, exact = (place(jnp.array(t), z) for t in (1.0, end))
        run = lambda n: sample(jax.random.key(1), denoiser, start, uniform_grid(n, end=end), sampler)
        error = [float(jnp.abs(run(n) - exact).max()) for n in (40, 80)]
        assert np.log2(error[0] / error[1]) == pytest.approx(order, abs=0.25)


def test_ddim_is_exact_in_one_step_for_a_point_mass():
    data = Mixture(jnp.ones(1), jnp.array([[0.4, -0.2]]), jnp.array([0.0]))
    x = draw(data, vp(), ddim(), 8, steps=1)
    np.testing.assert_allclose(x, np.tile(np.asarray(data.means), (8, 1)), atol=0.02)


@pytest.mark.parametrize("process", PROCESSES)
def test_all_samplers_give_the_clean_prediction_at_time_zero(process):
    """The last step onto t = 0 is finite and, for the exact denoiser, close to the data."""
    process = PROCESSES[process]()
    data = gaussian()
    denoiser = Denoiser(process, data.denoiser(process), "x0")
    for sampler in (ancestral(), ddim(), ddim(1.0)):
        x = process.sample_prior(jax.random.key(0), (64, 2))
        assert jnp.isfinite(sample(jax.random.key(1), denoiser, x, uniform_grid(10), sampler)).all()


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

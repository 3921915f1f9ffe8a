"""Gaussian processes against their definitions: rows, round trips, SDE coefficients, singular ends."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.processes import PREDICTIONS, GaussianProcess, cosine, ddpm, rectified_flow, vp

PROCESSES = {"ddpm": ddpm, "vp": vp, "cosine": cosine, "rectified_flow": rectified_flow}
VARIANCE_PRESERVING = ["ddpm", "vp", "cosine"]
PAIRS = list(itertools.product(PREDICTIONS, PREDICTIONS))


@pytest.fixture(params=PROCESSES)
def process(request) -> GaussianProcess:
    return PROCESSES[request.param]()


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_prediction_type_becomes_every_other(process, source, target):
    with jax.enable_x64(True):
        t = jnp.linspace(0.01, 0.99, 7)
        x0, eps = jax.random.normal(jax.random.key(0), (2, 7, 3), jnp.float64)
        x_t = process.add_noise(x0, eps, t)
        given, wanted = process.target(source, x0, eps, t), process.target(target, x0, eps, t)
        np.testing.assert_allclose(process.convert(given, source, target, x_t, t), wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("end", [0.0, 1.0])
def test_conversion_is_finite_at_singular_ends(process, source, target, end):
    t = jnp.array(end)
    x_t, p = jax.random.normal(jax.random.key(0), (2, 4, 3))
    assert jnp.isfinite(process.convert(p, source, target, x_t, t)).all()


@pytest.mark.parametrize("source", ["velocity", "v"])
def test_rectified_flow_ends_are_exact_for_types_that_determine_both(source):
    process = rectified_flow()
    x0, eps = jax.random.normal(jax.random.key(0), (2, 5, 3))
    for end, x_t in ((0.0, x0), (1.0, eps)):
        t = jnp.array(end)
        given = process.target(source, x0, eps, t)
        np.testing.assert_allclose(process.convert(given, source, "x0", x_t, t), x0, atol=1e-6)
        np.testing.assert_allclose(process.convert(given, source, "eps", x_t, t), eps, atol=1e-6)


def test_path_starts_at_data_and_ends_in_noise(process):
    assert process.alpha(jnp.array(0.0)) == pytest.approx(1.0, abs=1e-3)
    assert process.sigma(jnp.array(0.0)) == pytest.approx(0.0, abs=1e-3)
    assert process.alpha(jnp.array(1.0)) == pytest.approx(0.0, abs=1e-2)
    assert process.sigma(jnp.array(1.0)) == pytest.approx(1.0, abs=1e-3)
    assert bool((jnp.diff(process.log_snr(jnp.linspace(1e-3, 1 - 1e-3, 200))) < 0).all())


@pytest.mark.parametrize("name", VARIANCE_PRESERVING)
def test_variance_is_preserved(name):
    t = jnp.linspace(0, 1, 11)
    process = PROCESSES[name]()
    np.testing.assert_allclose(process.alpha(t) ** 2 + process.sigma(t) ** 2, jnp.ones(11), rtol=1e-6)


def test_forward_sde_carries_mean_and_variance(process):
    """The linear SDE's moments obey m' = f m and v' = 2 f v + g^2; alpha and sigma^2 must be their solution."""
    with jax.enable_x64(True):
        t, h = jnp.linspace(0.05, 0.95, 19) + 1e-5, 1e-7
        one = jnp.ones((19, 1))
        f = process.drift(one, t)[:, 0]
        alpha_dot = (process.alpha(t + h) - process.alpha(t - h)) / (2 * h)
        variance_dot = (process.sigma(t + h) ** 2 - process.sigma(t - h) ** 2) / (2 * h)
        np.testing.assert_allclose(f * process.alpha(t), alpha_dot, rtol=1e-5)
        np.testing.assert_allclose(
            2 * f * process.sigma(t) ** 2 + process.diffusion(t) ** 2, variance_dot, rtol=1e-5, atol=1e-8
        )


def test_vp_sde_has_its_beta():
    """Song et al. 2021, eq. 11: dx = -beta/2 x dt + sqrt(beta) dw."""
    with jax.enable_x64(True):
        t = jnp.linspace(0.0, 1.0, 9)
        beta = 0.1 + t * (20.0 - 0.1)
        process = vp(0.1, 20.0)
        np.testing.assert_allclose(process.drift(jnp.ones((9, 1)), t)[:, 0], -0.5 * beta, rtol=1e-9)
        np.testing.assert_allclose(process.diffusion(t), jnp.sqrt(beta), rtol=1e-3)


def test_ddpm_table_is_the_product_of_the_paper():
    with jax.enable_x64(True):
        betas = np.linspace(1e-4, 0.02, 1000)
        t = jnp.arange(1, 1001) / 1000
        np.testing.assert_allclose(ddpm().alpha(t) ** 2, np.cumprod(1 - betas), rtol=1e-10)


def test_ddpm_approaches_vp():
    """1000 steps of beta_i = beta(t)/1000 are the SDE's discretisation (Song et al. 2021, app. B)."""
    t = jnp.linspace(0.1, 1.0, 10)
    np.testing.assert_allclose(ddpm().log_snr(t), vp().log_snr(t), atol=0.15)


def test_cosine_log_snr_is_bounded_and_has_its_form():
    t = jnp.array([0.0, 0.5, 1.0])
    np.testing.assert_allclose(cosine(-12.0, 12.0).log_snr(t), jnp.array([12.0, 0.0, -12.0]), atol=1e-3)


def test_unknown_prediction_type_is_named():
    with pytest.raises(ValueError, match=r"'noise'.*x0, eps, v, score, velocity"):
        rectified_flow().row("noise", jnp.array(0.5))


def test_prior_has_the_last_variance():
    x = rectified_flow().sample_prior(jax.random.key(0), (20_000,))
    assert float(x.std()) == pytest.approx(1.0, abs=0.02)


def test_process_is_a_pytree_of_its_parameters():
    leaves = jax.tree.leaves(vp(0.1, 20.0))
    assert leaves == [0.1, 20.0]
    gradient = jax.grad(lambda process: process.log_snr(jnp.array(0.5)))(vp(0.1, 20.0))
    assert all(np.isfinite(g) and g != 0 for g in jax.tree.leaves(gradient))

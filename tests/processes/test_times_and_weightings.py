"""Time samplers have the law they promise; weightings agree across prediction types."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from genjax_models.processes import (
    cosine,
    edm,
    rectified_flow,
    sub_vp,
    times,
    trigonometric,
    ve,
    vp,
    weightings,
    zero_terminal_snr,
)


@pytest.mark.parametrize("sampler", [times.uniform_time, times.stratified_time])
def test_uniform_times_are_uniform(sampler):
    t = sampler(jax.random.key(0), 4096)
    assert stats.kstest(np.asarray(t), "uniform").pvalue > 0.01 or sampler is times.stratified_time
    assert float(jnp.abs(t.mean() - 0.5)) < 0.02


def test_stratified_time_puts_one_in_each_stratum():
    t = np.asarray(times.stratified_time(jax.random.key(1), 64))
    assert sorted(np.floor(t * 64).astype(int)) == list(range(64))


def test_logit_normal_time():
    t = np.asarray(times.logit_normal_time(jax.random.key(0), 4096, mean=0.5, std=1.2), np.float64)
    assert stats.kstest(np.log(t / (1 - t)), "norm", args=(0.5, 1.2)).pvalue > 0.01


def test_discrete_time_covers_the_grid():
    t = np.asarray(times.discrete_time(jax.random.key(0), 4096, num_steps=10))
    np.testing.assert_allclose(np.unique(t), np.arange(1, 11) / 10, rtol=1e-6)
    levels = np.asarray(times.discrete_time(jax.random.key(0), 4096, num_steps=4, first=0))
    np.testing.assert_allclose(np.unique(levels), np.arange(5) / 4)
    with pytest.raises(ValueError, match="first=5 and num_steps=4"):
        times.discrete_time(jax.random.key(0), 1, num_steps=4, first=5)


@pytest.mark.parametrize("weighting", [weightings.min_snr(5.0), weightings.sigmoid(1.0), weightings.on_type("v")])
@pytest.mark.parametrize("prediction", ["x0", "v", "score", "velocity"])
def test_weighted_loss_does_not_depend_on_the_prediction_type(weighting, prediction):
    """The same network error, told in another type, must cost the same."""
    process, t = vp(), jnp.linspace(0.1, 0.9, 5)
    x_t, eps_hat, eps = jax.random.normal(jax.random.key(0), (3, 5, 4))
    as_type = lambda eps: process.convert(eps, "eps", prediction, x_t, t)
    in_eps = weighting(process, "eps", t) * ((eps_hat - eps) ** 2).sum(-1)
    in_type = weighting(process, prediction, t) * ((as_type(eps_hat) - as_type(eps)) ** 2).sum(-1)
    np.testing.assert_allclose(in_type, in_eps, rtol=1e-3)


def test_min_snr_is_the_papers_on_x0():
    """Hang et al. 2023: the x0 error is weighted by min(SNR, gamma)."""
    process, t = vp(), jnp.linspace(0.05, 0.95, 9)
    snr = jnp.exp(process.log_snr(t))
    np.testing.assert_allclose(weightings.min_snr(5.0)(process, "x0", t), jnp.minimum(snr, 5.0), rtol=1e-4)


@pytest.mark.parametrize("process", [vp(), cosine(), edm(), ve(), rectified_flow()])
def test_log_normal_sigma_time_has_edms_noise_levels(process):
    t = times.log_normal_sigma_time(jax.random.key(0), 2048, process=process, mean=-0.7, std=0.6)
    level = np.asarray(-0.5 * process.log_snr(t), np.float64)
    assert stats.kstest(level, "norm", args=(-0.7, 0.6)).pvalue > 0.01
    assert bool(((t >= 0) & (t <= 1)).all())


@pytest.mark.parametrize("weighting", [weightings.p2(), weightings.edm(0.4), weightings.likelihood])
@pytest.mark.parametrize("prediction", ["x0", "v", "score", "velocity"])
def test_the_weighted_error_does_not_depend_on_the_prediction_type(weighting, prediction):
    """The weight of a type is the weight of the noise error, times the squared slope of the conversion."""
    process, t = vp(), jnp.linspace(0.1, 0.9, 5)
    slope, _ = process.conversion(prediction, "eps", t)
    np.testing.assert_allclose(weighting(process, prediction, t), weighting(process, "eps", t) * slope**2, rtol=1e-3)


def test_weightings_are_their_papers():
    """By hand on VP: Karras et al.'s table 1 and Salimans and Ho's SNR + 1 on x0, Choi et al.'s P2 on eps."""
    with jax.enable_x64(True):
        process, t = vp(), jnp.linspace(0.05, 0.95, 9)
        alpha, sigma = process.alpha(t), process.sigma(t)
        level, snr = sigma / alpha, (alpha / sigma) ** 2
        np.testing.assert_allclose(
            weightings.edm(0.5)(process, "x0", t), (level**2 + 0.25) / (level * 0.5) ** 2, rtol=1e-9
        )
        np.testing.assert_allclose(weightings.edm(1.0)(process, "x0", t), snr + 1, rtol=1e-9)
        np.testing.assert_allclose(weightings.p2(0.5, 1.5)(process, "eps", t), (0.5 + snr) ** -1.5, rtol=1e-9)


@pytest.mark.parametrize("process", [vp(), sub_vp(), ve(), rectified_flow()])
def test_likelihood_weighting_is_g_squared_and_the_speed_of_the_log_snr(process):
    with jax.enable_x64(True):
        t, h = jnp.linspace(0.1, 0.9, 9), 1e-6
        np.testing.assert_allclose(weightings.likelihood(process, "score", t), process.diffusion(t) ** 2, rtol=1e-9)
        speed = (process.log_snr(t - h) - process.log_snr(t + h)) / (2 * h)
        np.testing.assert_allclose(weightings.likelihood(process, "eps", t), speed, rtol=1e-5)


def test_sigma_data_must_be_positive():
    with pytest.raises(ValueError, match="sigma_data must be positive"):
        weightings.edm(0.0)


@pytest.mark.parametrize("make", [vp, edm, rectified_flow, trigonometric, lambda: zero_terminal_snr(vp())])
@pytest.mark.parametrize("prediction", ["x0", "v", "velocity"])
def test_weights_are_finite_where_times_are_drawn_at_pure_noise(make, prediction):
    process, one = make(), jnp.ones(1)
    laws = [weightings.min_snr(), weightings.p2(), weightings.sigmoid(), weightings.edm(0.4), weightings.unweighted]
    assert [bool(jnp.isfinite(law(process, prediction, one)).all()) for law in laws] == [True] * len(laws)


def test_edms_weight_has_its_limits():
    """1/sigma_data^2 on x0 at pure noise, 1 on eps at clean data."""
    weight, ends = weightings.edm(0.4), jnp.array([0.0, 1.0])
    assert float(weight(rectified_flow(), "x0", ends)[1]) == pytest.approx(0.4**-2)
    assert float(weight(rectified_flow(), "eps", ends)[0]) == pytest.approx(1.0)

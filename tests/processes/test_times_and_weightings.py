"""Time samplers have the law they promise; weightings agree across prediction types."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from genjax_models.processes import times, vp, weightings


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

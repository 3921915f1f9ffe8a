"""Averages against their closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from genjax_models.core.errors import UserError
from genjax_models.training.ema import constant, gamma_of, make_ema, power_function, warmup


def weights_of(decay, n):
    """What the average after `n` updates gives to each of the parameters 1, ..., n."""
    weights = np.zeros(n)
    for i in range(1, n + 1):
        beta = float(decay(jnp.asarray(i)))
        weights *= beta
        weights[i - 1] = 1 - beta
    return weights


def test_constant_weights_are_geometric():
    n = 30
    np.testing.assert_allclose(weights_of(constant(0.9), n), 0.1 * 0.9 ** np.arange(n)[::-1], rtol=1e-5)


def test_warmup_grows_to_the_decay_and_stays():
    decay = warmup(0.99)
    for n, expected in [(1, 2 / 11), (10, 11 / 20), (90, 91 / 100), (890, 0.99), (10**6, 0.99)]:
        np.testing.assert_allclose(decay(jnp.asarray(n)), expected, rtol=1e-6)


def test_power_function_weights_are_differences_of_powers():
    """With β_n = (1 - 1/n)^(γ+1) the parameters of update m weigh (m^(γ+1) - (m-1)^(γ+1)) / n^(γ+1)."""
    sigma_rel, n = 0.15, 60
    power = gamma_of(sigma_rel) + 1
    m = np.arange(1, n + 1)
    expected = (m**power - (m - 1.0) ** power) / n**power
    np.testing.assert_allclose(weights_of(power_function(sigma_rel), n), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("sigma_rel", "gamma"), [(0.05, 16.97), (0.10, 6.94)])
def test_gamma_is_that_of_the_edm2_paper(sigma_rel, gamma):
    np.testing.assert_allclose(gamma_of(sigma_rel), gamma, atol=0.005)


@pytest.mark.parametrize("sigma_rel", [0.02, 0.1, 0.25])
def test_the_profile_has_the_width_that_was_asked_for(sigma_rel):
    """The standard deviation of the density (γ+1) τ^γ on [0, 1], by quadrature."""
    gamma = gamma_of(sigma_rel)
    tau = (np.arange(200_000) + 0.5) / 200_000
    density = (gamma + 1) * tau**gamma
    mean = (density * tau).mean()
    np.testing.assert_allclose(np.sqrt((density * (tau - mean) ** 2).mean()), sigma_rel, rtol=1e-4)


def section(**fields):
    return ConfigDict({"kind": "none", "decay": 0.9, "sigma_rel": 0.1} | fields)


def test_configs_choose_by_name():
    assert make_ema(section()) is None
    n = jnp.asarray(1)
    assert make_ema(section(kind="constant"))(n) == np.float32(0.9)
    assert make_ema(section(kind="power"))(n) == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "warm-up"}, "did you mean 'warmup'"),
        ({"kind": "constant", "decay": 1.5}, r"ema.decay must lie in \[0, 1\), got 1.5"),
        ({"kind": "power", "sigma_rel": 0.5}, "ema.sigma_rel must lie between"),
        ({"kind": "posthoc", "sigma_rel": 0.5}, "ema.sigma_rel must lie between"),
    ],
)
def test_mistakes_are_named(fields, message):
    with pytest.raises(UserError, match=message):
        make_ema(section(**fields))

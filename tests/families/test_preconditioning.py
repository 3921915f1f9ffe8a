"""EDM's preconditioning does what its appendix derives; learned uncertainty is minimal at the mean loss."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import gaussian

from genjax_models.families.diffusion.losses import denoising_loss
from genjax_models.families.diffusion.preconditioning import precondition
from genjax_models.families.diffusion.uncertainty import uncertainty_loss
from genjax_models.processes import cosine, edm, rectified_flow, ve, vp
from genjax_models.processes.weightings import edm as edm_weighting

PROCESSES = {"edm": edm, "ve": ve, "vp": vp, "cosine": cosine, "rectified_flow": rectified_flow}
ZERO, ONE = (lambda x, c: jnp.zeros_like(x)), (lambda x, c: jnp.ones_like(x))


@pytest.fixture(params=PROCESSES)
def process(request):
    return PROCESSES[request.param]()


def test_it_is_table_1(process):
    """D(x; sigma) = c_skip x + c_out F(c_in x, c_noise), in EDM's own variables."""
    with jax.enable_x64(True):
        t, sd = jnp.linspace(0.05, 0.95, 7), 0.7
        x = jax.random.normal(jax.random.key(0), (7, 3))
        net = lambda x, c: jnp.sin(x) + c[:, None]
        level = (process.sigma(t) / process.alpha(t))[:, None]
        scaled = x / process.alpha(t)[:, None]
        total = level**2 + sd**2
        inner = jnp.sin(scaled / jnp.sqrt(total)) + jnp.clip(jnp.log(level) / 4, -5, 5)
        wanted = sd**2 / total * scaled + level * sd / jnp.sqrt(total) * inner
        np.testing.assert_allclose(precondition(net, process, sd)(x, t), wanted, rtol=1e-8)


def test_input_and_target_have_unit_variance(process):
    """Karras et al., app. B.6: for data of standard deviation sigma_d, at every noise level."""
    sd, n = 0.4, 4000
    x0, eps = sd * jax.random.normal(jax.random.key(0), (n, 1)), jax.random.normal(jax.random.key(1), (n, 1))
    for time in (0.3, 0.5, 0.7, 0.95):
        t = jnp.full(n, time)
        x_t = process.add_noise(x0, eps, t)
        skip = precondition(ZERO, process, sd)(x_t, t)
        out = precondition(ONE, process, sd)(x_t, t) - skip
        tolerance = 4 * np.sqrt(2 / n)
        assert float((((x0 - skip) / out) ** 2).mean()) == pytest.approx(1.0, abs=tolerance)
        given = (precondition(lambda x, c: x, process, sd)(x_t, t) - skip) / out
        assert float((given**2).mean()) == pytest.approx(1.0, abs=tolerance)


def test_edm_weighting_makes_the_effective_weight_one(process):
    """lambda(sigma) c_out^2 = 1, so that an untrained network costs the same at every noise level."""
    t = jnp.linspace(0.2, 0.9, 8)
    x = jnp.zeros((8, 1))
    out = precondition(ONE, process, 0.4)(x, t)[:, 0]
    np.testing.assert_allclose(edm_weighting(0.4)(process, "x0", t) * out**2, jnp.ones(8), rtol=1e-3)


def test_without_noise_it_is_the_identity_and_without_signal_it_is_finite():
    x = jax.random.normal(jax.random.key(0), (5, 3))
    wild = lambda x, c: 1e3 * jnp.ones_like(x) + c[:, None]
    for process in (vp(), edm(), rectified_flow()):
        np.testing.assert_allclose(precondition(wild, process)(x, jnp.zeros(5)), x, atol=1e-5)
    assert bool(jnp.isfinite(precondition(wild, rectified_flow())(x, jnp.ones(5))).all())
    gradient = jax.grad(lambda w: precondition(lambda x, c: w * x, vp())(x, jnp.zeros(5)).sum())(1.0)
    assert bool(jnp.isfinite(gradient))


def test_the_best_network_for_gaussian_data_is_zero(process):
    """E[x_0 | x_t] of N(0, sigma_d^2) is c_skip x~ by itself."""
    data, t = gaussian(0.0, 0.5, 2), jnp.linspace(0.2, 0.9, 6)
    x = jax.random.normal(jax.random.key(0), (6, 2))
    np.testing.assert_allclose(
        precondition(ZERO, process, 0.5)(x, t), data.denoiser(process)(x, t), rtol=1e-3, atol=1e-5
    )


def test_sigma_data_must_be_positive():
    with pytest.raises(ValueError, match="sigma_data must be positive"):
        precondition(ZERO, vp(), 0.0)


def test_uncertainty_is_minimal_at_the_mean_loss_and_evens_out_the_levels():
    """At u = log E[loss | t] the gradient with respect to u is zero on average, and each weighted loss is one."""
    process, n, data = vp(), 20_000, gaussian(0.0, 0.5, 3)
    x = data.sample(jax.random.key(0), n)
    model = lambda x, t: 0.5 * x
    levels = jnp.array([0.2, 0.5, 0.8])
    loss = denoising_loss(
        jax.random.key(1),
        model,
        x,
        process=process,
        prediction="x0",
        time=lambda key, n: levels[jax.random.randint(key, (n,), 0, 3)],
    )
    # E|x_t / 2 - x_0|^2 an axis, with x_t = alpha x_0 + sigma eps
    expected = lambda t: (0.5 * process.alpha(t) - 1) ** 2 * 0.25 + 0.25 * process.sigma(t) ** 2
    slope = lambda shift: uncertainty_loss(loss, lambda t: jnp.log(expected(t)) + shift).value.mean()
    spread = float((loss.value / expected(loss.aux["t"])).std())
    assert float(jax.grad(slope)(0.0)) == pytest.approx(0.0, abs=4 * spread / np.sqrt(n))
    for level in levels:
        chosen = loss.aux["t"] == level
        weighed = loss.value[chosen] / expected(level)
        assert float(weighed.mean()) == pytest.approx(1.0, abs=4 * spread / np.sqrt(chosen.sum()))
    ours, mean = uncertainty_loss(loss, lambda t: jnp.log(expected(t))), expected(loss.aux["t"])
    np.testing.assert_allclose(ours.value, loss.value / mean + jnp.log(mean), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(ours.aux["weighted"], loss.value)


def test_uncertainty_needs_the_times():
    loss = denoising_loss(jax.random.key(0), lambda x, t: x, jnp.zeros((2, 3)), process=vp())
    with pytest.raises(ValueError, match="no 't' in its aux"):
        uncertainty_loss(loss._replace(aux={}), lambda t: t)

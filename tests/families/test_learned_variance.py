"""Improved DDPM's terms against closed forms, and its bound against the exact likelihood of Gaussian data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import gaussian
from scipy import stats

from genjax_models.core.likelihood import elbo, normal_kl
from genjax_models.families.diffusion.learned_variance import (
    discretized_normal_log_prob,
    hybrid_loss,
    learned_variance_ancestral,
    log_variance_bounds,
    posterior_mean,
    variational_bound,
    vlb_terms,
    without_variance,
)
from genjax_models.families.diffusion.losses import denoising_loss
from genjax_models.families.diffusion.samplers.ancestral import posterior_variance, transition_variance
from genjax_models.processes import Denoiser, cosine, ddpm, vp
from genjax_models.processes.times import discrete_time
from genjax_models.solvers import sample, uniform_grid

MIDDLES = (np.arange(256) + 0.5) / 128 - 1


def exact_model(process, num_steps, mean, std):
    """The best reverse step for N(m, s^2): its mean is the exact denoiser's, its variance that of q(x_s | x_t)."""
    data = gaussian(mean, std)

    def model(x, t):
        s = jnp.round(t * num_steps - 1) / num_steps
        x0 = data.denoiser(process)(x, t)
        alpha, sigma = process.alpha(t), process.sigma(t)
        gain = process.alpha(s) * transition_variance(process, t, s) / sigma**2
        spread = (std * sigma) ** 2 / ((alpha * std) ** 2 + sigma**2)  # of x_0 given x_t
        low, high = log_variance_bounds(process, t, s)
        v = (jnp.log(posterior_variance(process, t, s) + gain**2 * spread) - low) / (high - low)
        eps = process.convert(x0, "x0", "eps", x, t)
        return jnp.concatenate([eps, jnp.broadcast_to(v[:, None], x.shape)], axis=-1)

    return model


@pytest.mark.parametrize(("mean", "std"), [(0.1, 0.3), (-0.9, 0.02), (0.5, 0.003), (3.0, 0.01), (0.0, 50.0)])
def test_the_discretised_normal_sums_to_one(mean, std):
    with jax.enable_x64(True):
        log_p = discretized_normal_log_prob(jnp.asarray(MIDDLES), jnp.full(256, mean), jnp.full(256, std))
        assert float(jnp.exp(log_p).sum()) == pytest.approx(1.0, abs=1e-9)


def test_the_discretised_normal_is_the_integral_over_each_byte():
    mean, std = 0.2, 0.1
    edges = np.concatenate([[-np.inf], (np.arange(1, 256)) / 128 - 1, [np.inf]])
    left, right = (np.diff(f(edges, mean, std)) for f in (stats.norm.cdf, stats.norm.sf))
    exact = np.log(np.where(edges[1:] < mean, left, -right))  # the smaller tail keeps its digits
    x = jnp.asarray(MIDDLES, jnp.float32)
    log_p = discretized_normal_log_prob(x, jnp.full(256, mean), jnp.full(256, std))
    np.testing.assert_allclose(log_p, exact, rtol=1e-4, atol=1e-4)


def test_far_tails_keep_finite_values_and_gradients():
    value = lambda mean, std: discretized_normal_log_prob(jnp.asarray(MIDDLES, jnp.float32), mean, std).sum()
    for mean, std in ((-1.0, 1e-3), (1.0, 1e-3), (0.0, 1e-3), (0.3, 30.0)):
        args = jnp.full(256, mean), jnp.full(256, std)
        assert bool(jnp.isfinite(value(*args)))
        assert all(bool(jnp.isfinite(g).all()) for g in jax.grad(value, argnums=(0, 1))(*args))


def test_kl_of_normals_is_its_integral():
    m, s, n, r = 0.3, 0.5, -0.2, 0.8
    x = np.linspace(-8, 8, 20_001)
    p = stats.norm.pdf(x, m, s)
    integral = np.trapezoid(p * (stats.norm.logpdf(x, m, s) - stats.norm.logpdf(x, n, r)), x)
    kl = normal_kl(jnp.array(m), jnp.array(2 * np.log(s)), jnp.array(n), jnp.array(2 * np.log(r)))
    assert float(kl) == pytest.approx(integral, rel=1e-5)


@pytest.mark.parametrize("process", [ddpm(num_steps=50), vp(), cosine()])
def test_v_interpolates_between_the_two_variances(process):
    """exp(v log beta + (1 - v) log beta~): v = 0 is the posterior's variance, v = 1 the transition's."""
    with jax.enable_x64(True):
        t, s = jnp.arange(1, 51) / 50, jnp.arange(50) / 50
        low, high = log_variance_bounds(process, t, s)
        np.testing.assert_allclose(jnp.exp(high), transition_variance(process, t, s), rtol=1e-12)
        np.testing.assert_allclose(jnp.exp(low[1:]), posterior_variance(process, t, s)[1:], rtol=1e-12)
        assert float(low[0]) == pytest.approx(float(low[1]), rel=1e-12)  # the paper's choice where beta~ is zero


def test_ddpm_variances_are_the_papers():
    with jax.enable_x64(True):
        betas = np.linspace(1e-4, 0.02, 1000)
        bars = np.cumprod(1 - betas)
        t, s = jnp.arange(2, 1001) / 1000, jnp.arange(1, 1000) / 1000
        low, high = log_variance_bounds(ddpm(), t, s)
        np.testing.assert_allclose(jnp.exp(high), betas[1:], rtol=1e-8)
        np.testing.assert_allclose(jnp.exp(low), (1 - bars[:-1]) / (1 - bars[1:]) * betas[1:], rtol=1e-8)


def test_terms_are_kl_and_decoder():
    """At t > 1/T the KL of two normals in closed form, zero for the truth; at 1/T the decoder."""
    with jax.enable_x64(True):
        process, steps = vp(), 20
        x, x0, x_t = 0.3 * jax.random.normal(jax.random.key(0), (3, 20, 4), jnp.float64)
        v = jax.random.uniform(jax.random.key(1), (20, 4))
        t = jnp.arange(1, 21) / 20
        s = jnp.arange(20) / 20
        terms = vlb_terms(process, x, x_t, x0, v, t, num_steps=steps)
        low, high = (b[:, None] for b in log_variance_bounds(process, t, s))
        log_variance = v * high + (1 - v) * low
        shift = (process.alpha(s) * transition_variance(process, t, s) / process.sigma(t) ** 2)[:, None] * (x - x0)
        kl = 0.5 * (log_variance - low + (jnp.exp(low) + shift**2) / jnp.exp(log_variance) - 1).sum(-1)
        np.testing.assert_allclose(terms[1:], kl[1:], rtol=1e-8)
        mean = posterior_mean(process, x0, x_t, t, s)
        np.testing.assert_allclose(mean[0], x0[0], rtol=1e-9)  # without noise left, the mean is the prediction
        nll = -discretized_normal_log_prob(x, mean, jnp.exp(0.5 * log_variance)).sum(-1)
        assert float(terms[0]) == pytest.approx(float(nll[0]), rel=1e-9)
        truth = vlb_terms(process, x, x_t, x, jnp.zeros_like(v), t, num_steps=steps)
        np.testing.assert_allclose(truth[1:], jnp.zeros(19), atol=1e-12)


@pytest.mark.slow
def test_hybrid_loss_trains_the_prediction_by_the_simple_loss_alone():
    """The gradient of the first half is denoising_loss's own; of the second, the bound's."""
    process = vp()
    x = jnp.asarray(MIDDLES, jnp.float32)[jax.random.randint(jax.random.key(0), (32, 3), 0, 256)]

    def model(w, x, t):
        return jnp.concatenate([w[0] * x + w[1] * t[:, None], jax.nn.sigmoid(w[2] * x + w[3])], axis=-1)

    w = jnp.array([0.7, 0.2, 0.5, -0.3])
    hybrid = lambda w: hybrid_loss(jax.random.key(1), lambda x, t: model(w, x, t), x, process=process, num_steps=10)
    simple = lambda w: denoising_loss(
        jax.random.key(1),
        lambda x, t: model(w, x, t)[:, :3],
        x,
        process=process,
        time=lambda key, n: discrete_time(key, n, num_steps=10),
    )
    ours, plain = (jax.grad(lambda w, f=f: f(w).value.mean())(w) for f in (hybrid, simple))
    np.testing.assert_allclose(ours[:2], plain[:2], rtol=1e-5)
    assert bool((ours[2:] != 0).all())
    np.testing.assert_allclose(hybrid(w).aux["mse"], simple(w).value, rtol=1e-6)
    np.testing.assert_allclose(hybrid(w).value, hybrid(w).aux["mse"] + 1e-3 * hybrid(w).aux["vlb"], rtol=1e-6)


def test_the_sampled_terms_add_up_to_the_bound():
    """E[T L_t] over t and noise is the chain's diffusion and reconstruction terms together, in bits/dim."""
    process, steps = cosine(), 4
    x = jnp.broadcast_to(jnp.asarray(MIDDLES, jnp.float32)[jnp.array([100, 140])][None], (20_000, 2))
    model = lambda x, t: jnp.concatenate([0.8 * x, 0.3 * jnp.ones_like(x)], axis=-1)
    vlb = hybrid_loss(jax.random.key(0), model, x, process=process, num_steps=steps).aux["vlb"]
    whole = variational_bound(jax.random.key(1), model, x, process=process, num_steps=steps)
    total = (whole.aux["diffusion"] + whole.aux["reconstruction"]) / (2 * np.log(2))
    error = np.sqrt(float(vlb.var() + total.var()) / 20_000)
    assert float(vlb.mean()) == pytest.approx(float(total.mean()), abs=4 * error)
    np.testing.assert_allclose(whole.value, sum(whole.aux.values()), rtol=1e-5)


def test_the_bound_is_tight_for_gaussian_data():
    """With the exact reverse step of N(m, s^2) the bound is the mass of each byte, if bytes are small to the noise."""
    with jax.enable_x64(True):
        process, steps, mean, std = vp(0.5, 40.0), 16, 0.1, 0.3
        x = jnp.asarray(MIDDLES)[jnp.array([[20, 100], [128, 140], [200, 150]])]
        model = exact_model(process, steps, mean, std)
        draw = jax.jit(lambda key: -variational_bound(key, model, x, process=process, num_steps=steps).value)
        bound = elbo(jax.random.key(0), draw, samples=20_000)
        exact = discretized_normal_log_prob(x, jnp.full(x.shape, mean), jnp.full(x.shape, std)).sum(-1)
        # 0.005: the step's noise at 1/T is 0.17, a byte 0.008 wide.
        np.testing.assert_array_less(jnp.abs(bound.value - exact), 4 * bound.stderr + 0.005)
        assert float(bound.stderr.max()) < 0.02


def test_the_sampler_is_exact_for_gaussian_data_in_few_steps():
    """Variance learned right, five steps leave the law of N(m, s^2) but for the noise of the last, as DDPM's cannot."""
    process, steps, n = vp(0.5, 40.0), 5, 20_000
    model = exact_model(process, steps, 0.3, 0.5)
    denoiser = Denoiser(process, model, "eps")
    x = process.sample_prior(jax.random.key(0), (n, 2))
    x = sample(jax.random.key(1), denoiser, x, uniform_grid(steps), learned_variance_ancestral())
    t = jnp.array(1 / steps)
    alpha, sigma = process.alpha(t), process.sigma(t)
    lost = (0.5 * sigma) ** 2 / ((alpha * 0.5) ** 2 + sigma**2)  # the last step ends in E[x_0 | x_t]
    np.testing.assert_allclose(x.mean(0), jnp.full(2, 0.3), atol=4 * 0.5 / np.sqrt(n))
    np.testing.assert_allclose(x.var(0), jnp.full(2, 0.25 - lost), atol=4 * 0.25 * np.sqrt(2 / n))


def test_other_samplers_take_the_first_half():
    x, t = jax.random.normal(jax.random.key(0), (3, 2)), jnp.full(3, 0.5)
    model = exact_model(vp(), 10, 0.3, 0.5)
    np.testing.assert_array_equal(without_variance(model)(x, t), model(x, t)[:, :2])


@pytest.mark.parametrize("loss", [hybrid_loss, variational_bound])
def test_misuse_is_named(loss):
    x = jnp.zeros((2, 3))
    with pytest.raises(ValueError, match=r"twice the channels, got \(2, 3\)"):
        loss(jax.random.key(0), lambda x, t: x, x, process=vp())
    with pytest.raises(ValueError, match="at least 2 steps"):
        loss(jax.random.key(0), lambda x, t: jnp.concatenate([x, x], -1), x, process=vp(), num_steps=1)

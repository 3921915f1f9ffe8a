"""Losses by the names of their papers, against the papers' formulas in NumPy at the points that the model saw."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats
from scipy.optimize import linear_sum_assignment

from genjax_models.families import consistency, diffusion, flow_matching, gan, score, vae
from genjax_models.processes import edm

N, D = 4096, 3
X = 0.5 * np.random.default_rng(0).normal(size=(N, D))
SIGMA = 0.3


def within(sample: np.ndarray, mean: float, std: float) -> None:
    """Mean and standard deviation of normal draws, within four and a half standard errors."""
    n = sample.size
    assert sample.mean() == pytest.approx(mean, abs=4.5 * std / np.sqrt(n))
    assert sample.std() == pytest.approx(std, abs=4.5 * std / np.sqrt(2 * n))


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def asked(loss, *args, **options):
    """The loss of a model with some answer: `(value [B], x_t, t, answer)` in float64."""
    calls = []

    def model(x, t):
        calls.append((x, t, jnp.sin(3.0 * x) * (1.0 + t[:, None])))
        return calls[-1][2]

    value = loss(jax.random.key(1), model, jnp.asarray(X), *args, **options).value
    assert len(calls) == 1
    return [np.asarray(a, np.float64) for a in (value, *calls[0])]


def test_ddpm_loss_is_the_simple_loss_at_the_paper_s_steps():
    value, x_t, t, answer = asked(diffusion.ddpm_loss)
    step = np.rint(t * 1000).astype(int)
    np.testing.assert_allclose(step, t * 1000, rtol=1e-12)
    assert step.min() >= 1
    assert step.max() == 1000
    within(stats.norm.ppf((step - 0.5) / 1000), 0.0, 1.0)
    bar = np.cumprod(1.0 - np.linspace(1e-4, 0.02, 1000))[step - 1][:, None]
    eps = (x_t - np.sqrt(bar) * X) / np.sqrt(1.0 - bar)
    within(eps, 0.0, 1.0)
    np.testing.assert_allclose(value, ((answer - eps) ** 2).mean(1), rtol=1e-8)


def test_ddpm_loss_has_as_many_steps_as_it_is_given():
    _, _, t, _ = asked(diffusion.ddpm_loss, num_steps=4)
    np.testing.assert_allclose(np.unique(t), [0.25, 0.5, 0.75, 1.0])


def test_edm_loss_weighs_and_draws_the_noise_as_in_table_1():
    value, x_t, t, answer = asked(diffusion.edm_loss, sigma_data=0.4)
    sigma = 80.0 * t**7
    within(np.log(sigma), -1.2, 1.2)
    within((x_t - X) / sigma[:, None], 0.0, 1.0)
    weight = (sigma**2 + 0.4**2) / (sigma * 0.4) ** 2
    np.testing.assert_allclose(value, weight * ((answer - X) ** 2).mean(1), rtol=1e-8)
    _, _, t, _ = asked(diffusion.edm_loss, p_mean=-0.4, p_std=1.0)
    within(np.log(80.0 * t**7), -0.4, 1.0)


def test_edm_loss_of_a_preconditioned_network_is_the_network_s_own_error():
    """Eq. 8: lambda c_out^2 = 1, and the target is (x - c_skip x_t) / c_out."""
    calls, noise = [], []

    def net(x, c):
        calls.append((x, c))
        return jnp.cos(x)

    conditioned = diffusion.precondition(net, edm())
    model = lambda x, t: noise.append((x, t)) or conditioned(x, t)
    value = np.asarray(diffusion.edm_loss(jax.random.key(1), model, jnp.asarray(X)).value)
    (inputs, c_noise), (x_t, t) = calls[0], noise[0]
    x_t, sigma = np.asarray(x_t, np.float64), 80.0 * np.asarray(t, np.float64)[:, None] ** 7
    norm = np.sqrt(sigma**2 + 0.25)
    np.testing.assert_allclose(c_noise, 0.25 * np.log(sigma[:, 0]), rtol=1e-8)
    np.testing.assert_allclose(inputs, x_t / norm, rtol=1e-8)
    target = (X - 0.25 / norm**2 * x_t) / (sigma * 0.5 / norm)
    np.testing.assert_allclose(value, ((np.cos(x_t / norm) - target) ** 2).mean(1), rtol=1e-6)


def vp_coefficients(t):
    log_alpha = -0.25 * t**2 * (20.0 - 0.1) - 0.5 * t * 0.1
    return np.exp(log_alpha)[:, None], np.sqrt(-np.expm1(2.0 * log_alpha))[:, None]


@pytest.mark.parametrize("likelihood_weighting", [False, True])
def test_score_sde_loss_is_eq_7_on_the_vp_sde(likelihood_weighting):
    value, x_t, t, answer = asked(score.score_sde_loss, likelihood_weighting=likelihood_weighting)
    assert t.min() >= 1e-5
    within(stats.norm.ppf(t), 0.0, 1.0)
    alpha, sigma = vp_coefficients(t)
    eps = (x_t - alpha * X) / sigma
    weight = 0.1 + 19.9 * t if likelihood_weighting else sigma[:, 0] ** 2
    np.testing.assert_allclose(value, weight * ((answer + eps / sigma) ** 2).mean(1), rtol=1e-6)


def test_denoising_score_matching_is_vincent_s():
    points = []
    net = lambda x: points.append(x) or jnp.sin(x)
    value = score.denoising_score_matching(jax.random.key(1), net, jnp.asarray(X), sigma=SIGMA).value
    noisy = np.asarray(points[0], np.float64)
    within((noisy - X) / SIGMA, 0.0, 1.0)
    expected = 0.5 * ((np.sin(noisy) - (X - noisy) / SIGMA**2) ** 2).sum(1)
    np.testing.assert_allclose(value, expected, rtol=1e-8)
    with pytest.raises(ValueError, match="positive sigma, got 0"):
        score.denoising_score_matching(jax.random.key(1), net, jnp.asarray(X), sigma=0.0)


@pytest.mark.parametrize("loss", [flow_matching.cfm_loss, flow_matching.rectified_flow_loss])
def test_cfm_and_rectified_flow_regress_the_straight_line(loss):
    value, x_t, t, answer = asked(loss)
    within(stats.norm.ppf(t), 0.0, 1.0)
    eps = (x_t - (1.0 - t[:, None]) * X) / t[:, None]
    within(eps, 0.0, 1.0)
    np.testing.assert_allclose(value, ((answer - (eps - X)) ** 2).mean(1), rtol=1e-6)


def test_cfm_widens_the_line_to_a_tube():
    r"""With data at 0 and a model of 0: $x_t \sim N(0, t^2 + \sigma^2)$, while the loss is still $\epsilon^2$."""
    points = []
    model = lambda x, t: points.append((x, t)) or jnp.zeros_like(x)
    value = flow_matching.cfm_loss(jax.random.key(1), model, jnp.zeros((N, D)), sigma=SIGMA).value
    x_t, t = (np.asarray(a, np.float64) for a in points[0])
    within(x_t / np.sqrt(t**2 + SIGMA**2)[:, None], 0.0, 1.0)
    assert float(value.mean()) == pytest.approx(1.0, abs=4.5 * np.sqrt(2 / (N * D)))


def test_ot_cfm_pairs_at_least_cost():
    x = jnp.asarray(X[:64])
    points = []
    model = lambda x, t: points.append((x, t)) or jnp.zeros_like(x)
    value = flow_matching.ot_cfm_loss(jax.random.key(1), model, x).value
    x_t, t = (np.asarray(a, np.float64) for a in points[0])
    eps = (x_t - (1.0 - t[:, None]) * X[:64]) / t[:, None]
    cost = ((X[:64, None] - eps[None]) ** 2).sum(-1)
    rows, columns = linear_sum_assignment(cost)
    assert np.trace(cost) == pytest.approx(cost[rows, columns].sum(), rel=1e-8)
    np.testing.assert_allclose(value, ((eps - X[:64]) ** 2).mean(1), rtol=1e-8)


def test_a_source_of_one_s_own_starts_the_flow():
    points = []
    model = lambda x, t: points.append((x, t)) or jnp.zeros_like(x)
    source = lambda key, shape: jnp.full(shape, 2.0)
    for loss in (flow_matching.cfm_loss, flow_matching.ot_cfm_loss):
        loss(jax.random.key(1), model, jnp.zeros((8, D)), source=source)
        x_t, t = points.pop()
        np.testing.assert_allclose(x_t, jnp.broadcast_to(2.0 * t[:, None], x_t.shape), rtol=1e-6)


def test_improved_consistency_training_has_the_paper_s_numbers():
    """Pseudo-Huber distance with c = 0.00054 sqrt(d), weight 1 / (sigma_t - sigma_s), the model its own target."""
    calls = []
    model = lambda x, t: calls.append((x, t, jnp.sin(3.0 * x))) or calls[-1][2]
    options = {"process": edm(), "t_min": 0.22, "num_steps": 10}
    value = consistency.improved_consistency_training_loss(jax.random.key(1), model, jnp.asarray(X), **options).value
    (_, t, first), (_, s, second) = sorted(calls, key=lambda call: float(call[1].sum()), reverse=True)
    t, s, first, second = (np.asarray(a, np.float64) for a in (t, s, first, second))
    c = 0.00054 * np.sqrt(D)
    distance = np.sqrt(((first - second) ** 2).sum(1) + c**2) - c
    np.testing.assert_allclose(value, distance / (80.0 * (t**7 - s**7)), rtol=1e-6)


REAL, FAKE = np.random.default_rng(0).normal(size=(2, 6, 4))
W = np.array([0.3, -0.2, 0.5, 0.1])
critic = lambda x: 0.35 * (x**2).sum(-1) + x @ W
R, F = (0.35 * (x**2).sum(-1) + x @ W for x in (REAL, FAKE))


def test_losses_of_logits_are_the_papers():
    sigmoid = special.expit
    expected = {
        gan.nonsaturating_losses: (-np.log(sigmoid(R)) - np.log(1 - sigmoid(F)), -np.log(sigmoid(F))),
        gan.lsgan_losses: (0.5 * (R - 1) ** 2 + 0.5 * F**2, 0.5 * (F - 1) ** 2),
        gan.hinge_losses: (np.maximum(0, 1 - R) + np.maximum(0, 1 + F), -F),
    }
    for loss, (discriminator, generator) in expected.items():
        found = loss(jnp.asarray(R), jnp.asarray(F))
        np.testing.assert_allclose(found.discriminator, discriminator, rtol=1e-10)
        np.testing.assert_allclose(found.generator, generator, rtol=1e-10)


def test_wgan_gp_of_a_linear_critic():
    """Its gradient is the same everywhere, so the penalty is (|w| - 1)^2."""
    linear = lambda x: x @ jnp.asarray(W)
    found = gan.wgan_gp_losses(jax.random.key(0), linear, jnp.asarray(REAL), jnp.asarray(FAKE))
    penalty = 10.0 * (np.linalg.norm(W) - 1.0) ** 2
    np.testing.assert_allclose(found.discriminator, FAKE @ W - REAL @ W + penalty, rtol=1e-10)
    np.testing.assert_allclose(found.generator, -FAKE @ W, rtol=1e-6)


def squared_gradients(x):
    return ((0.7 * x + W) ** 2).sum(-1)


def test_r1_and_r2_are_half_gamma_times_the_squared_gradient():
    np.testing.assert_allclose(gan.r1_penalty(critic, jnp.asarray(REAL)), 5.0 * squared_gradients(REAL), rtol=1e-10)
    np.testing.assert_allclose(
        gan.r2_penalty(critic, jnp.asarray(FAKE), 3.0), 1.5 * squared_gradients(FAKE), rtol=1e-10
    )


def test_r3gan_is_the_relativistic_game_with_both_penalties():
    found = gan.r3gan_losses(critic, jnp.asarray(REAL), jnp.asarray(FAKE), gamma=2.0)
    penalties = squared_gradients(REAL) + squared_gradients(FAKE)
    np.testing.assert_allclose(found.discriminator, np.log1p(np.exp(F - R)) + penalties, rtol=1e-10)
    np.testing.assert_allclose(found.generator, np.log1p(np.exp(R - F)), rtol=1e-10)


def vae_pieces():
    """An encoder and a decoder with one latent variable an axis, and the draws that the decoder was asked for."""
    draws = []
    encode = lambda x: vae.GaussianPosterior(0.5 * x, jnp.full_like(x, -0.7))
    decode = lambda z: draws.append(z) or 1.2 * z
    return encode, decode, draws


def reconstruction_and_kl(z):
    """In nats, of a unit-variance decoder 1.2 z and posteriors N(0.5 x, e^-1.4)."""
    reconstruction = 0.5 * ((X - 1.2 * z) ** 2 + np.log(2 * np.pi)).sum(1)
    return reconstruction, 0.5 * ((0.5 * X) ** 2 + np.exp(-1.4) - 1.0 + 1.4).sum(1)


def test_beta_vae_weighs_the_divergence():
    encode, decode, draws = vae_pieces()
    arguments = encode, decode, jnp.asarray(X)
    for beta, options in ((4.0, {}), (0.5, {"beta": 0.5})):
        found = vae.beta_vae_loss(jax.random.key(0), *arguments, likelihood=vae.gaussian(), **options).value
        reconstruction, kl = reconstruction_and_kl(np.asarray(draws.pop(), np.float64))
        np.testing.assert_allclose(found, reconstruction + beta * kl, rtol=1e-10)


def test_factor_vae_has_a_loss_for_each_network():
    encode, decode, draws = vae_pieces()
    codes = []
    discriminate = lambda z: codes.append(z) or z.sum(-1)
    key, likelihood = jax.random.key(0), vae.gaussian()
    found = vae.factor_vae_losses(key, encode, decode, discriminate, jnp.asarray(X), likelihood=likelihood, gamma=6.0)
    z = np.asarray(draws[0], np.float64)
    reconstruction, kl = reconstruction_and_kl(z)
    np.testing.assert_allclose(found.autoencoder.value, reconstruction + kl + 6.0 * z.sum(1), rtol=1e-10)
    _, joint, product = (np.asarray(code, np.float64).sum(1) for code in codes)
    expected = 0.5 * (np.log1p(np.exp(-joint)) + np.log1p(np.exp(product)))
    np.testing.assert_allclose(found.discriminator.value, expected, rtol=1e-10)


def test_other_names_of_one_loss():
    assert diffusion.iddpm_loss is diffusion.hybrid_loss
    assert vae.beta_tc_vae_loss is vae.tc_vae_loss

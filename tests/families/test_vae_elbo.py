"""The bound against the exact likelihood of probabilistic PCA, and what weighs or holds back its divergence."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct
from probabilistic_pca import PPCA, data, maximum_likelihood

from genjax_models.core.densities import standard_normal
from genjax_models.core.likelihood import elbo
from genjax_models.families.vae import GaussianPosterior, cyclical, gaussian, linear, vae_loss


@struct.dataclass
class AtPoints(GaussianPosterior):
    """A posterior whose draws are given: with the right points, means over them are those over all draws."""

    eps: jax.Array

    def sample(self, key):
        z = self.mean + jnp.exp(self.log_std) * self.eps
        return z, self.log_prob(z)


def exact_mean_loss(model: PPCA, x, **options):
    """The expectation of the loss: it is quadratic in the noise, for which the 2Q points at distance sqrt Q suffice."""
    latents = model.bias.shape[0]
    points = np.sqrt(latents) * np.concatenate([np.eye(latents), -np.eye(latents)])
    eps = jnp.asarray(np.repeat(points, len(x), axis=0))

    def encode(x):
        posterior = model.encode(x)
        return AtPoints(posterior.mean, posterior.log_std, eps)

    many = jnp.asarray(np.tile(x, (len(points), 1)))
    return vae_loss(jax.random.key(0), encode, model.decode, many, likelihood=model.likelihood, **options).value.mean()


def test_with_the_exact_posterior_every_draw_of_the_bound_is_the_likelihood():
    with jax.enable_x64(True):
        x = data()
        model = maximum_likelihood(x)
        arguments = model.encode, model.decode, jnp.asarray(x)
        bound = lambda key: -vae_loss(key, *arguments, likelihood=model.likelihood, analytic=False).value
        likelihood = jax.jit(lambda key: elbo(key, bound, samples=3))(jax.random.key(0))
        np.testing.assert_allclose(likelihood.value, model.log_marginal(x), rtol=1e-10)
        np.testing.assert_allclose(likelihood.stderr, 0.0, atol=1e-10)
        assert likelihood.kind == "elbo"


@pytest.mark.parametrize("analytic", [True, False])
def test_at_the_maximum_of_the_likelihood_the_gradient_vanishes(analytic):
    with jax.enable_x64(True):
        x = data()
        model = maximum_likelihood(x)
        loss = jax.jit(jax.value_and_grad(lambda model: exact_mean_loss(model, x, analytic=analytic)))
        value, gradient = loss(model)
        assert float(value) == pytest.approx(-model.log_marginal(x).mean(), rel=1e-12)
        for part in gradient:
            np.testing.assert_allclose(part, 0.0, atol=1e-10)
        _, elsewhere = loss(model._replace(weights=1.1 * model.weights))
        assert all(float(jnp.abs(part).max()) > 1e-3 for part in (elsewhere.weights, elsewhere.encoder))


def test_a_wrong_posterior_loses_its_divergence_from_the_right_one():
    with jax.enable_x64(True):
        x = data()
        model = maximum_likelihood(x)
        shift, stretch = np.array([0.2, -0.1]), np.array([0.3, -0.2])
        wrong = model._replace(bias=model.bias + shift, posterior_log_std=model.posterior_log_std + stretch)
        variance = np.exp(2 * model.posterior_log_std)
        gap = 0.5 * (np.exp(2 * stretch) - 1 - 2 * stretch + shift**2 / variance).sum()
        options = {}, {"analytic": False}, {"prior": standard_normal((2,))}
        for loss in jax.jit(lambda model: [exact_mean_loss(model, x, **each) for each in options])(wrong):
            assert float(loss) == pytest.approx(-model.log_marginal(x).mean() + gap, rel=1e-12)


def constant_posterior(kl_1, kl_2):
    """Means that give each of two latent variables the divergences asked for, one an example."""
    mean = jnp.sqrt(2.0 * jnp.stack([jnp.asarray(kl_1), jnp.asarray(kl_2)], axis=-1))
    return GaussianPosterior(mean, jnp.zeros_like(mean))


def loss_of(posterior, **options):
    x = jnp.zeros((posterior.mean.shape[0], 1))
    return vae_loss(jax.random.key(0), lambda x: posterior, lambda z: z[:, :1], x, likelihood=gaussian(), **options)


def penalty(out):
    return out.value - out.aux["reconstruction"]


def test_free_bits_leave_a_latent_variable_alone_until_the_batch_spends_them():
    """The first spends 0.15 on average, under a free 0.5, though one example alone is above it; the second spends 2."""
    posterior = constant_posterior([0.0, 0.0, 0.0, 0.6], [1.0, 2.0, 2.0, 3.0])

    @jax.jit
    @functools.partial(jax.grad, has_aux=True)
    def gradient_and_parts(mean):
        out = loss_of(GaussianPosterior(mean, posterior.log_std), free_bits=0.5)
        return penalty(out).sum(), (penalty(out), out.aux["kl"])

    gradient, (held, kl) = gradient_and_parts(posterior.mean)
    np.testing.assert_allclose(held, [1.5, 2.5, 2.5, 3.5], rtol=1e-5)
    np.testing.assert_allclose(kl, [1.0, 2.0, 2.0, 3.6], rtol=1e-5)
    np.testing.assert_allclose(gradient, posterior.mean.at[:, 0].set(0.0), rtol=1e-5)


def test_free_bits_of_images_are_by_channel_and_of_draws_for_all_together():
    mean = jnp.full((3, 2, 2, 5), 0.5)  # a channel spends 4 * 0.125 nats
    posterior = GaussianPosterior(mean, jnp.zeros_like(mean))

    @jax.jit
    def spent(mean):
        loss = functools.partial(vae_loss, jax.random.key(0), lambda x: posterior, jnp.zeros_like, mean)
        options = {"free_bits": 0.4}, {"free_bits": 0.6}, {"free_bits": 50.0, "analytic": False}
        return [penalty(loss(likelihood=gaussian(), **each)) for each in options]

    for value, expected in zip(spent(mean), (2.5, 3.0, 50.0), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_beta_and_capacity_weigh_the_divergence():
    posterior = constant_posterior([0.5, 3.0], [0.5, 4.0])
    np.testing.assert_allclose(penalty(loss_of(posterior, beta=4.0)), [4.0, 28.0], rtol=1e-5)
    weighed = loss_of(posterior, beta=10.0, capacity=jnp.array(5.0))
    np.testing.assert_allclose(penalty(weighed), [40.0, 20.0], rtol=1e-5)


def test_schedules():
    steps = jnp.array([0, 25, 50, 100, 300])
    np.testing.assert_allclose(linear(steps, steps=100), [0, 0.25, 0.5, 1, 1])
    np.testing.assert_allclose(linear(steps, steps=100, start=5.0, end=25.0), [5, 10, 15, 25, 25])
    # Four cycles of 100 steps: up during 50, on top for 50, and on top after the last.
    steps = jnp.array([0, 25, 50, 75, 99, 100, 125, 350, 399, 400, 425])
    beta = jax.jit(lambda step: cyclical(step, steps=400))(steps)
    np.testing.assert_allclose(beta, [0, 0.5, 1, 1, 1, 0, 0.5, 1, 1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(cyclical(jnp.array([20, 60]), steps=100, cycles=1, ratio=0.8), [0.25, 0.75])

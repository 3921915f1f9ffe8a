"""What looks at the aggregate posterior: total correlation, its discriminator, and maximum mean discrepancies."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from genjax_models.core.densities import Density, standard_normal
from genjax_models.families.gan import minimax_discriminator, non_saturating_generator
from genjax_models.families.vae import (
    GaussianPosterior,
    aggregate_decomposition,
    factor_discriminator_loss,
    factor_vae_loss,
    gaussian,
    gaussian_kernel,
    imq_kernel,
    info_vae_loss,
    minibatch_stratified,
    minibatch_weighted,
    permute_dims,
    squared_mmd,
    tc_vae_loss,
    vae_gan_losses,
    vae_loss,
    wae_loss,
)

MEANS = np.array([[1.0, 0.8], [-0.9, -0.7], [0.2, 0.4], [-0.3, 0.1], [0.9, 1.1]])
LOG_STDS = np.log(np.array([[0.3, 0.5], [0.4, 0.3], [0.5, 0.6], [0.3, 0.4], [0.6, 0.4]]))
POSTERIOR = GaussianPosterior(jnp.asarray(MEANS, jnp.float32), jnp.asarray(LOG_STDS, jnp.float32))
DECODE = lambda z: jnp.zeros((z.shape[0], 1))
X = jnp.zeros((5, 1))


def test_the_decomposition_is_that_of_the_aggregate_by_quadrature():
    axis = np.linspace(-4, 4, 401)
    cell = (axis[1] - axis[0]) ** 2
    each = [
        np.outer(*(stats.norm.pdf(axis, m, np.exp(s)) for m, s in zip(mean, log_std, strict=True)))
        for mean, log_std in zip(MEANS, LOG_STDS, strict=True)
    ]
    joint = np.mean(each, axis=0)
    product = np.outer(joint.sum(1), joint.sum(0)) * cell
    prior = np.outer(stats.norm.pdf(axis), stats.norm.pdf(axis))
    divergence = lambda p, q: (p * np.log(np.maximum(p, 1e-300) / np.maximum(q, 1e-300))).sum() * cell
    exact = np.mean([divergence(p, joint) for p in each]), divergence(joint, product), divergence(product, prior)

    draws = jax.jit(jax.vmap(lambda key: aggregate_decomposition(key, POSTERIOR)))(
        jax.random.split(jax.random.key(0), 8000)
    )
    for part, expected in zip(draws, exact, strict=True):
        per_draw = np.asarray(part, np.float64).mean(axis=1)
        assert per_draw.mean() == pytest.approx(expected, abs=4 * per_draw.std() / np.sqrt(8000))
    assert sum(exact) == pytest.approx(float(POSTERIOR.kl().sum(axis=-1).mean()), rel=1e-4)


def test_stratified_weights_are_unbiased_for_the_aggregate_and_the_others_bound_its_logarithm():
    """Over all ordered batches of 3 of 5 data that begin with a given one: it, then two of the others."""
    z = jnp.array([[0.3, 0.2]])
    every = np.asarray(POSTERIOR.pairwise_log_prob(z).sum(-1))[0].astype(np.float64)
    own, truth = 2, np.exp(every).mean()
    batches = [(own, *rest) for rest in itertools.permutations([0, 1, 3, 4], 2)]

    def estimates(weights):
        return np.array([[np.exp(w + every[list(b)]).sum() for b in batches] for w in weights(3, 5)[:1]])[0]

    assert estimates(minibatch_stratified).mean() == pytest.approx(truth, rel=1e-6)
    assert np.log(estimates(minibatch_weighted)).mean() < np.log(truth)
    assert minibatch_stratified(5, 5).shape == (5, 5)
    np.testing.assert_allclose(np.exp(minibatch_stratified(4, 10)).sum(axis=1), 1.0)
    np.testing.assert_allclose(np.diag(np.exp(minibatch_stratified(4, 10))), 0.1)
    with pytest.raises(ValueError, match="2 to all 5"):
        minibatch_stratified(6, 5)


def test_the_weights_of_the_parts_and_their_sum():
    key = jax.random.key(1)
    options = {"likelihood": gaussian(), "num_data": 50}

    @jax.jit
    def losses(posterior):
        loss = lambda **weights: tc_vae_loss(key, lambda x: posterior, DECODE, X, **options, **weights)
        plain = vae_loss(key, lambda x: posterior, DECODE, X, likelihood=gaussian(), analytic=False)
        ones = [loss(beta=1.0, weights=weights).value for weights in (minibatch_weighted, minibatch_stratified)]
        return plain.value, ones, loss(alpha=2.0, beta=3.0, gamma=5.0)

    plain, ones, out = losses(POSTERIOR)
    for value in ones:
        np.testing.assert_allclose(value, plain, rtol=1e-5, atol=1e-5)
    aux = out.aux
    expected = 2 * aux["mutual_information"] + 3 * aux["total_correlation"] + 5 * aux["dimension_wise_kl"]
    np.testing.assert_allclose(out.value, expected + aux["reconstruction"], rtol=1e-6)


RHO = 0.7


def correlated(scale=1.0):
    r"""The best discriminator of correlated normals from independent ones, $\log q(z) - \log \prod_j q(z_j)$."""

    def discriminate(z):
        square = (z[:, 0] ** 2 - 2 * RHO * z[:, 0] * z[:, 1] + z[:, 1] ** 2) / (1 - RHO**2)
        return scale * (-0.5 * square + 0.5 * (z**2).sum(-1) - 0.5 * np.log(1 - RHO**2))

    return discriminate


def codes(n, key):
    """Points, as posteriors of almost no width, with the correlation above."""
    eps = jax.random.normal(key, (n, 2))
    z = jnp.stack([eps[:, 0], RHO * eps[:, 0] + np.sqrt(1 - RHO**2) * eps[:, 1]], axis=-1)
    return GaussianPosterior(z, jnp.full_like(z, -10.0))


def test_shuffling_keeps_marginals_and_breaks_dependence():
    z = codes(4000, jax.random.key(2)).mean
    shuffled = permute_dims(jax.random.key(3), z)
    np.testing.assert_array_equal(jnp.sort(shuffled, axis=0), jnp.sort(z, axis=0))
    assert abs(np.corrcoef(shuffled.T)[0, 1]) < 4 / np.sqrt(4000)


def test_the_best_discriminator_is_stationary_and_its_logit_is_the_total_correlation():
    n = 20_000
    posterior = codes(n, jax.random.key(4))
    x = jnp.zeros((n, 1))

    @jax.jit
    def slope(scale):
        value = lambda s: factor_discriminator_loss(jax.random.key(5), lambda x: posterior, correlated(s), x).value
        return jax.jvp(value, (scale,), (1.0,))[1]

    for scale, stationary in ((1.0, True), (0.5, False), (2.0, False)):
        values = np.asarray(slope(scale))
        assert (abs(values.mean()) < 4 * values.std() / np.sqrt(n)) == stationary
    options = {"likelihood": gaussian(), "gamma": 10.0}
    loss = lambda x: factor_vae_loss(jax.random.key(6), lambda x: posterior, DECODE, correlated(), x, **options)
    out = jax.jit(loss)(x)
    tc = out.aux["total_correlation"]
    assert float(tc.mean()) == pytest.approx(-0.5 * np.log(1 - RHO**2), abs=4 * float(tc.std()) / np.sqrt(n))
    np.testing.assert_allclose(out.value, out.aux["reconstruction"] + out.aux["kl"] + 10 * tc, rtol=1e-5, atol=1e-4)


def test_the_discriminators_gradient_does_not_reach_the_encoder():
    loss = lambda posterior: factor_discriminator_loss(
        jax.random.key(7), lambda x: posterior, correlated(), X
    ).value.sum()
    assert all(not np.any(leaf) for leaf in jax.tree.leaves(jax.jit(jax.grad(loss))(POSTERIOR)))


def test_discriminators_on_logits():
    """Its minimum at log p - log q, by quadrature of two normals, and its value where nothing is known."""
    grid = np.linspace(-8, 9, 4001)
    p, q = stats.norm.pdf(grid), stats.norm.pdf(grid, 1.0, 0.8)
    best = jnp.asarray(np.log(p / q))

    def value(logits):
        real = minimax_discriminator(logits, jnp.full_like(logits, -jnp.inf))
        fake = minimax_discriminator(jnp.full_like(logits, jnp.inf), logits)
        return (p * real + q * fake).sum() * (grid[1] - grid[0])

    np.testing.assert_allclose(jax.grad(value)(best), 0.0, atol=1e-7)
    assert float(value(best + 0.1)) > float(value(best)) < float(value(0.9 * best))
    assert float(minimax_discriminator(jnp.zeros(1), jnp.zeros(1))[0]) == pytest.approx(2 * np.log(2))
    assert float(non_saturating_generator(jnp.array([1.3]))[0]) == pytest.approx(-np.log(1 / (1 + np.exp(-1.3))))


def test_vae_gan_losses_by_hand():
    features, reconstructed = jnp.array([[1.0, 2.0]]), jnp.array([[0.0, 4.0]])  # half the squared distance is 2.5
    out = vae_gan_losses(
        jnp.array([3.0]),
        features,
        reconstructed,
        jnp.array([0.5]),
        jnp.array([-0.2]),
        jnp.array([0.1]),
        gamma=0.01,
    )
    log_sigmoid = lambda logit: -np.log1p(np.exp(-logit))
    assert float(out.encoder[0]) == pytest.approx(5.5)
    assert float(out.decoder[0]) == pytest.approx(0.025 - log_sigmoid(-0.2) - log_sigmoid(0.1), rel=1e-5)
    expected = -log_sigmoid(0.5) - log_sigmoid(0.2) - log_sigmoid(-0.1)
    assert float(out.discriminator[0]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kernel", ["gaussian", "imq"])
def test_the_discrepancy_of_normals_is_its_integral_and_zero_where_they_agree(kernel):
    """Distances of N(0, I) and N(m, s^2 I) are chi-square, not centred: one quadrature each."""
    dims, shift, std, repeats = 3, 0.8, 1.4, 2000
    k = gaussian_kernel(1.3) if kernel == "gaussian" else imq_kernel(dims, (0.1, 1.0, 5.0))

    def expected(variance, offset):
        """E k of differences N(offset, variance I)."""
        u = np.linspace(1e-6, 80, 80_001)
        noncentrality = dims * offset**2 / variance
        law = stats.ncx2(dims, noncentrality) if offset else stats.chi2(dims)
        return np.trapezoid(law.pdf(u) * np.asarray(k(jnp.asarray(variance * u, jnp.float32))), u)

    exact = expected(2.0, 0.0) + expected(2 * std**2, 0.0) - 2 * expected(1 + std**2, shift)
    if kernel == "gaussian":
        h, cross = 1.3**2, 1 + std**2
        closed = (h / (h + 2)) ** 1.5 + (h / (h + 2 * std**2)) ** 1.5
        closed -= 2 * (h / (h + cross)) ** 1.5 * np.exp(-0.5 * dims * shift**2 / (h + cross))
        assert exact == pytest.approx(closed, abs=1e-4)

    @jax.jit
    @jax.vmap
    def estimate(key):
        x, y, same = jax.random.normal(key, (3, 16, dims))
        return squared_mmd(x, shift + std * y, k).mean(), squared_mmd(x, same, k).mean()

    different, same = (np.asarray(e, np.float64) for e in estimate(jax.random.split(jax.random.key(8), repeats)))
    assert different.mean() == pytest.approx(exact, abs=4 * different.std() / np.sqrt(repeats) + 1e-4)
    assert same.mean() == pytest.approx(0.0, abs=4 * same.std() / np.sqrt(repeats))
    assert exact > 10 * same.std() / np.sqrt(repeats)


def test_a_discrepancy_needs_two_sets_alike():
    with pytest.raises(ValueError, match="B >= 2"):
        squared_mmd(jnp.zeros((1, 2)), jnp.zeros((1, 2)), gaussian_kernel(1.0))


def test_info_vae_and_wae_weigh_their_terms():
    key, kernel = jax.random.key(9), imq_kernel(2)

    def info(**options):
        loss = lambda x: info_vae_loss(
            key, lambda x: POSTERIOR, DECODE, x, likelihood=gaussian(), kernel=kernel, **options
        )
        return jax.jit(loss)(X)

    elbo = info(alpha=0.0, weight=1.0)
    np.testing.assert_allclose(elbo.value, elbo.aux["reconstruction"] + POSTERIOR.kl().sum(-1), rtol=1e-5)
    mmd_vae = info(alpha=1.0, weight=7.0)
    np.testing.assert_allclose(mmd_vae.value, mmd_vae.aux["reconstruction"] + 7 * mmd_vae.aux["mmd"], rtol=1e-5)

    far = Density(lambda key, n: 9.0 + jax.random.normal(key, (n, 2)), standard_normal((2,)).log_prob)

    def wae(prior):
        options = {"likelihood": gaussian(), "weight": 10.0, "kernel": kernel, "prior": prior}
        return jax.jit(lambda x: wae_loss(key, lambda x: POSTERIOR.mean, DECODE, x, **options))(X)

    near = wae(None)
    np.testing.assert_allclose(near.value, near.aux["reconstruction"] + 10 * near.aux["mmd"], rtol=1e-5)
    assert float(wae(far).aux["mmd"].mean()) > float(near.aux["mmd"].mean()) + 1

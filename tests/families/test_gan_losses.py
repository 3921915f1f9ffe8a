"""The divergences that the games measure, at their best discriminators, by quadrature of two known normals."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import integrate, stats
from scipy.special import expit

from genjax_models.families.gan import GAMES, bigan_losses, gradient_penalty

P, Q = stats.norm(0.0, 1.0), stats.norm(1.3, 1.0)
AXIS = np.linspace(-10, 11, 8001)
STEP = AXIS[1] - AXIS[0]
LOG_RATIO = P.logpdf(AXIS) - Q.logpdf(AXIS)
TOTAL_VARIATION = 2 * stats.norm.cdf(1.3 / 2) - 1


def quadrature(f):
    return integrate.quad(lambda x: f(P.pdf(x), Q.pdf(x)), -10, 11, limit=200)[0]


JSD = quadrature(lambda p, q: 0.5 * p * np.log(2 * p / (p + q)) + 0.5 * q * np.log(2 * q / (p + q)))
PEARSON = quadrature(lambda p, q: (p - q) ** 2 / (p + q))

EXPECTED = {
    "minimax": (LOG_RATIO, 2 * np.log(2) - 2 * JSD),
    "non_saturating": (LOG_RATIO, 2 * np.log(2) - 2 * JSD),
    "least_squares": (expit(LOG_RATIO), 0.25 - PEARSON / 8),
    "hinge": (np.sign(LOG_RATIO), 2 - 2 * TOTAL_VARIATION),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_best_discriminator_measures_a_divergence(name):
    best, expected = EXPECTED[name]
    loss = GAMES[name].discriminator
    p, q = P.pdf(AXIS) * STEP, Q.pdf(AXIS) * STEP

    @jax.jit
    def value(logits):  # the loss is a sum of a real and a fake term: three evaluations give both
        zero = jnp.zeros_like(logits)
        real, fake, neither = loss(logits, zero), loss(zero, logits), loss(zero, zero)
        return (p * real + q * (fake - neither)).sum()

    with jax.enable_x64(True):
        best = jnp.asarray(best)
        assert float(value(best)) == pytest.approx(expected, abs=2e-6)
        for other in (best + 0.05, 0.9 * best, best + 0.1 * jnp.cos(AXIS)):
            assert float(value(other)) > float(value(best))


def test_the_relativistic_discriminator_compares_pairs_with_their_exchange():
    with jax.enable_x64(True):
        x = np.linspace(-7, 8, 301)
        weight = np.outer(P.pdf(x), Q.pdf(x)) * (x[1] - x[0]) ** 2  # of (real x, fake y)
        mixed = 0.5 * (weight + weight.T)
        jsd = 0.5 * (weight * np.log(weight / mixed) + weight.T * np.log(weight.T / mixed)).sum()
        ratio = jnp.asarray(P.logpdf(x) - Q.logpdf(x))
        real, fake = (side.ravel() for side in jnp.meshgrid(ratio, ratio, indexing="ij"))
        loss = jax.jit(lambda scale: (weight.ravel() * GAMES["relativistic"].discriminator(scale * real, fake)).sum())
        assert float(loss(1.0)) == pytest.approx(np.log(2) - jsd, abs=1e-6)
        assert min(float(loss(0.9)), float(loss(1.1))) > float(loss(1.0))


def by_hand(real, fake):
    """`{game: (discriminator, generator)}` in NumPy, with probabilities where the formulas have them."""
    D, log = expit, np.log
    entropy = -log(D(real)) - log(1 - D(fake))
    against = lambda r, f: -log(D(r - f.mean())) - log(1 - D(f - r.mean()))
    return {
        "minimax": (entropy, log(1 - D(fake))),
        "non_saturating": (entropy, -log(D(fake))),
        "least_squares": (((real - 1) ** 2 + fake**2) / 2, (fake - 1) ** 2 / 2),
        "hinge": (np.maximum(0, 1 - real) + np.maximum(0, 1 + fake), -fake),
        "wasserstein": (fake - real, -fake),
        "relativistic": (-log(D(real - fake)), -log(D(fake - real))),
        "relativistic_average": (against(real, fake), against(fake, real)),
    }


def test_formulas_by_hand_and_over_patches():
    real, fake = np.random.default_rng(0).normal(size=(2, 6))
    expected = by_hand(real, fake)
    assert expected.keys() == GAMES.keys()

    @jax.jit
    def values(real, fake):
        return {name: (game.discriminator(real, fake), game.generator(real, fake)) for name, game in GAMES.items()}

    with jax.enable_x64(True):
        images, patches = (values(a, b) for a, b in ((real, fake), (real.reshape(3, 2, 1), fake.reshape(3, 2, 1))))
        for name, pair in expected.items():
            for got, patchwise, exact in zip(images[name], patches[name], pair, strict=True):
                np.testing.assert_allclose(got, exact, rtol=1e-12, err_msg=name)
                np.testing.assert_allclose(patchwise, exact.reshape(3, 2).mean(axis=1), rtol=1e-12, err_msg=name)


def test_every_generator_wants_its_fakes_to_look_real_and_every_discriminator_the_opposite():
    real, fake = jnp.array([0.4, -0.2]), jnp.array([-0.3, 0.1])  # inside the hinge's margins, below one
    slopes = jax.jit(
        lambda real, fake: [
            [jax.grad(lambda f, side=side: side(real, f).sum())(fake) for side in game[:2]] for game in GAMES.values()
        ]
    )(real, fake)
    for name, (discriminator, generator) in zip(GAMES, slopes, strict=True):
        if name != "least_squares":  # whose discriminator wants fakes at zero
            assert np.all(discriminator > 0), name
        assert np.all(generator < 0), name


def test_the_pairs_of_bigan():
    encoded, generated = np.array([0.7, -1.0]), np.array([0.2, 2.0])
    out = bigan_losses(jnp.asarray(encoded), jnp.asarray(generated))
    np.testing.assert_allclose(out.discriminator, -np.log(expit(encoded)) - np.log(1 - expit(generated)), rtol=1e-6)
    np.testing.assert_allclose(out.encoder, -np.log(1 - expit(encoded)), rtol=1e-6)
    np.testing.assert_allclose(out.generator, -np.log(expit(generated)), rtol=1e-6)


def test_kantorovichs_potential_gives_the_wasserstein_distance_of_samples():
    """On the line its slope is sign(F_q - F_p): it rises where more of the real mass lies ahead than of the fake."""
    real, fake = P.rvs(64, random_state=0), stats.norm(0.4, 2.0).rvs(64, random_state=1)
    points = np.sort(np.concatenate([real, fake]))
    below = lambda x: np.searchsorted(np.sort(x), points[:-1], side="right") / len(x)
    potential = np.concatenate([[0.0], np.cumsum(np.sign(below(fake) - below(real)) * np.diff(points))])
    with jax.enable_x64(True):
        values = [jnp.asarray(np.interp(x, points, potential)) for x in (real, fake)]
        loss = GAMES["wasserstein"].discriminator(*values).mean()
    assert float(loss) == pytest.approx(-stats.wasserstein_distance(real, fake), rel=1e-12)


def test_a_critic_with_a_gradient_penalty_learns_that_distance():
    """Real data lie behind the fakes throughout, so the best slope of a piecewise linear critic is -1 everywhere."""
    rng = np.random.default_rng(2)
    real = np.sort(rng.normal(-0.5, 0.5, 128))
    fake = real + 1.0 + 0.2 * np.sin(real)
    edges = np.linspace(-2.5, 2.5, 17)
    tx = optax.adam(0.05)
    data = [rng.permutation(side).astype(np.float32)[:, None] for side in (real, fake)]

    def critic(slopes):
        heights = lambda x: jnp.clip(x - edges[None, :-1], 0.0, edges[1] - edges[0])
        return lambda x: (heights(x) * slopes[None]).sum(axis=1)

    @jax.jit
    def train(slopes):
        def step(carry, key):
            def loss(slopes):
                D = critic(slopes)
                game = GAMES["wasserstein"].discriminator(D(data[0]), D(data[1]))
                return (game + 100.0 * gradient_penalty(key, D, *data)).mean()

            slopes, state = carry
            updates, state = tx.update(jax.grad(loss)(slopes), state)
            return (slopes + updates, state), None

        (slopes, _), _ = jax.lax.scan(step, (slopes, tx.init(slopes)), jax.random.split(jax.random.key(0), 300))
        return -GAMES["wasserstein"].discriminator(*(critic(slopes)(x) for x in data)).mean()

    estimate = float(train(jnp.zeros(16)))
    assert estimate == pytest.approx(stats.wasserstein_distance(real, fake), rel=0.03)

"""The losses of pix2pix, CycleGAN and ESRGAN against their formulas, summed up by hand in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.families.gan import translation
from genjax_models.families.gan.translation import Cycle

RANDOM = np.random.default_rng(0)
B = 3
REAL, FAKE = RANDOM.normal(size=(2, B, 4, 4)).astype(np.float32)  # logits of patches
X, Y, BACK, SAME = RANDOM.uniform(-1, 1, (4, B, 6, 6, 2)).astype(np.float32)
softplus = lambda a: np.log1p(np.exp(a))
means = lambda a: a.reshape(B, -1).mean(1)


def test_pix2pix_is_equation_4_with_the_discriminator_halved():
    generator = jax.jit(translation.pix2pix_generator)(FAKE, X, Y, l1_weight=7.0)
    gan, l1 = means(-np.log(1 / (1 + np.exp(-FAKE)))), means(np.abs(X - Y))
    np.testing.assert_allclose(generator.value, gan + 7 * l1, rtol=1e-5)
    np.testing.assert_allclose(generator.aux["l1"], l1, rtol=1e-5)
    sigmoid = lambda a: 1 / (1 + np.exp(-a))
    judged = means(-np.log(sigmoid(REAL)) - np.log(1 - sigmoid(FAKE))) / 2
    np.testing.assert_allclose(translation.pix2pix_discriminator(REAL, FAKE).value, judged, rtol=1e-5)


def test_cyclegan_is_equation_3_in_least_squares():
    output = jax.jit(translation.cycle_gan_generators)(
        Cycle(X, FAKE, BACK, SAME), Cycle(Y, REAL, SAME, BACK), cycle_weight=4.0, identity_weight=0.25
    )
    gan = means((FAKE - 1) ** 2) + means((REAL - 1) ** 2)
    cycle = means(np.abs(BACK - X)) + means(np.abs(SAME - Y))
    identity = means(np.abs(SAME - X)) + means(np.abs(BACK - Y))
    np.testing.assert_allclose(output.value, gan + 4 * cycle + identity, rtol=1e-5)
    judged = (means((REAL - 1) ** 2) + means(FAKE**2)) / 2
    np.testing.assert_allclose(translation.cycle_gan_discriminator(REAL, FAKE).value, judged, rtol=1e-5)


def test_a_perfect_cycle_costs_nothing_and_who_leaves_images_alone_neither():
    for same in (None, X):
        perfect = Cycle(X, np.ones((B, 2, 2), np.float32), X, same)
        output = translation.cycle_gan_generators(perfect, perfect)
        np.testing.assert_array_equal(output.value, np.zeros(B))
        np.testing.assert_array_equal(output.aux["identity"], np.zeros(B))


def test_esrgan_is_equation_3_with_relativistic_averages():
    real, fake = REAL[:, 0, 0], FAKE[:, 0, 0]
    features = RANDOM.normal(size=(2, B, 5)).astype(np.float32)
    output = translation.esrgan_generator(real, fake, X, Y, *features, gan_weight=0.5, l1_weight=0.125)
    gan = softplus(real.mean() - fake) + softplus(real - fake.mean())
    expected = means(np.abs(features[0] - features[1])) + 0.5 * gan + 0.125 * means(np.abs(X - Y))
    np.testing.assert_allclose(output.value, expected, rtol=1e-5)
    judged = softplus(fake.mean() - real) + softplus(fake - real.mean())
    np.testing.assert_allclose(translation.esrgan_discriminator(real, fake).value, judged, rtol=1e-5)
    plain = translation.esrgan_generator(real, fake, X, Y, gan_weight=0.5, l1_weight=0.125)
    assert set(plain.aux) == {"gan", "l1"}


def test_generator_gradients_raise_the_logit_of_fakes():
    """A higher logit of a fake lowers the generator's loss, and raises the discriminator's."""
    slope = lambda loss: jax.grad(lambda fake: loss(fake).value.sum())(jnp.asarray(FAKE[:, 0, 0]) * 0.1)
    real, x, y = jnp.asarray(REAL[:, 0, 0]) * 0.1, jnp.asarray(X), jnp.asarray(Y)
    assert (slope(lambda fake: translation.pix2pix_generator(fake, x, y)) < 0).all()
    assert (slope(lambda fake: translation.pix2pix_discriminator(real, fake)) > 0).all()
    assert (slope(lambda fake: translation.esrgan_generator(real, fake, x, y)) < 0).all()
    assert (slope(lambda fake: translation.esrgan_discriminator(real, fake)) > 0).all()
    cycle = lambda fake: translation.cycle_gan_generators(Cycle(x, fake, x), Cycle(y, fake, y))
    assert (slope(cycle) < 0).all()

"""Progressive growing: what is not reached has no influence, and growth is continuous."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets import ProgressiveDiscriminator, ProgressiveGenerator
from genjax_models.nets.gan.progressive import fade

RANDOM = np.random.default_rng(0)
BATCH, STAGES = 4, 3
NETWORKS = {
    "generator": (ProgressiveGenerator((8, 8, 1), (4, 3, 2)), RANDOM.normal(size=(BATCH, 5)).astype(np.float32)),
    "discriminator": (
        ProgressiveDiscriminator((2, 3, 4), minibatch_group=2),
        RANDOM.normal(size=(BATCH, 8, 8, 1)).astype(np.float32),
    ),
}


def result(net, params, x, growth):
    y = net.apply({"params": params}, x, jnp.full(BATCH, growth))
    return y if isinstance(net, ProgressiveGenerator) else y.logits


@pytest.fixture(scope="module", params=NETWORKS)
def grown(request):
    """At any growth: the result, and the gradient of every parameter."""
    net, x = NETWORKS[request.param]
    shapes = jax.eval_shape(partial(net.init, jax.random.key(0)), x)["params"]
    params = jax.tree.map(lambda a: jnp.asarray(RANDOM.normal(size=a.shape), jnp.float32), shapes)

    @jax.jit
    def evaluate(params, growth):
        y, pull = jax.vjp(lambda p: result(net, p, x, growth), params)
        return y, pull(jnp.cos(y))[0]

    return net, x, params, evaluate


def stage_of(name):
    """The stage that a layer belongs to: its number is in its name."""
    digits = [part for part in name.split("_") if part.isdigit()]
    return int(digits[0]) if digits else 0


@pytest.mark.parametrize(("growth", "reached"), [(0.0, 0), (0.25, 1), (1.0, 1), (1.5, 2), (2.0, 2)])
def test_stages_that_are_not_reached_have_no_influence_and_no_gradient(grown, growth, reached):
    _net, _, params, evaluate = grown
    assert {stage_of(name) for name in params} == {0, 1, 2}
    y, grads = evaluate(params, growth)
    other = {k: jax.tree.map(lambda a: a + 1, v) if stage_of(k) > reached else v for k, v in params.items()}
    np.testing.assert_array_equal(evaluate(other, growth)[0], y)
    largest = {name: max(float(jnp.abs(g).max()) for g in jax.tree.leaves(tree)) for name, tree in grads.items()}
    for name, size in largest.items():
        faded_out = name.startswith(("colours", "features")) and growth - stage_of(name) >= 1
        assert (size == 0) == (stage_of(name) > reached or faded_out), (name, size)


def test_growth_is_continuous(grown):
    """Across a whole number the result changes with the growth, and no faster than beside it."""
    _, _, params, evaluate = grown
    for number in (0.0, 1.0):
        at, after, further = (np.asarray(evaluate(params, number + h)[0]) for h in (0.0, 1e-3, 2e-3))
        assert np.abs(after - at).max() > 0
        np.testing.assert_allclose(after - at, further - after, rtol=0.2, atol=1e-3 * np.abs(at).max())


def test_no_growth_is_full_growth(grown):
    net, x, params, evaluate = grown
    y = jax.jit(net.apply)({"params": params}, x)
    y = y if isinstance(net, ProgressiveGenerator) else y.logits
    np.testing.assert_allclose(evaluate(params, 2.0)[0], y, rtol=1e-4, atol=1e-4)


def test_images_are_as_sharp_as_the_generator():
    """At growth k the squares of pixels of stage k are constant, and in between images are their mixture."""
    x = jnp.asarray(RANDOM.normal(size=(2, 8, 8, 1)), jnp.float32)
    square = lambda size: np.kron(
        np.asarray(x).reshape(2, 8 // size, size, 8 // size, size).mean((2, 4)), np.ones((1, size, size))
    )[..., None]
    np.testing.assert_allclose(fade(x, jnp.float32(0), STAGES), square(4), atol=1e-6)
    np.testing.assert_allclose(fade(x, jnp.float32(1), STAGES), square(2), atol=1e-6)
    np.testing.assert_allclose(fade(x, jnp.float32(1.25), STAGES), 0.75 * square(2) + 0.25 * square(1), atol=1e-6)
    np.testing.assert_allclose(fade(x, jnp.float32(2), STAGES), x, atol=1e-6)


def test_a_discriminator_sees_no_more_than_the_growth():
    """An image and the same at the resolution reached are judged alike."""
    net, x = NETWORKS["discriminator"]
    params = jax.jit(net.init)(jax.random.key(0), x)["params"]
    judge = jax.jit(partial(result, net, params))
    for growth in (0.0, 1.0):
        np.testing.assert_allclose(judge(fade(x, growth, STAGES), growth), judge(x, growth), rtol=1e-4, atol=1e-5)
        assert np.abs(judge(fade(x, growth, STAGES), growth + 1) - judge(x, growth + 1)).max() > 1e-3

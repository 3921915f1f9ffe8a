"""Networks from image to image, and the judge of patches: their contract."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets import CycleGANGenerator, PatchGAN, RRDBNet, UNetGenerator
from genjax_models.nets.layers.normalization import GroupNorm

BATCH = 3
RANDOM = np.random.default_rng(0)
NETWORKS = {
    "cyclegan": (lambda k: CycleGANGenerator(3, width=2, depth=1, num_classes=k), lambda h, w: (h, w, 3)),
    "unet": (lambda k: UNetGenerator(3, (2, 3, 3), num_classes=k), lambda h, w: (h, w, 3)),
    "rrdb_2": (lambda k: RRDBNet(3, 1, 4, 2, 1, num_classes=k), lambda h, w: (2 * h, 2 * w, 3)),
    "rrdb_4": (lambda k: RRDBNet(3, 2, 4, 2, 1, num_classes=k), lambda h, w: (4 * h, 4 * w, 3)),
    "patches": (lambda k: PatchGAN((2, 3, 4), num_classes=k), lambda h, w: (h // 4 - 2, w // 4 - 2)),
}


def draw(net, *args):
    """Parameters without the zeros and ones of initialisation."""
    random = np.random.default_rng(0)
    shapes = jax.eval_shape(partial(net.init, jax.random.key(0)), *args)
    return jax.tree.map(lambda a: jnp.asarray(0.5 * random.normal(size=a.shape), a.dtype), shapes)


def images(height, width, channels=2):
    return jnp.asarray(RANDOM.normal(size=(BATCH, height, width, channels)), jnp.float32)


def result(net, variables, *args, **settings):
    y = net.apply(variables, *args, **settings)
    return y.logits if isinstance(net, PatchGAN) else y


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n == "rrdb_4" else n for n in NETWORKS])
def test_contract(name):
    """Shape, dtype, no example sees another, every class matters, and no label is no class."""
    make, shape = NETWORKS[name]
    net, x, label = make(3), images(12, 16), jnp.arange(BATCH)
    variables = draw(net, x, None, {"label": label})
    apply = jax.jit(lambda x, label: result(net, variables, x, None, {"label": label}))
    y = apply(x, label)
    assert y.shape == (BATCH, *shape(12, 16))
    assert y.dtype == jnp.float32
    np.testing.assert_allclose(apply(x[::-1], label[::-1])[::-1], y, rtol=1e-3, atol=1e-4)
    same = apply(jnp.broadcast_to(x[:1], x.shape), label)
    np.testing.assert_allclose(same[0], y[0], rtol=1e-3, atol=1e-4)
    assert min(np.abs(same[i] - same[j]).max() for i, j in ((0, 1), (0, 2), (1, 2))) > 1e-4
    null = apply(x, jnp.full(BATCH, 3))
    np.testing.assert_allclose(jax.jit(partial(result, net))(variables, x), null, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [28, 32])
def test_sizes(name, size):
    make, shape = NETWORKS[name]
    net, x = make(0), images(size, size, 1)
    y = jax.eval_shape(lambda: result(net, net.init(jax.random.key(0), x), x))
    assert y.shape == (BATCH, *shape(size, size))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_label_needs_classes(name):
    with pytest.raises(ValueError, match="num_classes=0"):
        draw(NETWORKS[name][0](0), images(12, 12), None, {"label": jnp.zeros(BATCH, jnp.int32)})


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (PatchGAN((2, 2, 2, 2)), "22x20 is too small for a PatchGAN of 3 halvings"),
        (CycleGANGenerator(1, halvings=2), "22x20 cannot be halved 2 times"),
    ],
)
def test_impossible_settings_are_refused_in_one_line(net, said):
    with pytest.raises(ValueError, match=said):
        draw(net, images(22, 20))


@pytest.mark.parametrize(("channels", "sees"), [((2, 2), 16), pytest.param((2, 2, 2), 34, marks=pytest.mark.slow)])
def test_a_patch_is_as_large_as_documented(channels, sees):
    """With positive weights and without norms, which see all of space, a logit depends on exactly its square."""

    def no_norm(method, args, settings, context):
        return args[0] if isinstance(context.module, GroupNorm) else method(*args, **settings)

    net, x = PatchGAN(channels), jnp.ones((1, 64, 64, 1))
    variables = jax.tree.map(jnp.ones_like, draw(net, x))
    with nn.intercept_methods(no_norm):
        slope = jax.grad(lambda x: net.apply(variables, x).logits[0, 7, 7])(x)
    rows, columns = np.nonzero(np.asarray(slope)[0, :, :, 0])
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1, len(rows)) == (sees, sees, sees**2)


def test_without_jit_as_with_it():
    net, x = PatchGAN((2, 3)), images(8, 8)
    variables = draw(net, x)
    without, jitted = net.apply(variables, x), jax.jit(net.apply)(variables, x)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), without, jitted)


def test_dropout_acts_in_training_alone():
    net, x = UNetGenerator(1, (2, 3, 3)), images(8, 8)
    variables = draw(net, x)
    train = jax.jit(lambda key: net.apply(variables, x, train=True, rngs={"dropout": key}))
    assert np.abs(train(jax.random.key(0)) - train(jax.random.key(1))).max() > 1e-3
    np.testing.assert_array_equal(train(jax.random.key(0)), train(jax.random.key(0)))
    jax.jit(net.apply)(variables, x)  # needs no stream

"""Networks of variational autoencoders: their contract, and the papers' formulas once more in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets import ConvDecoder, ConvEncoder, Ladder, Perceptron, VeryDeepVAE

BATCH = 3
LADDER = dict(latents=(4, 3, 2), widths=(7, 6, 5))
DEEP = dict(width=6, middle=4, latent=2, factors=(2, 3), blocks=(1, 0, 1), depths=(1, 2, 1), patch_size=1)
NETWORKS = {
    "perceptron": (lambda k: Perceptron((2, 3), widths=(5, 4), num_classes=k), (3, 3, 1), (2, 3)),
    "conv_encoder": (lambda k: ConvEncoder((7,), channels=(8, 16), num_classes=k), (9, 6, 2), (7,)),
    "discriminator": (lambda k: ConvEncoder((), channels=(8,), num_classes=k), (4, 4, 1), ()),
    "conv_decoder": (lambda k: ConvDecoder((9, 6, 2), channels=(16, 8), num_classes=k), (5,), (9, 6, 2)),
    "ladder": (lambda k: Ladder((4, 4, 2), **LADDER, num_classes=k), (4, 4, 1), (4, 4, 2)),
    "very_deep": (lambda k: VeryDeepVAE((6, 6, 3), **DEEP, num_classes=k), (6, 6, 1), (6, 6, 3)),
    "patches": (
        lambda k: VeryDeepVAE((4, 8, 3), 8, 4, 2, (2,), (1, 1), (0, 1), patch_size=2, num_classes=k),
        (4, 8, 1),
        (4, 8, 3),
    ),
}


def draw(net, shape, cond=None, scale=0.5):
    """Parameters without the zeros and ones of initialisation, and an input."""
    random = np.random.default_rng(0)
    x = jnp.asarray(random.normal(size=(BATCH, *shape)), jnp.float32)
    shapes = jax.eval_shape(net.init, jax.random.key(0), x, None, cond)
    return jax.tree.map(lambda a: jnp.asarray(scale * random.normal(size=a.shape), a.dtype), shapes), x


SLOW = ("very_deep", "patches")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in NETWORKS])
def test_contract(name):
    """Shape, dtype, no example sees another, every class matters, and no label is no class."""
    make, shape, out = NETWORKS[name]
    net, label = make(3), jnp.arange(BATCH)
    params, x = draw(net, shape, {"label": label})
    apply = jax.jit(lambda x, label: net.apply(params, x, None, {"label": label}))
    y = apply(x, label)
    assert y.shape == (BATCH, *out)
    assert y.dtype == jnp.float32
    np.testing.assert_allclose(apply(x[::-1], label[::-1]), y[::-1], rtol=1e-3, atol=1e-4)
    same = jnp.broadcast_to(x[:1], x.shape)
    np.testing.assert_allclose(apply(same, label)[0], y[0], rtol=1e-3, atol=1e-4)
    by_class = np.asarray(apply(same, label)).reshape(BATCH, -1)
    distances = np.abs(by_class[:, None] - by_class[None]).max(axis=2)
    assert distances[~np.eye(BATCH, dtype=bool)].min() > 1e-3
    null = apply(x, jnp.full(BATCH, 3))
    np.testing.assert_allclose(jax.jit(net.apply)(params, x), null, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_label_needs_classes(name):
    make, shape, _ = NETWORKS[name]
    with pytest.raises(ValueError, match="num_classes=0"):
        draw(make(0), shape, {"label": jnp.zeros(BATCH, jnp.int32)})


@pytest.mark.parametrize(
    ("net", "shape", "said"),
    [
        (Perceptron((2,), activation="rleu"), (3,), "choose among tanh"),
        (Ladder((2,), latents=(2, 1), widths=(3,)), (3,), "2 and 1"),
        (VeryDeepVAE((6, 6, 1), factors=(2,)), (6, 6, 1), "2 resolutions"),
        (VeryDeepVAE((6, 6, 1), **(DEEP | {"factors": (2, 2)})), (6, 6, 1), "3x3 is not divisible by 2"),
        (VeryDeepVAE((6, 6, 1), **(DEEP | {"depths": (1, 1, 0)})), (6, 6, 1), "needs a group"),
    ],
)
def test_impossible_settings_are_refused_in_one_line(net, shape, said):
    with pytest.raises(ValueError, match=said):
        draw(net, shape)


def wide(params):
    return jax.tree.map(lambda a: np.asarray(a, np.float64), params["params"])


def dense(p, x):
    return x @ p["kernel"] + p.get("bias", 0.0)


def test_perceptron_is_its_formula():
    net = Perceptron((2, 3), widths=(5, 4), num_classes=3)
    label = jnp.array([2, 0, 3])
    params, x = draw(net, (3, 3, 1), {"label": label})
    p, h = wide(params), np.concatenate([np.asarray(x).reshape(BATCH, -1), np.eye(4)[label, :3]], axis=1)
    for name in ("hidden_0", "hidden_1"):
        h = np.tanh(dense(p[name], h))
    y = dense(p["out"], h).reshape(BATCH, 2, 3)
    np.testing.assert_allclose(net.apply(params, x, None, {"label": label}), y, rtol=1e-4, atol=1e-5)


def test_a_very_deep_vae_starts_with_standard_normal_priors():
    net = VeryDeepVAE((3, 3, 1), 6, 4, 2, factors=(), blocks=(0,), depths=(1,), patch_size=1)
    params = jax.jit(net.init)(jax.random.key(0), jnp.ones((1, 3, 3, 1)))
    h = jax.random.normal(jax.random.key(1), (1, 3, 3, 6))
    normal, rest = net.apply(params, 0, h, method="prior")
    np.testing.assert_array_equal(normal, np.zeros_like(normal))
    np.testing.assert_array_equal(rest, h)

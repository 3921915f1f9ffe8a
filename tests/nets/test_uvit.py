"""U-ViT against its figure 1, written down once more in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy_layers import attention, conv
from scipy.special import erf

from genjax_models.core.patches import patchify, unpatchify
from genjax_models.nets import UViT
from genjax_models.nets.layers.embeddings import sinusoidal


def layer_norm(p, x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * p["scale"] + p["bias"]


def dense(p, x):
    return x @ p["kernel"] + p["bias"]


def block(p, x, skip=None):
    if skip is not None:
        x = dense(p["skip"], np.concatenate([x, skip], -1))
    qkv = dense(p["attention"]["qkv"], layer_norm(p["norm_1"], x))
    x = x + dense(p["attention"]["out"], attention(*np.split(qkv, 3, -1)))
    h = dense(p["mlp_in"], layer_norm(p["norm_2"], x))
    return x + dense(p["mlp_out"], h * (1 + erf(h / np.sqrt(2))) / 2)


def test_network_is_the_papers():
    with jax.enable_x64(True):
        net = UViT(patch_size=2, width=8, depth=5, heads=1, num_classes=3, dtype=jnp.float64)
        rng = np.random.default_rng(0)
        x, t, label = rng.normal(size=(2, 4, 6, 3)), np.array([0.2, 0.7]), np.array([3, 1])
        cond = {"label": jnp.asarray(label, jnp.int32)}
        shapes = jax.eval_shape(net.init, jax.random.key(0), x, t, cond)["params"]
        p = jax.tree.map(lambda a: 0.4 * rng.normal(size=a.shape), shapes)

        patches = dense(p["patch"], np.asarray(patchify(x, 2)).reshape(2, 6, 12))
        tokens = [patches, np.asarray(sinusoidal(jnp.asarray(t), 8))[:, None], p["label"]["embedding"][label][:, None]]
        h0 = np.concatenate(tokens, 1) + p["positions"]
        assert p["positions"].shape == (6 + 2, 8)
        h1 = block(p["block_0"], h0)
        h2 = block(p["block_1"], h1)
        h = block(p["block_2"], h2)
        h = block(p["block_3"], h, h2)
        h = block(p["block_4"], h, h1)
        h = dense(p["out"], layer_norm(p["norm_out"], h))[:, :6].reshape(2, 2, 3, 12)
        expected = conv(unpatchify(h, 2), p["conv_out"]["kernel"]) + p["conv_out"]["bias"]

        y = jax.jit(net.apply)({"params": p}, jnp.asarray(x), jnp.asarray(t), cond)
        np.testing.assert_allclose(y, expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())


def test_size_is_that_of_the_published_network():
    """Table 1: U-ViT-S has 44 million parameters."""
    params = jax.eval_shape(UViT().init, jax.random.key(0), jnp.zeros((1, 32, 32, 3)), jnp.zeros(1))
    assert sum(a.size for a in jax.tree.leaves(params)) == pytest.approx(44e6, rel=0.02)

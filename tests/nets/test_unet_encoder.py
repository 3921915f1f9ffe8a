"""The classifier of noisy images against its structure, written down once more in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
from numpy_layers import attention, conv, group_norm, silu

from genjax_models.core.patches import patchify
from genjax_models.nets import UNetEncoder
from genjax_models.nets.layers.embeddings import sinusoidal

GROUPS = 4


def dense(p, x):
    return x @ p["kernel"] + p["bias"]


def norm(p, x):
    return group_norm(x, GROUPS, p["scale"], p["bias"])


def conv_of(p, x):
    return conv(x, p["kernel"]) + p["bias"]


def halved(x):
    batch, height, width, channels = x.shape
    return x.reshape(batch, height // 2, 2, width // 2, 2, channels).mean((2, 4))


def res(p, x, emb, resize=lambda x: x):
    h = conv_of(p["conv_1"], resize(silu(norm(p["norm_1"], x))))
    scale, shift = np.split(dense(p["emb"], silu(emb))[:, None, None], 2, axis=-1)
    h = conv_of(p["conv_2"], silu(norm(p["norm_2"], h) * (1 + scale) + shift))
    x = resize(x)
    return (dense(p["skip"], x) if "skip" in p else x) + h


def test_network_is_as_described():
    with jax.enable_x64(True):
        net = UNetEncoder(
            3, channels=8, patch_size=2, multipliers=(1, 2), num_blocks=2, head_dim=16, groups=4, dtype=jnp.float64
        )
        rng = np.random.default_rng(0)
        x, t = rng.normal(size=(2, 8, 12, 1)), np.array([0.2, 0.7])
        shapes = jax.eval_shape(net.init, jax.random.key(0), x, t)["params"]
        p = jax.tree.map(lambda a: 0.4 * rng.normal(size=a.shape), shapes)

        time = dense(p["conditioning"]["time_in"], np.asarray(sinusoidal(jnp.asarray(t), 8)))
        emb = dense(p["conditioning"]["time_out"], silu(time))
        h = conv_of(p["conv_in"], np.asarray(patchify(jnp.asarray(x), 2)))
        h = res(p["level_0_res_1"], res(p["level_0_res_0"], h, emb), emb)
        h = res(p["level_1_res_1"], res(p["level_1_res_0"], h, emb, halved), emb)
        tokens = norm(p["attention"]["norm"], h).reshape(2, 6, 16)
        block = p["attention"]["attention"]
        attended = attention(*np.split(dense(block["qkv"], tokens), 3, -1))
        h = h + dense(block["out"], attended).reshape(h.shape)
        expected = dense(p["logits"], silu(norm(p["norm_out"], h)).mean((1, 2)))

        y = jax.jit(net.apply)({"params": p}, jnp.asarray(x), jnp.asarray(t))
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)  # logits are float32

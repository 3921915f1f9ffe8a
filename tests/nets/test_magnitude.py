"""Magnitude-preserving layers preserve magnitude, whatever their weights; EDM2's network is that of its figure 21."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from numpy_layers import attention, conv, silu
from scipy.integrate import quad
from scipy.stats import norm

from genjax_models.core.arrays import unit_rms
from genjax_models.nets import EDM2UNet
from genjax_models.nets.layers.magnitude import MPConv3x3, MPDense, mp_concat, mp_fourier, mp_silu, mp_sum
from genjax_models.nets.unet.edm2 import Block, CosineAttention
from genjax_models.training import make_optimizer, optimizer_config

EPSILON = 1e-4


def rms(x, axis=None):
    return np.sqrt(np.square(np.asarray(x, np.float64)).mean(axis))


def normal(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


def test_silu_has_the_magnitude_that_is_divided_out():
    second_moment, _ = quad(lambda x: silu(x) ** 2 * norm.pdf(x), -12, 12)
    np.testing.assert_allclose(np.sqrt(second_moment), 0.596, atol=5e-4)
    np.testing.assert_allclose(mp_silu(jnp.float32(0.7)), silu(0.7) / 0.596, rtol=1e-6)


def scaled(params):
    """The same directions, each output's of another length."""
    return jax.tree.map(lambda v: v * jnp.exp(normal(9, v.shape[-1]).reshape((1,) * (v.ndim - 1) + (-1,))), params)


MAPS = {
    "dense": lambda x: apply(MPDense(64), x),
    "convolution": lambda x: apply(MPConv3x3(64), x)[:, 1:-1, 1:-1],  # zeros outside take some at the edge
    "silu": mp_silu,
    "sum": lambda x: mp_sum(x, normal(1, *x.shape), 0.3),
    "concatenation": lambda x: mp_concat(x, normal(1, *x.shape[:-1], 8), 0.7),
    "fourier": lambda x: mp_fourier(10 * x[:, 0, 0, 0], 4096),
    "pixel norm": lambda x: unit_rms(3.0 * x, -1),
}


def apply(layer, x):
    return layer.apply(scaled(layer.init(jax.random.key(3), x)), x)


@pytest.mark.parametrize("name", MAPS)
def test_unit_variance_stays(name):
    """A hundred thousand results and more: a sampling error of less than a per cent."""
    x = normal(0, 64, 8, 8, 32)
    np.testing.assert_allclose(rms(MAPS[name](x)), 1.0, atol=0.02)


def test_a_pixel_of_zeros_stays_zero_and_has_a_finite_gradient():
    value, gradient = jax.value_and_grad(lambda x: unit_rms(x, -1).sum())(jnp.zeros((2, 4)))
    assert value == 0
    np.testing.assert_allclose(gradient, 1 / EPSILON, rtol=1e-6)


def test_each_output_of_a_layer_has_unit_variance_not_only_all_together():
    x = normal(0, 20_000, 32)
    np.testing.assert_allclose(rms(apply(MPDense(16), x), 0), 1.0, atol=0.03)


def test_concatenation_gives_each_side_its_share_however_many_channels_it_has():
    a, b = jnp.ones((1, 2)), jnp.ones((1, 50))
    for share in (0.5, 0.8):
        both = np.asarray(mp_concat(a, b, share), np.float64)[0]
        power_a, power_b = (both[:2] ** 2).sum(), (both[2:] ** 2).sum()
        np.testing.assert_allclose(power_b / power_a, (share / (1 - share)) ** 2, rtol=1e-5)
        np.testing.assert_allclose(power_a + power_b, 52, rtol=1e-5)


def test_fourier_features_are_those_of_a_gaussian_kernel():
    """With f from N(0, 1), the mean of 2 cos(2 pi f s + phase) cos(2 pi f t + phase) is exp(-2 (pi (s - t))^2)."""
    t = jnp.linspace(-1, 1, 21)
    features = np.asarray(mp_fourier(t, 8192), np.float64)
    lag = np.subtract.outer(np.asarray(t), np.asarray(t))
    np.testing.assert_allclose(features @ features.T / 8192, np.exp(-2 * (np.pi * lag) ** 2), atol=5 / np.sqrt(8192))


def test_sum_has_its_shares():
    """Eq. 88 for constants: (0.7 a + 0.3 b) / sqrt(0.58)."""
    np.testing.assert_allclose(mp_sum(jnp.float32(1), jnp.float32(2), 0.3), 1.3 / np.sqrt(0.58), rtol=1e-6)


def test_an_update_leaves_weights_of_unit_magnitude_and_turns_them_as_the_optimizer_says():
    """Forced weight normalisation: Adam's own step, then each column over its root mean square."""
    params = {
        "conv": {"direction": normal(0, 3, 3, 4, 5)},
        "dense": {"direction": normal(1, 6, 3), "bias": jnp.ones(3)},
        "gain": jnp.ones(()),
    }
    params = jax.tree.map_with_path(
        lambda path, v: unit_rms(v, tuple(range(v.ndim - 1))) if path[-1].key == "direction" else v, params
    )
    section = optimizer_config()
    section.update(name="adam", learning_rate=0.3, clip_norm=0.0)
    ours, plain = make_optimizer(section, steps=10), optax.adam(0.3, section.b1, section.b2, section.eps)

    @jax.jit
    def step(params, ours_state, plain_state, gradient):
        update, ours_state = ours.update(gradient, ours_state, params)
        free, plain_state = plain.update(gradient, plain_state, params)
        return optax.apply_updates(params, update), optax.apply_updates(params, free), ours_state, plain_state

    states = ours.init(params), plain.init(params)
    for i in range(3):
        gradient = jax.tree.map(lambda v, i=i: normal(10 + i, *v.shape), params)
        params, free, *states = step(params, *states, gradient)
        for v, u in (
            (params["conv"]["direction"], free["conv"]["direction"]),
            (params["dense"]["direction"], free["dense"]["direction"]),
        ):
            axes = tuple(range(v.ndim - 1))
            np.testing.assert_allclose(rms(v, axes), 1.0, rtol=3 * EPSILON)
            np.testing.assert_allclose(v, np.asarray(u) / rms(u, axes), rtol=1e-3, atol=1e-4)
            assert np.abs(rms(u, axes) - 1).max() > 0.01
        np.testing.assert_array_equal(params["dense"]["bias"], free["dense"]["bias"])
        np.testing.assert_array_equal(params["gain"], free["gain"])


def test_weights_are_born_with_unit_magnitude():
    dense = MPDense(5).init(jax.random.key(0), jnp.zeros((1, 7)))["params"]["direction"]
    conv3x3 = MPConv3x3(5).init(jax.random.key(0), jnp.zeros((1, 2, 2, 3)))["params"]["direction"]
    assert (dense.shape, conv3x3.shape) == ((7, 5), (3, 3, 3, 5))
    np.testing.assert_allclose(rms(dense, 0), 1.0, rtol=1e-3)
    np.testing.assert_allclose(rms(conv3x3, (0, 1, 2)), 1.0, rtol=1e-3)


def test_gradients_leave_the_length_of_the_weights_alone():
    """A function of the direction has a gradient at right angles to the parameter."""
    x, layer = normal(0, 16, 8), MPDense(4)
    params = layer.init(jax.random.key(1), x)
    gradient = jax.jit(jax.grad(lambda p: jnp.sin(layer.apply(p, x)).sum()))(params)["params"]["direction"]
    along = (gradient * params["params"]["direction"]).sum(0)
    across = jnp.linalg.norm(gradient, axis=0) * jnp.linalg.norm(params["params"]["direction"], axis=0)
    assert float(jnp.abs(along / across).max()) < 1e-3


TINY = dict(channels=8, multipliers=(1, 2), num_blocks=1, attention_levels=(1,), head_dim=4)


def weights(direction, gain=1.0):
    axes = tuple(range(direction.ndim - 1))
    inputs = np.prod(direction.shape[:-1])
    return direction / (EPSILON + rms(direction, axes)) * gain / np.sqrt(inputs)


def pixel_norm(x):
    return x / (EPSILON + np.sqrt((x**2).mean(-1, keepdims=True)))


def mix(a, b, share):
    return ((1 - share) * a + share * b) / np.sqrt((1 - share) ** 2 + share**2)


def concatenate(a, b):
    """Eq. 103 for shares of a half: sqrt((A + B) / 2) (a / sqrt A, b / sqrt B)."""
    n, m = a.shape[-1], b.shape[-1]
    return np.sqrt((n + m) / 2) * np.concatenate([a / np.sqrt(n), b / np.sqrt(m)], -1)


def block(p, x, emb, decoder, resize=lambda x: x, clip=256.0):
    """A block of figure 21; `p` has the names of our parameters."""
    act = lambda x: silu(x) / 0.596
    x = resize(x)
    project = lambda x: x @ weights(p["skip"]["direction"]) if "skip" in p else x
    x = x if decoder else pixel_norm(project(x))
    y = conv(act(x), weights(p["conv_1"]["direction"]))
    y = act(y * (1 + emb @ weights(p["emb"]["direction"], p["gain"]))[:, None, None])
    y = conv(y, weights(p["conv_2"]["direction"]))
    x = mix(project(x) if decoder else x, y, 0.3)
    if "attention" in p:
        batch, height, width, channels = x.shape
        heads = channels // TINY["head_dim"]
        qkv = (x @ weights(p["attention"]["qkv"]["direction"])).reshape(batch, height * width, 3, heads, -1)
        q, k, v = np.moveaxis(pixel_norm(qkv), 2, 0)
        y = np.stack([attention(q[:, :, h], k[:, :, h], v[:, :, h]) for h in range(heads)], axis=2).reshape(x.shape)
        x = mix(x, y @ weights(p["attention"]["out"]["direction"]), 0.3)
    return np.clip(x, -clip, clip)


def edm2(p, x, t, label, classes):
    """Two levels of one block, attention at the lower one."""
    random = np.random.RandomState(0)
    frequencies, phases = random.standard_normal(8), random.uniform(size=8)
    noise = np.sqrt(2) * np.cos(2 * np.pi * (np.outer(t, frequencies) + phases))
    one_hot = np.eye(classes + 1)[label] * np.sqrt(classes + 1)
    emb = mix(noise @ weights(p["time"]["direction"]), one_hot @ weights(p["label"]["direction"]), 0.5)
    emb = silu(emb) / 0.596
    down = lambda x: (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4
    up = lambda x: x.repeat(2, axis=1).repeat(2, axis=2)

    first = conv(np.concatenate([x, np.ones_like(x[..., :1])], -1), weights(p["conv_in"]["direction"]))
    second = block(p["down_0_res_0"], first, emb, False)
    third = block(p["down_1_downsample"], second, emb, False, down)
    fourth = block(p["down_1_res_0"], third, emb, False)
    h = block(p["mid_res_0"], fourth, emb, True)
    h = block(p["mid_res_1"], h, emb, True)
    h = block(p["up_1_res_0"], concatenate(h, fourth), emb, True)
    h = block(p["up_1_res_1"], concatenate(h, third), emb, True)
    h = block(p["up_0_upsample"], h, emb, True, up)
    h = block(p["up_0_res_0"], concatenate(h, second), emb, True)
    h = block(p["up_0_res_1"], concatenate(h, first), emb, True)
    return conv(h, weights(p["conv_out"]["direction"], p["gain"]))


def test_network_is_the_papers():
    with jax.enable_x64(True):
        net = EDM2UNet(**TINY, num_classes=3, dtype=jnp.float64)
        rng = np.random.default_rng(0)
        x, t, label = rng.normal(size=(2, 8, 4, 3)), np.array([-1.2, 0.4]), np.array([3, 1])
        cond = {"label": jnp.asarray(label, jnp.int32)}
        shapes = jax.eval_shape(net.init, jax.random.key(0), x, t, cond)["params"]
        params = jax.tree.map(lambda a: rng.normal(size=a.shape), shapes)
        expected = edm2(params, x, t, label, 3)
        assert {"attention" in params[name] for name in ("down_1_res_0", "mid_res_0", "up_1_res_1")} == {True}
        assert {"attention" in params[name] for name in ("down_0_res_0", "mid_res_1", "up_0_upsample")} == {False}
        y = jax.jit(net.apply)({"params": params}, jnp.asarray(x), jnp.asarray(t), cond)
        np.testing.assert_allclose(y, expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())


def test_blocks_preserve_magnitude_on_the_way():
    layers = (Block(48), Block(48, decoder=True), Block(32, head_dim=16))
    x, emb = normal(0, 16, 8, 8, 32), normal(1, 16, 16)
    results = jax.jit(lambda x: [layer.init_with_output(jax.random.key(2), x, emb)[0] for layer in layers])(x)
    for y in results:
        np.testing.assert_allclose(rms(y[:, 2:-2, 2:-2]), 1.0, atol=0.1)


def test_attention_scores_are_cosines():
    """Tokens of any length: the weights of the softmax see directions alone."""
    layer, x = CosineAttention(8), normal(0, 2, 3, 3, 8)
    mixed = jax.jit(lambda x: layer.init_with_output(jax.random.key(1), x)[0])
    branch = lambda x: mixed(x) * np.hypot(0.7, 0.3) - 0.7 * x
    lengths = jnp.exp(normal(2, 2, 3, 3, 1))
    np.testing.assert_allclose(branch(x * lengths), branch(x), atol=2e-3)


def test_size_is_that_of_the_published_network():
    """EDM2-S, for the latents of ImageNet-512, has 280 million parameters."""
    x, t = jnp.zeros((1, 64, 64, 4)), jnp.zeros(1)
    params = jax.eval_shape(EDM2UNet(num_classes=1000).init, jax.random.key(0), x, t)
    assert sum(a.size for a in jax.tree.leaves(params)) == pytest.approx(280e6, rel=0.01)

"""StyleGAN's and StyleGAN2's networks against their papers' formulas, written down once more in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy_layers import conv, fir_down, fir_up, unit, upfirdn

from genjax_models.nets import StyleGAN1, StyleGAN2, StyleGAN2Discriminator

TAPS = (1, 3, 3, 1)
TINY = dict(out_shape=(8, 8, 2), channels=3, max_channels=4, style_features=5, mapping_depth=2)
TINY_D = dict(channels=3, max_channels=4, minibatch_group=2, minibatch_features=2)


def leaky(x):
    return np.sqrt(2) * np.where(x > 0, x, 0.2 * x)


def pixel_norm(x):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-8)


def he(kernel):
    return kernel / np.sqrt(np.prod(kernel.shape[:-1]))


def dense(p, x):
    return x @ he(p["kernel"]) + p["bias"]


def mapping(p, z, label, classes):
    one_hot = np.eye(classes + 1)[label][:, :classes]
    h = np.concatenate([pixel_norm(z), pixel_norm(one_hot @ he(p["label"]["kernel"]))], axis=1)
    for layer in ("dense_0", "dense_1"):
        h = leaky(0.01 * (h @ he(p[layer]["kernel"]) + p[layer]["bias"]))
    return h


def own_noise(seed, size):
    return np.random.RandomState(seed).standard_normal((1, size, size, 1))


def modulated(p, x, w, demodulate, convolution):
    """A kernel for each example, as in the paper."""
    results = []
    for image, style in zip(x, dense(p["style"], w), strict=True):
        kernel = he(p["kernel"]) * style[None, None, :, None]
        if demodulate:
            kernel = kernel / np.sqrt((kernel**2).sum((0, 1, 2)) + 1e-8)
        results.append(convolution(image[None], kernel)[0])
    return np.array(results)


def upsampling_convolution(x, kernel):
    batch, height, width, channels = x.shape
    spread = np.zeros((batch, 2 * height - 1, 2 * width - 1, channels))
    spread[:, ::2, ::2] = x
    return upfirdn(conv(spread, kernel, pad=2), 2 * unit(TAPS), 1, 1, (1, 1))


def stylegan2(p, w, levels):
    """Styles `[B, L, W]`."""

    def layer(h, w, name, seed, convolution):
        q = p[name]
        h = modulated(q["conv"], h, w, True, convolution)
        return leaky(h + q["noise"]["strength"] * own_noise(seed, h.shape[1]) + q["bias"])

    def to_rgb(h, w, name):
        return modulated(p[name]["conv"], h, w, False, lambda x, k: conv(x, k, pad=0)) + p[name]["bias"]

    h = np.repeat(p["constant"], len(w), axis=0)
    h = layer(h, w[:, 0], "conv_0", 0, conv)
    image = to_rgb(h, w[:, 1], "to_rgb_0")
    for i in range(1, levels):
        h = layer(h, w[:, 2 * i - 1], f"up_{i}", 2 * i - 1, upsampling_convolution)
        h = layer(h, w[:, 2 * i], f"conv_{i}", 2 * i, conv)
        image = fir_up(image, TAPS) + to_rgb(h, w[:, 2 * i + 1], f"to_rgb_{i}")
    return image


def stylegan1(p, w, levels):
    def style(h, w, name, seed):
        q = p[name]
        h = leaky(h + q["noise"]["strength"] * own_noise(seed, h.shape[1]) + q["bias"])
        h = (h - h.mean((1, 2), keepdims=True)) / np.sqrt(h.var((1, 2), keepdims=True) + 1e-8)
        scale, shift = np.split(dense(q["adain"]["style"], w)[:, None, None], 2, axis=-1)
        return h * (1 + scale) + shift

    h = np.repeat(p["constant"], len(w), axis=0)
    for i in range(levels):
        if i:
            h = conv(h.repeat(2, axis=1).repeat(2, axis=2), he(p[f"up_{i}"]["kernel"]))
            h = upfirdn(h, unit((1, 2, 1)), 1, 1, (1, 1))
        h = style(h, w[:, 2 * i], f"first_{i}", 2 * i)
        h = conv(h, he(p[f"conv_{i}"]["kernel"]))
        h = style(h, w[:, 2 * i + 1], f"second_{i}", 2 * i + 1)
    return conv(h, he(p["to_rgb"]["kernel"]), pad=0) + p["to_rgb"]["bias"]


def discriminator(p, x, label, classes, halvings):
    layer = lambda h, q, **options: conv(h, he(q["kernel"]), **options) + q["bias"]
    h = leaky(layer(x, p["from_rgb"], pad=0))
    for i in range(halvings):
        q = p[f"down_{i}"]
        skip = conv(fir_down(h, TAPS), he(q["skip"]["kernel"]), pad=0)
        h = upfirdn(leaky(layer(h, q["conv_1"])), unit(TAPS), 1, 1, (2, 2))
        h = (leaky(layer(h, q["conv_2"], pad=0, stride=2)) + skip) / np.sqrt(2)
    maps = np.zeros((*h.shape[:3], 2))
    for start in range(0, len(h), 2):
        std = np.sqrt(h[start : start + 2].var(0) + 1e-8)
        maps[start : start + 2] = np.array([share.mean() for share in np.split(std, 2, axis=-1)])
    h = leaky(layer(np.concatenate([h, maps], -1), p["conv"]))
    features = leaky(dense(p["dense"], h.reshape(len(h), -1)))
    vectors = np.concatenate([p["classes"], np.zeros((1, features.shape[1]))])[label]
    return dense(p["out"], features)[:, 0] + (vectors * features).sum(1) / np.sqrt(features.shape[1]), features


def random_params(net, rng, *args):
    shapes = jax.eval_shape(net.init, jax.random.key(0), *args)["params"]
    return jax.tree.map(lambda a: rng.normal(size=a.shape), shapes)


@pytest.mark.parametrize(("net", "synthesis"), [(StyleGAN2, stylegan2), (StyleGAN1, stylegan1)])
@pytest.mark.parametrize("base", [2, 4])
def test_generators_are_the_papers(net, synthesis, base):
    levels = {2: 3, 4: 2}[base]
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        net = net(**TINY, base_resolution=base, num_classes=3, dtype=jnp.float64)
        z, label = rng.normal(size=(2, 6)), np.array([3, 1])
        cond = {"label": jnp.asarray(label, jnp.int32)}
        params = random_params(net, rng, z, None, cond)

        @jax.jit
        def ours(params, z, other):
            w = net.apply({"params": params}, z, cond, method="mapping")
            return (
                w,
                net.apply({"params": params}, z, None, cond),
                net.apply({"params": params}, other, method="synthesis"),
            )

        other = rng.normal(size=(2, 2 * levels, 5))  # another style for each layer
        w, y, y_other = ours(params, jnp.asarray(z), jnp.asarray(other))
        expected_w = np.repeat(mapping(params["to_style"], z, label, 3)[:, None], 2 * levels, axis=1)
        np.testing.assert_allclose(w, expected_w, rtol=1e-10, atol=1e-12)
        for ours, styles in ((y, expected_w), (y_other, other)):
            expected = synthesis(params["to_image"], styles, levels)
            assert expected.shape == (2, 8, 8, 2)
            np.testing.assert_allclose(ours, expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize(("size", "base"), [(8, 2), (14, 7)])
def test_discriminator_is_the_papers(size, base):
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        net = StyleGAN2Discriminator(**TINY_D, base_resolution=base, num_classes=3, dtype=jnp.float64)
        x, label = rng.normal(size=(4, size, size, 2)), np.array([3, 1, 0, 2])
        cond = {"label": jnp.asarray(label, jnp.int32)}
        params = random_params(net, rng, x, None, cond)
        judgement = jax.jit(net.apply)({"params": params}, jnp.asarray(x), None, cond)
        for ours, expected in zip(judgement, discriminator(params, x, label, 3, {2: 2, 7: 1}[base]), strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())


def test_second_derivatives_are_those_of_finite_differences():
    """Of R1, the squared gradient by the image, and of the path length's, by the styles: each along a direction."""
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        g = StyleGAN2(**TINY, base_resolution=4, dtype=jnp.float64)
        d = StyleGAN2Discriminator(**TINY_D, base_resolution=4, dtype=jnp.float64)
        z, x = jnp.asarray(rng.normal(size=(2, 6))), jnp.asarray(rng.normal(size=(2, 8, 8, 2)))
        params = {"g": random_params(g, rng, z), "d": random_params(d, rng, x)}
        direction = jax.tree.map(lambda a: rng.normal(size=a.shape), params)

        def penalties(params):
            slope = jax.grad(lambda x: d.apply({"params": params["d"]}, x).logits.sum())(x)
            w = g.apply({"params": params["g"]}, z, method="mapping")
            image = lambda w: (g.apply({"params": params["g"]}, w, method="synthesis") * x).sum()
            return jnp.square(slope).sum() + jnp.square(jax.grad(image)(w)).sum()

        value = jax.jit(penalties)
        gradient = jax.jit(jax.grad(penalties))(params)
        slope = sum(jax.tree.leaves(jax.tree.map(lambda a, b: (a * b).sum(), gradient, direction)))
        step = 1e-6
        moved = [jax.tree.map(lambda a, b, s=s: a + s * step * b, params, direction) for s in (1, -1)]
        numeric = (value(moved[0]) - value(moved[1])) / (2 * step)
        np.testing.assert_allclose(slope, numeric, rtol=1e-5)


def test_compiled_is_not_compiled():
    g, d = StyleGAN2(**TINY, base_resolution=4), StyleGAN2Discriminator(**TINY_D, base_resolution=4)
    z, x = jax.random.normal(jax.random.key(0), (2, 6)), jax.random.normal(jax.random.key(1), (2, 8, 8, 2))
    key = jax.random.key(2)
    for net, inputs in ((g, z), (d, x)):
        params = {"params": random_params(net, np.random.default_rng(0), inputs)}
        apply = lambda params, inputs, net=net: net.apply(params, inputs, rngs={"noise": key})
        for a, b in zip(*map(jax.tree.leaves, (apply(params, inputs), jax.jit(apply)(params, inputs))), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_sizes_are_those_of_the_published_networks():
    """In millions, at 1024x1024: StyleGAN2's generator 30.37, its discriminator 29.01, StyleGAN's generator 26.2."""
    paper = dict(out_shape=(1024, 1024, 3), max_channels=512, style_features=512)
    z, x = jnp.zeros((4, 512)), jnp.zeros((4, 1024, 1024, 3))
    published = {StyleGAN2(**paper, channels=32): 30.37e6, StyleGAN1(**paper, channels=16): 26.2e6}
    assert {net: count(net, z) for net in published} == pytest.approx(published, rel=0.005)
    assert count(StyleGAN2Discriminator(channels=32, max_channels=512), x) == pytest.approx(29.01e6, rel=0.005)


def count(net, *args):
    return sum(a.size for a in jax.tree.leaves(jax.eval_shape(net.init, jax.random.key(0), *args)["params"]))


def test_bad_input_is_one_clear_line():
    z = jnp.zeros((2, 6))
    for net in (StyleGAN1, StyleGAN2):
        with pytest.raises(ValueError, match="resolution 28 is not the base resolution 4 doubled"):
            jax.eval_shape(net(out_shape=(28, 28, 1)).init, jax.random.key(0), z)
        with pytest.raises(ValueError, match="expected square images, got 32x16"):
            jax.eval_shape(net(out_shape=(32, 16, 1)).init, jax.random.key(0), z)
        with pytest.raises(ValueError, match=r"expected latents \[B, Z\]"):
            jax.eval_shape(net().init, jax.random.key(0), z[None])
        with pytest.raises(ValueError, match=r"expected styles \[B, 8, W\]"):
            jax.eval_shape(lambda net=net: net().init(jax.random.key(0), jnp.zeros((2, 3, 256)), method="synthesis"))
    judge = StyleGAN2Discriminator()
    init = lambda x, cond=None: jax.eval_shape(judge.init, jax.random.key(0), x, None, cond)
    with pytest.raises(ValueError, match="resolution 28 is not the base resolution 4 doubled"):
        init(jnp.zeros((4, 28, 28, 1)))
    with pytest.raises(ValueError, match="expected square images, got 8x4"):
        init(jnp.zeros((4, 8, 4, 1)))
    with pytest.raises(ValueError, match="groups of 4 do not divide a batch of 6"):
        init(jnp.zeros((6, 8, 8, 1)))
    with pytest.raises(ValueError, match="a label was given"):
        init(jnp.zeros((4, 8, 8, 1)), {"label": jnp.zeros(4, jnp.int32)})

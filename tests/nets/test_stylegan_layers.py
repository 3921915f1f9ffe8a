"""The parts of the StyleGANs, each against a formula of its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal
from numpy_layers import conv

from genjax_models.nets.layers.alias_free import filter_matrix, kaiser_low_pass
from genjax_models.nets.layers.convolution import convolve
from genjax_models.nets.layers.equalized import EqualizedConv, EqualizedDense, leaky_relu, pixel_norm
from genjax_models.nets.layers.minibatch_std import minibatch_std
from genjax_models.nets.layers.modulated_conv import modulated_convolve
from genjax_models.nets.layers.noise_injection import NoiseInjection
from genjax_models.nets.layers.resampling import (
    doublings,
    fir_upsample,
    fir_upsample_convolve,
    upsample,
    upsample_convolve,
)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 1), (1, 2, 5, 7, 3, 1)])
def test_filtered_upsampling_convolution_is_spreading_convolution_and_filter(taps):
    """By SciPy's full convolutions, channel by channel; the last filter and the kernel have a direction."""
    with jax.enable_x64(True):
        x, kernel = normal(0, 2, 5, 3, 2), normal(1, 3, 3, 2, 3)
        spread = np.zeros((2, 9, 5, 2))
        spread[:, ::2, ::2] = x
        square = 4 * np.outer(taps, taps) / np.sum(taps) ** 2
        start = len(taps) // 2

        def one(image, weights):
            full = scipy.signal.convolve2d(scipy.signal.convolve2d(image, weights[::-1, ::-1]), square)
            return full[start : start + 10, start : start + 6]

        expected = [
            [sum(one(spread[b, ..., c], kernel[..., c, d]) for c in range(2)) for d in range(3)] for b in range(2)
        ]
        expected = np.moveaxis(np.array(expected), 1, -1)
        y = jax.jit(lambda x, kernel: fir_upsample_convolve(x, kernel, taps))(jnp.asarray(x), jnp.asarray(kernel))
        np.testing.assert_allclose(y, expected, rtol=1e-11, atol=1e-11)
        other = conv(np.asarray(fir_upsample(jnp.asarray(x), taps)), kernel)  # the two commute, but at the edge
        np.testing.assert_allclose(y[:, 1:-1, 1:-1], other[:, 1:-1, 1:-1], rtol=1e-11, atol=1e-11)


def test_upsampling_convolution_is_that_of_repeated_pixels():
    with jax.enable_x64(True):
        x, kernel = jnp.asarray(normal(0, 2, 5, 3, 2)), jnp.asarray(normal(1, 3, 3, 2, 3))
        expected = conv(np.asarray(upsample(x)), np.asarray(kernel))
        np.testing.assert_allclose(jax.jit(upsample_convolve)(x, kernel), expected, rtol=1e-12, atol=1e-12)


def test_doublings():
    assert [doublings(*sizes) for sizes in ((28, 7), (32, 4), (64, 4), (4, 4), (1024, 4))] == [2, 3, 4, 0, 8]
    for resolution, base in ((28, 4), (30, 7), (2, 4), (12, 4), (8, 0)):
        with pytest.raises(ValueError, match=f"resolution {resolution} is not the base resolution {base} doubled"):
            doublings(resolution, base)


@pytest.mark.parametrize("demodulate", [True, False])
def test_modulation_scales_the_kernel_of_each_example(demodulate):
    with jax.enable_x64(True):
        x, kernel, style = normal(0, 3, 5, 4, 2), normal(1, 3, 3, 2, 6), normal(2, 3, 2)
        expected = []
        for image, s in zip(x, style, strict=True):
            w = kernel * s[None, None, :, None]  # eq. 1
            if demodulate:
                w = w / np.sqrt((w**2).sum((0, 1, 2)) + 1e-8)  # eq. 3
            expected.append(conv(image[None], w)[0])
        arrays = [jnp.asarray(a) for a in (x, kernel, style)]
        convolution = lambda x, kernel: convolve(x, kernel, padding=1)
        y = modulated_convolve(*arrays, convolution, demodulate=demodulate)
        np.testing.assert_allclose(y, expected, rtol=1e-11, atol=1e-11)


def test_demodulation_gives_unit_variance_whatever_the_style_and_the_kernel():
    """Sixty thousand independent inputs a channel; neighbouring results share some, so the error is about 1.5%."""
    x = jnp.asarray(normal(0, 2, 256, 256, 4), jnp.float32)
    kernel = jnp.asarray(normal(1, 3, 3, 4, 5) * [0.1, 1, 2, 5, 30], jnp.float32)
    style = jnp.asarray(np.exp(normal(2, 2, 4)), jnp.float32)
    y = jax.jit(lambda *args: modulated_convolve(*args, convolve))(x, kernel, style)
    np.testing.assert_allclose(np.asarray(y, np.float64).var((1, 2)), 1.0, atol=0.05)


def test_equalized_layers_start_at_unit_variance_whatever_the_learning_rate():
    x = jnp.asarray(normal(0, 4000, 64), jnp.float32)
    images = jnp.asarray(normal(0, 8, 32, 32, 16), jnp.float32)
    for multiplier in (1.0, 0.01):
        layer = EqualizedDense(100, bias=0.5, multiplier=multiplier)
        y, variables = layer.init_with_output(jax.random.key(0), x)
        kernel = np.asarray(variables["params"]["kernel"])
        np.testing.assert_allclose(kernel.std(), 1 / multiplier, rtol=0.05)
        np.testing.assert_allclose([y.mean(), y.std()], [0.5, 1.0], atol=0.05)
        # A step of the parameter moves the result by the multiplier over the root of the inputs.
        moved = layer.apply({"params": {"kernel": kernel + 1, "bias": variables["params"]["bias"] + 1}}, x) - y
        step = multiplier * (np.asarray(x).sum(1) / np.sqrt(64) + 1)
        np.testing.assert_allclose(moved, np.repeat(step[:, None], 100, 1), atol=1e-4)
    y, variables = EqualizedConv(64, size=3).init_with_output(jax.random.key(0), images)
    np.testing.assert_allclose([variables["params"]["kernel"].std(), y.std()], 1.0, atol=0.05)


def test_activation_and_pixel_norm():
    x = normal(0, 100, 8)
    np.testing.assert_allclose(leaky_relu(jnp.asarray([-1.0, 2.0])), np.sqrt(2) * np.array([-0.2, 2.0]), rtol=1e-6)
    expected = x / np.sqrt((x**2).mean(1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(pixel_norm(jnp.asarray(x, jnp.float32)), expected, rtol=1e-5)


@pytest.mark.parametrize(("batch", "group", "features"), [(6, 3, 1), (4, 2, 3), (3, 4, 2)])
def test_minibatch_std(batch, group, features):
    x = normal(0, batch, 2, 3, 6)
    expected = np.zeros((batch, 2, 3, features))
    size = min(group, batch)
    for start in range(0, batch, size):
        std = np.sqrt(x[start : start + size].var(0) + 1e-8)
        for f, share in enumerate(np.split(std, features, axis=-1)):
            expected[start : start + size, ..., f] = share.mean()
    y = minibatch_std(jnp.asarray(x, jnp.float32), group, features)
    np.testing.assert_allclose(y, np.concatenate([x, expected], -1), rtol=1e-5, atol=1e-6)


def test_minibatch_std_refuses_what_it_cannot_divide():
    x = jnp.zeros((6, 2, 2, 4))
    with pytest.raises(ValueError, match="groups of 4 do not divide a batch of 6"):
        minibatch_std(x, 4)
    with pytest.raises(ValueError, match="3 minibatch features do not divide 4 channels"):
        minibatch_std(x, 3, 3)


def test_noise_is_one_map_of_unit_variance_times_each_channels_strength():
    layer, x = NoiseInjection(3, per_channel=True), jnp.zeros((2, 40, 40, 3))
    params = {"params": {"strength": jnp.asarray([0.0, 1.0, -2.0])}}
    fixed, again, drawn, other = (
        np.asarray(layer.apply(params, x, rngs=rngs))
        for rngs in ({}, {}, {"noise": jax.random.key(0)}, {"noise": jax.random.key(1)})
    )
    np.testing.assert_array_equal(fixed, again)
    np.testing.assert_array_equal(fixed[0], fixed[1])
    for y in (fixed, drawn):
        np.testing.assert_array_equal(y[..., 0], 0)
        np.testing.assert_array_equal(y[..., 2], -2 * y[..., 1])
        np.testing.assert_allclose(y[..., 1].std((1, 2)), 1.0, atol=0.1)
    for a, b in ((drawn[0], drawn[1]), (drawn, other), (fixed, drawn)):
        assert abs(np.corrcoef(a[..., 1].ravel(), b[..., 1].ravel())[0, 1]) < 0.1


@pytest.mark.parametrize(
    ("taps", "cutoff", "width", "rate"),
    [(12, 2.0, 6.0, 32.0), (24, 3.5, 10.0, 64.0), (12, 16.0, 8.0, 64.0), (6, 4, 1, 16)],
)
def test_low_pass_filters_are_scipys(taps, cutoff, width, rate):
    expected = scipy.signal.firwin(taps, cutoff, width=width, fs=rate)
    np.testing.assert_allclose(kaiser_low_pass(taps, cutoff, width, rate), expected, rtol=1e-6, atol=1e-9)


def test_a_low_pass_filter_cuts_below_half_the_rate():
    for cutoff, width in ((8.0, 1.0), (0.0, 1.0), (4.0, 0.0)):
        with pytest.raises(ValueError, match="no low-pass filter"):
            kaiser_low_pass(6, cutoff, width, 16.0)


@pytest.mark.parametrize(("up", "down", "before"), [(2, 1, 3), (4, 1, -5), (1, 2, 0), (2, 3, 1), (1, 1, -2)])
def test_resampling_matrices_are_scipys_upfirdn(up, down, before):
    x, taps, out = normal(0, 9), normal(1, 5), 6
    full = np.concatenate([np.zeros(20), up * scipy.signal.upfirdn(taps, x, up), np.zeros(60)])
    expected = full[20 + len(taps) - 1 - before :][::down][:out]
    y = filter_matrix(9, taps, up=up, down=down, before=before, out=out) @ x
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)

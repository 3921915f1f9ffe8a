"""NCSN++ and DDPM++ against the structure of the paper's appendix H, written down once more in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy_layers import attention, conv, fir_down, fir_up, group_norm, silu, unit, upfirdn

from genjax_models.nets import DDPMpp, NCSNpp
from genjax_models.nets.layers.embeddings import fourier, sinusoidal
from genjax_models.nets.layers.resampling import downsample, fir_downsample, fir_upsample, upsample
from genjax_models.nets.unet.unet import ResBlock

ROOT_HALF = np.sqrt(0.5)
GROUPS = 4
TINY = dict(channels=8, multipliers=(1, 2), num_blocks=1, attention_levels=(1,), groups=GROUPS)


@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 1), (1, 2, 5, 7, 3, 1)])
def test_filtered_resampling_is_convolution_with_zeros_between_and_around(taps):
    """The last filter is not symmetric, so that its direction counts."""
    with jax.enable_x64(True):
        x = np.random.default_rng(0).normal(size=(2, 6, 4, 3))
        np.testing.assert_allclose(
            fir_downsample(jnp.asarray(x), taps), fir_down(x, taps[::-1]), rtol=1e-12, atol=1e-12
        )
        np.testing.assert_allclose(fir_upsample(jnp.asarray(x), taps), fir_up(x, taps), rtol=1e-12, atol=1e-12)


def test_the_filter_of_two_taps_is_the_plain_resampling():
    x = jax.random.normal(jax.random.key(0), (2, 6, 4, 3))
    np.testing.assert_allclose(fir_downsample(x, (1, 1)), downsample(x), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(fir_upsample(x, (1, 1)), upsample(x))


def test_rescaled_skips_keep_unit_variance_where_plain_ones_double_it():
    """A block whose branch is as large as its input: the sum of independent unit variances, times a half."""
    x, emb = jax.random.normal(jax.random.key(0), (4, 16, 16, 32)), jnp.zeros((4, 4))
    plain = ResBlock(32, 8, scale_shift=False)
    rescaled = ResBlock(32, 8, scale_shift=False, skip_scale=float(ROOT_HALF))

    @jax.jit
    def variances(key):
        params = plain.init(key, x, emb)["params"]
        kernel = jax.random.normal(key, (3, 3, 32, 32))
        with_kernel = lambda kernel: {"params": params | {"conv_2": params["conv_2"] | {"kernel": kernel}}}
        kernel = kernel / jnp.std(plain.apply(with_kernel(kernel), x, emb) - x)
        return [jnp.var(block.apply(with_kernel(kernel), x, emb)) for block in (plain, rescaled)]

    np.testing.assert_allclose(variances(jax.random.key(1)), [2.0, 1.0], rtol=0.05)


def song_unet(p, x, t_features, taps, residual_input, skip_output):
    """One block a level, two levels, attention at the lower one; `p` has the names of our parameters."""

    def norm(name, h):
        return group_norm(h, GROUPS, p[name]["scale"], p[name]["bias"])

    def res(h, name, resize=lambda h: h):
        q = p[name]
        y = silu(group_norm(h, GROUPS, q["norm_1"]["scale"], q["norm_1"]["bias"]))
        y = conv(resize(y), q["conv_1"]["kernel"]) + q["conv_1"]["bias"]
        y = y + (emb @ q["emb"]["kernel"] + q["emb"]["bias"])[:, None, None]
        y = silu(group_norm(y, GROUPS, q["norm_2"]["scale"], q["norm_2"]["bias"]))
        y = conv(y, q["conv_2"]["kernel"]) + q["conv_2"]["bias"]
        h = resize(h)
        if "skip" in q:
            h = h @ q["skip"]["kernel"] + q["skip"]["bias"]
        return (h + y) * ROOT_HALF

    def attend(h, name):
        q = p[name]
        z = group_norm(h, GROUPS, q["norm"]["scale"], q["norm"]["bias"]).reshape(len(h), -1, h.shape[-1])
        qkv = np.split(z @ q["attention"]["qkv"]["kernel"] + q["attention"]["qkv"]["bias"], 3, axis=-1)
        z = attention(*qkv) @ q["attention"]["out"]["kernel"] + q["attention"]["out"]["bias"]
        return (h + z.reshape(h.shape)) * ROOT_HALF

    def layer(name, h, **options):
        return conv(h, p[name]["kernel"], **options) + p[name]["bias"]

    down, up = (lambda h: fir_down(h, taps)), (lambda h: fir_up(h, taps))
    time = p["conditioning"]
    emb = silu(t_features @ time["time_in"]["kernel"] + time["time_in"]["bias"])
    emb = silu(emb @ time["time_out"]["kernel"] + time["time_out"]["bias"])

    first = layer("conv_in", x)
    second = res(first, "down_0_res_0")
    h = third = res(second, "down_1_downsample", down)
    assert "skip" in p["down_1_downsample"]
    if residual_input:
        wide = upfirdn(x, unit(taps), 1, 1, (len(taps) // 2, len(taps) // 2))
        h = third = (h + layer("down_1_input", wide, pad=0, stride=2)) * ROOT_HALF
    h = fourth = attend(res(h, "down_1_res_0"), "down_1_attention_0")
    h = res(attend(res(h, "mid_res_0"), "mid_attention"), "mid_res_1")
    h = res(np.concatenate([h, fourth], -1), "up_1_res_0")
    h = res(np.concatenate([h, third], -1), "up_1_res_1")
    h = attend(h, "up_1_attention")
    low = layer("conv_out_1", silu(norm("norm_out_1", h))) if skip_output else None
    h = res(h, "up_0_upsample", up)
    h = res(np.concatenate([h, second], -1), "up_0_res_0")
    h = res(np.concatenate([h, first], -1), "up_0_res_1")
    high = layer("conv_out_0", silu(norm("norm_out_0", h)))
    return high if low is None else up(low) + high


CASES = {
    "ncsnpp": (NCSNpp(**TINY, dtype=jnp.float64), fourier, 16, ((1, 3, 3, 1), True, False)),
    "ddpmpp-skip": (DDPMpp(**TINY, progressive_output=True, dtype=jnp.float64), sinusoidal, 8, ((1, 1), False, True)),
}


@pytest.mark.parametrize("name", CASES)
def test_network_is_the_papers(name):
    net, features, width, structure = CASES[name]
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        x, t = rng.normal(size=(2, 8, 4, 3)), np.array([-0.7, 0.4])
        shapes = jax.eval_shape(net.init, jax.random.key(0), x, t)["params"]
        params = jax.tree.map(lambda a: 0.4 * rng.normal(size=a.shape), shapes)
        options = {"freq_shift": 1.0} if features is sinusoidal else {}
        t_features = np.asarray(features(jnp.asarray(t), width, **options))
        expected = song_unet(params, x, t_features, *structure)
        y = jax.jit(net.apply)({"params": params}, jnp.asarray(x), jnp.asarray(t))
        np.testing.assert_allclose(y, expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())


def test_size_is_that_of_the_published_network():
    """EDM's two networks for CIFAR-10 have 56 million parameters."""
    x, t = jnp.zeros((1, 32, 32, 3)), jnp.zeros(1)
    for net in (NCSNpp(multipliers=(2, 2, 2)), DDPMpp(multipliers=(2, 2, 2))):
        params = jax.eval_shape(net.init, jax.random.key(0), x, t)
        assert sum(a.size for a in jax.tree.leaves(params)) == pytest.approx(56e6, rel=0.02)

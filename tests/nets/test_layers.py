"""The networks' layers against flax's, and against their own formulas."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets.feature.efficientnet_lite import DepthwiseConv
from genjax_models.nets.layers.convolution import Conv3x3
from genjax_models.nets.layers.embeddings import (
    Conditioning,
    embed_guidance,
    embed_time,
    fourier,
    sincos_2d,
    sinusoidal,
)
from genjax_models.nets.layers.linear import Dense
from genjax_models.nets.layers.normalization import GroupNorm
from genjax_models.nets.layers.resampling import UpsampleConv, downsample, upsample


def random_like(params, seed=1):
    """Parameters without the zeros and ones of initialisation."""
    random = np.random.default_rng(seed)
    return jax.tree.map(lambda a: jnp.asarray(random.normal(size=a.shape), a.dtype), params)


def normal(*shape, seed=3):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


@partial(jax.jit, static_argnums=0)
def gradients(layer, params, x, dy):
    """The layer's result, and its gradients with respect to parameters and input."""
    y, pullback = jax.vjp(layer.apply, params, x)
    return y, pullback(dy)


def assert_same_layer(ours, theirs, x):
    """Same parameters, same function, same gradients with respect to both, in float64."""
    y, params = jax.eval_shape(theirs.init_with_output, jax.random.key(0), x)
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, jax.eval_shape(ours.init, jax.random.key(0), x))
    params, dy = random_like(params), normal(*y.shape)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9),
        gradients(ours, params, x, dy),
        gradients(theirs, params, x, dy),
    )


class ThenConv(nn.Module):
    """What `UpsampleConv` shortens."""

    features: int

    @nn.compact
    def __call__(self, x):
        conv = nn.Conv(self.features, (3, 3), padding=1, dtype=jnp.float64, name="conv")
        return conv(upsample(x))


@pytest.mark.parametrize("shape", [(2, 5, 4, 8), (3, 7, 8)])
def test_group_norm_is_flaxs(shape):
    with jax.enable_x64(True):
        x = 3 + normal(*shape)
        theirs = nn.GroupNorm(4, epsilon=1e-5, dtype=jnp.float64, param_dtype=jnp.float64)
        assert_same_layer(GroupNorm(4, dtype=jnp.float64), theirs, x)


def test_guidance_embedding():
    w = jnp.array([0.0, 2.5, 14.0])
    embedding = embed_guidance(w, 8)
    omega = 10_000.0 ** (-np.arange(4) / 3)
    angle = 1000 * np.asarray(w, np.float64)[:, None] * omega[None]
    np.testing.assert_allclose(embedding, np.concatenate([np.sin(angle), np.cos(angle)], 1), atol=2e-3)
    for features in (7, 2):
        with pytest.raises(ValueError, match="even number of features"):
            embed_guidance(w, features)


def test_a_network_may_be_conditioned_on_guidance_later():
    """Its parameters serve, and the new map says nothing before it is trained."""
    layer, t, w = Conditioning(8, 16), jnp.array([0.1, 0.8]), jnp.array([0.0, 3.0])
    params = layer.init(jax.random.key(0), t, {"guidance": w}, 2)["params"]
    before = layer.apply({"params": {name: params[name] for name in params if name != "guidance"}}, t, None, 2)
    np.testing.assert_array_equal(layer.apply({"params": params}, t, {"guidance": w}, 2), before)
    params["guidance"]["kernel"] = jnp.ones((16, 8))
    told = layer.apply({"params": params}, t, {"guidance": w}, 2) - before
    np.testing.assert_allclose(told, embed_guidance(w, 16).sum(1, keepdims=True) * jnp.ones((1, 8)), rtol=1e-4)


def test_group_norm_modulates_each_example():
    norm = GroupNorm(2)
    x, scale, shift = (
        normal(*shape, seed=i).astype(jnp.float32) for i, shape in enumerate([(2, 3, 4), (2, 4), (2, 4)])
    )
    params = random_like(jax.eval_shape(norm.init, jax.random.key(3), x))
    apply = jax.jit(norm.apply)
    expected = apply(params, x) * (1 + scale[:, None, :]) + shift[:, None, :]
    np.testing.assert_allclose(apply(params, x, scale, shift), expected, rtol=1e-5, atol=1e-5)


def test_dense_is_flaxs_on_any_leading_axes():
    with jax.enable_x64(True):
        x = normal(2, 3, 4, 5)
        kwargs = dict(dtype=jnp.float64, param_dtype=jnp.float64)
        assert_same_layer(Dense(7, **kwargs), nn.Dense(7, **kwargs), x)


@pytest.mark.parametrize("stride", [1, 2])
def test_convolution_is_flaxs(stride):
    with jax.enable_x64(True):
        x = normal(2, 6, 8, 3)
        theirs = nn.Conv(5, (3, 3), stride, padding=1, dtype=jnp.float64)
        assert_same_layer(Conv3x3(5, stride=stride, dtype=jnp.float64), theirs, x)


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [7, 8])
def test_depthwise_convolution_is_flaxs(size, stride, side):
    x = jax.random.normal(jax.random.key(0), (2, side, side + 1, 4))
    theirs = nn.Conv(4, (size, size), (stride, stride), feature_group_count=4, bias_init=nn.initializers.normal(1.0))
    params = theirs.init(jax.random.key(1), x)
    np.testing.assert_allclose(
        DepthwiseConv(size, stride).apply(params, x), theirs.apply(params, x), rtol=1e-4, atol=1e-5
    )


def test_upsampling_convolution_is_upsampling_then_convolution():
    with jax.enable_x64(True):
        x = normal(2, 3, 4, 5)
        both = ThenConv(6)
        y, params = jax.eval_shape(both.init_with_output, jax.random.key(0), x)
        params, dy = random_like(params), normal(*y.shape)
        ours = UpsampleConv(6, dtype=jnp.float64)
        y, (grads, dx) = gradients(ours, {"params": params["params"]["conv"]}, x, dy)
        expected, (expected_grads, expected_dx) = gradients(both, params, x, dy)
        np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(dx, expected_dx, rtol=1e-9, atol=1e-9)
        for name in ("kernel", "bias"):
            theirs = expected_grads["params"]["conv"][name]
            np.testing.assert_allclose(grads["params"][name], theirs, rtol=1e-9, atol=1e-9)


def test_downsampling_undoes_upsampling():
    x = jax.random.normal(jax.random.key(0), (2, 3, 4, 5))
    np.testing.assert_allclose(downsample(upsample(x)), x, rtol=1e-6)


def test_sinusoid_has_its_frequencies():
    t = jnp.array([0.0, 0.25, 1.0])
    embedding = sinusoidal(t, 6, freq_shift=1)
    omega = np.array([1.0, 1e-2, 1e-4])
    angle = 1000 * np.asarray(t)[:, None] * omega
    np.testing.assert_allclose(embedding, np.concatenate([np.cos(angle), np.sin(angle)], axis=1), atol=1e-4)
    np.testing.assert_allclose(embedding[0], [1, 1, 1, 0, 0, 0], atol=1e-7)


def test_fourier_features_are_those_of_a_gaussian_kernel():
    """With f from N(0, s^2), the mean of cos(2 pi f (a - b)) is exp(-2 (pi s (a - b))^2)."""
    t = jnp.linspace(0, 0.1, 11)
    features = np.asarray(fourier(t, 8192, scale=5.0), np.float64)
    lag = np.subtract.outer(np.asarray(t), np.asarray(t))
    np.testing.assert_allclose(
        features @ features.T / 4096, np.exp(-2 * (5 * np.pi * lag) ** 2), atol=5 / np.sqrt(4096)
    )
    cos, sin = np.split(features, 2, axis=1)
    np.testing.assert_allclose(cos**2 + sin**2, 1.0, rtol=1e-5)


def test_how_time_enters_is_a_choice_that_adds_no_parameters():
    t = jnp.array([0.1, 0.9])
    kinds = [Conditioning(8, 6, time_embedding=kind) for kind in ("sinusoidal", "fourier")]
    shapes = [jax.eval_shape(lambda kind=kind: kind.init(jax.random.key(0), t, None, 2)) for kind in kinds]
    assert shapes[0] == shapes[1]
    np.testing.assert_array_equal(embed_time(t, 6, "fourier"), fourier(t, 6))
    np.testing.assert_array_equal(embed_time(t, 6, "sinusoidal", freq_shift=1.0), sinusoidal(t, 6, freq_shift=1.0))


def test_positions_encode_column_then_row():
    table = sincos_2d(3, 5, 8).reshape(3, 5, 8)
    assert (table[:, :, :4] == table[:1, :, :4]).all()
    assert (table[:, :, 4:] == table[:, :1, 4:]).all()
    omega = np.array([1.0, 1e-2])
    np.testing.assert_allclose(table[1, 4, :4], [*np.sin(4 * omega), *np.cos(4 * omega)])
    assert len(np.unique(table.reshape(15, 8).round(6), axis=0)) == 15


def test_missing_label_is_the_null_row():
    module = Conditioning(8, num_classes=3)
    params = module.init(jax.random.key(0), None, None, 2)
    assert params["params"]["label"]["embedding"].shape == (4, 8)
    null = module.apply(params, None, {"label": jnp.full((2,), 3)}, 2)
    np.testing.assert_array_equal(module.apply(params, None, None, 2), null)
    np.testing.assert_array_equal(null[0], params["params"]["label"]["embedding"][3])


@pytest.mark.parametrize(
    "call",
    [
        lambda: sinusoidal(jnp.zeros(1), 3),
        lambda: fourier(jnp.zeros(1), 3),
        lambda: embed_time(jnp.zeros(1), 6, "fuorier"),
        lambda: sincos_2d(2, 2, 6),
        lambda: GroupNorm(3).init(jax.random.key(0), jnp.zeros((1, 2, 4))),
        lambda: Conditioning(8).init(jax.random.key(0), None, {"label": jnp.zeros(1, jnp.int32)}, 1),
    ],
    ids=["odd sinusoid", "odd fourier", "time embedding", "positions", "groups", "label without classes"],
)
def test_impossible_shapes_are_refused(call):
    with pytest.raises(ValueError, match=r"features|groups|num_classes|sinusoidal, fourier"):
        call()

"""Layers of adversarial networks: batch norm and spectral norm against NumPy, transposed convolution against flax."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets.layers.batch_norm import BatchNorm, ConditionalBatchNorm
from genjax_models.nets.layers.convolution import Conv
from genjax_models.nets.layers.resampling import TransposedConv, halved
from genjax_models.nets.layers.spectral import SpectralConv, SpectralDense

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(2.0, 3.0, size=(8, 3, 2, 5)).astype(np.float32)
SCALE, BIAS = RANDOM.normal(size=(2, 5)).astype(np.float32)
PARAMS = {"params": {"scale": SCALE, "bias": BIAS}}


def normalized(x, mean, variance):
    return (x - mean) / np.sqrt(variance + 1e-5)


def test_batch_norm_has_the_moments_of_the_batch_and_stores_them():
    y, state = BatchNorm().apply(PARAMS, X, train=True, mutable="batch_stats")
    mean, variance = X.mean((0, 1, 2), dtype=np.float64), X.var((0, 1, 2), dtype=np.float64)
    np.testing.assert_allclose(y, normalized(X, mean, variance) * SCALE + BIAS, rtol=1e-4, atol=1e-4)
    held = state["batch_stats"]["moments"]
    np.testing.assert_allclose(held["mean"], mean, rtol=1e-5)
    np.testing.assert_allclose(held["var"], variance, rtol=1e-4)


def test_standing_statistics_are_means_of_collections():
    """What `train=False` reads is the collection: here the mean of those of two halves of the batch."""
    halves = [BatchNorm().apply(PARAMS, x, train=True, mutable="batch_stats")[1] for x in (X[:4], X[4:])]
    standing = jax.tree.map(lambda a, b: (a + b) / 2, *halves)
    y = BatchNorm().apply(PARAMS | standing, X[:1], train=False)
    mean = X.mean((0, 1, 2), dtype=np.float64)
    variance = (X[:4].var((0, 1, 2), dtype=np.float64) + X[4:].var((0, 1, 2), dtype=np.float64)) / 2
    np.testing.assert_allclose(y, normalized(X[:1], mean, variance) * SCALE + BIAS, rtol=1e-4, atol=1e-4)


def test_initialisation_stores_no_moments():
    variables = BatchNorm("shards").init(jax.random.key(0), X, train=True)
    held = variables["batch_stats"]["moments"]
    np.testing.assert_array_equal(held["mean"], np.zeros(5))
    np.testing.assert_array_equal(held["var"], np.ones(5))


@pytest.mark.parametrize("layer", [BatchNorm, ConditionalBatchNorm])
def test_moments_of_shards_are_those_of_the_whole_batch(layer):
    emb = () if layer is BatchNorm else (RANDOM.normal(size=(8, 3)).astype(np.float32),)
    shapes = jax.eval_shape(lambda: layer().init(jax.random.key(0), X, *emb, train=True))["params"]
    params = {"params": jax.tree.map(lambda a: RANDOM.normal(size=a.shape).astype(np.float32), shapes)}

    def loss(params, x, *emb, axis_name=None):
        y, state = layer(axis_name).apply(params, x, *emb, train=True, mutable="batch_stats")
        return (jnp.sin(y) ** 2).sum(), (y, state)

    whole, (y, state) = jax.grad(loss, has_aux=True)(params, X, *emb)
    shards = [a.reshape(4, 2, *a.shape[1:]) for a in (X, *emb)]
    shard = lambda *a: jax.grad(lambda p: loss(p, *a, axis_name="shards"), has_aux=True)(params)
    grads, (y_shards, states) = jax.vmap(shard, axis_name="shards")(*shards)
    np.testing.assert_allclose(y_shards.reshape(y.shape), y, rtol=1e-4, atol=1e-4)
    for one, many in zip(jax.tree.leaves(state), jax.tree.leaves(states), strict=True):
        np.testing.assert_allclose(many, np.broadcast_to(one, many.shape), rtol=1e-5)
    for one, many in zip(jax.tree.leaves(whole), jax.tree.leaves(grads), strict=True):
        np.testing.assert_allclose(many.sum(0), one, rtol=1e-3, atol=1e-3)


def test_conditional_batch_norm_is_its_formula():
    label = np.array([2, 0, 1, 3, 2, 0, 1, 1])  # 3 is no class
    tables = {name: {"kernel": RANDOM.normal(size=(3, 5)).astype(np.float32)} for name in ("scale", "bias")}
    y, _ = ConditionalBatchNorm().apply(
        {"params": tables}, X, jax.nn.one_hot(label, 3), train=True, mutable="batch_stats"
    )
    scale, bias = (np.vstack([tables[name]["kernel"], np.zeros((1, 5))])[label][:, None, None] for name in tables)
    expected = normalized(X, X.mean((0, 1, 2)), X.var((0, 1, 2))) * (1 + scale) + bias
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layer", [SpectralDense(6), SpectralConv(6, size=3, stride=2)])
def test_spectral_norm_converges_to_the_largest_singular_value(layer):
    """The layer's kernel is that over its norm, and the gradient is that of W / sigma with sigma' = u v^T."""
    variables = layer.init(jax.random.key(0), X)
    kernel = RANDOM.normal(size=variables["params"]["kernel"].shape).astype(np.float32)
    bias = RANDOM.normal(size=6).astype(np.float32)
    params, state = {"kernel": kernel, "bias": bias}, {"spectral": variables["spectral"]}
    assert state["spectral"]["u"].shape == (6,)
    step = jax.jit(lambda state: layer.apply({"params": params} | state, X, mutable="spectral"))
    for _ in range(100):
        y, state = step(state)
    left, sigma, right = np.linalg.svd(kernel.reshape(-1, 6).astype(np.float64), full_matrices=False)
    unit = {"params": {"kernel": kernel / sigma[0], "bias": bias}}
    plain = nn.Dense(6) if isinstance(layer, SpectralDense) else nn.Conv(6, (3, 3), 2, padding=1)
    np.testing.assert_allclose(y, plain.apply(unit, X), rtol=1e-4, atol=1e-4)

    weights = RANDOM.normal(size=y.shape)
    to_kernel = jax.grad(lambda k: (weights * layer.apply({"params": params | {"kernel": k}} | state, X)).sum())
    to_unit = jax.grad(lambda k: (weights * plain.apply({"params": unit["params"] | {"kernel": k}}, X)).sum())
    outer = np.outer(left[:, 0], right[0]).reshape(kernel.shape)
    g = np.asarray(to_unit(jnp.asarray(unit["params"]["kernel"], jnp.float32)), np.float64)
    expected = (g - (g * kernel).sum() / sigma[0] * outer) / sigma[0]  # eq. 12 of Miyato et al.
    np.testing.assert_allclose(to_kernel(kernel), expected, rtol=2e-3, atol=2e-3)


def test_one_call_is_one_step_of_power_iteration_kept_only_where_mutable():
    layer = SpectralDense(6, use_bias=False)
    x = np.eye(5, dtype=np.float32)
    variables = layer.init(jax.random.key(0), x)
    w, u = variables["params"]["kernel"].T, variables["spectral"]["u"]
    np.testing.assert_allclose(np.linalg.norm(u), 1.0, rtol=1e-6)
    v = w.T @ u / np.linalg.norm(w.T @ u)
    new = w @ v / np.linalg.norm(w @ v)
    y, state = layer.apply(variables, x, mutable="spectral")
    np.testing.assert_allclose(y, w.T / (new @ w @ v), rtol=1e-5)
    np.testing.assert_allclose(state["spectral"]["u"], new, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(layer.apply(variables, x), y)


def test_a_zero_kernel_stays_zero():
    variables = SpectralDense(6).init(jax.random.key(0), X)
    zeros = jax.tree.map(jnp.zeros_like, variables["params"])
    y, state = SpectralDense(6).apply(variables | {"params": zeros}, X, mutable="spectral")
    np.testing.assert_array_equal(y, np.zeros(y.shape))
    assert np.isfinite(state["spectral"]["u"]).all()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (TransposedConv(6), nn.ConvTranspose(6, (4, 4), (2, 2))),
        (TransposedConv(6, use_bias=False), nn.ConvTranspose(6, (4, 4), (2, 2), use_bias=False)),
        (Conv(10, 3, 1, 1, groups=5), nn.Conv(10, (3, 3), padding=1, feature_group_count=5)),
        (
            Conv(5, 2, 1, 0, groups=5, use_bias=False),
            nn.Conv(5, (2, 2), 1, 0, feature_group_count=5, use_bias=False),
        ),
    ],
    ids=["transposed", "transposed-no-bias", "grouped", "depthwise"],
)
def test_layers_that_are_those_of_flax(ours, theirs):
    params = theirs.init(jax.random.key(0), X)
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, ours.init(jax.random.key(0), X))
    params = jax.tree.map(lambda a: RANDOM.normal(size=a.shape).astype(np.float32), params)

    def loss(params, x, layer):
        y = layer.apply(params, x)
        return (jnp.sin(y)).sum(), y

    (g_ours, y), (g_theirs, expected) = (
        jax.grad(loss, argnums=(0, 1), has_aux=True)(params, X, layer) for layer in (ours, theirs)
    )
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)
    for a, b in zip(jax.tree.leaves(g_ours), jax.tree.leaves(g_theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


def test_sides_that_cannot_be_halved_are_refused():
    assert halved(28, 12, 2) == (7, 3)
    with pytest.raises(ValueError, match="28x30 cannot be halved 2 times: 4 must divide"):
        halved(28, 30, 2)

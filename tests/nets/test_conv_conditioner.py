"""The convolutional networks of couplings: Glow's against NumPy, both against the network contract."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy_layers import conv

from genjax_models.nets.flow.conv_conditioner import ConvConditioner, ResNetConditioner

NETWORKS = {
    "conv": partial(ConvConditioner, 5, width=8),
    "resnet": partial(ResNetConditioner, 5, width=8, depth=1, groups=4),
}


def draw(net, *args):
    shapes = jax.eval_shape(net.init, jax.random.key(0), *args)
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda a: jnp.asarray(0.3 * rng.normal(size=a.shape), a.dtype), shapes)


def test_glows_network_is_three_convolutions():
    x, net = np.random.default_rng(1).normal(size=(2, 4, 4, 3)).astype(np.float32), NETWORKS["conv"](num_classes=2)
    label = jnp.asarray([2, 0])
    params = draw(net, x, None, {"label": label})
    p = jax.device_get(params["params"])
    h = conv(x, p["in"]["kernel"]) + p["in"]["bias"] + p["conditioning"]["label"]["embedding"][label][:, None, None]
    h = np.maximum(np.maximum(h, 0) @ p["hidden"]["kernel"] + p["hidden"]["bias"], 0)
    expected = conv(h, p["out"]["kernel"]) + p["out"]["bias"]
    np.testing.assert_allclose(net.apply(params, x, None, {"label": label}), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_starts_at_zero_and_keeps_the_dtype(name):
    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 3))
    y, params = jax.jit(NETWORKS[name]().init_with_output)(jax.random.key(1), x)
    np.testing.assert_array_equal(y, np.zeros((2, 4, 4, 5)))
    moved = draw(NETWORKS[name](), x)
    assert jax.tree.structure(moved) == jax.tree.structure(params)
    y, low = (jax.jit(NETWORKS[name](dtype=dtype).apply)(moved, x) for dtype in (jnp.float32, jnp.bfloat16))
    assert low.dtype == y.dtype == jnp.float32
    assert 0 < float(jnp.abs(low - y).mean()) < 0.1 * float(jnp.abs(y).mean())


@pytest.mark.parametrize("name", NETWORKS)
def test_no_label_is_no_class_and_an_example_does_not_see_others(name):
    net, x = NETWORKS[name](num_classes=2), jax.random.normal(jax.random.key(0), (3, 4, 4, 1))
    params, apply = draw(net, x, None, {"label": jnp.zeros(3, jnp.int32)}), jax.jit(net.apply)
    null = apply(params, x, None, {"label": jnp.full(3, 2)})
    np.testing.assert_allclose(apply(params, x), null, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(apply(params, x.at[1:].set(0.0))[0], null[0], rtol=1e-5, atol=1e-5)
    assert float(jnp.abs(apply(params, x, None, {"label": jnp.zeros(3, jnp.int32)}) - null).max()) > 1e-3
    with pytest.raises(ValueError, match="num_classes=0"):
        NETWORKS[name]().init(jax.random.key(0), x, None, {"label": jnp.zeros(3, jnp.int32)})

"""What every network promises: its contract, whatever its settings."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets import MLP, DiT, UNet

unet = partial(UNet, channels=8, multipliers=(1, 2), num_blocks=1, groups=4, head_dim=8)
dit = partial(DiT, width=16, depth=2, heads=2)
mlp = partial(MLP, width=16, depth=2)

NETWORKS = {
    "unet": unet(attention_levels=(1,)),
    "unet-class": unet(num_classes=3, dropout=0.5),
    "unet-ddpm": unet(scale_shift=False, mid_attention=False, num_blocks=2),
    "unet-biggan": unet(resblock_updown=True, multipliers=(1, 1, 2)),
    "unet-patch": unet(patch_size=2),
    "dit": dit(),
    "dit-class": dit(num_classes=3, patch_size=4),
    "mlp": mlp(),
    "mlp-class": mlp(num_classes=3, expansion=1.5),
}
REPEATED = {"unet": unet, "dit": dit, "mlp": mlp}


def draw(net, shape=(4, 8, 8, 3)):
    """Inputs, and parameters without the zeros of initialisation."""
    x = jax.random.normal(jax.random.key(0), shape)
    t = jnp.linspace(0.0, 1.0, shape[0])
    cond = {"label": jnp.arange(shape[0]) % (net.num_classes + 1)} if net.num_classes else None
    params = net.init(jax.random.key(1), x, t, cond)
    leaves, treedef = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(2), len(leaves))
    noise = [0.3 * jax.random.normal(k, a.shape) for k, a in zip(keys, leaves, strict=True)]
    return params, jax.tree.map(jnp.add, params, treedef.unflatten(noise)), x, t, cond


@pytest.mark.parametrize("name", NETWORKS)
def test_contract(name):
    net = NETWORKS[name]
    initial, params, x, t, cond = draw(net)
    np.testing.assert_array_equal(net.apply(initial, x, t, cond), jnp.zeros_like(x))  # zero-initialised end

    plain = net.apply(params, x, t, cond)
    jitted = jax.jit(net.apply)(params, x, t, cond)
    assert jitted.shape == x.shape
    assert jitted.dtype == x.dtype
    np.testing.assert_allclose(jitted, plain, rtol=1e-3, atol=1e-4)
    assert float(jnp.abs(jitted).max()) > 0.1

    permutation = jnp.array([2, 0, 3, 1])
    moved = jax.tree.map(lambda a: a[permutation], (x, t, cond))
    np.testing.assert_allclose(jax.jit(net.apply)(params, *moved), jitted[permutation], rtol=1e-3, atol=1e-4)

    alone = jax.tree.map(lambda a: a[:1], (x, t, cond))
    np.testing.assert_allclose(net.apply(params, *alone), plain[:1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["unet-class", "dit-class", "mlp-class"])
def test_every_class_and_time_matters_and_no_label_is_no_class(name):
    net = NETWORKS[name]
    _, params, x, t, _ = draw(net)
    apply = jax.jit(net.apply)
    same = jnp.broadcast_to(x[:1], x.shape)
    by_class = apply(params, same, jnp.full(4, 0.5), {"label": jnp.arange(4)})
    by_time = apply(params, same, t, {"label": jnp.zeros(4, jnp.int32)})
    for results in (by_class, by_time):
        distances = jnp.abs(results[:, None] - results[None, :]).max(axis=(2, 3, 4))
        assert float(distances[~np.eye(4, dtype=bool)].min()) > 1e-3
    null = apply(params, x, t, {"label": jnp.full(4, net.num_classes)})
    np.testing.assert_allclose(apply(params, x, t, None), null, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["unet", "dit", "mlp"])
def test_time_is_optional(name):
    net = REPEATED[name]()
    x = jnp.ones((2, 8, 8, 3))
    params = net.init(jax.random.key(0), x)
    assert "time_in" not in params["params"].get("conditioning", {})
    assert net.apply(params, x).shape == x.shape


@pytest.mark.parametrize("name", ["unet", "dit", "mlp"])
def test_bfloat16_computes_finite_numbers_from_float32_parameters(name):
    _, params, x, t, _ = draw(REPEATED[name]())
    y = REPEATED[name](dtype=jnp.bfloat16).apply(params, x, t)
    expected = REPEATED[name]().apply(params, x, t)
    assert y.dtype == jnp.float32
    assert all(a.dtype == jnp.float32 for a in jax.tree.leaves(params))
    assert float(jnp.abs(y - expected).mean()) < 0.1 * float(jnp.abs(expected).mean())


def gradients(net, params, x, t):
    return jax.jit(jax.value_and_grad(lambda params: (net.apply(params, x, t) ** 2).mean()))(params)


@pytest.mark.parametrize("name", ["unet", "dit", "mlp"])
def test_rematerialisation_changes_no_numbers(name):
    _, params, x, t, _ = draw(REPEATED[name]())
    plain = gradients(REPEATED[name](), params, x, t)
    remat = gradients(REPEATED[name](remat=True), params, x, t)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), remat, plain)


@pytest.mark.parametrize("remat", [False, True])
@pytest.mark.parametrize("name", ["dit", "mlp"])
def test_scanned_layers_are_the_unrolled_ones(name, remat):
    _, params, x, t, _ = draw(REPEATED[name]())
    layers = params["params"]
    blocks = [layers[f"block_{i}"] for i in range(2)]
    rest = {key: value for key, value in layers.items() if not key.startswith("block_")}
    stacked = {"params": {**rest, "blocks": jax.tree.map(lambda *a: jnp.stack(a), *blocks)}}
    net = REPEATED[name](scan_layers=True, remat=remat)
    shapes = jax.eval_shape(net.init, jax.random.key(0), x, t)
    assert jax.tree.map(jnp.shape, stacked) == jax.tree.map(jnp.shape, shapes)

    value, grads = gradients(net, stacked, x, t)
    expected_value, expected = gradients(REPEATED[name](), params, x, t)
    np.testing.assert_allclose(value, expected_value, rtol=1e-4)
    for i in range(2):
        jax.tree.map(
            lambda a, b, i=i: np.testing.assert_allclose(a[i], b, rtol=1e-3, atol=1e-3),
            grads["params"]["blocks"],
            expected["params"][f"block_{i}"],
        )


def test_dropout_acts_in_training_only():
    net = unet(dropout=0.5)
    _, params, x, t, _ = draw(net)
    keys = jax.random.split(jax.random.key(5), 2)
    first, second = (net.apply(params, x, t, train=True, rngs={"dropout": key}) for key in keys)
    assert float(jnp.abs(first - second).max()) > 0.1
    np.testing.assert_array_equal(net.apply(params, x, t), net.apply(params, x, t))


def test_out_channels_and_features():
    x = jnp.zeros((2, 8, 8, 3))
    for net, shape in ((unet(out_channels=5), (2, 8, 8, 5)), (dit(out_channels=5), (2, 8, 8, 5))):
        assert jax.eval_shape(net.init_with_output, jax.random.key(0), x)[0].shape == shape
    assert jax.eval_shape(mlp(out_features=7).init_with_output, jax.random.key(0), x)[0].shape == (2, 7)


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (unet(multipliers=(1, 1, 1)), (1, 6, 8, 1)),
        (unet(head_dim=5), (1, 4, 4, 1)),
        (dit(patch_size=3), (1, 8, 8, 1)),
        (dit(heads=3), (1, 8, 8, 1)),
    ],
    ids=["levels", "head_dim", "patches", "heads"],
)
def test_impossible_shapes_are_refused_in_one_line(net, shape):
    with pytest.raises(ValueError, match=r"divi|tile") as error:
        net.init(jax.random.key(0), jnp.zeros(shape))
    assert "\n" not in str(error.value)

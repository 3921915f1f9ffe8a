"""What every network promises: its contract, whatever its settings."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets import MLP, DDPMpp, DiT, EDM2UNet, NCSNpp, PlainMLP, UNet, UViT

unet = partial(UNet, channels=8, multipliers=(1, 2), num_blocks=1, groups=4, head_dim=8)
dit = partial(DiT, width=16, depth=2, heads=2)
mlp = partial(MLP, width=16, depth=2)
# One level, to compile fast: these are compared with their papers as a whole in files of their own.
one_level = dict(channels=8, multipliers=(1,), num_blocks=1, attention_levels=(0,))
ncsnpp, edm2 = partial(NCSNpp, **one_level, groups=4), partial(EDM2UNet, **one_level, head_dim=8)
ddpmpp = partial(DDPMpp, channels=8, multipliers=(1, 2), num_blocks=1, attention_levels=(), groups=4)
uvit = partial(UViT, width=16, depth=3, heads=2)

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
    "plain_mlp": PlainMLP(width=16, depth=2),
    "plain_mlp-class": PlainMLP(width=16, depth=1, num_classes=3),
    "mlp-fourier": mlp(time_embedding="fourier"),
    "ncsnpp-class": ncsnpp(num_classes=3),
    "ddpmpp": ddpmpp(progressive_output=True),
    "edm2-class": edm2(num_classes=3),
    "uvit-class": uvit(num_classes=3),
}
REPEATED = {"unet": unet, "dit": dit, "mlp": mlp}
UNCONDITIONAL = REPEATED | {"ncsnpp": ncsnpp, "edm2": edm2, "uvit": uvit}


def slow(*names):
    return [pytest.param(name, marks=pytest.mark.slow) for name in names]


EVERY = ["unet", "dit", "mlp", *slow("ncsnpp", "edm2", "uvit")]


def draw(net, shape=(4, 8, 8, 3)):
    """Parameters, none of them zero as some are at initialisation, and inputs."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=shape), jnp.float32)
    t = jnp.linspace(0.0, 1.0, shape[0])
    cond = {"label": jnp.arange(shape[0]) % (net.num_classes + 1)} if net.num_classes else None
    shapes = jax.eval_shape(net.init, jax.random.key(1), x, t, cond)
    params = jax.tree.map(lambda a: jnp.asarray(0.3 * rng.normal(size=a.shape), a.dtype), shapes)
    return params, x, t, cond


@pytest.mark.parametrize("name", EVERY)
def test_starts_as_the_zero_function(name):
    net = UNCONDITIONAL[name]()
    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 1))
    y, params = jax.jit(net.init_with_output)(jax.random.key(1), x)
    np.testing.assert_array_equal(y, jnp.zeros_like(x))
    assert all(a.dtype == jnp.float32 for a in jax.tree.leaves(params))


@pytest.mark.parametrize("name", [*(name for name in NETWORKS if name != "ddpmpp"), *slow("ddpmpp")])
def test_contract(name):
    net = NETWORKS[name]
    params, x, t, cond = draw(net)
    apply = jax.jit(net.apply)
    y = apply(params, x, t, cond)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert float(jnp.abs(y).max()) > 0.1

    permutation = jnp.array([2, 0, 3, 1])
    moved = jax.tree.map(lambda a: a[permutation], (x, t, cond))
    np.testing.assert_allclose(apply(params, *moved), y[permutation], rtol=1e-3, atol=1e-4)
    others = jax.tree.map(lambda a: a.at[1:].set(a[:1]), (x, t, cond))
    np.testing.assert_allclose(apply(params, *others)[0], y[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", [pytest.param("unet", marks=pytest.mark.slow), "mlp"])
def test_compiled_is_not_compiled(name):
    net = REPEATED[name]()
    params, x, t, _ = draw(net, (1, 8, 8, 1))
    np.testing.assert_allclose(jax.jit(net.apply)(params, x, t), net.apply(params, x, t), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "name", ["unet-class", "dit-class", "mlp-class", *slow("ncsnpp-class", "edm2-class", "uvit-class")]
)
def test_every_class_and_time_matters_and_no_label_is_no_class(name):
    net = NETWORKS[name]
    params, x, t, _ = draw(net)
    apply = jax.jit(net.apply)
    same = jnp.broadcast_to(x[:1], x.shape)
    by_class = apply(params, same, jnp.full(4, 0.5), {"label": jnp.arange(4)})
    by_time = apply(params, same, t, {"label": jnp.zeros(4, jnp.int32)})
    for results in (by_class, by_time):
        distances = jnp.abs(results[:, None] - results[None, :]).max(axis=(2, 3, 4))
        assert float(distances[~np.eye(4, dtype=bool)].min()) > 1e-3
    null = apply(params, x, t, {"label": jnp.full(4, net.num_classes)})
    np.testing.assert_allclose(apply(params, x, t, None), null, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", UNCONDITIONAL)
def test_time_is_optional(name):
    net = UNCONDITIONAL[name]()
    x = jnp.ones((2, 8, 8, 3))
    y, params = jax.eval_shape(net.init_with_output, jax.random.key(0), x)
    assert "time_in" not in params["params"].get("conditioning", {})
    assert y.shape == x.shape


@pytest.mark.parametrize("name", EVERY)
def test_bfloat16_computes_finite_numbers_from_float32_parameters(name):
    params, x, t, _ = draw(UNCONDITIONAL[name]())
    y = jax.jit(UNCONDITIONAL[name](dtype=jnp.bfloat16).apply)(params, x, t)
    expected = jax.jit(UNCONDITIONAL[name]().apply)(params, x, t)
    assert y.dtype == jnp.float32
    assert float(jnp.abs(y - expected).mean()) < 0.1 * float(jnp.abs(expected).mean())


def gradients(net, params, x, t):
    return jax.jit(jax.value_and_grad(lambda params: (net.apply(params, x, t) ** 2).mean()))(params)


@pytest.mark.parametrize("name", ["dit", "mlp", *slow("unet", "ncsnpp", "edm2", "uvit")])
def test_rematerialisation_changes_no_numbers(name):
    params, x, t, _ = draw(UNCONDITIONAL[name]())
    plain = gradients(UNCONDITIONAL[name](), params, x, t)
    remat = gradients(UNCONDITIONAL[name](remat=True), params, x, t)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), remat, plain)


@pytest.mark.parametrize("remat", [False, True])
@pytest.mark.parametrize("name", ["dit", "mlp"])
def test_scanned_layers_are_the_unrolled_ones(name, remat):
    params, x, t, _ = draw(REPEATED[name]())
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


@pytest.mark.parametrize("name", ["unet", *slow("ncsnpp", "edm2")])
def test_dropout_acts_in_training_only(name):
    network = UNCONDITIONAL[name]
    net = network(dropout=0.5)
    params, x, t, _ = draw(net)
    keys = jax.random.split(jax.random.key(5), 2)
    train = jax.jit(lambda key: net.apply(params, x, t, train=True, rngs={"dropout": key}))
    first, second = (train(key) for key in keys)
    assert float(jnp.abs(first - second).max()) > 0.1
    expected = jax.jit(network().apply)(params, x, t)
    np.testing.assert_array_equal(jax.jit(net.apply)(params, x, t), expected)


def test_out_channels():
    x = jnp.zeros((2, 8, 8, 3))
    for network in (unet, dit, ncsnpp, edm2, uvit):
        net = network(out_channels=5)
        assert jax.eval_shape(net.init_with_output, jax.random.key(0), x)[0].shape == (2, 8, 8, 5)
    assert jax.eval_shape(mlp(out_channels=7).init_with_output, jax.random.key(0), x)[0].shape == (2, 7)


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (unet(multipliers=(1, 1, 1)), (1, 6, 8, 1)),
        (unet(head_dim=5), (1, 4, 4, 1)),
        (dit(patch_size=3), (1, 8, 8, 1)),
        (dit(heads=3), (1, 8, 8, 1)),
        (ddpmpp(), (1, 8, 7, 1)),
        (edm2(multipliers=(1, 1)), (1, 7, 8, 1)),
        (edm2(head_dim=5), (1, 4, 4, 1)),
        (uvit(depth=4), (1, 8, 8, 1)),
    ],
    ids=["levels", "head_dim", "patches", "heads", "ddpmpp levels", "edm2 levels", "edm2 head_dim", "uvit depth"],
)
def test_impossible_shapes_are_refused_in_one_line(net, shape):
    with pytest.raises(ValueError, match=r"divi|tile|odd") as error:
        jax.eval_shape(net.init, jax.random.key(0), jnp.zeros(shape))
    assert "\n" not in str(error.value)


def test_plain_mlp_is_its_formula():
    """selu of SELU's paper, on (x, t, one-hot label), with no nonlinearity at the end."""
    net = PlainMLP(width=5, depth=2, num_classes=3)
    params, x, t, cond = draw(net, (4, 2))
    layers = {name: {k: np.asarray(v, np.float64) for k, v in p.items()} for name, p in params["params"].items()}
    h = np.concatenate([x, t[:, None], np.eye(4)[cond["label"], :3]], axis=1)
    for name in ("hidden_0", "hidden_1"):
        h = h @ layers[name]["kernel"] + layers[name]["bias"]
        h = 1.0507009873554805 * np.where(h > 0, h, 1.6732632423543772 * np.expm1(h))
    expected = h @ layers["out"]["kernel"] + layers["out"]["bias"]
    np.testing.assert_allclose(net.apply(params, x, t, cond), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="num_classes=0"):
        PlainMLP().init(jax.random.key(0), x, t, cond)

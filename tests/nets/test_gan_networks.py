"""Generators and discriminators: their contract at every size of image, and their formulas once more in NumPy."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpy_layers as layers
import pytest

from genjax_models.nets import (
    BigGANDiscriminator,
    BigGANGenerator,
    DCGANDiscriminator,
    DCGANGenerator,
    ProgressiveDiscriminator,
    ProgressiveGenerator,
    R3GANDiscriminator,
    R3GANGenerator,
    SNGANDiscriminator,
    SNGANGenerator,
)
from genjax_models.nets.gan.biggan import SpatialAttention

BATCH, LATENT = 3, 60  # BigGAN's latent vector is cut into 2 to 5 parts
RANDOM = np.random.default_rng(0)
SIZES = {"8x8x1": ((8, 8, 1), 1), "28x28x1": ((28, 28, 1), 2), "32x32x3": ((32, 32, 3), 3), "64x64x3": ((64, 64, 3), 4)}
GENERATORS = {
    "dcgan": lambda shape, stages: partial(DCGANGenerator, shape, (4, 3, 3, 2)[:stages]),
    "sngan": lambda shape, stages: partial(SNGANGenerator, shape, (4, 3, 3, 2)[:stages]),
    "biggan": lambda shape, stages: partial(BigGANGenerator, shape, (4, 3, 3, 2)[:stages], embedding=5),
    "r3gan": lambda shape, stages: partial(R3GANGenerator, shape, (4, 4, 3, 2, 2)[: stages + 1], group=2),
    "progressive": lambda shape, stages: partial(ProgressiveGenerator, shape, (4, 4, 3, 2, 2)[: stages + 1]),
}
DISCRIMINATORS = {
    "dcgan": lambda stages: partial(DCGANDiscriminator, (2, 3, 3, 4)[:stages]),
    "sngan": lambda stages: partial(SNGANDiscriminator, (*(2, 3, 3, 4)[:stages], 4), stages),
    "biggan": lambda stages: partial(BigGANDiscriminator, (*(2, 3, 3, 4)[:stages], 4), stages),
    "r3gan": lambda stages: partial(R3GANDiscriminator, (2, 2, 3, 4, 4)[: stages + 1], group=2),
    "progressive": lambda stages: partial(
        ProgressiveDiscriminator, (2, 2, 3, 4, 4)[: stages + 1], minibatch_group=1, conditioning="projection"
    ),
}
SLOW = pytest.mark.slow
BOUNDED = ("dcgan", "sngan", "biggan")


def draw(net, *args, scale=0.5):
    """Variables without the zeros and ones of initialisation."""
    random = np.random.default_rng(0)
    variables = jax.eval_shape(partial(net.init, jax.random.key(0)), *args)
    fill = lambda a: jnp.asarray(scale * random.normal(size=a.shape), a.dtype)
    return {
        name: jax.tree.map((lambda a: jnp.abs(fill(a)) + 0.1) if name == "batch_stats" else fill, tree)
        for name, tree in variables.items()
    }


@pytest.mark.parametrize("size", ["28x28x1", *(pytest.param(s, marks=SLOW) for s in SIZES if s != "28x28x1")])
@pytest.mark.parametrize("kind", ["generator", "discriminator"])
@pytest.mark.parametrize("name", GENERATORS)
def test_shapes_at_every_size(name, kind, size):
    shape, stages = SIZES[size]
    if kind == "generator":
        net, x = GENERATORS[name](shape, stages)(), jnp.zeros((BATCH, LATENT))
    else:
        net, x = DISCRIMINATORS[name](stages)(), jnp.zeros((BATCH, *shape))
    y = jax.eval_shape(lambda: net.apply(net.init(jax.random.key(0), x), x))
    if kind == "generator":
        assert (y.shape, y.dtype) == ((BATCH, *shape), jnp.float32)
    else:
        assert y.logits.shape == (BATCH,)
        assert (y.features.shape[0], y.features.ndim) == (BATCH, 2)


@pytest.mark.parametrize("name", [pytest.param(n, marks=SLOW) if n == "biggan" else n for n in GENERATORS])
def test_generator_contract(name):
    """In range, no example sees another, every class matters, and no label, without jit, is no class, with it."""
    net = GENERATORS[name]((8, 8, 1), 1)(num_classes=3)
    z, label = jnp.asarray(RANDOM.normal(size=(BATCH, LATENT)), jnp.float32), jnp.arange(BATCH)
    variables = draw(net, z, None, {"label": label})
    apply = jax.jit(lambda z, label: net.apply(variables, z, None, {"label": label}))
    x = apply(z, label)
    assert name not in BOUNDED or np.abs(x).max() <= 1
    np.testing.assert_allclose(apply(z[::-1], label[::-1])[::-1], x, rtol=1e-4, atol=1e-4)
    same = apply(jnp.broadcast_to(z[:1], z.shape), label)
    np.testing.assert_allclose(same[0], x[0], rtol=1e-4, atol=1e-4)
    assert min(np.abs(same[i] - same[j]).max() for i, j in ((0, 1), (0, 2), (1, 2))) > 1e-3
    np.testing.assert_allclose(net.apply(variables, z), apply(z, jnp.full(BATCH, 3)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("conditioning", ["projection", pytest.param("concat", marks=SLOW)])
@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminator_contract(name, conditioning):
    """No example sees another, every class matters, and no label is no class; without jit as with it."""
    net = DISCRIMINATORS[name](1)(num_classes=3, conditioning=conditioning)
    x, label = jnp.asarray(RANDOM.normal(size=(BATCH, 8, 8, 1)), jnp.float32), jnp.arange(BATCH)
    variables = draw(net, x, None, {"label": label}, scale=2.0 if name == "progressive" else 0.5)
    apply = jax.jit(lambda x, label: net.apply(variables, x, None, {"label": label}))
    judged, reverse = apply(x, label), apply(x[::-1], label[::-1])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a[::-1], b, rtol=1e-3, atol=1e-3), reverse, judged)
    same = np.asarray(apply(jnp.broadcast_to(x[:1], x.shape), label).logits)
    np.testing.assert_allclose(same[0], judged.logits[0], rtol=1e-3, atol=1e-3)
    assert np.abs(same[:, None] - same[None] + np.eye(BATCH)).min() > 1e-3
    null = apply(x, jnp.full(BATCH, 3))
    if conditioning == "projection":
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), net.apply(variables, x), null)


def head_formula(variables, features, one_hot):
    """Miyato and Koyama's logit, with tables as they are after normalisation."""
    p = jax.tree.map(lambda a: np.asarray(a, np.float64), variables["params"]["head"])
    logits = features @ p["logit"]["kernel"][:, 0] + p["logit"]["bias"]
    return logits + ((one_hot @ p["class"]["kernel"]) * features).sum(1)


def test_projection_is_its_formula():
    net = DCGANDiscriminator((4, 6), num_classes=3, conditioning="projection")
    x, label = jnp.asarray(RANDOM.normal(size=(BATCH, 8, 8, 1)), jnp.float32), jnp.array([2, 0, 1])
    variables = draw(net, x, None, {"label": label})
    judged = jax.jit(net.apply)(variables, x, None, {"label": label})
    expected = head_formula(variables, np.asarray(judged.features, np.float64), np.eye(3)[label])
    np.testing.assert_allclose(judged.logits, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("net", "shape", "said"),
    [
        (DCGANGenerator((30, 28, 1)), (LATENT,), "30x28 cannot be halved 2 times"),
        (DCGANDiscriminator(), (6, 8, 1), "6x8 cannot be halved 2 times"),
        (SNGANGenerator((28, 28, 1), (4, 4, 4)), (LATENT,), "28x28 cannot be halved 3 times"),
        (SNGANDiscriminator(halvings=3), (28, 28, 1), "28x28 cannot be halved 3 times"),
        (BigGANGenerator((8, 8, 1), (4, 4)), (4,), "4 numbers cannot be cut into 3"),
        (R3GANGenerator((8, 8, 1), (4, 3), group=4), (LATENT,), "groups of 4 channels do not divide 6"),
        (R3GANDiscriminator((4, 4, 4)), (6, 6, 1), "6x6 cannot be halved 2 times"),
        (ProgressiveGenerator((28, 28, 1), (4,) * 4), (LATENT,), "28x28 cannot be halved 3 times"),
        (ProgressiveDiscriminator((4, 4), minibatch_group=2), (8, 8, 1), "do not divide a batch of 3"),
        (SNGANDiscriminator(num_classes=2, conditioning="sum"), (8, 8, 1), "choose among projection, concat"),
    ],
)
def test_impossible_settings_are_refused_in_one_line(net, shape, said):
    with pytest.raises(ValueError, match=said):
        draw(net, jnp.zeros((BATCH, *shape)))


@pytest.mark.parametrize(
    ("net", "shape"),
    [(make((8, 8, 1), 1)(), (LATENT,)) for make in GENERATORS.values()]
    + [(make(1)(), (8, 8, 1)) for make in DISCRIMINATORS.values()],
    ids=[f"{kind}-{name}" for kind, table in (("g", GENERATORS), ("d", DISCRIMINATORS)) for name in table],
)
def test_a_label_needs_classes(net, shape):
    with pytest.raises(ValueError, match="num_classes=0"):
        draw(net, jnp.zeros((BATCH, *shape)), None, {"label": jnp.zeros(BATCH, jnp.int32)})


@pytest.mark.parametrize(
    "net",
    [
        DCGANDiscriminator((3, 4), batch_norm=False),
        SNGANDiscriminator((3, 3), 1),
        pytest.param(BigGANDiscriminator((3, 3), 1), marks=SLOW),
        pytest.param(R3GANDiscriminator((2, 4), group=2), marks=SLOW),
        pytest.param(ProgressiveDiscriminator((2, 4), minibatch_group=2), marks=SLOW),
    ],
    ids=["dcgan", "sngan", "biggan", "r3gan", "progressive"],
)
def test_gradient_penalties_have_gradients(net):
    """The derivative of |dD/dx|^2 along a direction of the weights, against differences, in float64."""
    with jax.enable_x64(True):
        net = net.clone(dtype=jnp.float64)
        x = jnp.asarray(RANDOM.normal(size=(2, 8, 8, 1)))
        variables = draw(net, x, scale=2.0 if isinstance(net, ProgressiveDiscriminator) else 0.5)
        variables = jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), variables)
        params, state = variables.pop("params"), variables
        if "spectral" in state:  # the norms have the gradient of their formula once u has converged
            refine = lambda _, state: net.apply({"params": params} | state, x, mutable="spectral")[1]
            state = jax.lax.fori_loop(0, 1000, refine, state)

        @jax.jit
        def penalty(params):
            slope = jax.grad(lambda x: net.apply({"params": params} | state, x).logits.sum())(x)
            return (slope**2).sum()

        way = jax.tree.map(lambda a: jnp.asarray(RANDOM.normal(size=a.shape)), params)
        along = lambda h: penalty(jax.tree.map(lambda p, w: p + h * w, params, way))
        expected = (along(1e-6) - along(-1e-6)) / 2e-6
        slopes = jax.jit(jax.grad(penalty))(params)
        ours = sum(jax.tree.leaves(jax.tree.map(lambda g, w: (g * w).sum(), slopes, way)))
        assert np.isfinite(ours)
        assert abs(ours) > 1e-3
        np.testing.assert_allclose(ours, expected, rtol=1e-5)


def wide(tree):
    return jax.tree.map(lambda a: np.asarray(a, np.float64), tree)


def spectral(variables, *path):
    """A layer's kernel over the sigma of one more step of power iteration, and its bias."""
    p, u = wide(variables["params"]), wide(variables["spectral"])
    for name in path:
        p, u = p[name], u[name]
    matrix = p["kernel"].reshape(-1, p["kernel"].shape[-1])
    v = matrix @ u["u"] / np.linalg.norm(matrix @ u["u"])
    return p["kernel"] / np.linalg.norm(matrix.T @ v), p.get("bias", 0.0)


def relu(x):
    return np.maximum(x, 0)


def halve(x):
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def test_sngan_discriminator_is_its_formula():
    net = SNGANDiscriminator((3, 4, 4), halvings=2, num_classes=3)
    x, label = RANDOM.normal(size=(BATCH, 8, 8, 2)), jnp.array([2, 0, 1])
    variables = draw(net, jnp.asarray(x, jnp.float32), None, {"label": label})

    def conv(x, *path):
        kernel, bias = spectral(variables, *path)
        return layers.conv(x, kernel) + bias

    def dense(x, *path):
        kernel, bias = spectral(variables, *path)
        return x @ kernel + bias

    h = halve(conv(relu(conv(x, "block_0", "conv_1")), "block_0", "conv_2")) + dense(halve(x), "block_0", "skip")
    branch = conv(relu(conv(relu(h), "block_1", "conv_1")), "block_1", "conv_2")
    h = halve(branch + dense(h, "block_1", "skip"))
    h = h + conv(relu(conv(relu(h), "block_2", "conv_1")), "block_2", "conv_2")
    features = relu(h).sum((1, 2))
    logits = dense(features, "head", "logit")[:, 0] + (dense(np.eye(3)[label], "head", "class") * features).sum(1)
    judged = jax.jit(net.apply)(variables, jnp.asarray(x, jnp.float32), None, {"label": label})
    np.testing.assert_allclose(judged.features, features, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(judged.logits, logits, rtol=1e-4, atol=1e-4)


def test_spatial_attention_is_its_formula_and_starts_as_the_identity():
    x = jnp.asarray(RANDOM.normal(size=(2, 4, 6, 8)), jnp.float32)
    layer = SpatialAttention()
    apply = jax.jit(layer.apply)
    np.testing.assert_array_equal(apply(jax.jit(layer.init)(jax.random.key(0), x), x), x)
    variables = draw(layer, x)
    kernels = {name: spectral(variables, name)[0] for name in ("query", "key", "value", "out")}
    q, k, v = (np.asarray(x, np.float64) @ kernels[name] for name in ("query", "key", "value"))
    pool = lambda a: np.maximum.reduce([a[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]).reshape(2, 6, -1)
    scale = np.sqrt(q.shape[-1])  # which the paper's attention does not have
    y = layers.attention(q.reshape(2, 24, -1) * scale, pool(k), pool(v)) @ kernels["out"]
    expected = x + float(variables["params"]["gamma"]) * y.reshape(x.shape)
    np.testing.assert_allclose(apply(variables, x), expected, rtol=1e-4, atol=1e-4)


def test_the_parts_of_a_latent_vector_act_where_they_belong():
    """With the norms of one block blind to their vector, the part of that block has no effect; all others have."""
    net = BigGANGenerator((8, 8, 1), (4, 4))
    z = jnp.asarray(RANDOM.normal(size=(2, 6)), jnp.float32)
    variables = draw(net, z)
    for name in ("norm_1", "norm_2"):
        norm = variables["params"]["block_1"][name]
        variables["params"]["block_1"][name] = jax.tree.map(jnp.zeros_like, norm)
    slope = jax.jit(jax.grad(lambda z: net.apply(variables, z).sum()))(z)
    np.testing.assert_array_equal(slope[:, 4:], np.zeros((2, 2)))
    assert np.abs(slope[:, :4]).min() > 0


def test_r3gan_starts_without_its_blocks_and_with_unit_variance():
    """All blocks are the identity, so a discriminator of no halving is linear, of unit variance an output."""
    net = R3GANDiscriminator((64,), depth=2)
    x = jnp.asarray(RANDOM.normal(size=(400, 4, 4, 8)), jnp.float32)
    variables = jax.jit(net.init)(jax.random.key(0), x)
    judged = jax.jit(net.apply)(variables, x)
    p = wide(variables["params"])
    features = np.einsum("bhwc,cd,hwd->bd", np.asarray(x, np.float64), p["in"]["kernel"], p["basis"])
    np.testing.assert_allclose(judged.features, features, rtol=1e-4, atol=1e-4)
    assert 0.7 < features.var() < 1.3
    block = p["stage_0_block_0"]
    np.testing.assert_allclose(block["mix"]["kernel"].std(), np.sqrt(2 / 1.04 / np.sqrt(2) / (9 * 16)), rtol=0.05)
    np.testing.assert_allclose(block["expand"]["kernel"].std(), np.sqrt(2 / 1.04 / np.sqrt(2) / 64), rtol=0.05)

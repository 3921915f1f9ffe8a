"""Generators and discriminators: their contract at every size of image, and their formulas once more in NumPy."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets import DCGANDiscriminator, DCGANGenerator, SNGANDiscriminator, SNGANGenerator

BATCH, LATENT = 3, 4
RANDOM = np.random.default_rng(0)
SIZES = {"8x8x1": ((8, 8, 1), 1), "28x28x1": ((28, 28, 1), 2), "32x32x3": ((32, 32, 3), 3), "64x64x3": ((64, 64, 3), 4)}
GENERATORS = {
    "dcgan": lambda shape, stages: partial(DCGANGenerator, shape, (4, 3, 3, 2)[:stages]),
    "sngan": lambda shape, stages: partial(SNGANGenerator, shape, (4, 3, 3, 2)[:stages]),
}
DISCRIMINATORS = {
    "dcgan": lambda stages: partial(DCGANDiscriminator, (2, 3, 3, 4)[:stages]),
    "sngan": lambda stages: partial(SNGANDiscriminator, (*(2, 3, 3, 4)[:stages], 4), stages),
}


def draw(net, x, cond=None, scale=0.5):
    """Variables without the zeros and ones of initialisation."""
    random = np.random.default_rng(0)
    variables = jax.eval_shape(partial(net.init, jax.random.key(0)), x, None, cond)
    fill = lambda a: jnp.asarray(scale * random.normal(size=a.shape), a.dtype)
    return {
        name: jax.tree.map((lambda a: jnp.abs(fill(a)) + 0.1) if name == "batch_stats" else fill, tree)
        for name, tree in variables.items()
    }


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", GENERATORS)
def test_generator_contract(name, size):
    shape, stages = SIZES[size]
    net = GENERATORS[name](shape, stages)(num_classes=3)
    z, label = jnp.asarray(RANDOM.normal(size=(BATCH, LATENT)), jnp.float32), jnp.arange(BATCH)
    variables = draw(net, z, {"label": label})
    x = jax.jit(lambda z, label: net.apply(variables, z, None, {"label": label}))(z, label)
    assert x.shape == (BATCH, *shape)
    assert x.dtype == jnp.float32
    assert np.abs(x).max() <= 1
    if size == "8x8x1":
        np.testing.assert_allclose(net.apply(variables, z, None, {"label": label}), x, rtol=1e-4, atol=1e-4)
        reversed_ = net.apply(variables, z[::-1], None, {"label": label[::-1]})
        np.testing.assert_allclose(reversed_[::-1], x, rtol=1e-4, atol=1e-4)
        classes = net.apply(variables, jnp.broadcast_to(z[:1], z.shape), None, {"label": label})
        assert min(np.abs(classes[i] - classes[j]).max() for i, j in ((0, 1), (0, 2), (1, 2))) > 1e-3
        null = net.apply(variables, z, None, {"label": jnp.full(BATCH, 3)})
        np.testing.assert_allclose(net.apply(variables, z), null, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminator_contract(name, size):
    shape, stages = SIZES[size]
    net = DISCRIMINATORS[name](stages)(num_classes=3)
    x, label = jnp.asarray(RANDOM.normal(size=(BATCH, *shape)), jnp.float32), jnp.arange(BATCH)
    variables = draw(net, x, {"label": label})
    judged = jax.jit(lambda x, label: net.apply(variables, x, None, {"label": label}))(x, label)
    assert judged.logits.shape == (BATCH,)
    assert judged.features.shape[0] == BATCH
    assert judged.features.ndim == 2
    if size == "8x8x1":
        alone = net.apply(variables, x[1:2], None, {"label": label[1:2]})
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a[0], b[1], rtol=1e-3, atol=1e-4), alone, judged)


@pytest.mark.parametrize("conditioning", ["projection", "concat"])
@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_discriminators_judge_pairs(name, conditioning):
    """The same image with each class and with none: four different logits."""
    net = DISCRIMINATORS[name](1)(num_classes=3, conditioning=conditioning)
    x = jnp.broadcast_to(jnp.asarray(RANDOM.normal(size=(1, 4, 4, 1)), jnp.float32), (4, 4, 4, 1))
    cond = {"label": jnp.arange(4)}
    variables = draw(net, x, cond)
    logits = np.asarray(net.apply(variables, x, None, cond).logits)
    assert np.abs(logits[:, None] - logits[None] + np.eye(4)).min() > 1e-3
    np.testing.assert_allclose(net.apply(variables, x[:1]).logits, logits[3:], rtol=1e-4, atol=1e-5)


def head_formula(variables, features, one_hot):
    """Miyato and Koyama's logit, with tables as they are after normalisation."""
    p = jax.tree.map(lambda a: np.asarray(a, np.float64), variables["params"]["head"])
    logits = features @ p["logit"]["kernel"][:, 0] + p["logit"]["bias"]
    return logits + ((one_hot @ p["class"]["kernel"]) * features).sum(1)


def test_projection_is_its_formula():
    net = DCGANDiscriminator((4, 6), num_classes=3, conditioning="projection")
    x, label = jnp.asarray(RANDOM.normal(size=(BATCH, 8, 8, 1)), jnp.float32), jnp.array([2, 0, 1])
    variables = draw(net, x, {"label": label})
    judged = net.apply(variables, x, None, {"label": label})
    expected = head_formula(variables, np.asarray(judged.features, np.float64), np.eye(3)[label])
    np.testing.assert_allclose(judged.logits, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("net", "shape", "said"),
    [
        (DCGANGenerator((30, 28, 1)), (LATENT,), "30x28 cannot be halved 2 times"),
        (DCGANDiscriminator(), (6, 8, 1), "6x8 cannot be halved 2 times"),
        (SNGANGenerator((28, 28, 1), (4, 4, 4)), (LATENT,), "28x28 cannot be halved 3 times"),
        (SNGANDiscriminator(halvings=3), (28, 28, 1), "28x28 cannot be halved 3 times"),
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
        draw(net, jnp.zeros((BATCH, *shape)), {"label": jnp.zeros(BATCH, jnp.int32)})


@pytest.mark.parametrize(
    "net", [DCGANDiscriminator((3, 4), batch_norm=False), SNGANDiscriminator((3, 3), 1)], ids=["dcgan", "sngan"]
)
def test_gradient_penalties_have_gradients(net):
    """The derivative of |dD/dx|^2 along a direction of the weights, against differences, in float64."""
    with jax.enable_x64(True):
        net = net.clone(dtype=jnp.float64)
        x = jnp.asarray(RANDOM.normal(size=(2, 8, 8, 1)))
        variables = jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), draw(net, x))
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

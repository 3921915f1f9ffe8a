"""What the layers of image flows promise beyond their log-determinants: starts, densities, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bijections import network
from scipy import stats

from genjax_models.core.densities import standard_normal
from genjax_models.families.flows import (
    Conditioner,
    actnorm,
    flow_plus_plus,
    glow,
    inverse_residual,
    invertible_linear,
    log_prob,
    logit,
    permutation,
    real_nvp,
    rescale,
    sample,
    spline_coupling,
    split,
    squeeze,
)
from genjax_models.families.flows.mixture_logistic import mixture_logistic
from genjax_models.nets.flow.conv_conditioner import ConvConditioner, ResNetConditioner
from genjax_models.nets.mlp.mlp import MLP


def linen(module):
    return lambda channels: Conditioner(
        lambda key, h, cond: module(channels).init(key, h, None, cond),
        lambda params, h, cond: module(channels).apply(params, h, None, cond),
    )


def zero(channels):
    return Conditioner(lambda key, h, cond: (), lambda params, h, cond: jnp.zeros((*h.shape[:-1], channels)))


def test_actnorm_starts_by_whitening_each_channel_of_the_first_batch():
    x = 3.0 + jnp.asarray([0.1, 2.0, 50.0])[None, None, None] * jax.random.normal(jax.random.key(0), (8, 4, 4, 3))
    layer = actnorm()
    y, log_det = layer.forward_and_log_det(layer.init(jax.random.key(1), x, None), x, None)
    np.testing.assert_allclose(y.mean((0, 1, 2)), np.zeros(3), atol=1e-5)
    np.testing.assert_allclose(y.std((0, 1, 2)), np.ones(3), rtol=1e-5)
    np.testing.assert_allclose(log_det, np.full(8, -16 * np.log(np.std(x, (0, 1, 2))).sum()), rtol=1e-5)


def test_the_invertible_linear_layer_starts_as_a_rotation_another_for_each_key():
    x, layer = jnp.eye(6)[None], invertible_linear()
    matrices = []
    for seed in (0, 1):
        y, log_det = layer.forward_and_log_det(layer.init(jax.random.key(seed), x, None), x, None)
        np.testing.assert_allclose(y[0] @ y[0].T, np.eye(6), atol=1e-5)
        np.testing.assert_allclose(log_det, [0.0], atol=1e-4)
        matrices.append(np.asarray(y[0]))
    assert np.abs(matrices[0] - matrices[1]).max() > 0.1
    assert np.abs(matrices[0] - np.diag(np.diag(matrices[0]))).max() > 0.1


def test_the_logit_layer_is_the_papers():
    """RealNVP's map of x in [0, 1] is logit(0.05 + 0.9 x); ours has data in [-1, 1]."""
    x = np.linspace(-1, 1, 5)[None]
    p = 0.05 + 0.9 * (x + 1) / 2
    y, log_det = logit(0.05).forward_and_log_det((), jnp.asarray(x), None)
    np.testing.assert_allclose(y, np.log(p / (1 - p)), atol=1e-6)
    np.testing.assert_allclose(log_det, np.log(0.45 / (p * (1 - p))).sum(-1), rtol=1e-6)


def test_mixture_transformer_turns_a_logistic_mixture_into_a_logistic():
    """At scale 1 and shift 0, y = logit F(x), so that the density of x under a standard logistic is the mixture's."""
    weights, means, scales = np.array([0.5, 0.2, 0.3]), np.array([-2.0, 0.0, 3.0]), np.array([0.3, 1.0, 2.0])
    x = np.linspace(-8, 8, 33)
    raw = np.concatenate([np.zeros(2), np.log(weights), means, 7 * np.arctanh(np.log(scales) / 7)])
    with jax.enable_x64(True):
        y, log_slope = mixture_logistic(3).forward(jnp.broadcast_to(jnp.asarray(raw), (33, 11)), jnp.asarray(x))
        y, log_slope = np.asarray(y), np.asarray(log_slope)
    density = (weights * stats.logistic.pdf(x[:, None], means, scales)).sum(-1)
    np.testing.assert_allclose(stats.logistic.logpdf(y) + log_slope, np.log(density), rtol=1e-9)


def test_mixture_inverse_in_float32():
    transformer = mixture_logistic(4)
    raw = jax.random.normal(jax.random.key(0), (500, transformer.num_params))
    x = 3 * jax.random.normal(jax.random.key(1), (500,))
    again, log_slope = jax.jit(lambda raw, x: transformer.inverse(raw, transformer.forward(raw, x)[0]))(raw, x)
    np.testing.assert_allclose(again, x, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(log_slope, -transformer.forward(raw, x)[1], atol=1e-3)


def test_a_spline_flow_of_the_plane_integrates_to_one():
    flow, base = spline_coupling((2,), network, depth=2, bins=4), standard_normal((2,))
    axis = jnp.linspace(-20.0, 20.0, 801)  # the flow stretches one direction to a deviation of six
    grid = jnp.stack(jnp.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    start = jax.random.normal(jax.random.key(0), (64, 2))

    @jax.jit
    def run(grid):
        params = flow.init(jax.random.key(1), start, None)
        value = log_prob(flow, base, params, grid)
        return jnp.exp(value).sum(), jnp.abs(value - base.log_prob(grid)).max()

    total, change = run(grid)
    assert float(total) * float(axis[1] - axis[0]) ** 2 == pytest.approx(1.0, abs=1e-3)
    assert change > 1.0


def test_a_split_sends_the_second_half_of_the_channels_to_the_latent_at_once():
    x = jax.random.normal(jax.random.key(0), (3, 2, 2, 5))
    layer = split(rescale(1.0), spline_coupling((2, 2, 2), zero, depth=1), (2, 2, 5))
    z, _ = jax.jit(lambda x: layer.forward_and_log_det(layer.init(jax.random.key(1), x, None), x, None))(x)
    assert z.shape == (3, 20)
    np.testing.assert_array_equal(z[:, 8:], x[..., 2:].reshape(3, -1))


@pytest.mark.parametrize(
    "flow",
    [
        lambda net: glow((4, 4, 2), net, levels=2, depth=1),
        pytest.param(lambda net: real_nvp((4, 4, 2), net, levels=2), marks=pytest.mark.slow),
        pytest.param(
            lambda net: flow_plus_plus((4, 4, 2), net, components=2, depths=(1, 1, 1)), marks=pytest.mark.slow
        ),
    ],
    ids=["glow", "real_nvp", "flow_plus_plus"],
)
def test_image_flows_with_convolutions_learn_by_class_and_invert_in_float32(flow):
    """Gradients are finite, an example does not see others, every label has a density of its own."""
    flow = flow(linen(lambda c: ConvConditioner(c, width=8, num_classes=3, out_std=0.1)))
    x = jax.random.normal(jax.random.key(0), (4, 4, 4, 2))
    cond = {"label": jnp.asarray([0, 1, 2, 3])}
    base = standard_normal((32,))

    @jax.jit
    def run(x):
        params = flow.init(jax.random.key(1), x, cond)
        value, gradients = jax.value_and_grad(lambda params: log_prob(flow, base, params, x, cond).sum())(params)
        each = log_prob(flow, base, params, x, cond)
        same = log_prob(flow, base, params, jnp.broadcast_to(x[:1], x.shape), cond)
        z, _ = flow.forward_and_log_det(params, x, cond)
        drawn = sample(jax.random.key(2), flow, base, params, 4, cond)
        return value, gradients, each, same, inverse_residual(flow, params, z, cond), drawn

    value, gradients, each, same, residual, drawn = run(x)
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(gradients))
    assert each.sum() == pytest.approx(float(value), rel=1e-4)
    np.testing.assert_allclose(same[0], each[0], rtol=1e-4)
    assert np.diff(np.sort(same)).min() > 1e-4
    assert residual.max() < 1e-3
    assert drawn.shape == x.shape
    assert np.isfinite(drawn).all()


def test_residual_and_vector_networks_serve_as_conditioners():
    """Zero at the start: the couplings then change nothing, and the volume is that of the normalisations."""
    x = jax.random.normal(jax.random.key(0), (4, 4, 4, 1))
    flow = glow((4, 4, 1), linen(lambda c: ResNetConditioner(c, width=8, depth=1)), levels=1, depth=1)
    vectors = spline_coupling((6,), linen(lambda c: MLP(width=8, depth=1, out_channels=c)), depth=1)
    plain = glow((4, 4, 1), zero, levels=1, depth=1)

    @jax.jit
    def run(x):
        key, flat = jax.random.key(1), x.reshape(4, -1)[:, :6]
        images = [f.forward_and_log_det(f.init(key, x, None), x, None) for f in (flow, plain)]
        params = vectors.init(key, flat, None)
        return *images, vectors.forward_and_log_det(params, flat, None)[0]

    images, expected, latent = run(x)
    np.testing.assert_allclose(images[0], expected[0], atol=1e-5)
    np.testing.assert_allclose(images[1], expected[1], rtol=1e-5)
    assert latent.shape == (4, 6)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: permutation([0, 0, 2]), "each of 0..2 once"),
        (lambda: logit(0.5), "between 0 and 0.5"),
        (lambda: rescale(0.0), "no inverse"),
        (lambda: mixture_logistic(0), "at least 1 component"),
        (lambda: split(actnorm(), actnorm(), (2, 2, 1)), "at least 2 channels"),
        (lambda: glow((6, 6, 1), zero, levels=2, depth=1), "does not allow"),
        (lambda: glow((8,), zero), "shape \\(H, W, C\\)"),
        (lambda: real_nvp((4, 4, 1), zero, levels=0), "at least 1 level"),
        (lambda: squeeze().forward_and_log_det((), jnp.zeros((1, 3, 4, 1)), None), "even sides"),
    ],
)
def test_impossible_layers_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()

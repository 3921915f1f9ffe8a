"""Flows that go variable by variable, and flows of variational posteriors.

Tolerances are `check_bijection`'s 1e-9 in float64 for closed inverses and for bisection alike: it ends where no float64
lies between the ends of an interval, which leaves a few units of rounding over the slope of these maps (above 1e-3).
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from bijections import check_bijection

from genjax_models.core.densities import standard_normal
from genjax_models.families.flows import (
    Conditioner,
    autoregressive,
    block_autoregressive,
    chain,
    deep_sigmoidal,
    inverse_residual,
    invert,
    log_prob,
    maf,
    planar,
    radial,
    repeat,
    sylvester,
)
from genjax_models.families.flows.elementwise import additive, affine
from genjax_models.families.flows.mixture_logistic import mixture_logistic
from genjax_models.families.flows.splines import rational_quadratic
from genjax_models.families.vae import FlowPosterior, GaussianPosterior
from genjax_models.nets import MADE

ORDER = (2, 0, 3, 1)


def causal(order=None):
    """Two masked layers without biases or a library; a condition enters both."""

    def make(channels):
        def masks(dims):
            place = np.argsort(np.arange(dims) if order is None else order)
            return np.repeat(place[:, None] < place[None], channels, axis=1), place[:, None] <= place[None]

        def init(key, h, cond):
            dims = h[0].size
            keys = jax.random.split(key, 3)
            width = 1 if cond is None else cond.shape[-1]
            return {
                "in": jax.random.normal(keys[0], (dims, dims)),
                "out": 0.5 * jax.random.normal(keys[1], (dims, dims * channels)),
                "cond": 0.3 * jax.random.normal(keys[2], (width, dims * channels)),
            }

        def apply(params, h, cond):
            strict, weak = masks(h[0].size)
            hidden = jnp.tanh(h.reshape(len(h), -1) @ jnp.where(weak, params["in"], 0.0))
            raw = hidden @ jnp.where(strict, params["out"], 0.0)
            raw += (jnp.ones((len(h), 1)) if cond is None else cond) @ params["cond"]
            return raw.reshape(*h.shape, channels)

        return Conditioner(init, apply)

    return make


LAYERS = {
    "masked autoregressive, additive": (lambda: autoregressive(additive(), causal()), (4,)),
    "masked autoregressive, affine": (lambda: autoregressive(affine(), causal()), (4,)),
    "in another order": (lambda: autoregressive(affine(), causal(ORDER), order=ORDER), (4,)),
    "of images": (lambda: autoregressive(affine(), causal()), (2, 2, 1)),
    "one variable": (lambda: autoregressive(affine(), causal()), (1,)),
    "inverse autoregressive": (lambda: invert(autoregressive(affine(), causal())), (3,)),
    "an architecture of MADEs": (lambda: maf(made, 2), (3,)),
    "an architecture with normalisation": (lambda: maf(causal(), 2, normalize=True), (3,)),
    "neural autoregressive": (lambda: autoregressive(deep_sigmoidal(3), causal()), (3,)),
    "autoregressive splines": (lambda: autoregressive(rational_quadratic(3), causal()), (3,)),
    "autoregressive mixtures": (lambda: autoregressive(mixture_logistic(2), causal()), (2,)),
    "block autoregressive": (lambda: block_autoregressive(3), (3,)),
    "deep block autoregressive": (lambda: block_autoregressive(2, depth=2), (2,)),
    "planar": (planar, (3,)),
    "planar, repeated": (lambda: repeat(planar(), 3), (3,)),
    "radial": (radial, (3,)),
    "Sylvester": (lambda: sylvester(2), (4,)),
    "Sylvester, all dimensions": (lambda: invert(sylvester(3)), (3,)),
}
CONDITIONAL = {
    "masked autoregressive": lambda: autoregressive(affine(), causal()),
    "block autoregressive": lambda: block_autoregressive(2),
}
AMORTIZED = {"planar": planar(), "radial": radial(), "Sylvester": sylvester(2)}


def made(channels):
    net = MADE(out_channels=channels, width=8, depth=1, residual=True, dtype=jnp.float64)
    return Conditioner(
        lambda key, h, cond: net.init(key, h, None, cond), lambda p, h, cond: net.apply(p, h, None, cond)
    )


def moved(params, key, by=0.5):
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(key, len(leaves))
    return jax.tree.unflatten(tree, [a + by * jax.random.normal(k, a.shape) for a, k in zip(leaves, keys, strict=True)])


SLOW = (
    "an architecture of MADEs",
    "autoregressive splines",
    "autoregressive mixtures",
    "deep block autoregressive",
    "Sylvester, all dimensions",
)


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in LAYERS])
def test_log_determinant_and_inverse(name):
    make, shape = LAYERS[name]
    check_bijection(make(), shape)


@pytest.mark.parametrize("name", CONDITIONAL)
def test_log_determinant_and_inverse_under_a_condition(name):
    cond = np.random.default_rng(0).normal(size=(4, 2))
    check_bijection(CONDITIONAL[name](), (3,), cond=cond)
    layer, x = CONDITIONAL[name](), jnp.ones((4, 3))

    @jax.jit
    def run(x, cond):
        return layer.forward_and_log_det(layer.init(jax.random.key(0), x, cond), x, cond)[0]

    z = run(x, jnp.asarray(cond))
    assert (np.abs(np.diff(z, axis=0)) > 1e-3).all(), "some variable does not see the condition"


def test_a_masked_autoregressive_flow_is_a_product_of_conditional_normals():
    rng = np.random.default_rng(0)
    to_shift, to_log_scale = (np.tril(rng.normal(size=(3, 3)), -1) for _ in range(2))
    x = rng.normal(size=(5, 3))

    expected = np.zeros(5)
    for n in range(5):
        for i in range(3):
            shift = sum(to_shift[i, j] * x[n, j] for j in range(i))
            log_scale = 2.0 * np.tanh(sum(to_log_scale[i, j] * x[n, j] for j in range(i)) / 2.0)
            mean, std = -shift * np.exp(-log_scale), np.exp(-log_scale)
            expected[n] += scipy.stats.norm.logpdf(x[n, i], mean, std)

    linear = lambda channels: Conditioner(
        lambda key, h, cond: None,
        lambda params, h, cond: jnp.stack([h @ to_shift.T, h @ to_log_scale.T], axis=-1),
    )
    with jax.enable_x64(True):
        flow = autoregressive(affine(bound=2.0), linear)
        found = jax.jit(lambda x: log_prob(flow, standard_normal((3,)), None, x))(jnp.asarray(x))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_order_alternates_between_layers():
    with jax.enable_x64(True):
        x = jax.random.normal(jax.random.key(0), (1, 3))
        flows = [maf(causal(), depth) for depth in (1, 2)]

        @jax.jit
        def jacobians(x):
            params = [flow.init(jax.random.key(1), x, None) for flow in flows]
            run = lambda x: [f.forward_and_log_det(p, x, None)[0][0] for f, p in zip(flows, params, strict=True)]
            return jax.jacfwd(run)(x)

        supports = [np.asarray(jacobian[:, 0]) != 0 for jacobian in jacobians(x)]
    np.testing.assert_array_equal(supports[0], np.tri(3)[::-1] > 0)
    assert supports[1].all()


def test_normalised_layers_start_from_white_data():
    """With networks that say nothing, the flow starts as the whitening of each variable, without it as the identity."""
    silent = lambda channels: causal()(channels)._replace(apply=lambda params, h, cond: jnp.zeros((*h.shape, channels)))
    x = jnp.array([2.0, -1.0, 0.5])[None] + jnp.array([3.0, 0.1, 1.0])[None] * jax.random.normal(
        jax.random.key(0), (50, 3)
    )

    def latent(normalize):
        flow = maf(silent, 2, normalize=normalize)
        return flow.forward_and_log_det(flow.init(jax.random.key(1), x, None), x, None)

    (white, log_det), (same, none) = (latent(normalize) for normalize in (True, False))
    np.testing.assert_allclose(white, (x - x.mean(0)[None]) / x.std(0)[None], atol=1e-4)
    np.testing.assert_allclose(log_det, jnp.full(50, -jnp.log(x.std(0)).sum()), rtol=1e-4)
    np.testing.assert_allclose(same, x, rtol=1e-6)
    np.testing.assert_array_equal(none, 0.0)


def test_the_deep_sigmoidal_map_is_the_papers_and_starts_as_the_identity():
    rng = np.random.default_rng(0)
    h, x = rng.normal(size=(5, 9)), rng.normal(size=5)
    log_a = 7 * np.tanh(h[:, :3] / 7)
    a, b, w = np.exp(log_a), h[:, 3:6], np.exp(h[:, 6:]) / np.exp(h[:, 6:]).sum(1, keepdims=True)
    inside = (w / (1 + np.exp(-(a * x[:, None] + b)))).sum(1)
    forward = jax.jit(deep_sigmoidal(3).forward)
    with jax.enable_x64(True):
        y, _ = forward(jnp.asarray(h), jnp.asarray(x))
        far, slope = forward(jnp.asarray(h), 1e4 * jnp.sign(jnp.asarray(x)))
        same, log_slope = forward(jnp.zeros((5, 9)), jnp.asarray(x))
    np.testing.assert_allclose(y, np.log(inside) - np.log1p(-inside), rtol=1e-12)
    np.testing.assert_allclose(same, x, rtol=1e-12)
    np.testing.assert_allclose(log_slope, 0.0, atol=1e-12)
    # Far out the flattest unit is what is left of 1 - p.
    np.testing.assert_allclose(slope, log_a.min(1), rtol=1e-9)
    np.testing.assert_allclose(far, 1e4 * np.sign(x) * a.min(1), rtol=2e-2)


def test_the_deep_sigmoidal_map_survives_wild_raw_numbers_in_float32():
    """Flat stretches lose x to rounding, so the inverse is judged by y, whose slope is at most e^7."""
    tau = deep_sigmoidal(8)

    @jax.jit
    def run(h, x):
        (y, log_slope), pull = jax.vjp(tau.forward, h, x)
        back, _ = tau.inverse(h, y)
        return y, log_slope, pull((jnp.ones_like(y), jnp.ones_like(y))), back, tau.forward(h, back)[0]

    h, x = 20.0 * jax.random.normal(jax.random.key(0), (4000, 24)), 3.0 * jax.random.normal(jax.random.key(1), (4000,))
    y, log_slope, gradients, back, again = jax.device_get(run(h, x))
    assert all(np.isfinite(values).all() for values in (y, log_slope, *gradients, back))
    np.testing.assert_allclose(again, y, rtol=1e-3, atol=1e-3)


PLANE = {
    "masked autoregressive": autoregressive(affine(), causal()),
    "neural autoregressive": autoregressive(deep_sigmoidal(4), causal()),
    "block autoregressive": block_autoregressive(4),
    "planar": chain([planar(), planar()]),
    "radial": repeat(radial(), 2),
    "Sylvester": sylvester(2),
}


@pytest.mark.parametrize("name", PLANE)
def test_a_density_of_the_plane_integrates_to_one(name):
    flow = PLANE[name]
    axis = jnp.linspace(-16.0, 16.0, 321)
    points = jnp.stack(jnp.meshgrid(axis, axis), axis=-1).reshape(-1, 2)

    @jax.jit
    def density(points):
        by = 1.5 if name == "radial" else 0.5  # which starts as the identity
        params = moved(flow.init(jax.random.key(1), points, None), jax.random.key(2), by)
        return jnp.exp(log_prob(flow, standard_normal((2,)), params, points))

    p = np.asarray(density(points), np.float64)
    assert abs(p.sum() * float(axis[1] - axis[0]) ** 2 - 1) < 1e-3
    normal = np.exp(-0.5 * np.square(points).sum(1)) / (2 * np.pi)
    assert np.abs(p - normal).max() > 0.02, "tested at the identity"


@pytest.mark.parametrize("name", AMORTIZED)
def test_each_example_may_have_parameters_of_its_own(name):
    layer = AMORTIZED[name]
    x = jax.random.normal(jax.random.key(0), (3, 4))
    own = jax.vmap(lambda key: layer.init(key, x, None))(jax.random.split(jax.random.key(1), 3))

    @jax.jit
    def run(x, params):
        z, log_det = layer.forward_and_log_det(params, x, None)
        return z, log_det, *layer.inverse_and_log_det(params, z, None)

    together = run(x, own)
    apart = [run(x[i : i + 1], jax.tree.map(lambda a, i=i: a[i], own)) for i in range(3)]
    for all_of_them, ones in zip(together, zip(*apart, strict=True), strict=True):
        np.testing.assert_allclose(all_of_them, np.concatenate(ones), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(together[2], x, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", AMORTIZED)
def test_an_encoder_may_start_from_zeros(name):
    layer, x = AMORTIZED[name], jnp.zeros((3, 4))
    params = jax.tree.map(
        lambda a: jnp.zeros((3, *a.shape)), jax.eval_shape(lambda: layer.init(jax.random.key(0), x, None))
    )
    value, grads = jax.jit(
        jax.value_and_grad(lambda params: sum(a.sum() for a in layer.forward_and_log_det(params, x, None)))
    )(params)
    assert np.isfinite(value)
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(grads))


def test_a_posterior_sample_has_the_density_that_it_says():
    flow = chain([invert(planar()), invert(autoregressive(affine(), causal()))])
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(0), 5)
        mean, log_std = jax.random.normal(keys[0], (4, 3)), 0.3 * jax.random.normal(keys[1], (4, 3))
        cond = jax.random.normal(keys[2], (4, 2))
        shared = jax.jit(flow.init)(keys[3], mean, cond)
        own = jax.vmap(lambda key: planar().init(key, mean, None))(jax.random.split(keys[4], 4))

        def run(mean, log_std):
            params = (own, shared[1])
            posterior = FlowPosterior(GaussianPosterior(mean, log_std), params, flow, cond)
            z, log_q = posterior.sample(jax.random.key(1))
            base, log_det = flow.forward_and_log_det(params, z, cond)
            return z, log_q, jax.scipy.stats.norm.logpdf(base, mean, jnp.exp(log_std)).sum(axis=1) + log_det

        def both(mean, log_std):
            z, log_q, expected = run(mean, log_std)
            return (z.sum(axis=1) + log_q).sum(), (z, log_q, expected)

        grads, (z, log_q, expected) = jax.jit(jax.grad(both, (0, 1), has_aux=True))(mean, log_std)
    assert z.shape == (4, 3)
    np.testing.assert_allclose(log_q, expected, rtol=1e-9)
    assert all(np.isfinite(g).all() and np.abs(g).max() > 1e-3 for g in grads)


def test_an_inverse_that_does_not_converge_is_nan_and_spoils_no_other():
    layer = block_autoregressive(2)
    z = jnp.array([[0.01, 0.02], [0.03, jnp.inf], [0.02, 0.01]])
    params = layer.init(jax.random.key(0), z, None)

    @jax.jit
    def run(params):
        return *layer.inverse_and_log_det(params, z, None), inverse_residual(layer, params, z)

    x, log_det, residual = run(params)
    assert np.isnan(x[1]).any()
    for found in (log_det, residual):
        np.testing.assert_array_equal(np.isnan(found), [False, True, False])
    assert residual[0] < 1e-5
    closed = run(params | {"gate": jnp.float32(-80.0)})  # x may then be anywhere within 1e34
    for found in closed:
        assert np.isnan(found).any(axis=tuple(range(1, found.ndim))).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sylvester(4).init(jax.random.key(0), jnp.ones((1, 3)), None), "1 to 3 units, got 4"),
        (lambda: block_autoregressive(2, depth=0), "needs hidden units"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()

"""Variational dequantisation: the identity is uniform, a known law against quadrature, a fitted one beats uniform."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bijections import check_bijection, network

from genjax_models.core.densities import standard_logistic, standard_normal
from genjax_models.core.dequantization import dequantized_log_prob
from genjax_models.families.flows import Bijection, offset_flow, variational_offset
from genjax_models.families.flows.coupling import coupling
from genjax_models.families.flows.elementwise import affine

BYTES = jnp.asarray([[3], [100], [250]], jnp.uint8)


def scaled(x):
    return x.astype(jnp.result_type(float)) / 127.5 - 1.0


def shift_and_scale() -> Bijection:
    """eps = (h - a b)/s, with b the condition and s > 0: h is normal of mean a b and standard deviation s."""

    def forward(params, h, b):
        a, s = params
        return (h - a * b) / s, jnp.full(len(h), -h[0].size * jnp.log(s))

    def inverse(params, eps, b):
        a, s = params
        return s * eps + a * b, jnp.full(len(eps), eps[0].size * jnp.log(s))

    return Bijection(lambda key, h, b: (1.0, 1.0), forward, inverse)


def slanted(key, x):
    """p(x) = (1 + 0.9 x)/2 on [-1, 1]."""
    return jnp.log(0.5 * (1 + 0.9 * x)).sum(-1)


def test_the_identity_of_a_logistic_base_is_uniform():
    flow, count = shift_and_scale(), 20_000
    draw = variational_offset(flow, standard_logistic((2,)), (jnp.asarray(0.0), jnp.asarray(1.0)), scaled)
    u, log_q = draw(jax.random.key(0), jnp.zeros((count, 2), jnp.uint8))
    np.testing.assert_allclose(log_q, np.zeros(count), atol=1e-4)
    distribution = np.sort(np.asarray(u).ravel())
    distance = np.abs(distribution - (np.arange(2 * count) + 0.5) / (2 * count)).max()
    assert distance < 1.95 / np.sqrt(2 * count)  # Kolmogorov's distance, exceeded once in a thousand


def test_the_bound_of_a_logit_normal_distribution_is_its_integral():
    a, s, draws = 0.8, 0.7, 40_000
    with jax.enable_x64(True):
        dequantizer = variational_offset(shift_and_scale(), standard_normal((1,)), (a, s), scaled)
        bound = lambda key: dequantized_log_prob(key, slanted, BYTES, dequantizer=dequantizer)
        values = np.asarray(jax.jit(jax.vmap(bound))(jax.random.split(jax.random.key(0), draws)))
    u = (np.arange(200_000) + 0.5) / 200_000
    for b, value in zip(np.asarray(BYTES)[:, 0].astype(float), values.T, strict=True):
        h = np.log(u / (1 - u))
        q = np.exp(-0.5 * ((h - a * (b / 127.5 - 1)) / s) ** 2) / (s * np.sqrt(2 * np.pi)) / (u * (1 - u))
        np.testing.assert_allclose(q.mean(), 1.0, rtol=1e-6)
        x = (b + u) / 128 - 1
        integral = (q * (np.log(0.5 * (1 + 0.9 * x)) - np.log(q))).mean() - np.log(128)
        stderr = value.std() / np.sqrt(draws)
        assert stderr < 0.005
        assert abs(value.mean() - integral) < 4 * stderr


FLOWS = {
    "coupling": (coupling(affine(), network, channels=3), (3,)),
    "the paper's": (offset_flow((2, 2, 1), network, components=2, depth=2), (2, 2, 1)),
}


@pytest.mark.parametrize("name", FLOWS)
def test_log_q_is_the_density_of_the_offsets_of_any_conditional_flow(name):
    """The density of u by autodiff of the map from eps to u, with layers that see the bytes."""
    flow, shape = FLOWS[name]
    with jax.enable_x64(True):
        base = standard_normal(shape)
        x = jnp.asarray(np.random.default_rng(0).integers(0, 256, (4, *shape)), jnp.uint8)

        @jax.jit
        def run(key, x):
            params = flow.init(jax.random.key(0), jnp.ones((4, *shape)), scaled(x))
            eps = base.sample(key, 4)
            one = lambda eps, x: jax.nn.sigmoid(flow.inverse_and_log_det(params, eps[None], scaled(x[None]))[0][0])
            jacobian = jax.vmap(jax.jacfwd(one))(eps, x).reshape(4, eps[0].size, eps[0].size)
            expected = base.log_prob(eps) - jnp.linalg.slogdet(jacobian)[1]
            return *variational_offset(flow, base, params, scaled)(key, x), jax.vmap(one)(eps, x), expected

        u, log_q, expected_u, expected = run(jax.random.key(1), x)
        other, *_ = run(jax.random.key(1), 255 - x)
    np.testing.assert_allclose(u, expected_u, rtol=1e-12)
    np.testing.assert_allclose(log_q, expected, rtol=1e-9)
    assert (np.abs(other - u) > 1e-4).reshape(4, -1).any(axis=1).all(), "the offsets of some example ignore its bytes"


@pytest.mark.slow
def test_the_papers_flow_of_the_offsets_is_a_bijection_under_its_bytes():
    cond = np.random.default_rng(1).normal(size=(4, 4, 2, 1))
    check_bijection(offset_flow((4, 2, 1), network, components=2, depth=2), (4, 2, 1), cond=cond)


def test_offsets_stay_in_their_byte_however_far_the_flow_goes():
    flow = shift_and_scale()
    draw = variational_offset(flow, standard_normal((1,)), (jnp.asarray(0.0), jnp.asarray(100.0)), scaled)
    u, log_q = draw(jax.random.key(0), jnp.full((1000, 1), 254, jnp.uint8))
    assert float(u.min()) >= 0.0
    assert float((254.0 + u).max()) < 255.0
    assert bool(jnp.isfinite(log_q).all())


def test_gradients_reach_the_flow_and_a_fitted_distribution_beats_the_uniform_one():
    """A density that falls steeply within a byte, p(x) ∝ exp(-256 x): uniform offsets lose what a fitted q regains."""
    steep = lambda key, x: (-256.0 * (x + 1.0)).sum(-1) + np.log(256.0)
    x = jnp.full((256, 1), 1, jnp.uint8)
    # P(1) = ∫ over [1/128, 2/128] of 256 exp(-256 (x + 1)) = e^-2 - e^-4
    truth = np.log(np.exp(-2.0) - np.exp(-4.0))
    flow, base = shift_and_scale(), standard_logistic((1,))

    def bound(params, key):
        dequantizer = variational_offset(flow, base, (params[0], jnp.exp(params[1])), scaled)
        return dequantized_log_prob(key, steep, x, dequantizer=dequantizer).mean()

    @jax.jit
    def fit(params):
        climb = lambda params, key: (params + 0.3 * jax.grad(bound)(params, key), bound(params, key))
        return jax.lax.scan(climb, params, jax.random.split(jax.random.key(0), 300))

    _, bounds = fit(jnp.zeros(2))
    uniform = -2.0 - 1.0 + np.log(2.0)  # E of -256 (1 + u)/128 + log 256 - log 128
    assert abs(float(bounds[0]) - uniform) < 0.2
    assert uniform + 0.1 < float(bounds[-50:].mean()) < truth + 0.01

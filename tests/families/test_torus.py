"""Flows of angles: bijections of the torus, densities that are whole, periodic, and learnt across the seams."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from bijections import check_bijection, network

from genjax_models.core.densities import uniform_angle
from genjax_models.data.toy import DENSITIES
from genjax_models.families.flows import chain, log_prob, rescale, rotation, sample, torus_flow
from genjax_models.families.flows.splines import wrap

BASE = uniform_angle((2,))


@pytest.mark.parametrize(
    "layer, features",
    [(rotation(), 3), pytest.param(torus_flow(network, features=3, depth=1), 3, marks=pytest.mark.slow)],
)
def test_log_determinant_and_inverse(layer, features):
    check_bijection(layer, (features,), low=-np.pi, high=np.pi)


def test_the_density_integrates_to_one_over_the_torus_and_has_no_seam():
    """The midpoint rule over a whole turn, of random splines gentle enough for it."""
    gentle = lambda channels: network(channels)._replace(
        apply=lambda params, h, cond: 0.3 * network(channels).apply(params, h, cond)
    )
    flow, count = torus_flow(gentle, features=2, depth=2, bins=4), 400
    axis = (jnp.arange(count) + 0.5) / count * 2 * jnp.pi - jnp.pi
    grid = jnp.stack(jnp.meshgrid(axis, axis), axis=-1).reshape(-1, 2)

    @jax.jit
    def run(grid):
        params = flow.init(jax.random.key(0), grid[:8], None)
        density = lambda x: log_prob(flow, BASE, params, x)
        edge = jnp.stack([axis, jnp.full(count, np.pi - 1e-5)], axis=1)
        sides = [edge, edge * jnp.array([[1.0, -1.0]])]
        seams = [density(side[:, ::way]) for way in (1, -1) for side in sides]
        return density(grid), density(grid + 2 * jnp.pi * jnp.array([[3.0, -2.0]])), seams

    value, turned, seams = run(grid)
    assert float(jnp.exp(value).mean()) * (2 * np.pi) ** 2 == pytest.approx(1.0, abs=2e-3)
    assert float(value.std()) > 0.3
    np.testing.assert_allclose(turned, value, atol=2e-3)
    for one, other in (seams[:2], seams[2:]):
        np.testing.assert_allclose(one, other, atol=5e-3)


def test_it_is_the_uniform_distribution_where_networks_are_zero():
    zero = lambda channels: network(channels)._replace(
        apply=lambda params, h, cond: jnp.zeros((*h.shape[:-1], channels))
    )
    flow = torus_flow(zero, features=2, depth=2)
    x = jax.random.uniform(jax.random.key(1), (64, 2), minval=-jnp.pi, maxval=jnp.pi)
    params = flow.init(jax.random.key(2), x, None)
    z, _ = flow.forward_and_log_det(params, x, None)
    np.testing.assert_allclose(log_prob(flow, BASE, params, x), -2 * np.log(2 * np.pi), atol=1e-4)
    np.testing.assert_allclose(z, wrap(x + sum(own[0] for own in params)[None]), atol=1e-5)
    assert float(jnp.abs(z - x).max()) > 0.1


@pytest.mark.slow
def test_it_learns_a_density_that_crosses_the_seams():
    """From the uniform law's 2 log 2 nats of points in half turns to less than a third of the way to the entropy."""
    target = DENSITIES["torus"]
    flow = chain([rescale(np.pi), torus_flow(network, features=2, depth=3, bins=8)])
    tx = optax.adam(1e-2)
    loss = lambda params, x: -log_prob(flow, BASE, params, x).mean()

    @jax.jit
    def fit(key):
        params = flow.init(key, target.sample(key, 64), None)

        def step(carry, key):
            params, state = carry
            slope = jax.grad(loss)(params, target.sample(key, 256))
            update, state = tx.update(slope, state)
            return (optax.apply_updates(params, update), state), None

        (params, _), _ = jax.lax.scan(step, (params, tx.init(params)), jax.random.split(jax.random.key(1), 600))
        x = target.sample(jax.random.key(2), 10_000)
        drawn = sample(jax.random.key(3), flow, BASE, params, 10_000)
        return loss(params, x), -target.log_prob(x).mean(), jnp.abs(drawn).max()

    found, entropy, reach = fit(jax.random.key(0))
    uniform = 2 * np.log(2.0)
    assert entropy - 0.01 < found < entropy + (uniform - entropy) / 3
    assert reach <= 1.0

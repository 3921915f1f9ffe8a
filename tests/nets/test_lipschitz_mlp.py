"""The perceptron contracts: its bounds on norms against SVD, its Jacobian against its coefficient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets.flow.lipschitz_mlp import LipschitzMLP, lip_swish, norm_bound

RNG = np.random.default_rng(0)
MATRICES = {
    "wide": RNG.normal(size=(7, 40)),
    "tall": RNG.normal(size=(40, 7)),
    "flat spectrum": 3.0 * np.linalg.qr(RNG.normal(size=(50, 50)))[0],
    "rank one": 1e3 * np.outer(RNG.normal(size=20), RNG.normal(size=30)),
    "small": 1e-4 * RNG.normal(size=(20, 20)),
}


@pytest.mark.parametrize("name", MATRICES)
def test_the_bound_lies_just_above_the_norm(name):
    matrix = MATRICES[name]
    largest = np.linalg.svd(matrix, compute_uv=False)[0]
    bound = float(norm_bound(jnp.asarray(matrix, jnp.float32)))
    assert largest * (1 - 1e-5) <= bound <= 1.005 * largest


def test_the_gradient_of_the_bound_is_that_of_the_norm():
    matrix = MATRICES["wide"]
    u, _, vt = np.linalg.svd(matrix, full_matrices=False)
    gradient = jax.jit(jax.grad(norm_bound))(jnp.asarray(matrix, jnp.float32))
    np.testing.assert_allclose(gradient, np.outer(u[:, 0], vt[0]), atol=1e-3)
    assert np.isfinite(jax.grad(norm_bound)(jnp.zeros((3, 4)))).all()


def test_lip_swish_has_no_slope_above_one():
    x, beta = jnp.linspace(-30.0, 30.0, 20_001), jnp.asarray([0.1, 0.5, 1.0, 7.0])
    slopes = jax.vmap(lambda b: jax.vmap(jax.grad(lambda x: lip_swish(x, b)))(x))(beta)
    assert float(jnp.abs(slopes).max()) <= 1.0
    assert float(slopes.max(axis=1).min()) > 0.999


def test_the_network_contracts_by_its_coefficient_whatever_the_weights():
    coefficient = 0.9
    net = LipschitzMLP(width=16, depth=2, coefficient=coefficient, num_classes=3)
    x = 0.3 * jax.random.normal(jax.random.key(0), (200, 2, 3))
    cond = {"label": jnp.arange(200) % 4}

    @jax.jit
    def jacobians(scale):
        params = net.init(jax.random.key(1), x, jnp.zeros(200), cond)
        params = jax.tree.map(lambda leaf: scale * leaf, params)

        def one(x, label):
            return net.apply(params, x[None], jnp.ones(1), {"label": label[None]})[0].ravel()

        return jax.vmap(jax.jacrev(one))(x, cond["label"]).reshape(200, 6, 6)

    for scale in (1.0, 30.0):
        norms = np.linalg.svd(jacobians(scale), compute_uv=False)[:, 0]
        assert norms.max() <= coefficient
        assert norms.max() > 0.05 * coefficient


def test_the_shape_of_images_is_kept():
    net, x = LipschitzMLP(width=8, depth=1), jnp.ones((2, 3, 3, 1))
    y, params = jax.eval_shape(net.init_with_output, jax.random.key(0), x)
    assert y.shape == x.shape
    assert "conditioning" not in params["params"]

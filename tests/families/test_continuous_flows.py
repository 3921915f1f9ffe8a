"""Continuous flows: a linear field in closed form, a curved one against autodiff, the energies of Finlay et al."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bijections import check_bijection
from scipy.linalg import expm

from genjax_models.core.jacobian import hutchinson
from genjax_models.families.flows import VectorField, continuous, transport

LINEAR = VectorField(lambda key, x, t, cond: (), lambda A, x, t, cond: x @ A.T)
A = np.random.default_rng(0).normal(size=(3, 3))
TIGHT = {"rtol": 1e-9, "atol": 1e-9}


def curved() -> VectorField:
    """A tanh layer that turns with time and sees a condition."""

    def init(key, x, t, cond):
        return jax.random.normal(key, (2, x.shape[-1], x.shape[-1]))

    def apply(params, x, t, cond):
        return jnp.tanh(x @ params[0] + (t[:, None] if cond is None else t[:, None] * cond)) @ params[1]

    return VectorField(init, apply)


def central_differences(f, step=1e-4):
    """`jax.jacrev` compiles for long and forward mode is none of the solver's; exact within 1e-8 or so."""
    slope = lambda x, e, cond: (f(x + step * e, cond) - f(x - step * e, cond)) / (2 * step)
    return lambda x, cond: jax.vmap(slope, (None, 0, None), out_axes=1)(x, jnp.eye(len(x)), cond)


@pytest.mark.slow
def test_log_determinant_and_inverse():
    cond = np.random.default_rng(1).normal(size=(2, 2))
    flow = continuous(curved(), rtol=1e-10, atol=1e-10)
    check_bijection(flow, (2,), cond=cond, batch=2, atol=1e-6, jacobian=central_differences)


def test_a_linear_field_has_the_exponential_of_its_matrix_and_the_energies_of_its_paths():
    with jax.enable_x64(True):
        x = np.random.default_rng(1).normal(size=(5, 3))
        flow = continuous(LINEAR, **TIGHT)

        @jax.jit
        def run(A, x):
            forward = transport(LINEAR, A, x, **TIGHT)
            return forward, flow.forward_and_log_det(A, x, None), flow.inverse_and_log_det(A, x, None)

        path, (z, log_det), (back, inverse_log_det) = jax.device_get(run(jnp.asarray(A), jnp.asarray(x)))
    np.testing.assert_allclose(z, x @ expm(A).T, rtol=1e-7)
    np.testing.assert_allclose(back, x @ expm(-A).T, rtol=1e-7)
    np.testing.assert_allclose(log_det, np.full(5, np.trace(A)), rtol=1e-7)
    np.testing.assert_allclose(inverse_log_det, np.full(5, -np.trace(A)), rtol=1e-7)
    np.testing.assert_allclose(path.z, z, rtol=1e-7)
    np.testing.assert_allclose(path.log_det, log_det, rtol=1e-7)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    speeds = [((x @ (A @ expm(A * (node + 1) / 2)).T) ** 2).sum(-1) for node in nodes]
    np.testing.assert_allclose(path.kinetic, (weights[:, None] / 2 * speeds).sum(0), rtol=1e-7)
    np.testing.assert_allclose(path.jacobian, np.full(5, (A**2).sum()), rtol=1e-7)
    assert int(path.nfe) > 10


def test_hutchinsons_estimates_are_forms_of_the_matrix_and_unbiased():
    num, count = 2, 20_000
    directions = hutchinson(jax.random.key(3), num)
    x = jnp.zeros((count, 3))
    path = jax.jit(lambda A, x: transport(LINEAR, A, x, directions=directions))(jnp.asarray(A, jnp.float32), x)
    path, v = jax.device_get(path), np.asarray(directions(x), np.float64)
    np.testing.assert_allclose(path.log_det, np.einsum("kbi,ij,kbj->b", v, A, v), rtol=1e-4, atol=1e-4)
    for estimate, truth in ((path.log_det, np.trace(A)), (path.jacobian, (A**2).sum())):
        stderr = estimate.std() / np.sqrt(count)
        assert abs(estimate.mean(dtype=np.float64) - truth) < 4 * stderr
        assert stderr < 0.02 * abs(truth)


@pytest.mark.slow
def test_gradients_go_through_the_solve():
    """In one dimension z = exp(a) x, of slope z in a, and the log-determinant is a."""

    def loss(a):
        z, log_det = continuous(LINEAR, max_steps=16).forward_and_log_det(a, jnp.full((1, 1), 2.0), None)
        return z.sum() + 10.0 * log_det.sum()

    np.testing.assert_allclose(jax.jit(jax.grad(loss))(jnp.full((1, 1), 0.3)), [[2.0 * np.exp(0.3) + 10.0]], rtol=1e-4)


@pytest.mark.slow
def test_running_out_of_steps_is_nan():
    run = jax.jit(continuous(LINEAR, max_steps=3).forward_and_log_det)
    z, log_det = run(jnp.asarray(100.0 * A), jnp.ones((2, 3)), None)
    assert bool(jnp.isnan(z).all())
    assert bool(jnp.isnan(log_det).all())


def test_the_field_is_initialised_with_time():
    params = continuous(curved()).init(jax.random.key(0), jnp.ones((4, 2)), None)
    assert params.shape == (2, 2, 2)


def test_misuse_is_named():
    with pytest.raises(ValueError, match="tolerances must be positive"):
        continuous(LINEAR, rtol=0.0).forward_and_log_det(jnp.asarray(A), jnp.ones((1, 3)), None)

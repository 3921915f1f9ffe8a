"""Roots and fixed points against closed forms: values, derivatives, and what happens where there is none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.solvers.roots import bisect, fixed_point


def test_bisection_finds_cube_roots_and_their_derivatives():
    """x^3 + a x = y has, at a = 0, x = y^(1/3), dx/dy = 1 / (3 x^2), dx/da = -1 / (3 x), d2x/dy2 = -2 / (9 x^5)."""
    with jax.enable_x64(True):
        y = jnp.asarray([-27.0, -0.001, 0.2, 8.0])

        def root(y, a):
            return bisect(lambda x: x**3 + a * x, y, -10.0, 10.0).x

        @jax.jit
        def run(y, a):
            by_y, by_a = jax.vmap(jax.grad(root, (0, 1)))(y, a)
            _, forward = jax.jvp(root, (y, a), (jnp.ones_like(y), jnp.zeros_like(a)))
            return root(y, a), by_y, by_a, forward, jax.vmap(jax.grad(jax.grad(root)))(y, a)

        x, by_y, by_a, forward, second = jax.device_get(run(y, jnp.zeros_like(y)))
        exact = np.cbrt(y)
    np.testing.assert_allclose(x, exact, rtol=1e-13)
    np.testing.assert_allclose(by_y, 1 / (3 * exact**2), rtol=1e-12)
    np.testing.assert_allclose(forward, 1 / (3 * exact**2), rtol=1e-12)
    np.testing.assert_allclose(by_a, -1 / (3 * exact), rtol=1e-12)
    np.testing.assert_allclose(second, -2 / (9 * exact**5), rtol=1e-11)


def test_bisection_in_float32_takes_a_bracket_an_element():
    y = jnp.asarray([0.1, 1.0, 1e4])
    root = jax.jit(lambda y: bisect(jnp.exp, y, jnp.log(y) - jnp.asarray([1.0, 20.0, 3.0]), 30.0))(y)
    np.testing.assert_allclose(root.x, np.log(y), rtol=1e-6, atol=2e-7)
    np.testing.assert_array_less(root.residual / y, 1e-5)


def test_an_element_without_a_root_is_nan_and_its_neighbours_are_not():
    def identity(x):
        return x

    @jax.jit
    def run(targets):
        few = [bisect(identity, targets, -1.0, 1.0, iterations=5, tolerance=tolerance) for tolerance in (None, 0.1)]
        return bisect(identity, targets, -1.0, 1.0), *few

    root, too_few, enough = run(jnp.asarray([0.3, 3.0, -3.0, jnp.nan]))
    np.testing.assert_array_equal(np.isnan(root.x), [False, True, True, True])
    np.testing.assert_allclose(root.residual[:3], [0.0, 2.0, 2.0], atol=1e-6)
    assert np.isnan(too_few.x).all()
    assert enough.x[0] == pytest.approx(0.3, abs=0.1)


def test_fixed_point_of_an_affine_map_and_its_derivatives():
    """x = A x + b has x = (I - A)^-1 b, which is linear in b and has the derivative (I - A)^-1 dA x in A."""
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        A, b, dA = rng.normal(size=(3, 3)) / 6, rng.normal(size=(2, 3)), rng.normal(size=(3, 3))

        def solve(A, b):
            return fixed_point(lambda x: x @ A.T + b, jnp.zeros_like(b), iterations=200, tolerance=1e-14)

        @jax.jit
        def run(A, b, dA):
            x = solve(A, b)
            return x, jax.jvp(lambda A: solve(A, b).x, (A,), (dA,))[1], jax.grad(lambda b: solve(A, b).x.sum())(b)

        root, by_A, by_b = jax.device_get(run(A, b, dA))
    inverse = np.linalg.inv(np.eye(3) - A)
    np.testing.assert_allclose(root.x, b @ inverse.T, rtol=1e-12)
    assert root.residual.shape == (2,)
    assert root.residual.max() < 1e-13
    np.testing.assert_allclose(by_A, root.x @ dA.T @ inverse.T, rtol=1e-11)
    np.testing.assert_allclose(by_b, np.broadcast_to(inverse.sum(0), (2, 3)), rtol=1e-11)


def test_the_gradient_of_a_fixed_point_does_not_depend_on_the_size_of_the_cotangent():
    """x = 0.9 x + t has dx/dt = 10: that of c x is 10 c, with 0 for an example that nothing asks about."""

    @jax.jit
    def run(c):
        solve = lambda t: fixed_point(lambda x: 0.9 * x + t, jnp.zeros_like(t)).x
        return jax.grad(lambda t: (c[:, None] * solve(t)).sum())(jnp.ones((c.size, 2)))

    c = np.float32([1e3, 1.0, 1e-2, 1e-5, 1e-6, 1e-8, 1e-30, 0.0])
    found = run(jnp.asarray(c))
    np.testing.assert_allclose(found, np.broadcast_to(10.0 * c[:, None], (c.size, 2)), rtol=1e-4)


def test_an_example_that_does_not_contract_is_nan_and_its_neighbours_are_not():
    slope, x0 = jnp.asarray([[0.5], [1.5], [0.999]]), jnp.ones((3, 2))
    root = jax.jit(lambda x: fixed_point(lambda x: slope * x + 1.0, x, iterations=60))(x0)
    np.testing.assert_allclose(root.x[0], [2.0, 2.0], rtol=1e-5)
    assert np.isnan(root.x[1:]).all()
    assert (root.residual[1:] > 1e-3).all()
    alone = fixed_point(lambda x: 0.5 * x + 1.0, x0[:1], iterations=60)
    np.testing.assert_array_equal(root.x[0], alone.x[0])


@pytest.mark.parametrize(
    "solve",
    [
        lambda: bisect(lambda x: x, jnp.zeros(1), -1.0, 1.0, iterations=0),
        lambda: fixed_point(lambda x: x, jnp.zeros(1), iterations=0),
    ],
)
def test_no_iterations_are_refused(solve):
    with pytest.raises(ValueError, match="at least 1 iteration"):
        solve()

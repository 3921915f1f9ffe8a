"""Each ODE step shows its order on an equation with a known solution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.solvers import euler_step, heun_step, midpoint_step, rk4_step

ORDERS = {euler_step: 1, midpoint_step: 2, heun_step: 2, rk4_step: 4}


@pytest.mark.parametrize("step", ORDERS)
def test_order_of_convergence(step):
    """x' = -x^2 e^t with x(0) = 1 has x(t) = e^-t; integrate it from 1 down to 0, as samplers do."""
    with jax.enable_x64(True):
        start, exact = jnp.exp(-1.0), 1.0

        def error(n: int) -> float:
            grid = jnp.linspace(1.0, 0.0, n + 1)
            x = jax.lax.fori_loop(
                0, n, lambda i, x: step(lambda x, t: -(x**2) * jnp.exp(t), x, grid[i], grid[i + 1]), start
            )
            return abs(float(x) - exact)

        slope = np.log2(error(64) / error(128))
        assert slope == pytest.approx(ORDERS[step], abs=0.15)


@pytest.mark.parametrize("step", ORDERS)
def test_step_is_its_own_formula_for_a_constant_field(step):
    x = step(lambda x, t: jnp.full_like(x, 2.0), jnp.zeros(3), jnp.array(1.0), jnp.array(0.25))
    np.testing.assert_allclose(x, jnp.full(3, -1.5), rtol=1e-6)

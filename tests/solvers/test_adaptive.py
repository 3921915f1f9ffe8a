"""The adaptive solver against known solutions, in both directions; its count of evaluations, its one failure."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.solvers.adaptive import adaptive

CURVED = lambda x, t: -(x**2) * jnp.exp(t)  # x(t) = e^-t passes through x(0) = 1


@pytest.mark.parametrize(
    ("t", "s", "solver"), [(0.0, 1.0, diffrax.Tsit5()), (1.0, 0.0, diffrax.Tsit5()), (1.0, 0.0, diffrax.Dopri5())]
)
def test_error_follows_the_tolerance_in_either_direction(t, s, solver):
    with jax.enable_x64(True):
        start, exact = jnp.full((2, 3), np.exp(-t)), np.exp(-s)
        errors, costs = [], []
        for tolerance in (1e-5, 1e-9):
            x, nfe = adaptive(CURVED, start, t, s, rtol=tolerance, atol=tolerance, solver=solver)
            errors.append(float(jnp.abs(x - exact).max()))
            costs.append(int(nfe))
            assert errors[-1] < 20 * tolerance
        assert errors[0] > errors[1]
        assert costs[0] < costs[1]


def test_pytree_state_is_solved_under_jit():
    """Position and momentum of an oscillator, a quarter of a turn."""
    field = lambda x, t: {"q": x["p"], "p": -x["q"]}
    state = {"q": jnp.ones((4, 2)), "p": jnp.zeros((4, 2))}
    end, _ = jax.jit(lambda state: adaptive(field, state, 0.0, 0.5 * np.pi))(state)
    np.testing.assert_allclose(end["q"], jnp.zeros((4, 2)), atol=1e-4)
    np.testing.assert_allclose(end["p"], -jnp.ones((4, 2)), atol=1e-4)


def test_evaluations_are_counted_and_stay_between_the_two_times():
    times = []

    def field(x, t):
        jax.debug.callback(lambda t: times.append(float(t)), t)
        return CURVED(x, t)

    _, nfe = adaptive(field, jnp.full((1, 1), np.exp(-0.9)), 0.9, 0.1, rtol=1e-6, atol=1e-6)
    jax.effects_barrier()
    assert len(times) == int(nfe)
    assert min(times) == pytest.approx(0.1, abs=1e-6)
    assert max(times) == pytest.approx(0.9, abs=1e-6)


def test_easy_neighbours_do_not_hide_an_examples_error():
    field = lambda x, t: jnp.where(jnp.arange(512)[:, None] == 7, jnp.cos(40.0 * t) * 40.0, 0.0)
    x, _ = adaptive(field, jnp.zeros((512, 1)), 0.0, 1.0, rtol=1e-5, atol=1e-5)
    assert float(x[7, 0]) == pytest.approx(np.sin(40.0), abs=2e-4)


@pytest.mark.parametrize("field", [CURVED, lambda x, t: x * jnp.nan])
def test_running_out_of_steps_gives_nan_and_tells_the_cost(field):
    x, nfe = jax.jit(lambda x: adaptive(field, x, 0.0, 1.0, rtol=1e-6, atol=1e-6, max_steps=4))(jnp.ones((3, 2)))
    assert bool(jnp.isnan(x).all())
    assert int(nfe) == 1 + 4 * 6


def test_gradient_flows_through_the_solve():
    """x(1) = x(0) e^w, so dx(1)/dw = x(1)."""
    end = lambda w: adaptive(lambda x, t: w * x, jnp.ones((1, 1)), 0.0, 1.0, rtol=1e-6, atol=1e-6).x.sum()
    assert float(jax.grad(end)(0.7)) == pytest.approx(np.exp(0.7), rel=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rtol": 0.0}, "tolerances must be positive"),
        ({"atol": -1.0}, "positive"),
        ({"max_steps": 0}, "at least 1 step"),
    ],
)
def test_misuse_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        adaptive(CURVED, jnp.ones((1, 1)), 0.0, 1.0, **options)

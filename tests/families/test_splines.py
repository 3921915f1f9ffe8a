"""Rational-quadratic splines against their formula in NumPy, at their knots, in their tails, and on the circle."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import softmax

from genjax_models.families.flows.splines import circular, rational_quadratic, spline_forward, spline_inverse

BINS, BOUND = 5, 3.0
SPLINE, CIRCLE = rational_quadratic(BINS, BOUND), circular(BINS)


def tables(raw):
    """Widths, heights and inner slopes of raw numbers `[3 K - 1]` or `[3 K]`, as the paper's section 3.1 has them."""
    bound = BOUND if len(raw) == 3 * BINS - 1 else np.pi
    widths, heights = (
        2 * bound * (0.001 + (1 - 0.001 * BINS) * softmax(part)) for part in raw[: 2 * BINS].reshape(2, -1)
    )
    return widths, heights, 0.001 + np.log1p(np.exp(raw[2 * BINS :] + np.log(np.expm1(0.999))))


def formula(x, widths, heights, slopes, start):
    """Gregory and Delbourgo's interpolant between the knots, one number at a time."""
    places, values = (start + np.concatenate([[0], np.cumsum(sizes)]) for sizes in (widths, heights))
    k = min(np.searchsorted(places, x, side="right") - 1, len(widths) - 1)
    s, t = heights[k] / widths[k], (x - places[k]) / widths[k]
    above = heights[k] * (s * t**2 + slopes[k] * t * (1 - t))
    return values[k] + above / (s + (slopes[k + 1] + slopes[k] - 2 * s) * t * (1 - t))


def test_it_is_the_formula():
    rng = np.random.default_rng(0)
    raw, x = rng.normal(size=(6, 3 * BINS - 1)) * 2, rng.uniform(-BOUND, BOUND, size=(6, 40))
    turns = rng.normal(size=(6, 3 * BINS)) * 2
    with jax.enable_x64(True):
        y, _ = jax.jit(SPLINE.forward)(jnp.repeat(raw[:, None], 40, axis=1), jnp.asarray(x))
        turned, _ = jax.jit(CIRCLE.forward)(jnp.repeat(turns[:, None], 40, axis=1), jnp.asarray(x))
        y, turned = np.asarray(y), np.asarray(turned)
    for row in range(6):
        widths, heights, inner = tables(raw[row])
        expected = [formula(v, widths, heights, np.concatenate([[1], inner, [1]]), -BOUND) for v in x[row]]
        np.testing.assert_allclose(y[row], expected, rtol=1e-10, atol=1e-10)
        widths, heights, around = tables(turns[row])
        expected = [formula(v, widths, heights, np.concatenate([around, around[:1]]), -np.pi) for v in x[row]]
        np.testing.assert_allclose(turned[row], expected, rtol=1e-10, atol=1e-10)


def test_explicit_tables_interpolate_their_knots_with_their_slopes():
    widths, heights, slopes = (
        jnp.asarray([1.0, 2.0, 0.5]),
        jnp.asarray([0.5, 0.5, 3.0]),
        jnp.asarray([1.0, 0.2, 3.0, 0.7]),
    )
    knots, values = jnp.asarray([0.0, 1.0, 3.0, 3.5]) + 2.0, jnp.asarray([0.0, 0.5, 1.0, 4.0]) + 2.0
    args = [jnp.broadcast_to(table, (4, table.size)) for table in (widths, heights, slopes)]
    y, log_slope = spline_forward(knots, *args, start=2.0)
    np.testing.assert_allclose(y, values, rtol=1e-6)
    np.testing.assert_allclose(log_slope, jnp.log(slopes), atol=1e-5)
    x, log_slope = spline_inverse(values, *args, start=2.0)
    np.testing.assert_allclose(x, knots, rtol=1e-6)
    np.testing.assert_allclose(log_slope, -jnp.log(slopes), atol=1e-5)


@pytest.mark.parametrize("transformer", [SPLINE, CIRCLE], ids=["line", "circle"])
def test_zeros_are_the_identity(transformer):
    x = jnp.linspace(-3.1, 3.1, 101)
    for direction in (transformer.forward, transformer.inverse):
        y, log_slope = jax.jit(direction)(jnp.zeros((101, transformer.num_params)), x)
        np.testing.assert_allclose(y, x, atol=1e-6)
        np.testing.assert_allclose(log_slope, np.zeros(101), atol=1e-5)


def test_increasing_and_smooth_into_linear_tails():
    with jax.enable_x64(True):
        raw = jnp.broadcast_to(3 * jax.random.normal(jax.random.key(0), (3 * BINS - 1,)), (2001, 3 * BINS - 1))
        x = jnp.linspace(-BOUND - 1, BOUND + 1, 2001)
        ends = jnp.asarray([-BOUND - 1e-9, -BOUND + 1e-9, BOUND - 1e-9, BOUND + 1e-9])
        (y, log_slope), (at_ends, slope_at_ends) = (jax.jit(SPLINE.forward)(raw[: v.size], v) for v in (x, ends))
        slopes = jax.jit(jax.vmap(jax.grad(lambda raw, x: SPLINE.forward(raw, x)[0], 1)))(raw, x)
        assert (np.diff(y) > 0).all()
        outside = np.abs(x) > BOUND
        np.testing.assert_array_equal(y[outside], x[outside])
        np.testing.assert_array_equal(log_slope[outside], 0.0)
        np.testing.assert_allclose(at_ends, ends, atol=1e-8)
        np.testing.assert_allclose(slope_at_ends, np.zeros(4), atol=1e-5)
        np.testing.assert_allclose(np.exp(log_slope), slopes, rtol=1e-9)


def test_the_circle_has_no_seam():
    with jax.enable_x64(True):
        raw = jnp.broadcast_to(2 * jax.random.normal(jax.random.key(1), (3 * BINS,)), (4, 3 * BINS))
        near = 1e-12
        x = jnp.asarray([np.pi - near, -np.pi + near, 0.5, 0.5 + 4 * np.pi])
        y, log_slope = jax.jit(CIRCLE.forward)(raw, x)
        np.testing.assert_allclose(np.exp(1j * y[0]), np.exp(1j * y[1]), atol=1e-6)
        np.testing.assert_allclose(log_slope[0], log_slope[1], atol=1e-6)
        assert abs(log_slope[0]) > 0.01
        np.testing.assert_allclose(y[2], y[3], rtol=1e-12)


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
def test_float32_gradients_are_finite_everywhere_and_the_inverse_is_near(scale):
    """At the knots, on the bounds, just beside them and far outside; with raw numbers of any size."""
    knots = np.linspace(-BOUND, BOUND, BINS + 1)
    x = np.concatenate([knots, np.nextafter(knots, np.inf), np.nextafter(knots, -np.inf), [1e4, -1e30, 3.01, 0.123]])
    x = jnp.asarray(x, jnp.float32)
    raw = scale * jax.random.normal(jax.random.key(0), (x.size, 3 * BINS - 1))

    @jax.jit
    def run(raw, x):
        def total(raw, x, direction):
            value, log_slope = direction(raw, x)
            return (jnp.tanh(value) + log_slope).sum()

        y, _ = SPLINE.forward(raw, x)
        gradients = [jax.grad(total, (0, 1))(raw, v, f) for v, f in ((x, SPLINE.forward), (y, SPLINE.inverse))]
        return SPLINE.inverse(raw, y)[0], y, gradients

    again, y, gradients = run(raw, x)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((again, y, gradients)))
    if scale <= 1:
        np.testing.assert_allclose(again, x, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: rational_quadratic(0), "at least 1 bin"),
        (lambda: rational_quadratic(8, -1.0), "needs an interval"),
        (lambda: rational_quadratic(8, min_size=0.2), "do not fit"),
        (lambda: circular(8, min_slope=1.5), "min_slope"),
    ],
)
def test_impossible_splines_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()

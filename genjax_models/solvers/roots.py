r"""Roots of increasing functions by bisection, and fixed points of contractions by iteration.

$$f(x) = y: \quad [l, h] \to \left[\tfrac{l+h}{2}, h\right] \text{ where } f\!\left(\tfrac{l+h}{2}\right) < y,
\ \text{else } \left[l, \tfrac{l+h}{2}\right]; \qquad x = g(x): \quad x \leftarrow g(x).$$

What does not converge is NaN, never a number that looks like a root. Derivatives, of either mode and of any order, are
those of the implicit function theorem,

$$dx = \frac{dy - \partial f}{f'(x)}, \qquad dx = (I - \partial g/\partial x)^{-1}\,\partial g,$$

with respect to `y` and to everything that `f` or `g` closes over; no derivative goes through the iterations.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import expand_as
from genjax_models.core.types import Array


class Root(NamedTuple):
    """A solution, and by how much it misses.

    Attributes:
      x: the root; NaN where the iteration did not converge.
      residual: $|f(x) - y|$ of each element; of a fixed point the largest $|g(x) - x|$ of each example, `[B]`. It is
        that of the last iterate, whether or not this converged.
    """

    x: Array
    residual: Array


def bisect(
    f: Callable[[Array], Array],
    target: Array,
    low: Array | float,
    high: Array | float,
    *,
    iterations: int = 64,
    tolerance: float | None = None,
) -> Root:
    """Solve `f(x) = target`, each element by itself, within a bracket.

    Args:
      f: increasing, element by element: `[...] -> [...]`.
      target: `[...]` float.
      low: a number or `[...]`, where `f` is at most the target; leave a margin for rounding.
      high: likewise, where `f` is at least the target.
      iterations: most halvings; they end sooner once no interval has a number between its ends.
      tolerance: largest width of the last interval, relative to max(1, |x|); 16 units of rounding by default.

    Returns:
      `Root(x, residual)`, both `[...]`; `x` is NaN where the bracket does not hold the target or its last
      interval is too wide.

    Raises:
      ValueError: if no iteration is allowed.
    """
    _check(iterations)
    dtype = target.dtype
    tolerance = 16 * float(jnp.finfo(dtype).eps) if tolerance is None else tolerance
    first_low, first_high = (jnp.broadcast_to(jnp.asarray(end, dtype), target.shape) for end in (low, high))

    def solve(error: Callable[[Array], Array], _: Array) -> tuple[Array, tuple[Array, Array]]:
        def unfinished(state: tuple[Array, Array, Array]) -> Array:
            count, low, high = state
            middle = low + 0.5 * (high - low)
            return (count < iterations) & jnp.any((low < middle) & (middle < high))

        def halve(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            count, low, high = state
            middle = low + 0.5 * (high - low)
            below = error(middle) < 0
            return count + 1, jnp.where(below, middle, low), jnp.where(below, high, middle)

        _, low, high = jax.lax.while_loop(unfinished, halve, (jnp.int32(0), first_low, first_high))
        x = low + 0.5 * (high - low)
        bracketed = (error(first_low) <= 0) & (error(first_high) >= 0)
        narrow = high - low <= tolerance * jnp.maximum(1.0, jnp.abs(x))
        return x, (jnp.abs(error(x)), _nan_unless(bracketed & narrow, dtype))

    x, (residual, failure) = jax.lax.custom_root(
        lambda x: f(x) - target, first_low, solve, lambda slope, y: y / slope(jnp.ones_like(y)), has_aux=True
    )
    return Root(x + failure, residual)


def fixed_point(g: Callable[[Array], Array], x0: Array, *, iterations: int = 256, tolerance: float = 1e-6) -> Root:
    """Solve `x = g(x)` for a contraction, each example by itself.

    Args:
      g: `[B, ...] -> [B, ...]`, of Lipschitz constant below 1 in each example.
      x0: where to start, `[B, ...]` float.
      iterations: most evaluations of `g`; an example stops as soon as it has converged.
      tolerance: largest residual, relative to max(1, max |x|) of the example.

    Returns:
      `Root(x [B, ...], residual [B])`; an example that did not converge is NaN.

    Raises:
      ValueError: if no iteration is allowed.
    """
    _check(iterations)

    def iterate(g: Callable[[Array], Array], x: Array) -> tuple[Array, tuple[Array, Array]]:
        def change(x: Array, value: Array) -> tuple[Array, Array]:
            over_data = tuple(range(1, x.ndim))
            residual = jnp.abs(value - x).max(axis=over_data)
            return residual, residual <= tolerance * jnp.maximum(1.0, jnp.abs(x).max(axis=over_data))

        def unfinished(state: tuple[Array, Array, Array]) -> Array:
            count, x, value = state
            return (count < iterations) & ~change(x, value)[1].all()

        def step(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            count, x, value = state
            x = jnp.where(expand_as(change(x, value)[1], x), x, value)
            return count + 1, x, g(x)

        _, x, value = jax.lax.while_loop(unfinished, step, (jnp.int32(1), x, g(x)))
        residual, converged = change(x, value)
        return x, (residual, _nan_unless(converged, x.dtype))

    def solve_linear(matvec: Callable[[Array], Array], y: Array) -> Array:  # (I - J) v = y
        size = jnp.abs(y).max(axis=tuple(range(1, y.ndim)), keepdims=True)
        size = jnp.where(size == 0, 1.0, size)  # the tolerance is of numbers about 1, cotangents are of any size
        unit = y / size
        v, (_, failure) = iterate(lambda v: unit + v - matvec(v), unit)
        return size * (v + expand_as(failure, v))

    x, (residual, failure) = jax.lax.custom_root(
        lambda x: x - g(x),
        x0,
        lambda _, x: iterate(g, x),
        lambda matvec, y: jax.lax.custom_linear_solve(matvec, y, solve_linear, solve_linear),
        has_aux=True,
    )
    return Root(x + expand_as(failure, x), residual)


def _nan_unless(converged: Array, dtype: jnp.dtype) -> Array:
    return jnp.where(converged, 0.0, jnp.nan).astype(dtype)  # a float, which `custom_root` requires of its outputs


def _check(iterations: int) -> None:
    if iterations < 1:
        raise ValueError(f"a root needs at least 1 iteration, got iterations={iterations}")

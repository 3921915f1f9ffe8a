r"""One step of the classic solvers for $dx/dt = f(x, t)$, from `t` to `s` (either direction).

Each takes `f(x, t) -> dx/dt`, the state `x` of any shape, and scalar times; each returns the state at `s`.
"""

from collections.abc import Callable

from genjax_models.core.types import Array

Field = Callable[[Array, Array], Array]
Step = Callable[[Field, Array, Array, Array], Array]


def euler_step(f: Field, x: Array, t: Array, s: Array) -> Array:
    """First order, one evaluation."""
    return x + (s - t) * f(x, t)


def midpoint_step(f: Field, x: Array, t: Array, s: Array) -> Array:
    """Second order, two evaluations, none at `s`: safe where `f` is singular at the end."""
    middle = 0.5 * (t + s)
    return x + (s - t) * f(euler_step(f, x, t, middle), middle)


def heun_step(f: Field, x: Array, t: Array, s: Array) -> Array:
    """Second order, two evaluations: the explicit trapezoid."""
    start = f(x, t)
    end = f(x + (s - t) * start, s)
    return x + (s - t) * 0.5 * (start + end)


def rk4_step(f: Field, x: Array, t: Array, s: Array) -> Array:
    """Fourth order, four evaluations (Kutta, 1901)."""
    h, middle = s - t, 0.5 * (t + s)
    k1 = f(x, t)
    k2 = f(x + 0.5 * h * k1, middle)
    k3 = f(x + 0.5 * h * k2, middle)
    k4 = f(x + h * k3, s)
    return x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)

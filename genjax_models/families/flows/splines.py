r"""Rational-quadratic splines: increasing, invertible in closed form, and as flexible as they have bins.

K bins of widths $w_k$ and heights $h_k$ lie side by side; at the knots between them the slopes are $\delta_k > 0$.
Within a bin that starts at $(x_k, y_k)$, with $\theta = (x - x_k)/w_k$ and $s = h_k/w_k$ (Gregory and Delbourgo),

$$y = y_k + h_k\,\frac{s\theta^2 + \delta_k\theta(1-\theta)}{D}, \qquad
\frac{dy}{dx} = s^2\,\frac{\delta_{k+1}\theta^2 + 2s\theta(1-\theta) + \delta_k(1-\theta)^2}{D^2}, \qquad
D = s + (\delta_{k+1} + \delta_k - 2s)\,\theta(1-\theta).$$

With $\eta = (y - y_k)/h_k$ the inverse is a root of a quadratic, in the form that does not cancel (Durkan et al.):

$$\theta = \frac{2c}{-b - \sqrt{b^2 - 4ac}}, \quad a = s - \delta_k + \eta\,(\delta_{k+1} + \delta_k - 2s), \quad
b = \delta_k - \eta\,(\delta_{k+1} + \delta_k - 2s), \quad c = -s\eta.$$

As transformers they read from the raw numbers softmaxes for the sizes and softplus for the slopes, above a minimum.

References:
  Gregory and Delbourgo, Piecewise Rational Quadratic Interpolation to Monotonic Data, 1982
  Durkan et al., Neural Spline Flows, 2019, https://arxiv.org/abs/1906.04032
  Rezende et al., Normalizing Flows on Tori and Spheres, 2020, https://arxiv.org/abs/2002.02428
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array
from genjax_models.families.flows.elementwise import Transformer


class Bin(NamedTuple):
    """The bin that an element lies in; each `[...]`.

    Attributes:
      x: where it starts.
      y: the spline there.
      width: along x.
      height: along y.
      slope: of the spline where the bin starts.
      next_slope: where it ends.
    """

    x: Array
    y: Array
    width: Array
    height: Array
    slope: Array
    next_slope: Array


def bin_of(value: Array, widths: Array, heights: Array, slopes: Array, *, start: float, inverse: bool = False) -> Bin:
    """Find the bin of each element, by comparing it with every knot: no search, and gradients without a scatter.

    Args:
      value: `[...]`, a place x, or with `inverse` a place y, from `start` to `start` plus the sum of the sizes.
      widths: `[..., K]`.
      heights: `[..., K]`.
      slopes: `[..., K + 1]`, at the knots.
      start: of the spline, in x and in y.
      inverse: whether `value` is a y.
    """
    widths, heights = _once(widths, heights)
    inner = start + jnp.cumsum(jax.lax.stop_gradient(heights if inverse else widths)[..., :-1], axis=-1)
    number = (value[..., None] >= inner).sum(axis=-1, keepdims=True)
    numbers = jnp.arange(widths.shape[-1]).reshape((1,) * value.ndim + (-1,))
    before, here = _once(*(mask.astype(value.dtype) for mask in (numbers < number, numbers == number)))

    def pick(mask: Array, table: Array) -> Array:
        return (mask * table).sum(axis=-1)

    found = (
        start + pick(before, widths),
        start + pick(before, heights),
        pick(here, widths),
        pick(here, heights),
        pick(here, slopes[..., :-1]),
        pick(here, slopes[..., 1:]),
    )
    return Bin(*_once(*found))


def _once(*arrays: Array) -> tuple[Array, ...]:
    """Left to itself, XLA:CPU computes what K elements read K times, here and in the gradient."""
    return jax.lax.optimization_barrier(arrays)


def forward_in(inside: Bin, x: Array) -> tuple[Array, Array]:
    """The spline in a known bin: `y [...]` and `log dy/dx [...]`."""
    s = inside.height / inside.width
    theta = (x - inside.x) / inside.width
    both = theta * (1.0 - theta)
    denominator = s + (inside.next_slope + inside.slope - 2.0 * s) * both
    y = inside.y + inside.height * (s * theta**2 + inside.slope * both) / denominator
    slope = inside.next_slope * theta**2 + 2.0 * s * both + inside.slope * (1.0 - theta) ** 2
    return y, jnp.log(slope * (s / denominator) ** 2)


def inverse_in(inside: Bin, y: Array) -> tuple[Array, Array]:
    """The inverse of `forward_in`: `x [...]` and `log dx/dy [...]`."""
    s = inside.height / inside.width
    eta = (y - inside.y) / inside.height
    bend = eta * (inside.next_slope + inside.slope - 2.0 * s)
    a, b, c = s - inside.slope + bend, inside.slope - bend, -s * eta
    discriminant = jnp.maximum(b**2 - 4.0 * a * c, jnp.finfo(y.dtype).tiny)  # below it by rounding alone
    theta = 2.0 * c / (-b - jnp.sqrt(discriminant))
    x = inside.x + inside.width * theta
    return x, -forward_in(inside, x)[1]


def spline_forward(x: Array, widths: Array, heights: Array, slopes: Array, *, start: float) -> tuple[Array, Array]:
    """A spline of explicit sizes and slopes, see `bin_of`: `y [...]` and `log dy/dx [...]`."""
    return forward_in(bin_of(x, widths, heights, slopes, start=start), x)


def spline_inverse(y: Array, widths: Array, heights: Array, slopes: Array, *, start: float) -> tuple[Array, Array]:
    """The inverse of `spline_forward`: `x [...]` and `log dx/dy [...]`."""
    return inverse_in(bin_of(y, widths, heights, slopes, start=start, inverse=True), y)


def rational_quadratic(
    bins: int = 8, bound: float = 5.0, *, min_size: float = 1e-3, min_slope: float = 1e-3
) -> Transformer:
    """A spline on `[-bound, bound]`, and the identity outside, which it meets with slope 1; P = 3 K - 1.

    Args:
      bins: K.
      bound: half the interval; data beyond it pass unchanged.
      min_size: least width and height of a bin, over those of the interval.
      min_slope: least slope at an inner knot.

    Raises:
      ValueError: if there is no bin, no interval, or the minima leave nothing to learn.
    """
    read = _reader(bins, bound, min_size, min_slope)

    def run(raw: Array, value: Array, *, inverse: bool) -> tuple[Array, Array]:
        within = jnp.abs(value) < bound
        value_within = jnp.where(within, value, 0.0)  # elements outside must not reach the quotients: NaN gradients
        ends = [(0, 0)] * (raw.ndim - 1) + [(1, 1)]
        slopes = jnp.pad(raw[..., 2 * bins :], ends)  # zeros are slopes of 1
        inside = read(raw, slopes, value_within, inverse)
        result, log_slope = (inverse_in if inverse else forward_in)(inside, value_within)
        return jnp.where(within, result, value), jnp.where(within, log_slope, 0.0)

    return Transformer(
        3 * bins - 1,
        lambda raw, x: run(raw, x, inverse=False),
        lambda raw, y: run(raw, y, inverse=True),
    )


def circular(bins: int = 8, *, min_size: float = 1e-3, min_slope: float = 1e-3) -> Transformer:
    r"""A spline on the circle $[-\pi, \pi)$, as smooth at $\pm\pi$ as at its other knots; P = 3 K.

    Angles are wrapped into the interval before and after. The point $\pm\pi$ stays where it is: layers that turn
    their angles in between move it.

    Args:
      bins: K.
      min_size: least width and height of a bin, over those of the circle.
      min_slope: least slope at a knot.

    Raises:
      ValueError: if there is no bin, or the minima leave nothing to learn.
    """
    read = _reader(bins, np.pi, min_size, min_slope)

    def run(raw: Array, value: Array, *, inverse: bool) -> tuple[Array, Array]:
        value = wrap(value)
        slopes = jnp.concatenate([raw[..., 2 * bins :], raw[..., 2 * bins : 2 * bins + 1]], axis=-1)
        result, log_slope = (inverse_in if inverse else forward_in)(read(raw, slopes, value, inverse), value)
        return wrap(result), log_slope

    return Transformer(
        3 * bins,
        lambda raw, x: run(raw, x, inverse=False),
        lambda raw, y: run(raw, y, inverse=True),
    )


def wrap(angle: Array) -> Array:
    r"""The same angle within $[-\pi, \pi)$."""
    return angle - 2.0 * np.pi * jnp.floor((angle + np.pi) / (2.0 * np.pi))


def _reader(bins: int, bound: float, min_size: float, min_slope: float) -> Callable[[Array, Array, Array, bool], Bin]:
    if bins < 1:
        raise ValueError(f"a spline needs at least 1 bin, got bins={bins}")
    if bound <= 0:
        raise ValueError(f"a spline needs an interval [-bound, bound], got bound={bound}")
    if not 0 < min_size * bins < 1:
        raise ValueError(
            f"bins of at least min_size={min_size} do not fit {bins} times: choose it below {1 / bins:.3g}"
        )
    if not 0 < min_slope < 1:
        raise ValueError(f"min_slope must lie between 0 and 1, the slope of the identity, got {min_slope}")
    offset = float(np.log(np.expm1(1.0 - min_slope)))  # so that zeros are slopes of 1

    def sizes(raw: Array) -> Array:
        return 2.0 * bound * (min_size + (1.0 - min_size * bins) * jax.nn.softmax(raw, axis=-1))

    def slope(raw: Array) -> Array:
        return min_slope + jax.nn.softplus(raw + offset)

    def read(raw: Array, slopes: Array, value: Array, inverse: bool) -> Bin:
        widths, heights = sizes(raw[..., :bins]), sizes(raw[..., bins : 2 * bins])
        found = bin_of(value, widths, heights, slopes, start=-bound, inverse=inverse)
        return found._replace(slope=slope(found.slope), next_slope=slope(found.next_slope))

    return read

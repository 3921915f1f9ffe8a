r"""Gaussian corruption processes: one line from data to noise, and everything that follows from it.

$$x_t = \alpha(t)\,x_0 + \sigma(t)\,\epsilon, \qquad \epsilon \sim N(0, I), \qquad t \in [0, 1],$$

with **t = 0 data and t = 1 noise**. From $\alpha$ and $\sigma$ alone follow

* the log signal-to-noise ratio $\lambda(t) = \log \alpha^2 / \sigma^2$,
* the forward SDE $dx = f(t)\,x\,dt + g(t)\,dw$ with $f = \dot\alpha/\alpha$ and
  $g^2 = 2\sigma(\dot\sigma - f\sigma)$ (Kingma et al. 2021, eq. 9 and appendix; Karras et al. 2022, app. B),
* every prediction type. Each is a linear combination of the clean data and the noise,

  | type     | $p = a\,x_0 + b\,\epsilon$                  |
  |----------|---------------------------------------------|
  | x0       | $x_0$                                       |
  | eps      | $\epsilon$                                  |
  | v        | $\alpha\epsilon - \sigma x_0$               |
  | score    | $-\epsilon/\sigma$                          |
  | velocity | $\dot\alpha x_0 + \dot\sigma \epsilon$      |

  so with $x_t$ it gives two equations in two unknowns, and any type becomes any other by $q = A\,p + B\,x_t$
  with $A$ and $B$ from a 2 x 2 determinant. A new type is a new row, never a branch.

DDPM, VP, cosine, rectified flow, ... are *values* of `GaussianProcess` (see `schedules.py`).

References:
  Kingma et al., Variational Diffusion Models, 2021, https://arxiv.org/abs/2107.00630
  Salimans and Ho, Progressive Distillation (v-prediction), 2022, https://arxiv.org/abs/2202.00512
  Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022, https://arxiv.org/abs/2206.00364
  Albergo et al., Stochastic Interpolants, 2023, https://arxiv.org/abs/2303.08797
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import struct

from genjax_models.core.arrays import at_least_float32, expand_as
from genjax_models.core.checks import check_real, check_same_shape
from genjax_models.core.types import Array, Key, PyTree


class Row(NamedTuple):
    r"""A prediction type at given times: $\text{scale}\cdot p = a\,x_0 + b\,\epsilon$, each field shaped like `t`."""

    a: Array
    b: Array
    scale: Array


@struct.dataclass
class GaussianProcess:
    r"""A path $x_t = \alpha(t) x_0 + \sigma(t) \epsilon$, given by two functions of `(params, t)`.

    Attributes:
      alpha_fn: `(params, t) -> alpha`, elementwise in `t`, differentiable.
      sigma_fn: `(params, t) -> sigma`, likewise.
      params: arrays that both functions receive: constants, a table, or a learned schedule.
    """

    alpha_fn: Callable[[PyTree, Array], Array] = struct.field(pytree_node=False)
    sigma_fn: Callable[[PyTree, Array], Array] = struct.field(pytree_node=False)
    params: PyTree = ()

    def alpha(self, t: Array | float) -> Array:
        """The signal's coefficient, shaped like `t`, in its dtype or in float32 if that is less."""
        t = at_least_float32(t)
        return self.alpha_fn(self.params, t).astype(t.dtype)

    def sigma(self, t: Array | float) -> Array:
        """The noise's standard deviation, shaped like `t`, in its dtype or in float32 if that is less."""
        t = at_least_float32(t)
        return self.sigma_fn(self.params, t).astype(t.dtype)

    def log_snr(self, t: Array | float) -> Array:
        r"""$\log \alpha^2/\sigma^2$, shaped like `t`; infinite where the process ends in pure data or pure noise."""
        return 2.0 * (jnp.log(self.alpha(t)) - jnp.log(self.sigma(t)))

    def scaled_sigma(self, t: Array | float) -> Array:
        r"""$\sigma/\alpha$, the noise level of Karras et al. on any process, shaped like `t`."""
        return self.sigma(t) / self.alpha(t)

    def time_of(self, log_snr: Array) -> Array:
        r"""The inverse of `log_snr`: the time `t` at which it is reached, shaped like `log_snr`, by bisection.

        Exact to rounding, clipped to [0, 1]; no gradient flows through it.
        """
        log_snr = jax.lax.stop_gradient(at_least_float32(log_snr))

        def halve(_: int, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
            low, high = bounds
            middle = 0.5 * (low + high)
            too_noisy = self.log_snr(middle) < log_snr
            return jnp.where(too_noisy, low, middle), jnp.where(too_noisy, middle, high)

        # 128 halvings resolve even the float32 neighbours of t = 1e-30.
        return jax.lax.fori_loop(0, 128, halve, (jnp.zeros_like(log_snr), jnp.ones_like(log_snr)))[0]

    def least_time(self, dtype: jnp.dtype = jnp.float32) -> Array:
        r"""The time at which $\sigma/\alpha$ reaches 0.001, where solves of data begin; 0 if it starts with more."""
        return self.time_of(jnp.asarray(-2.0 * math.log(1e-3), dtype))

    def alpha_dot(self, t: Array | float) -> Array:
        r"""$d\alpha/dt$, shaped like `t`."""
        t = at_least_float32(t)
        return jax.jvp(self.alpha, (t,), (jnp.ones_like(t),))[1]

    def sigma_dot(self, t: Array | float) -> Array:
        r"""$d\sigma/dt$, shaped like `t`, taken at $t \ge 10^{-6}$: variance-preserving processes have a pole at 0."""
        t = at_least_float32(t)
        return jax.jvp(self.sigma, (jnp.maximum(t, 1e-6),), (jnp.ones_like(t),))[1]

    def drift(self, x: Array, t: Array) -> Array:
        r"""Drift $f(t)\,x$ of the forward SDE, `x` `[B, ...]`, `t` `[B]` or scalar."""
        return expand_as(safe_divide(self.alpha_dot(t), self.alpha(t)), x) * x

    def diffusion(self, t: Array | float) -> Array:
        r"""Diffusion coefficient $g(t) = \sqrt{2\sigma(\dot\sigma - \sigma\dot\alpha/\alpha)}$, shaped like `t`."""
        t = jnp.maximum(at_least_float32(t), 1e-6)
        sigma = self.sigma(t)
        growth = self.sigma_dot(t) - sigma * safe_divide(self.alpha_dot(t), self.alpha(t))
        return jnp.sqrt(jnp.maximum(2.0 * sigma * growth, 0.0))

    def add_noise(self, x0: Array, eps: Array, t: Array) -> Array:
        r"""$x_t = \alpha x_0 + \sigma \epsilon$ for `x0`, `eps` `[B, ...]` and `t` `[B]` or scalar.

        Raises:
          TypeError: if the data are no floats.
          ValueError: if the two differ in shape.
        """
        check_real("data", x0)
        check_same_shape("the noise", eps, x0)
        return expand_as(self.alpha(t), x0) * x0 + expand_as(self.sigma(t), x0) * eps

    def sample_prior(self, key: Key, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> Array:
        """Pure noise at t = 1, `N(0, sigma(1)^2)`, of the given shape."""
        return self.sigma(jnp.ones((), dtype)) * jax.random.normal(key, shape, dtype)

    def row(self, prediction: str, t: Array) -> Row:
        """The row of the table above for one prediction type at times `t`.

        Raises:
          ValueError: if `prediction` is none of `PREDICTIONS`.
        """
        if prediction not in PREDICTIONS:
            raise ValueError(f"unknown prediction type {prediction!r}: expected one of {', '.join(PREDICTIONS)}")
        return PREDICTIONS[prediction](self, t)

    def target(self, prediction: str, x0: Array, eps: Array, t: Array) -> Array:
        """What a network that predicts `prediction` is to output, `[B, ...]`, for known data and noise."""
        a, b, scale = (expand_as(c, x0) for c in self.row(prediction, t))
        return (a * x0 + b * eps) / scale

    def conversion(self, source: str, target: str, t: Array) -> tuple[Array, Array]:
        r"""Coefficients `(A, B)`, shaped like `t`, with $q = A\,p + B\,x_t$ for source type $p$ and target type $q$.

        $A^2$ is thus the factor between a squared error in one type and in the other. Where the source does not
        determine the target (noise predicted at zero signal, say) the quotient is held finite, never NaN.
        """
        alpha, sigma = self.alpha(t), self.sigma(t)
        one = jnp.ones_like(alpha)
        if source == target:
            return one, jnp.zeros_like(alpha)
        p, q = self.row(source, t), self.row(target, t)
        # A velocity is as small as its path is slow. Divided by the larger of a and b, the source's row is of size one,
        # and what is kept from zero below is the angle between the two equations.
        size = jax.lax.stop_gradient(jnp.maximum(jnp.abs(p.a), jnp.abs(p.b)))
        p = Row(*(field / jnp.maximum(size, 1e-24) for field in p))  # finite in float32 after the guard, too
        determinant = (p.a * sigma - p.b * alpha) * q.scale
        return (
            safe_divide((q.a * sigma - q.b * alpha) * p.scale, determinant),
            safe_divide(p.a * q.b - q.a * p.b, determinant),
        )

    def can_convert(self, prediction: str, t: Array) -> Array:
        r"""Whether a prediction of this type becomes the others at times `t`: bool, shaped like `t`.

        It does not where $(a, b)$ and $(\alpha, \sigma)$ are parallel (to a millionth, near float32's precision): noise
        where there is no signal, clean data where there is no noise.

        Raises:
          ValueError: if `prediction` is none of `PREDICTIONS`.
        """
        alpha, sigma, row = self.alpha(t), self.sigma(t), self.row(prediction, t)
        sine = (row.a * sigma - row.b * alpha) / (jnp.hypot(row.a, row.b) * jnp.hypot(alpha, sigma))
        return jnp.abs(sine) > 1e-6

    def convert(self, prediction: Array, source: str, target: str, x_t: Array, t: Array) -> Array:
        """Turn a prediction `[B, ...]` of type `source` into type `target`.

        Args:
          prediction: the network's output at `x_t`, `[B, ...]`.
          source: its type, a key of `PREDICTIONS`.
          target: the wanted type.
          x_t: the noisy input, `[B, ...]`.
          t: times, `[B]` or scalar.

        Returns:
          `[B, ...]`, of type `target`.

        Raises:
          ValueError: if a type is unknown.
        """
        if source == target:
            return prediction
        slope, offset = self.conversion(source, target, t)
        return expand_as(slope, x_t) * prediction + expand_as(offset, x_t) * x_t


PREDICTIONS: dict[str, Callable[[GaussianProcess, Array], Row]] = {
    "x0": lambda p, t: Row(jnp.ones_like(t), jnp.zeros_like(t), jnp.ones_like(t)),
    "eps": lambda p, t: Row(jnp.zeros_like(t), jnp.ones_like(t), jnp.ones_like(t)),
    "v": lambda p, t: Row(-p.sigma(t), p.alpha(t), jnp.ones_like(t)),
    "score": lambda p, t: Row(jnp.zeros_like(t), -jnp.ones_like(t), p.sigma(t)),
    "velocity": lambda p, t: Row(p.alpha_dot(t), p.sigma_dot(t), jnp.ones_like(t)),
}


def safe_divide(numerator: Array, denominator: Array) -> Array:
    """A quotient whose denominator is kept at least 1e-12 away from zero (0 / 0 is 0)."""
    tiny = jnp.where(denominator < 0, -1e-12, 1e-12).astype(denominator.dtype)
    return numerator / jnp.where(jnp.abs(denominator) < 1e-12, tiny, denominator)

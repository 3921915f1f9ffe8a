r"""Riemannian flow matching on manifolds with closed-form geodesics: spheres and flat tori.

Data $x_0$ and uniform noise $\epsilon$ are joined by the geodesic that starts at the data,

$$x_t = \exp_{x_0}\bigl(t\,\log_{x_0} \epsilon\bigr), \qquad u_t = \frac{d x_t}{dt},$$

whose speed is constant, and a field of tangent vectors learns $u_t$ (Chen and Lipman, whose t is
our 1 - t, with the geodesic distance as premetric). Points are given by coordinates on the last axis:

* sphere $S^n$: unit vectors of $\mathbb{R}^{n+1}$, $\;\exp_x v = x\cos|v| + \frac{v}{|v|}\sin|v|$;
* torus $T^n$: $n$ angles in $[-\pi, \pi)$, $\;\exp_x v = x + v$ wrapped around.

The flow has the density

$$\log p(x) = -\log \mathrm{vol} + \int_0^1 \mathrm{tr}\left(\Pi_{x_t}\,\frac{\partial u}{\partial x}(x_t, t)\right)dt,
\qquad \frac{dx_t}{dt} = u(x_t, t) = \Pi_{x_t} v_\theta(x_t, t), \quad x_0 = x,$$

whose trace is the divergence on the manifold.

References:
  Chen and Lipman, Flow Matching on General Geometries, 2024, https://arxiv.org/abs/2302.03660
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import at_least_float32, expand_as, mean_over_data
from genjax_models.core.checks import check_real, predict
from genjax_models.core.jacobian import basis, quadratic_forms
from genjax_models.core.types import Array, Key, Likelihood, LossOutput, Model
from genjax_models.processes.times import uniform_time
from genjax_models.solvers.adaptive import adaptive
from genjax_models.solvers.driver import Sampler, nothing


class Manifold(NamedTuple):
    """A manifold by its closed forms, all on the last axis, with any axes before it.

    Attributes:
      coordinates: length of the last axis.
      exp: `(x, v) -> y`, where the geodesic from `x` with velocity `v` is after unit time.
      log: `(x, y) -> v`, the shortest such velocity.
      project: `(x, v) -> v`, the orthogonal projection onto the tangent space at `x`.
      random_uniform: `(key, shape) -> x [*shape, coordinates]`, uniform points.
      log_volume: of the whole manifold: minus the log-density of the uniform distribution.
    """

    coordinates: int
    exp: Callable[[Array, Array], Array]
    log: Callable[[Array, Array], Array]
    project: Callable[[Array, Array], Array]
    random_uniform: Callable[[Key, tuple[int, ...]], Array]
    log_volume: float


def sphere(dim: int) -> Manifold:
    """The unit sphere of dimension `dim`, in `dim + 1` coordinates.

    Raises:
      ValueError: if `dim` is less than 1.
    """
    _check(dim)

    @_wide
    def project(x: Array, v: Array) -> Array:
        return v - (x * v).sum(-1, keepdims=True) * x

    @_wide
    def exp(x: Array, v: Array) -> Array:
        length = _norm(v)
        y = jnp.cos(length) * x + jnp.sin(length) / length * v
        return y / _norm(y)

    @_wide
    def log(x: Array, y: Array) -> Array:
        cosine, v = (x * y).sum(-1, keepdims=True), project(x, y)
        sine = _norm(v)
        return jnp.arctan2(sine, cosine) / sine * v

    def random_uniform(key: Key, shape: tuple[int, ...]) -> Array:
        x = jax.random.normal(key, (*shape, dim + 1))
        return x / _norm(x)

    half = 0.5 * (dim + 1)
    log_volume = math.log(2.0) + half * math.log(math.pi) - math.lgamma(half)
    return Manifold(dim + 1, exp, log, project, random_uniform, log_volume)


def torus(dim: int) -> Manifold:
    r"""The flat torus of `dim` angles, each in $[-\pi, \pi)$.

    Raises:
      ValueError: if `dim` is less than 1.
    """
    _check(dim)

    def wrap(angle: Array) -> Array:
        return jnp.mod(angle + jnp.pi, 2.0 * jnp.pi) - jnp.pi

    def random_uniform(key: Key, shape: tuple[int, ...]) -> Array:
        return jax.random.uniform(key, (*shape, dim), minval=-jnp.pi, maxval=jnp.pi)

    return Manifold(
        dim,
        lambda x, v: wrap(x + v),
        lambda x, y: wrap(y - x),
        lambda x, v: v,
        random_uniform,
        dim * math.log(2.0 * math.pi),
    )


def geodesic(manifold: Manifold, x: Array, eps: Array, t: Array) -> tuple[Array, Array]:
    """The point at time `t` `[B]` between `x` and `eps`, and its velocity there, each `[B, ..., coordinates]`."""
    start = manifold.log(x, eps)
    t = expand_as(t, x)
    return jax.jvp(lambda t: manifold.exp(x, t * start), (t,), (jnp.ones_like(t),))


def riemannian_velocity_loss(
    key: Key,
    model: Model,
    x: Array,
    *,
    manifold: Manifold,
    time: Callable[[Key, int], Array] = uniform_time,
) -> LossOutput:
    r"""Flow matching along geodesics to uniform noise, $\lVert \Pi_{x_t} v_\theta(x_t, t) - u_t\rVert^2$.

    Args:
      key: one typed PRNG key, consumed.
      model: `(x_t [B, ..., D], t [B]) -> vector [B, ..., D]`, projected onto the tangent space here.
      x: points of the manifold, `[B, ..., D]`; axes between make a product of manifolds.
      manifold: `sphere(dim)` or `torus(dim)`.
      time: draws the times, see `processes.times`.

    Returns:
      `LossOutput` with `value` `[B]`, the squared error averaged over the data axes.

    Raises:
      ValueError: if the last axis of `x` is not the manifold's.
    """
    check_real("points", x)
    _check_coordinates(manifold, x)
    key_t, key_eps = jax.random.split(key)
    t = time(key_t, x.shape[0])
    x_t, velocity = geodesic(manifold, x, manifold.random_uniform(key_eps, x.shape[:-1]), t)
    return LossOutput(mean_over_data((manifold.project(x_t, predict(model, x_t, t)) - velocity) ** 2))


def riemannian_log_prob(
    model: Model, x: Array, *, manifold: Manifold, rtol: float = 1e-5, atol: float = 1e-5
) -> tuple[Likelihood, Array]:
    """The log-density of points under the flow, with the exact divergence, see above.

    Args:
      model: `(x_t [B, ..., D], t [B]) -> vector [B, ..., D]`, projected here; on the torus a function of the angles'
        cosines and sines, or of whatever else is the same after a turn.
      x: points of the manifold, `[B, ..., D]`; axes between make a product of manifolds.
      manifold: `sphere(dim)` or `torus(dim)`.
      rtol, atol: of the solver, see `solvers.adaptive`.

    Returns:
      A pair: `Likelihood` of kind `ode`, nats by the manifold's own volume; and the number of network evaluations.
      NaN where the solver gave up.

    Raises:
      ValueError: if the last axis of `x` is not the manifold's.
    """
    _check_coordinates(manifold, x)
    directions, factors = basis(x), x[0].size // manifold.coordinates

    def field(state: tuple[Array, Array], t: Array) -> tuple[Array, Array]:
        here = state[0]  # the projection is held where it is: its change is no part of the divergence
        time = jnp.broadcast_to(t, x.shape[:1])
        tangent = lambda x: manifold.project(x, predict(model, x, time))
        velocity, forms = quadratic_forms(lambda x: manifold.project(here, tangent(x)), here, directions)
        return velocity, forms.sum(axis=1)

    start, end = (jnp.asarray(t, x.dtype) for t in (0.0, 1.0))
    (_, gained), nfe = adaptive(field, (x, jnp.zeros(x.shape[0], x.dtype)), start, end, rtol=rtol, atol=atol)
    return Likelihood(gained - factors * manifold.log_volume, "ode"), nfe


def geodesic_euler(manifold: Manifold) -> Sampler:
    """Euler's method along geodesics; in place of a denoiser, `sample` gets the model itself."""

    def step(key: Key, model: Model, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        del key
        velocity = manifold.project(x, predict(model, x, jnp.broadcast_to(t, x.shape[:1])))
        return manifold.exp(x, (s - t) * velocity), carry

    return Sampler(nothing, step)


def _wide(f: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """`f` computed in float32 or wider, with a result in the dtype of the second argument."""
    return lambda x, v: f(at_least_float32(x), at_least_float32(v)).astype(v.dtype)


def _norm(v: Array) -> Array:
    """The length, kept just above zero: quotients by it and its gradient stay finite."""
    return jnp.sqrt((v**2).sum(-1, keepdims=True) + 1e-30)


def _check_coordinates(manifold: Manifold, x: Array) -> None:
    if x.shape[-1] != manifold.coordinates:
        raise ValueError(f"this manifold has {manifold.coordinates} coordinates, but x ends in {x.shape[-1]}")


def _check(dim: int) -> None:
    if dim < 1:
        raise ValueError(f"a manifold needs at least 1 dimension, got {dim}")

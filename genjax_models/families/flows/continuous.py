r"""Continuous normalizing flows: data carried to latent variables by an ordinary differential equation.

$$\frac{dx}{dt} = f_\theta(x, t), \quad x_0 = x, \quad z = x_1, \qquad
\log\left|\det \frac{\partial z}{\partial x}\right|
= \int_0^1 \mathrm{tr}\,\frac{\partial f_\theta}{\partial x}(x_t, t)\,dt$$

Any field will do: the equation is solved backwards for the inverse. The trace is exact, at one backward pass a
dimension, or Hutchinson's estimate with probes that stay fixed along a path (FFJORD). The papers run from latent to
data; their t is our 1 - t. Gradients are those of the steps that were taken, not of an adjoint equation solved anew.

Many fields give the same density. Two energies along the path single out those that are easy to solve (RNODE):

$$E_K = \int_0^1 |f_\theta(x_t, t)|^2\,dt, \qquad
E_J = \int_0^1 \left\Vert \frac{\partial f_\theta}{\partial x}(x_t, t) \right\Vert_F^2 dt
= E_v \int_0^1 \left| v^\top \frac{\partial f_\theta}{\partial x}(x_t, t) \right|^2 dt$$

References:
  Chen et al., Neural Ordinary Differential Equations, 2018, https://arxiv.org/abs/1806.07366
  Grathwohl et al., FFJORD, 2019, https://arxiv.org/abs/1810.01367
  Finlay et al., How to Train Your Neural ODE, 2020, https://arxiv.org/abs/2002.02798
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.jacobian import Directions, basis, inner_products, vector_jacobian_products
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows.bijection import Bijection
from genjax_models.solvers.adaptive import adaptive


class VectorField(NamedTuple):
    """A network for dx/dt: a pair of functions, such as a linen module's `init` and `apply`.

    Attributes:
      init: `(key, x [B, ...], t [B], cond) -> params`.
      apply: `(params, x [B, ...], t [B], cond) -> dx/dt [B, ...]`, smooth enough for a solver of fifth order.
    """

    init: Callable[[Key, Array, Array, PyTree], PyTree]
    apply: Callable[[PyTree, Array, Array, PyTree], Array]


class Transport(NamedTuple):
    """What a path gathers from data to latent variables.

    Attributes:
      z: its end, `[B, ...]`.
      log_det: of the map, `[B]`.
      kinetic: the energy $E_K$, summed over the data axes, `[B]`.
      jacobian: the energy $E_J$, `[B]`.
      nfe: evaluations of the field, an int32 scalar.
    """

    z: Array
    log_det: Array
    kinetic: Array
    jacobian: Array
    nfe: Array


def continuous(
    field: VectorField,
    *,
    directions: Directions = basis,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    max_steps: int = 4096,
) -> Bijection:
    """The flow along a field.

    Args:
      field: the network.
      directions: for the trace; `basis` is exact, `jacobian.hutchinson(key)` the estimate.
      rtol: relative tolerance of the solver, see `solvers.adaptive`.
      atol: absolute tolerance.
      max_steps: most steps of the solver; the whole batch is NaN where they run out.

    Returns:
      A bijection of `[B, ...]`, of the parameters of the field.

    Raises:
      ValueError: if a tolerance is not positive or no step is allowed.
    """

    def run(params: PyTree, x: Array, cond: PyTree, *, start: float, end: float) -> tuple[Array, Array]:
        x, integrals, _ = _integrate(
            field, params, x, cond, start, end, ("log_det",), directions, rtol, atol, max_steps
        )
        return x, integrals["log_det"]

    return Bijection(
        lambda key, x, cond: field.init(key, x, jnp.zeros(x.shape[0], x.dtype), cond),
        lambda params, x, cond: run(params, x, cond, start=0.0, end=1.0),
        lambda params, z, cond: run(params, z, cond, start=1.0, end=0.0),
    )


def transport(
    field: VectorField,
    params: PyTree,
    x: Array,
    cond: PyTree = None,
    *,
    directions: Directions = basis,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    max_steps: int = 4096,
) -> Transport:
    """Forward through `continuous`, with the energies of the path: for a loss, which adds small multiples of them.

    Finlay et al. add 0.01 of each, averaged over the elements of the data, to the bits per dimension. The energies are
    solved to the tolerances as well. Arguments are those of `continuous`; `cond` is a tree with `[B, ...]` leaves.
    """
    names = ("log_det", "kinetic", "jacobian")
    z, integrals, nfe = _integrate(field, params, x, cond, 0.0, 1.0, names, directions, rtol, atol, max_steps)
    return Transport(z, **integrals, nfe=nfe)


def _integrate(
    field: VectorField,
    params: PyTree,
    x: Array,
    cond: PyTree,
    start: float,
    end: float,
    names: tuple[str, ...],
    directions: Directions,
    rtol: float,
    atol: float,
    max_steps: int,
) -> tuple[Array, dict[str, Array], Array]:
    probes = directions(x)

    def rates(state: tuple[Array, dict[str, Array]], t: Array) -> tuple[Array, dict[str, Array]]:
        at = jnp.broadcast_to(t, x.shape[:1])
        velocity, products = vector_jacobian_products(lambda x: field.apply(params, x, at, cond), state[0], probes)
        every = {
            "log_det": inner_products(probes, products).sum(0),
            "kinetic": sum_over_data(velocity**2),
            "jacobian": inner_products(products, products).sum(0),
        }
        return velocity, {name: every[name] for name in names}

    zeros = {name: jnp.zeros(x.shape[0], x.dtype) for name in names}
    (x, integrals), nfe = adaptive(
        rates, (x, zeros), jnp.asarray(start), jnp.asarray(end), rtol=rtol, atol=atol, max_steps=max_steps
    )
    return x, integrals, nfe

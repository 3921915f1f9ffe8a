r"""Reflow: train a flow on the pairs that another flow makes, and measure how straight a flow is.

A flow couples each noise $\epsilon = Z_1$ with the sample $x_0 = Z_0$ where its path ends. Training anew on these pairs
never raises the transport cost and straightens the paths (Liu et al., theorems 3.5 and 3.7). With $v$ the velocity
along a path,

$$S = \int_0^1 \lVert (Z_1 - Z_0) - v(Z_t, t)\rVert^2\,dt, \qquad E = \int_0^1 \lVert v(Z_t, t)\rVert^2\,dt,
\qquad \mathrm{NPE} = \frac{|\,\mathbb{E}[E] - W_2^2\,|}{W_2^2}.$$

$S = 0$ means straight paths, which one Euler step follows exactly; $\mathbb{E}[E] = W_2^2$ means optimal transport.

References:
  Liu et al., Flow Straight and Fast, 2023, https://arxiv.org/abs/2209.03003
  Tong et al., Improving and Generalizing Flow-Based Generative Models with Minibatch OT, 2023, https://arxiv.org/abs/2302.00482
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.types import Array, Key, LossOutput, Model
from genjax_models.families.flow_matching.couplings import Source
from genjax_models.families.flow_matching.losses import velocity_loss
from genjax_models.processes.denoiser import Denoiser
from genjax_models.processes.times import uniform_time
from genjax_models.solvers.driver import Sampler, sample


def make_pairs(
    key: Key,
    denoiser: Denoiser,
    shape: tuple[int, ...],
    grid: Array,
    sampler: Sampler,
    *,
    source: Source = jax.random.normal,
) -> tuple[Array, Array]:
    """Samples of a teacher with the unit noise that each came from, `(x0, eps)`, both of `shape` `[B, ...]`.

    Args:
      key: one typed PRNG key, consumed.
      denoiser: the teacher, on any process: its noise is rescaled to unit variance.
      shape: of the batch.
      grid: descending times, `[N + 1]`.
      sampler: a deterministic one, or the pairs mean nothing.
      source: what the teacher starts from, if not unit noise.

    Raises:
      ValueError: if the grid is no sampling grid.
    """
    key_eps, key_sample = jax.random.split(key)
    eps = source(key_eps, shape)
    x_init = denoiser.process.sigma(grid[0]) * eps
    return sample(key_sample, denoiser, x_init, grid, sampler), eps


def reflow_loss(
    key: Key,
    model: Model,
    pairs: tuple[Array, Array],
    *,
    prediction: str = "velocity",
    time: Callable[[Key, int], Array] = uniform_time,
) -> LossOutput:
    r"""The velocity loss on straight lines between given pairs, $\lVert v_\theta(x_t, t) - (\epsilon - x_0)\rVert^2$.

    Args:
      key: one typed PRNG key, consumed.
      model: `(x_t [B, ...], t [B]) -> prediction [B, ...]`, already bound to its parameters.
      pairs: `(x0, eps)`, both `[B, ...]`, from `make_pairs`.
      prediction: what the network outputs, a key of `PREDICTIONS`.
      time: draws the times; always 1 is the paper's distillation into one Euler step.

    Returns:
      `LossOutput` with `value` `[B]`, the squared error averaged over the data axes.

    Raises:
      ValueError: if the prediction type is unknown.
    """
    x, eps = pairs
    return velocity_loss(key, model, x, prediction=prediction, time=time, coupling=lambda _, x: (x, eps))


def straightness(key: Key, denoiser: Denoiser, x_init: Array, grid: Array, sampler: Sampler) -> Array:
    """How far each path is from a straight line at constant speed: S, `[B]`, zero if it is one.

    Args:
      key: one typed PRNG key, consumed.
      denoiser: the flow.
      x_init: states at `grid[0]`, `[B, ...]`.
      grid: descending times, `[N + 1]`; the integral is their trapezoidal rule. A model whose velocity has a pole at
        t = 0 (any other prediction type) needs a grid that ends above it.
      sampler: what follows the flow; `straightness` stores all of the path.
    """
    path, velocity = _along(key, denoiser, x_init, grid, sampler)
    chord = (path[0] - path[-1]) / (grid[0] - grid[-1])
    return _integral(velocity - chord[None], grid)


def path_energy(key: Key, denoiser: Denoiser, x_init: Array, grid: Array, sampler: Sampler) -> Array:
    """The kinetic energy of each path: E, `[B]`; the arguments are those of `straightness`."""
    _, velocity = _along(key, denoiser, x_init, grid, sampler)
    return _integral(velocity, grid)


def normalized_path_energy(energy: Array, squared_w2: Array) -> Array:
    """NPE, from energies `[B]` and the squared 2-Wasserstein distance between the flow's two ends: a scalar."""
    return jnp.abs(energy.mean() - squared_w2) / squared_w2


def _along(key: Key, denoiser: Denoiser, x_init: Array, grid: Array, sampler: Sampler) -> tuple[Array, Array]:
    """States and velocities at every time of the grid, each `[N + 1, B, ...]`."""
    _, path = sample(key, denoiser, x_init, grid, sampler, keep=grid.shape[0] - 1)
    path = jnp.concatenate([x_init[None], path])
    return path, jax.lax.map(lambda at: denoiser(at[0], at[1], "velocity"), (path, grid))


def _integral(velocity: Array, grid: Array) -> Array:
    squares = jax.vmap(sum_over_data)(velocity**2)
    return -jnp.diff(grid) @ (0.5 * (squares[1:] + squares[:-1]))

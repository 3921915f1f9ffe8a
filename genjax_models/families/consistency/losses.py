r"""Consistency losses: the same answer at neighbouring times of one path.

With neighbouring times $s < t$, a point $x_t = \alpha_t x_0 + \sigma_t\epsilon$, and $\bar f$ the target whose gradient
is stopped,

$$L = \lambda(t, s)\; d\bigl(f_\theta(x_t, t),\; \bar f(x_s, s)\bigr),$$

where $x_s$ is one ODE step of a teacher from $x_t$ (distillation), or $\alpha_s x_0 + \sigma_s\epsilon$ with the same
noise (training), which in the mean over $x_0$ given $x_t$ follows the same ODE. At $s = t_\mathrm{min}$ the target is
the boundary, from where the knowledge spreads.

References:
  Song et al., Consistency Models, 2023, https://arxiv.org/abs/2303.01469
  Song and Dhariwal, Improved Techniques for Training Consistency Models, 2023, https://arxiv.org/abs/2310.14189
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.checks import predict
from genjax_models.core.types import Array, Key, LossOutput, Model
from genjax_models.families.consistency.discretization import Position, lognormal_position, neighbours
from genjax_models.families.consistency.metrics import Metric, l2, pseudo_huber
from genjax_models.families.consistency.teachers import Solver, heun_step
from genjax_models.processes.denoiser import Denoiser
from genjax_models.processes.gaussian import GaussianProcess
from genjax_models.processes.times import uniform_time

Weighting = Callable[[GaussianProcess, Array, Array], Array]


def equal_weight(process: GaussianProcess, t: Array, s: Array) -> Array:
    """All intervals alike, `[B]`."""
    return jnp.ones_like(t)


def inverse_gap(process: GaussianProcess, t: Array, s: Array) -> Array:
    r"""$1/(\hat\sigma_t - \hat\sigma_s)$, `[B]`: small noise counts more."""
    return 1.0 / (process.scaled_sigma(t) - process.scaled_sigma(s))


def consistency_distillation_loss(
    key: Key,
    model: Model,
    x: Array,
    *,
    teacher: Denoiser,
    target: Model,
    t_min: float,
    num_steps: int | Array,
    position: Position = uniform_time,
    solver: Solver = heun_step,
    metric: Metric = l2,
    weighting: Weighting = equal_weight,
) -> LossOutput:
    r"""Consistency distillation (algorithm 2), $\lambda\,d(f_\theta(x_t, t), \bar f(\hat x_s, s))$ on a teacher's path.

    Args:
      key: one typed PRNG key, consumed.
      model: a consistency function `(x_t [B, ...], t [B]) -> x0 [B, ...]`, bound to its parameters.
      x: data, `[B, ...]` float, scaled to [-1, 1].
      teacher: a diffusion or flow model on its process.
      target: the consistency function at the next lower time, an EMA of the model as a rule.
      t_min: the smallest time, the one of `consistency_function`.
      num_steps: number of intervals between `t_min` and 1, may be traced.
      position: `(key, n) -> [n]` on [0, 1), picks the intervals, see `discretization`.
      solver: one step of the teacher's ODE, `heun_step` or `ddim_step`.
      metric: the distance d, `l2` or `pseudo_huber`.
      weighting: `(process, t, s) -> [B]`.

    Returns:
      `LossOutput` with `value` `[B]`, the weighted distance.

    Raises:
      ValueError: if `t_min` is not in [0, 1), or there is no step.
    """
    key_t, key_eps = jax.random.split(key)
    process = teacher.process
    t, s = neighbours(key_t, x.shape[0], t_min=t_min, num_steps=num_steps, position=position)
    x_t = process.add_noise(x, jax.random.normal(key_eps, x.shape, x.dtype), t)
    goal = jax.lax.stop_gradient(target(solver(teacher, x_t, t, s), s))
    return LossOutput(weighting(process, t, s) * metric(predict(model, x_t, t), goal))


def consistency_training_loss(
    key: Key,
    model: Model,
    x: Array,
    *,
    process: GaussianProcess,
    target: Model,
    t_min: float,
    num_steps: int | Array,
    position: Position = uniform_time,
    metric: Metric = l2,
    weighting: Weighting = equal_weight,
) -> LossOutput:
    r"""Consistency training (algorithm 3), $\lambda\,d(f_\theta(x_t, t), \bar f(x_s, s))$ on shared noise.

    Args:
      key: one typed PRNG key, consumed.
      model: a consistency function `(x_t [B, ...], t [B]) -> x0 [B, ...]`, bound to its parameters.
      x: data, `[B, ...]` float, scaled to [-1, 1].
      process: the corruption process.
      target: the consistency function at the next lower time: an EMA, or the model itself.
      t_min: the smallest time, the one of `consistency_function`.
      num_steps: number of intervals between `t_min` and 1, may be traced.
      position: `(key, n) -> [n]` on [0, 1), picks the intervals, see `discretization`.
      metric: the distance d, `l2` or `pseudo_huber`.
      weighting: `(process, t, s) -> [B]`.

    Returns:
      `LossOutput` with `value` `[B]`, the weighted distance.

    Raises:
      ValueError: if `t_min` is not in [0, 1), or there is no step.
    """
    key_t, key_eps = jax.random.split(key)
    t, s = neighbours(key_t, x.shape[0], t_min=t_min, num_steps=num_steps, position=position)
    eps = jax.random.normal(key_eps, x.shape, x.dtype)
    goal = jax.lax.stop_gradient(target(process.add_noise(x, eps, s), s))
    return LossOutput(weighting(process, t, s) * metric(predict(model, process.add_noise(x, eps, t), t), goal))


def improved_consistency_training_loss(
    key: Key,
    model: Model,
    x: Array,
    *,
    process: GaussianProcess,
    t_min: float,
    num_steps: int | Array,
    mean: float = -1.1,
    std: float = 2.0,
) -> LossOutput:
    r"""iCT: consistency training with the model as its own target, pseudo-Huber distance and log-normal noise levels.

    The weight is $1/(\hat\sigma_t - \hat\sigma_s)$, so the process must keep a signal at t = 1.

    Args:
      key: one typed PRNG key, consumed.
      model: a consistency function `(x_t [B, ...], t [B]) -> x0 [B, ...]`, bound to its parameters.
      x: data, `[B, ...]` float, scaled to [-1, 1].
      process: the corruption process, `edm()` in the paper.
      t_min: the smallest time, the one of `consistency_function`.
      num_steps: number of intervals, in the paper `doubling_steps(step, total_steps)`.
      mean, std: of the log noise level.

    Returns:
      `LossOutput` with `value` `[B]`, the weighted distance.

    Raises:
      ValueError: if `t_min` is not in [0, 1), there is no step, or `std` is not positive.
    """
    return consistency_training_loss(
        key,
        model,
        x,
        process=process,
        target=model,
        t_min=t_min,
        num_steps=num_steps,
        position=lognormal_position(process, t_min=t_min, mean=mean, std=std),
        metric=pseudo_huber,
        weighting=inverse_gap,
    )

r"""Latent consistency models: consistency functions conditioned on the guidance scale, from a guided teacher.

Guidance turns the teacher's ODE into a family of them, one for each weight $w$,

$$\frac{dy}{d\hat\sigma} = (1 + w)\,\epsilon(x, t, c) - w\,\epsilon(x, t, \varnothing),$$

the augmented probability-flow ODE, in the scaled variables of `parametrization` (Luo et al., section 4.2); our
`guidance_scale` is $1 + w$. The model $f(x, t, w)$, a network with the condition `{"guidance": w}`, learns the
solutions of all of them, and afterwards a guided sample costs one evaluation a step.

References:
  Luo et al., Latent Consistency Models, 2023, https://arxiv.org/abs/2310.04378
  Meng et al., On Distillation of Guided Diffusion Models, 2023, https://arxiv.org/abs/2210.03142
"""

from collections.abc import Callable

import jax

from genjax_models.core.arrays import expand_as
from genjax_models.core.types import Array, Key, LossOutput, Model
from genjax_models.families.consistency.discretization import Position
from genjax_models.families.consistency.losses import consistency_distillation_loss
from genjax_models.families.consistency.metrics import Metric, l2
from genjax_models.families.consistency.teachers import Solver, ddim_step
from genjax_models.processes.denoiser import Denoiser
from genjax_models.processes.times import uniform_time

GuidedModel = Callable[[Array, Array, Array], Array]


def guided_teacher(conditional: Denoiser, unconditional: Denoiser, w: Array) -> Denoiser:
    r"""Teacher of the augmented ODE: $(1 + w)\,p_c - w\,p_\varnothing$ in the first's prediction type, `w` `[B]`."""

    def model(x: Array, t: Array) -> Array:
        scale = expand_as(w, x)
        null = unconditional(x, t, conditional.prediction)
        return (1.0 + scale) * conditional.model(x, t) - scale * null

    return Denoiser(conditional.process, model, conditional.prediction)


def latent_consistency_loss(
    key: Key,
    model: GuidedModel,
    x: Array,
    *,
    conditional: Denoiser,
    unconditional: Denoiser,
    target: GuidedModel,
    t_min: float,
    w_min: float = 2.0,
    w_max: float = 14.0,
    num_steps: int | Array = 50,
    position: Position = uniform_time,
    solver: Solver = ddim_step,
    metric: Metric = l2,
) -> LossOutput:
    r"""Latent consistency distillation (algorithm 1), $d(f_\theta(x_t, t, w), \bar f(\hat x_s, s, w))$ at random w.

    The paper's skipping of k of T steps is a grid of T / k intervals.

    Args:
      key: one typed PRNG key, consumed.
      model: `(x_t [B, ...], t [B], w [B]) -> x0 [B, ...]`, bound to its parameters and its condition.
      x: data, the latents of an autoencoder in the paper, `[B, ...]` float.
      conditional: the teacher bound to the same condition.
      unconditional: the teacher bound to the null condition, on the same process.
      target: an EMA of the model.
      t_min: the smallest time, the one of `consistency_function`.
      w_min, w_max: each example's `w` is uniform between them.
      num_steps: number of intervals between `t_min` and 1, may be traced.
      position: `(key, n) -> [n]` on [0, 1), picks the intervals, see `discretization`.
      solver: one step of the guided ODE.
      metric: the distance d.

    Returns:
      `LossOutput` with `value` `[B]`, and the guidance `w` in `aux`.

    Raises:
      ValueError: if `w_min` exceeds `w_max`, `t_min` is not in [0, 1), or there is no step.
    """
    if w_min > w_max:
        raise ValueError(f"guidance is drawn between w_min and w_max, got w_min={w_min}, w_max={w_max}")
    key_w, key_loss = jax.random.split(key)
    w = jax.random.uniform(key_w, x.shape[:1], minval=w_min, maxval=w_max)

    def at_w(f: GuidedModel) -> Model:
        return lambda x, t: f(x, t, w)

    loss = consistency_distillation_loss(
        key_loss,
        at_w(model),
        x,
        teacher=guided_teacher(conditional, unconditional, w),
        target=at_w(target),
        t_min=t_min,
        num_steps=num_steps,
        position=position,
        solver=solver,
        metric=metric,
    )
    return LossOutput(loss.value, {"w": w})

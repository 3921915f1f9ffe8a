"""Losses by the names of their papers, with the papers' settings: short forms of `denoising_loss`."""

from functools import partial

from genjax_models.core.types import Array, Key, LossOutput, Model
from genjax_models.families.diffusion.losses import denoising_loss
from genjax_models.processes import weightings
from genjax_models.processes.gaussian import GaussianProcess
from genjax_models.processes.schedules import ddpm, edm
from genjax_models.processes.times import discrete_time, log_normal_sigma_time


def ddpm_loss(
    key: Key, model: Model, x: Array, *, process: GaussianProcess | None = None, num_steps: int = 1000
) -> LossOutput:
    r"""DDPM's $L_\mathrm{simple}$, $\lVert\epsilon - \epsilon_\theta(x_t, t)\rVert^2$ at one of T steps (eq. 14).

    Args:
      key: one typed PRNG key, consumed.
      model: `(x_t [B, ...], t [B]) -> eps [B, ...]`, already bound to its parameters; the paper's step i is t = i/T.
      x: data, `[B, ...]` float, scaled to [-1, 1].
      process: the corruption process; None is the paper's, `ddpm(num_steps=num_steps)`.
      num_steps: T.

    Returns:
      `LossOutput` with `value` `[B]`, averaged over the data axes.

    References:
      Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
    """
    process = ddpm(num_steps=num_steps) if process is None else process
    time = partial(discrete_time, num_steps=num_steps)
    return denoising_loss(key, model, x, process=process, prediction="eps", time=time)


def edm_loss(
    key: Key,
    model: Model,
    x: Array,
    *,
    process: GaussianProcess | None = None,
    sigma_data: float = 0.5,
    p_mean: float = -1.2,
    p_std: float = 1.2,
) -> LossOutput:
    r"""EDM's loss, $\lambda(\sigma)\,\lVert D_\theta(x + \sigma\epsilon; \sigma) - x\rVert^2$ (eqs. 2 and 8, table 1).

    $\lambda = (\sigma^2 + \sigma_d^2)/(\sigma\sigma_d)^2$ and $\log\sigma \sim N(P_\mathrm{mean}, P_\mathrm{std}^2)$.

    Args:
      key: one typed PRNG key, consumed.
      model: $D_\theta$, `(x_t [B, ...], t [B]) -> x0 [B, ...]`, preconditioned already: `precondition(net, process)`.
      x: data, `[B, ...]` float, scaled to [-1, 1].
      process: the one of the preconditioning; None is the paper's, `edm()`, on which $\sigma = 80\,t^7$.
      sigma_data: $\sigma_d$, standard deviation of the data.
      p_mean: mean of the log noise level.
      p_std: its standard deviation.

    Returns:
      `LossOutput` with `value` `[B]`, averaged over the data axes (the authors' code sums).

    Raises:
      ValueError: if `p_std` is negative, or `p_mean` or it not finite.

    References:
      Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022, https://arxiv.org/abs/2206.00364
    """
    process = edm() if process is None else process
    time = partial(log_normal_sigma_time, process=process, mean=p_mean, std=p_std)
    weighting = weightings.edm(sigma_data)
    return denoising_loss(key, model, x, process=process, prediction="x0", weighting=weighting, time=time)

r"""Score matching: fit $s_\theta(x) = \nabla \log p(x)$ without knowing $p$.

$$\tfrac12 E\,\lVert s_\theta(x) - \nabla \log p(x) \rVert^2
= E\left[\mathrm{tr}\,\nabla s_\theta(x) + \tfrac12 \lVert s_\theta(x) \rVert^2\right] + \text{const}$$

(Hyvärinen). Slices estimate the trace, $E_v[v^\top \nabla s_\theta v]$, and noise removes it: at a known noise level
$\nabla \log p(x_t \mid x) = -\epsilon/\sigma$ is regressed in place of the score (Vincent). That last is
`diffusion.denoising_loss` with `prediction="score"`: weighted by `weightings.likelihood` it bounds the likelihood, by
`weightings.on_type("eps")`, that is $\sigma^2$, it is NCSN's.
"""

from collections.abc import Callable
from functools import partial

import jax

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.jacobian import basis, quadratic_forms
from genjax_models.core.types import Array, Key, LossOutput, Model
from genjax_models.families.diffusion.losses import denoising_loss
from genjax_models.processes.gaussian import GaussianProcess
from genjax_models.processes.schedules import ve, vp
from genjax_models.processes.times import discrete_time, uniform_time
from genjax_models.processes.weightings import likelihood, on_type

Score = Callable[[Array], Array]
"""`x [B, ...] -> score [B, ...]`, bound to its parameters; an example must not see its neighbours."""


def score_matching(key: Key, score: Score, x: Array) -> LossOutput:
    r"""Hyvärinen's loss, $\mathrm{tr}\,\nabla s_\theta(x) + \tfrac12\lVert s_\theta(x)\rVert^2$, for few dimensions.

    Args:
      key: unused, as the trace is exact; losses share one signature.
      score: the model, see `Score`.
      x: data, `[B, ...]` float.

    Returns:
      `LossOutput` with `value` `[B]`, summed over the data axes: half the Fisher divergence up to a constant.

    References:
      Hyvärinen, Estimation of Non-Normalized Statistical Models by Score Matching, 2005
    """
    del key
    value, forms = quadratic_forms(score, x, basis(x))
    return LossOutput(forms.sum(axis=1) + 0.5 * sum_over_data(value**2))


def sliced_score_matching(
    key: Key,
    score: Score,
    x: Array,
    *,
    probes: int = 1,
    noise: Callable[..., Array] = jax.random.rademacher,
    variance_reduced: bool = True,
) -> LossOutput:
    r"""The same on random slices, $E_v[v^\top \nabla s_\theta(x) v] + \tfrac12\lVert s_\theta(x)\rVert^2$ (SSM-VR).

    Args:
      key: one typed PRNG key, consumed.
      score: the model, see `Score`.
      x: data, `[B, ...]` float.
      probes: slices an example.
      noise: `(key, shape, dtype) -> v` with $E[v v^\top] = I$.
      variance_reduced: take the norm as it stands; else slice it as well, $\tfrac12 (v^\top s_\theta)^2$ (SSM).

    Returns:
      `LossOutput` with `value` `[B]`, summed over the data axes and averaged over the slices.

    Raises:
      ValueError: if there is no probe.

    References:
      Song et al., Sliced Score Matching, 2019, https://arxiv.org/abs/1905.07088
    """
    if probes < 1:
        raise ValueError(f"sliced score matching needs at least 1 probe, got {probes}")
    v = noise(key, (probes, *x.shape), x.dtype)
    value, forms = quadratic_forms(score, x, v)
    if variance_reduced:
        square = sum_over_data(value**2)
    else:
        square = (jax.vmap(lambda v: sum_over_data(v * value))(v) ** 2).mean(axis=0)
    return LossOutput(forms.mean(axis=1) + 0.5 * square)


def annealed_score_matching(
    key: Key,
    model: Model,
    x: Array,
    *,
    sigma_min: float = 0.01,
    sigma_max: float = 1.0,
    num_levels: int = 10,
) -> LossOutput:
    r"""NCSN's loss, $\sigma^2\,\lVert s_\theta(x + \sigma\epsilon, \sigma) + \epsilon/\sigma\rVert^2$ at L levels.

    One of `num_levels` noise levels is drawn for each example, from a geometric sequence: `ve(sigma_min, sigma_max)` at
    the times 0, 1/(L-1), ..., 1, and that is the process to sample on.

    Args:
      key: one typed PRNG key, consumed.
      model: `(x_t [B, ...], t [B]) -> score [B, ...]`, already bound to its parameters.
      x: data, `[B, ...]` float, scaled to [-1, 1] (the paper's [0, 1] needs half the noise).
      sigma_min: least noise level.
      sigma_max: largest noise level.
      num_levels: L.

    Returns:
      `LossOutput` of `denoising_loss`: the error averaged over the data axes, twice the paper's divided by D.

    Raises:
      ValueError: if the levels do not ascend, or there are fewer than 2.

    References:
      Song and Ermon, Generative Modeling by Estimating Gradients of the Data Distribution, 2019, eqs. 5 and 6, https://arxiv.org/abs/1907.05600
    """
    if num_levels < 2:
        raise ValueError(f"annealed score matching needs at least 2 noise levels, got {num_levels}")
    process, level = ve(sigma_min, sigma_max), partial(discrete_time, num_steps=num_levels - 1, first=0)
    return denoising_loss(key, model, x, process=process, prediction="score", weighting=on_type("eps"), time=level)


def denoising_score_matching(key: Key, score: Score, x: Array, *, sigma: float) -> LossOutput:
    r"""Vincent's loss at one level, $\tfrac12\lVert s_\theta(x + \sigma\epsilon) + \epsilon/\sigma\rVert^2$ (DSM).

    Args:
      key: one typed PRNG key, consumed.
      score: the model, see `Score`.
      x: data, `[B, ...]` float.
      sigma: $\sigma$, of the noise.

    Returns:
      `LossOutput` with `value` `[B]`, summed over the data axes: up to a constant half the Fisher divergence from the
      data with that noise.

    Raises:
      ValueError: if `sigma` is not positive.

    References:
      Vincent, A Connection Between Score Matching and Denoising Autoencoders, 2011
    """
    if not sigma > 0:
        raise ValueError(f"denoising score matching needs a positive sigma, got {sigma}")
    eps = jax.random.normal(key, x.shape, x.dtype)
    return LossOutput(0.5 * sum_over_data((score(x + sigma * eps) + eps / sigma) ** 2))


def score_sde_loss(
    key: Key,
    model: Model,
    x: Array,
    *,
    process: GaussianProcess = vp(),  # noqa: B008 - an immutable value
    likelihood_weighting: bool = False,
    t_min: float = 1e-5,
) -> LossOutput:
    r"""The loss of the VP, sub-VP or VE SDE, $\lambda(t)\,\lVert s_\theta(x_t, t) + \epsilon/\sigma\rVert^2$ (eq. 7).

    Args:
      key: one typed PRNG key, consumed.
      model: `(x_t [B, ...], t [B]) -> score [B, ...]`, already bound to its parameters.
      x: data, `[B, ...]` float, scaled to [-1, 1].
      process: `vp()`, `sub_vp()` or `ve()`.
      likelihood_weighting: $\lambda = g^2(t)$, the later paper's, in place of $\lambda = \sigma^2(t)$.
      t_min: the smallest time, the authors' `eps`: the target has no bound at t = 0 where the noise vanishes.

    Returns:
      `LossOutput` of `denoising_loss`, averaged over the data axes.

    References:
      Song et al., Score-Based Generative Modeling through SDEs, 2021, https://arxiv.org/abs/2011.13456
      Song et al., Maximum Likelihood Training of Score-Based Diffusion Models, 2021, https://arxiv.org/abs/2101.09258
    """
    weighting = likelihood if likelihood_weighting else on_type("eps")
    time = partial(uniform_time, low=t_min)
    return denoising_loss(key, model, x, process=process, prediction="score", weighting=weighting, time=time)

r"""Conditional flow matching: regress the velocity $\dot\alpha_t x_0 + \dot\sigma_t \epsilon$ of a known path."""

from collections.abc import Callable
from functools import partial

import jax

from genjax_models.core.arrays import mean_over_data
from genjax_models.core.types import Array, Key, LossOutput, Model
from genjax_models.families.flow_matching.couplings import Coupling, Source, independent, minibatch_ot, smoothed
from genjax_models.processes.denoiser import Denoiser
from genjax_models.processes.gaussian import GaussianProcess
from genjax_models.processes.schedules import rectified_flow
from genjax_models.processes.times import uniform_time


def velocity_target(x: Array, eps: Array) -> Array:
    r"""The straight line's velocity $dx_t/dt = \epsilon - x_0$ (t runs from data to noise), `[B, ...]`."""
    return eps - x


def velocity_loss(
    key: Key,
    model: Model,
    x: Array,
    *,
    process: GaussianProcess = rectified_flow(),  # noqa: B008 - an immutable value
    prediction: str = "velocity",
    time: Callable[[Key, int], Array] = uniform_time,
    coupling: Coupling = independent,
) -> LossOutput:
    r"""Conditional flow-matching loss, $\lVert u_\theta(x_t, t) - (\dot\alpha_t x_0 + \dot\sigma_t\epsilon)\rVert^2$.

    The error is always measured on the velocity; a network may output another type, which is converted first (clean
    data, for instance, as Li and He do).

    Args:
      key: one typed PRNG key, consumed.
      model: `(x_t [B, ...], t [B]) -> prediction [B, ...]`, already bound to its parameters.
      x: data, `[B, ...]` float, scaled to [-1, 1].
      process: the probability path; `rectified_flow()` is the straight line of Lipman et al. (their t is our 1 - t).
      prediction: what the network outputs, a key of `PREDICTIONS`.
      time: draws the times, see `processes.times`.
      coupling: pairs data with noise, see `couplings`; `minibatch_ot` gives OT-CFM.

    Returns:
      `LossOutput` with `value` `[B]`, the squared error averaged over the data axes (dimensionless).

    Raises:
      ValueError: if the prediction type is unknown.

    References:
      Lipman et al., Flow Matching for Generative Modeling, 2023, https://arxiv.org/abs/2210.02747
      Tong et al., Improving and Generalizing Flow-Based Generative Models with Minibatch OT, 2023, https://arxiv.org/abs/2302.00482
      Li and He, Back to Basics: Let Denoising Generative Models Denoise, 2025, https://arxiv.org/abs/2511.13720
    """
    key_t, key_eps = jax.random.split(key)
    t = time(key_t, x.shape[0])
    x, eps = coupling(key_eps, x)
    velocity = Denoiser(process, model, prediction)(process.add_noise(x, eps, t), t, "velocity")
    return LossOutput(mean_over_data((velocity - process.target("velocity", x, eps, t)) ** 2))


def cfm_loss(key: Key, model: Model, x: Array, *, sigma: float = 0.0, source: Source = jax.random.normal) -> LossOutput:
    r"""Conditional flow matching between data and source, drawn independently (I-CFM; Tong et al., eqs. 14 and 15).

    $\lVert v_\theta(x_t, t) - (\epsilon - x_0)\rVert^2$ at $x_t = (1-t)\,x_0 + t\,\epsilon + \sigma z$. Their t is ours
    reversed.

    Args:
      key: one typed PRNG key, consumed.
      model: `(x_t [B, ...], t [B]) -> velocity [B, ...]`, already bound to its parameters.
      x: data, `[B, ...]` float.
      sigma: $\sigma$, width of the tube around each line.
      source: `(key, shape) -> eps`, what the flow starts from.

    Returns:
      `LossOutput` with `value` `[B]`, the squared error averaged over the data axes.
    """
    coupling = partial(independent, source=source)
    return velocity_loss(key, model, x, coupling=smoothed(coupling, sigma) if sigma else coupling)


def ot_cfm_loss(
    key: Key, model: Model, x: Array, *, sigma: float = 0.0, source: Source = jax.random.normal
) -> LossOutput:
    """OT-CFM: `cfm_loss` with source and data of a batch paired by optimal transport (Tong et al.)."""
    coupling = partial(minibatch_ot, source=source)
    return velocity_loss(key, model, x, coupling=smoothed(coupling, sigma) if sigma else coupling)


def rectified_flow_loss(
    key: Key, model: Model, x: Array, *, time: Callable[[Key, int], Array] = uniform_time
) -> LossOutput:
    r"""Rectified flow, $\lVert (X_1 - X_0) - v(X_t, t)\rVert^2$ (Liu et al., eq. 1), from normal noise.

    Their t is our 1 - t and their velocity minus ours. For the next rectification, on pairs, see `reflow_loss`.

    Args:
      key: one typed PRNG key, consumed.
      model: `(x_t [B, ...], t [B]) -> velocity [B, ...]`, already bound to its parameters.
      x: data, `[B, ...]` float.
      time: draws the times; Esser et al. take `times.logit_normal_time`.

    Returns:
      `LossOutput` with `value` `[B]`, the squared error averaged over the data axes.

    References:
      Liu et al., Flow Straight and Fast, 2023, https://arxiv.org/abs/2209.03003
    """
    return velocity_loss(key, model, x, time=time)

r"""Conditional flow matching: regress the velocity $\dot\alpha_t x_0 + \dot\sigma_t \epsilon$ of a known path."""

from collections.abc import Callable

import jax

from genjax_models.core.arrays import mean_over_data
from genjax_models.core.types import Array, Key, LossOutput, Model
from genjax_models.families.flow_matching.couplings import Coupling, independent
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

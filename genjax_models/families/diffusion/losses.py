r"""Denoising losses: the mean over time of $w(t)\,\lVert p_\theta(x_t, t) - p\rVert^2$."""

from collections.abc import Callable

import jax

from genjax_models.core.arrays import mean_over_data
from genjax_models.core.checks import check_real, predict
from genjax_models.core.types import Array, Key, LossOutput, Model
from genjax_models.processes.gaussian import GaussianProcess
from genjax_models.processes.times import uniform_time
from genjax_models.processes.weightings import Weighting, unweighted


def denoising_loss(
    key: Key,
    model: Model,
    x: Array,
    *,
    process: GaussianProcess,
    prediction: str = "eps",
    weighting: Weighting = unweighted,
    time: Callable[[Key, int], Array] = uniform_time,
) -> LossOutput:
    r"""Squared error of the network's prediction at a random time, $w(t)\,\lVert p_\theta(x_t, t) - p\rVert^2$.

    With `prediction="eps"`, no weighting and `discrete_time` this is DDPM's $L_\mathrm{simple}$ (eq. 14); with
    `"score"` it is denoising score matching, with `"velocity"` conditional flow matching.

    Args:
      key: one typed PRNG key, consumed.
      model: `(x_t [B, ...], t [B]) -> prediction [B, ...]`, already bound to its parameters.
      x: data, `[B, ...]` float, scaled to [-1, 1].
      process: the corruption process.
      prediction: what the network outputs, a key of `PREDICTIONS`.
      weighting: `(process, prediction, t) -> [B]`, see `processes.weightings`.
      time: draws the times, see `processes.times`.

    Returns:
      `LossOutput` with `value` `[B]`, the weighted error averaged over the data axes (dimensionless), and in
      `aux` the unweighted error `mse` and the time `t`.

    Raises:
      ValueError: if the prediction type is unknown, or the model's output has another shape than the data.
      TypeError: if the data are no floats.

    References:
      Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
      Vincent, A Connection Between Score Matching and Denoising Autoencoders, 2011
    """
    check_real("data", x)
    key_t, key_eps = jax.random.split(key)
    t = time(key_t, x.shape[0])
    eps = jax.random.normal(key_eps, x.shape, x.dtype)
    x_t = process.add_noise(x, eps, t)
    target = process.target(prediction, x, eps, t)
    mse = mean_over_data((predict(model, x_t, t) - target) ** 2)
    return LossOutput(weighting(process, prediction, t) * mse, {"mse": mse, "t": t})

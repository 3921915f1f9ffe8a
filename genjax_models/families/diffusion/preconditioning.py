r"""EDM's preconditioning: a network whose input and training target have unit variance at every noise level.

With $\tilde x = x/\alpha$ and $\tilde\sigma = \sigma/\alpha$, and data of standard deviation $\sigma_d$,

$$\hat x_0 = c_\mathrm{skip}\,\tilde x + c_\mathrm{out}\,F_\theta(c_\mathrm{in}\,\tilde x, c_\mathrm{noise}),$$

$$c_\mathrm{skip} = \frac{\sigma_d^2}{\tilde\sigma^2 + \sigma_d^2}, \quad
c_\mathrm{out} = \frac{\tilde\sigma\sigma_d}{\sqrt{\tilde\sigma^2 + \sigma_d^2}}, \quad
c_\mathrm{in} = \frac{1}{\sqrt{\tilde\sigma^2 + \sigma_d^2}}, \quad
c_\mathrm{noise} = \tfrac14 \log \tilde\sigma$$

(table 1). Below they are multiplied out by $\alpha$, so that they are finite at both ends of any process.

References:
  Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022, https://arxiv.org/abs/2206.00364
"""

import jax.numpy as jnp

from genjax_models.core.arrays import expand_as
from genjax_models.core.types import Array, Model
from genjax_models.processes.gaussian import GaussianProcess


def precondition(net: Model, process: GaussianProcess, sigma_data: float = 0.5) -> Model:
    r"""A model that predicts `x0` through the network $F_\theta$, on any process.

    Train it by `denoising_loss` with `prediction="x0"`, `weightings.edm(sigma_data)` and `times.log_normal_sigma_time`;
    sample it by `Denoiser(process, model, "x0")`.

    Args:
      net: $F_\theta$, `(x [B, ...], c_noise [B]) -> [B, ...]`. In place of the time it receives $c_\mathrm{noise}$,
        which lies in [-1.6, 1.1] for noise levels from 0.002 to 80 and is kept in [-5, 5]; a network that insists on
        [0, 1] is wrapped in a map of its own.
      process: the corruption process, the one of the loss and of the sampler.
      sigma_data: standard deviation of the data, whose mean should be about zero.

    Returns:
      `(x_t [B, ...], t [B]) -> x0 [B, ...]`, exactly $x_t/\alpha$ where there is no noise.

    Raises:
      ValueError: if `sigma_data` is not positive.
    """
    if sigma_data <= 0:
        raise ValueError(f"sigma_data must be positive, got {sigma_data}")

    def model(x: Array, t: Array) -> Array:
        alpha, sigma = process.alpha(t), process.sigma(t)
        norm = jnp.sqrt(sigma**2 + (alpha * sigma_data) ** 2)  # the standard deviation of x_t
        skip, out, scale = alpha * (sigma_data / norm) ** 2, sigma * sigma_data / norm, 1.0 / norm
        return expand_as(skip, x) * x + expand_as(out, x) * net(expand_as(scale, x) * x, c_noise(process, t))

    return model


def c_noise(process: GaussianProcess, t: Array) -> Array:
    r"""What EDM's networks read in place of the time, $\tfrac14\log\tilde\sigma$ kept in [-5, 5], shaped like `t`."""
    return jnp.clip(-0.125 * process.log_snr(t), -5.0, 5.0)

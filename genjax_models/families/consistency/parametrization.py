r"""The consistency function: a network with skip connections that is the identity at the smallest noise.

On any Gaussian process the scaled variables $y = x/\alpha$ and $\hat\sigma = \sigma/\alpha$ obey the probability-flow
ODE of EDM, $dy/d\hat\sigma = \epsilon(x, t)$. A consistency function takes each point of a path to where that path was
at $t_\mathrm{min}$. Written in them,

$$f(x, t) = c_\mathrm{skip}\,y + c_\mathrm{out}\,F(c_\mathrm{in}\,y,\; t), \qquad
c_\mathrm{skip} = \frac{\sigma_d^2}{(\hat\sigma - \hat\sigma_\mathrm{min})^2 + \sigma_d^2}, \quad
c_\mathrm{out} = \frac{\sigma_d(\hat\sigma - \hat\sigma_\mathrm{min})}{\sqrt{\sigma_d^2 + \hat\sigma^2}}, \quad
c_\mathrm{in} = \frac{1}{\sqrt{\sigma_d^2 + \hat\sigma^2}},$$

so that $f(x, t_\mathrm{min}) = y$ for any network $F$ (Song et al., app. C). All terms are multiplied by $\alpha$, so
there is no division by a signal that vanishes at t = 1.

References:
  Song et al., Consistency Models, 2023, https://arxiv.org/abs/2303.01469
  Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022, https://arxiv.org/abs/2206.00364
"""

import jax.numpy as jnp

from genjax_models.core.arrays import expand_as
from genjax_models.core.types import Array, Model
from genjax_models.processes.gaussian import GaussianProcess


def consistency_function(network: Model, process: GaussianProcess, *, t_min: float, sigma_data: float = 0.5) -> Model:
    """The network made a consistency function, `(x [B, ...], t [B]) -> [B, ...]`: a prediction of type `x0`.

    Args:
      network: `(scaled x [B, ...], t [B]) -> [B, ...]`, bound to its parameters; its input has about unit variance.
      process: the corruption process, EDM's or any other.
      t_min: the time at which the function is `x / alpha`; on `edm()`, 0.22 is EDM's smallest noise, 0.002.
      sigma_data: standard deviation of the data.

    Raises:
      ValueError: if `t_min` is not in [0, 1), or `sigma_data` not positive.
    """
    check_t_min(t_min)
    if sigma_data <= 0:
        raise ValueError(f"sigma_data must be positive, got {sigma_data}")

    def f(x: Array, t: Array) -> Array:
        alpha, sigma = process.alpha(t), process.sigma(t)
        above = sigma - alpha * process.scaled_sigma(jnp.full_like(t, t_min))  # alpha (sigma_hat - sigma_hat_min)
        total = jnp.sqrt((alpha * sigma_data) ** 2 + sigma**2)
        skip = alpha * sigma_data**2 / (above**2 + (alpha * sigma_data) ** 2)
        skip, out, total = (expand_as(c, x) for c in (skip, sigma_data * above / total, total))
        return skip * x + out * network(x / total, t)

    return f


def check_t_min(t_min: float) -> None:
    """Refuse a smallest time outside [0, 1)."""
    if not 0.0 <= t_min < 1.0:
        raise ValueError(f"t_min must lie in [0, 1), got {t_min}")

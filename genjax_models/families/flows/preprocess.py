r"""Fixed maps between data and the first layer: bounded data onto the whole line, and a change of units.

$$p = \lambda + (1 - 2\lambda)\,\frac{x + 1}{2}, \qquad y = \mathrm{logit}(p), \qquad
\log\frac{dy}{dx} = \log\frac{1 - 2\lambda}{2} - \log p - \log(1 - p)$$

References:
  Dinh et al., Density Estimation using Real NVP, 2017, section 4.1, https://arxiv.org/abs/1605.08803
"""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.types import Array, PyTree
from genjax_models.families.flows.bijection import Bijection


def logit(margin: float = 0.05) -> Bijection:
    r"""Dequantised data in [-1, 1] to the line, at a distance $\lambda$ = `margin` from where the logit is infinite.

    Samples lie within [-1, 1] or, by the margin, just outside. Data further outside become NaN.

    Raises:
      ValueError: if the margin is not within (0, 0.5).
    """
    if not 0 < margin < 0.5:
        raise ValueError(f"the margin must lie between 0 and 0.5, got {margin}")
    slope = 0.5 * (1.0 - 2.0 * margin)

    def log_derivative(y: Array) -> Array:  # of the logit, by its value: -log p - log(1 - p)
        return np.log(slope) + jax.nn.softplus(y) + jax.nn.softplus(-y)

    def forward(params: PyTree, x: Array, cond: PyTree) -> tuple[Array, Array]:
        p = margin + slope * (x + 1.0)
        y = jnp.log(p) - jnp.log1p(-p)
        return y, sum_over_data(log_derivative(y))

    def inverse(params: PyTree, y: Array, cond: PyTree) -> tuple[Array, Array]:
        return (jax.nn.sigmoid(y) - margin) / slope - 1.0, -sum_over_data(log_derivative(y))

    return Bijection(lambda key, x, cond: (), forward, inverse)


def rescale(scale: float, shift: float = 0.0) -> Bijection:
    """`y = scale x + shift` with fixed numbers.

    Raises:
      ValueError: if the scale is zero.
    """
    if scale == 0:
        raise ValueError("a scale of zero has no inverse")
    log_scale = float(np.log(abs(scale)))

    def log_det(x: Array) -> Array:
        return jnp.full(x.shape[0], x[0].size * log_scale, x.dtype)

    return Bijection(
        lambda key, x, cond: (),
        lambda params, x, cond: (scale * x + shift, log_det(x)),
        lambda params, y, cond: ((y - shift) / scale, -log_det(y)),
    )

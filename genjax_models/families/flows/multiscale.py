r"""Multi-scale flows: half of the channels leave for the latent early, the others go on.

$$h = f(x), \quad h = (h_a, h_b), \qquad z = (g(h_a),\ h_b), \qquad
\log\left|\det \frac{\partial z}{\partial x}\right| = \log\left|\det \frac{\partial f}{\partial x}\right|
+ \log\left|\det \frac{\partial g}{\partial h_a}\right|$$

Glow's learned prior $N(h_b;\ \mu(h_a), \sigma(h_a))$ is one more affine coupling at the end of f, which makes $h_b$
standard normal given $h_a$.

References:
  Dinh et al., Density Estimation using Real NVP, 2017, section 3.6, https://arxiv.org/abs/1605.08803
  Kingma and Dhariwal, Glow, 2018, https://arxiv.org/abs/1807.03039
"""

import math

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows.bijection import Bijection


def split(first: Bijection, rest: Bijection, shape: tuple[int, ...]) -> Bijection:
    """After `first`, the first half of the channels is transformed by `rest`; the other half is latent.

    Args:
      first: from data to `[B, *shape]`.
      rest: from `[B, *shape[:-1], C // 2]` to a flat latent `[B, D']`.
      shape: of an example between the two, `C` channels last.

    Returns:
      A bijection to a flat latent `[B, D]`: that of `rest`, then the half that left.

    Raises:
      ValueError: if there are fewer than two channels to split.
    """
    if shape[-1] < 2:
        raise ValueError(f"a split needs at least 2 channels, got {shape[-1]}: squeeze first, or take fewer levels")
    kept = shape[-1] // 2
    size = math.prod(shape[:-1]) * kept

    def init(key: Key, x: Array, cond: PyTree) -> PyTree:
        first_key, rest_key = jax.random.split(key)
        params = first.init(first_key, x, cond)
        h, _ = first.forward_and_log_det(params, x, cond)
        return {"first": params, "rest": rest.init(rest_key, h[..., :kept], cond)}

    def forward(params: PyTree, x: Array, cond: PyTree) -> tuple[Array, Array]:
        h, log_det = first.forward_and_log_det(params["first"], x, cond)
        z, rest_log_det = rest.forward_and_log_det(params["rest"], h[..., :kept], cond)
        left = h[..., kept:].reshape(h.shape[0], -1)
        return jnp.concatenate([z, left], axis=-1), log_det + rest_log_det

    def inverse(params: PyTree, z: Array, cond: PyTree) -> tuple[Array, Array]:
        a, rest_log_det = rest.inverse_and_log_det(params["rest"], z[:, :size], cond)
        b = z[:, size:].reshape(z.shape[0], *shape[:-1], shape[-1] - kept)
        x, log_det = first.inverse_and_log_det(params["first"], jnp.concatenate([a, b], axis=-1), cond)
        return x, log_det + rest_log_det

    return Bijection(init, forward, inverse)

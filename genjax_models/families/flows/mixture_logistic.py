r"""The transformer of Flow++: the distribution function of a mixture of logistics, brought back to the whole line.

$$u(x) = \mathrm{logit}\,F(x), \quad F(x) = \sum_i \pi_i\,\sigma\!\left(\frac{x - \mu_i}{s_i}\right), \qquad
y = u\,e^a + b, \qquad \log\frac{dy}{dx} = \log F'(x) - \log F(x) - \log(1 - F(x)) + a$$

Everything is computed from logarithms, which neither tail loses. There is no closed inverse, but a bracket: one
component alone would reach $u$ at $\mu_i + s_i u$, and the mixture does so between the least and the greatest of these.

References:
  Ho et al., Flow++, 2019, section 3.2, https://arxiv.org/abs/1902.00275
"""

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array
from genjax_models.families.flows.elementwise import Transformer, affine
from genjax_models.solvers.roots import bisect


def mixture_logistic(components: int = 32, *, bound: float = 7.0) -> Transformer:
    r"""K components and a scale and shift: P = 2 + 3 K.

    Zeros are the identity, but a network that starts there would move all components alike: let its last layer start
    small and random.

    Args:
      components: K.
      bound: of the logarithm of $s_i$, softly.

    Returns:
      A transformer whose inverse is by bisection, and NaN where that fails.

    Raises:
      ValueError: if there is no component.
    """
    if components < 1:
        raise ValueError(f"a mixture needs at least 1 component, got components={components}")
    outer = affine()

    def read(raw: Array) -> tuple[Array, Array, Array]:
        logits, means, scales = jnp.split(raw[..., 2:], 3, axis=-1)
        return jax.nn.log_softmax(logits, axis=-1), means, bound * jnp.tanh(scales / bound)

    def forward(raw: Array, x: Array) -> tuple[Array, Array]:
        u, log_derivative = mixture_logit(x, *read(raw))
        y, log_scale = outer.forward(raw[..., :2], u)
        return y, log_derivative + log_scale

    def inverse(raw: Array, y: Array) -> tuple[Array, Array]:
        log_weights, means, log_scales = read(raw)
        u, log_scale = outer.inverse(raw[..., :2], y)
        alone = means + jnp.exp(log_scales) * u[..., None]
        low, high = alone.min(axis=-1), alone.max(axis=-1)
        margin = 1e-3 * (1.0 + jnp.maximum(jnp.abs(low), jnp.abs(high)))
        x = bisect(lambda x: mixture_logit(x, log_weights, means, log_scales)[0], u, low - margin, high + margin).x
        return x, log_scale - mixture_logit(x, log_weights, means, log_scales)[1]

    return Transformer(2 + 3 * components, forward, inverse)


def mixture_logit(x: Array, log_weights: Array, means: Array, log_scales: Array) -> tuple[Array, Array]:
    r"""$u(x) = \mathrm{logit}\,F(x)$ and $\log u'(x)$, both `[...]`; of the mixture all three are `[..., K]`."""
    z = (x[..., None] - means) * jnp.exp(-log_scales)
    below, above = jax.nn.log_sigmoid(z), jax.nn.log_sigmoid(-z)

    def mixed(logs: Array) -> Array:
        return jax.nn.logsumexp(log_weights + logs, axis=-1)

    log_cdf, log_survival = mixed(below), mixed(above)
    return log_cdf - log_survival, mixed(below + above - log_scales) - log_cdf - log_survival

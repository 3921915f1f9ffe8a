r"""Neural autoregressive flows: the map of each variable is a little monotone network, the deep sigmoidal flow.

$$y = \sigma^{-1}\Big(\sum_{j=1}^M w_j\,\sigma(a_j x + b_j)\Big), \qquad
\frac{dy}{dx} = \frac{\sum_j w_j a_j\,\sigma'(a_j x + b_j)}{\sigma(y)\,\sigma(-y)},
\qquad w = \mathrm{softmax},\ \log a = c\,\tanh(h/c)$$

Computed with logarithms of sums throughout, so that it stays exact far out, where it becomes linear. The bound c, which
is not the paper's, keeps slopes and inverses within the range of floats for any network output. As y lies
between the least and the largest $a_j x + b_j$, bisection finds x between the least and the largest $(y - b_j)/a_j$.

`autoregressive(deep_sigmoidal(M), network)` is a neural autoregressive flow. Zeros are the identity, with all units
alike: units that are initialised alike stay alike, so the network's last layer needs small random initial weights.

References:
  Huang et al., Neural Autoregressive Flows, 2018, https://arxiv.org/abs/1804.00779, section 3.1
"""

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array
from genjax_models.families.flows.elementwise import Transformer
from genjax_models.solvers.roots import bisect


def deep_sigmoidal(units: int = 16, *, bound: float = 7.0) -> Transformer:
    """The deep sigmoidal flow (DSF) with M = `units`; P = 3M: for each unit h, b and the logit of w. `bound` is c."""

    def unpack(h: Array) -> tuple[Array, Array, Array]:
        log_a, b, logits = jnp.split(h, 3, axis=-1)
        return bound * jnp.tanh(log_a / bound), b, jax.nn.log_softmax(logits)

    def forward(h: Array, x: Array) -> tuple[Array, Array]:
        log_a, b, log_w = unpack(h)
        inside = jnp.exp(log_a) * x[..., None] + b
        log_on, log_off = log_w + jax.nn.log_sigmoid(inside), jax.nn.log_sigmoid(-inside)
        log_p, log_q = jax.nn.logsumexp(log_on, axis=-1), jax.nn.logsumexp(log_w + log_off, axis=-1)
        return log_p - log_q, jax.nn.logsumexp(log_on + log_off + log_a, axis=-1) - log_p - log_q

    def inverse(h: Array, y: Array) -> tuple[Array, Array]:
        log_a, b, _ = unpack(h)
        ends = (y[..., None] - b) * jnp.exp(-log_a)
        low, high = ends.min(axis=-1), ends.max(axis=-1)
        margin = 1e-3 * (1 + jnp.abs(low) + jnp.abs(high))  # for rounding
        x = bisect(lambda x: forward(h, x)[0], y, low - margin, high + margin).x
        return x, -forward(h, x)[1]

    return Transformer(3 * units, forward, inverse)

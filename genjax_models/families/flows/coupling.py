r"""Coupling layers: a part of the variables is unchanged and determines how the other part is transformed.

$$y_a = x_a, \qquad y_b = \tau(x_b;\ \mathrm{net}(x_a)), \qquad
\log\left|\det\right| = \textstyle\sum_b \log \tau'(x_b)$$

Both directions cost one evaluation of the network. Channels are split in halves; a checkerboard is masked instead, and
the network then sees zeros where it must not look.

References:
  Dinh et al., Density Estimation using Real NVP, 2017, https://arxiv.org/abs/1605.08803
"""

from functools import partial

import jax.numpy as jnp
import numpy as np

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows.bijection import Bijection, MakeConditioner, chain
from genjax_models.families.flows.elementwise import Transformer


def coupling(transformer: Transformer, network: MakeConditioner, *, channels: int, swap: bool = False) -> Bijection:
    """Couple the two halves of the last axis, which has `channels` >= 2; `swap` transforms the first half.

    Raises:
      ValueError: if there is nothing to split.
    """
    if channels < 2:
        raise ValueError(f"a coupling needs at least 2 channels to split, got {channels}: squeeze first, or mask")
    first = channels // 2
    changed = first if swap else channels - first
    net = network(changed * transformer.num_params)

    def halves(x: Array) -> tuple[Array, Array]:
        a, b = x[..., :first], x[..., first:]
        return (b, a) if swap else (a, b)

    def run(params: PyTree, x: Array, cond: PyTree, *, inverse: bool) -> tuple[Array, Array]:
        a, b = halves(x)
        raw = net.apply(params, a, cond).reshape(*b.shape, transformer.num_params)
        b, log_derivative = (transformer.inverse if inverse else transformer.forward)(raw, b)
        return jnp.concatenate((b, a) if swap else (a, b), axis=-1), sum_over_data(log_derivative)

    def init(key: Key, x: Array, cond: PyTree) -> PyTree:
        return net.init(key, halves(x)[0], cond)

    return Bijection(
        init,
        lambda params, x, cond: run(params, x, cond, inverse=False),
        lambda params, y, cond: run(params, y, cond, inverse=True),
    )


def masked_coupling(transformer: Transformer, network: MakeConditioner, mask: np.ndarray) -> Bijection:
    """Couple by a mask of the data's shape `[...]`: where it is True the variables pass unchanged and are seen."""
    net = network(mask.shape[-1] * transformer.num_params)
    seen = jnp.asarray(mask)[None]

    def run(params: PyTree, x: Array, cond: PyTree, *, inverse: bool) -> tuple[Array, Array]:
        raw = net.apply(params, jnp.where(seen, x, 0.0), cond).reshape(*x.shape, transformer.num_params)
        y, log_derivative = (transformer.inverse if inverse else transformer.forward)(raw, x)
        return jnp.where(seen, x, y), sum_over_data(jnp.where(seen, 0.0, log_derivative))

    return Bijection(
        lambda key, x, cond: net.init(key, jnp.where(seen, x, 0.0), cond),
        lambda params, x, cond: run(params, x, cond, inverse=False),
        lambda params, y, cond: run(params, y, cond, inverse=True),
    )


def alternating(transformer: Transformer, network: MakeConditioner, *, channels: int) -> Bijection:
    """Two couplings: the second transforms what the first has passed."""
    couple = partial(coupling, transformer, network, channels=channels)
    return chain([couple(), couple(swap=True)])


def checkerboard_mask(height: int, width: int, channels: int, *, odd: bool = False) -> np.ndarray:
    """True where row plus column is even, or `odd`: `[H, W, C]`."""
    parity = (np.arange(height)[:, None] + np.arange(width)[None]) % 2
    return np.broadcast_to((parity == int(odd))[..., None], (height, width, channels)).copy()

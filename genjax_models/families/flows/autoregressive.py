r"""Masked autoregressive flows: each variable is transformed as the variables before it say.

$$z_i = \tau(x_i;\ \mathrm{net}(x_{<i})), \qquad \log\left|\det\right| = \textstyle\sum_i \log \tau'(x_i)$$

From data to latent costs one evaluation of the network (MAF: densities are fast). The inverse finds one variable after
the other, exactly, with D evaluations. `invert(autoregressive(…))` is an inverse autoregressive flow: it samples with
one evaluation, and scores what it did not sample with D.

With an affine transformer each $p(x_i \mid x_{<i})$ is a normal of mean $-t e^{-s}$ and standard deviation $e^{-s}$.

References:
  Kingma et al., Improving Variational Inference with Inverse Autoregressive Flow, 2016, https://arxiv.org/abs/1606.04934
  Papamakarios et al., Masked Autoregressive Flow for Density Estimation, 2017, https://arxiv.org/abs/1705.07057
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.types import Array, PyTree
from genjax_models.families.flows.bijection import Bijection, MakeConditioner
from genjax_models.families.flows.elementwise import Transformer


def autoregressive(
    transformer: Transformer, network: MakeConditioner, *, order: Sequence[int] | None = None
) -> Bijection:
    """One autoregressive layer over the D variables of an example, in any shape.

    Args:
      transformer: of each variable, with P parameters.
      network: with P output channels it gives `[B, ..., P]` for `x` `[B, ...]`, each variable's numbers a function of
        the variables before it alone: a MADE, or any causal network.
      order: the flattened variables in the network's order, which is the order that the inverse finds them in; `None`
        is natural. In another order than the network's the inverse is wrong, and `inverse_residual` large.

    Returns:
      The layer. Its inverse is a scan over D evaluations: differentiable, at D times the memory of one.
    """
    net = network(transformer.num_params)

    def forward(params: PyTree, x: Array, cond: PyTree) -> tuple[Array, Array]:
        raw = net.apply(params, x, cond).reshape(*x.shape, transformer.num_params)
        z, log_derivative = transformer.forward(raw, x)
        return z, sum_over_data(log_derivative)

    def inverse(params: PyTree, z: Array, cond: PyTree) -> tuple[Array, Array]:
        flat = z.reshape(z.shape[0], -1)

        def find(carry: tuple[Array, Array], i: Array) -> tuple[tuple[Array, Array], None]:
            x, total = carry
            raw = net.apply(params, x.reshape(z.shape), cond).reshape(*flat.shape, transformer.num_params)
            found, log_derivative = transformer.inverse(raw[:, i], flat[:, i])
            return (x.at[:, i].set(found), total + log_derivative), None

        sequence = jnp.arange(flat.shape[1]) if order is None else jnp.asarray(order)
        start = jnp.zeros_like(flat), jnp.zeros(flat.shape[0], flat.dtype)
        (x, total), _ = jax.lax.scan(find, start, sequence)
        return x.reshape(z.shape), total

    return Bijection(net.init, forward, inverse)

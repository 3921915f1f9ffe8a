"""Layers of few parameters, which may belong to each example: in a variational posterior an encoder gives them.

Such a layer is written for one example, a vector, and mapped over the batch. A leaf of its parameters that has one axis
more than it needs has the batch in front; the others are shared. So the layer's own parameters, as `init` makes them,
train a density, and an encoder's output put in their place, `[B, ...]`, makes the posterior of each example.
"""

from collections.abc import Callable, Mapping

import jax

from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows.bijection import Bijection, Transform

OneExample = Callable[[Mapping[str, Array], Array], tuple[Array, Array]]
"""`(params, x [D]) -> (y [D], log |det dy/dx|)`."""


def amortizable(
    init: Callable[[Key, int], Mapping[str, Array]], forward: OneExample, inverse: OneExample, ranks: Mapping[str, int]
) -> Bijection:
    """A layer of `[B, D]` from functions of one example.

    Args:
      init: `(key, D) -> params`, shared ones.
      forward: of one example.
      inverse: of one example.
      ranks: number of axes of each parameter, without a batch.
    """

    def batched(one: OneExample) -> Transform:
        def run(params: PyTree, x: Array, cond: PyTree) -> tuple[Array, Array]:
            axes = {name: 0 if params[name].ndim > rank else None for name, rank in ranks.items()}
            return jax.vmap(one, in_axes=(axes, 0))(params, x)

        return run

    return Bijection(lambda key, x, cond: init(key, x.shape[-1]), batched(forward), batched(inverse))

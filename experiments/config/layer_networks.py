"""Networks inside the layers of a flow: bound to variables that stand anywhere in the flow's tree.

The parameters of a network without collections are a plain tree. One with collections has a `LayerVariables` node
there, so that an experiment can take the collections out of the tree before it trains (`split`) and put them back
before it calls the flow (`join`).
"""

from collections.abc import Mapping
from typing import Any, cast

import jax
from flax import linen as nn
from flax import struct

from experiments.config.networks import Collections, initialize
from genjax_models.core.types import Array, Condition, Key, PyTree
from genjax_models.families.flows import Conditioner


@struct.dataclass
class LayerVariables:
    """The variables of one network that has collections.

    Attributes:
      params: what is trained.
      own: its collections; `{}` after `split`.
      place: its path in the flow's tree, a key of `TrainState.extra["collections"]`; set by `split`.
      collections: those of all networks during one evaluation; set by `join`.
    """

    params: PyTree
    own: Mapping[str, PyTree]
    place: str = struct.field(pytree_node=False, default="")
    collections: Collections | None = struct.field(pytree_node=False, default=None)


def _is_node(node: Any) -> bool:
    return isinstance(node, LayerVariables)


def split(variables: PyTree) -> tuple[PyTree, dict[str, PyTree]]:
    """The parameters of a flow as `init` makes them without their collections, and these by their place."""
    found: dict[str, PyTree] = {}

    def one(path: Any, node: Any) -> Any:
        if not _is_node(node):
            return node
        place = "net." + jax.tree_util.keystr(path, simple=True, separator=".")
        found[place] = node.own
        return LayerVariables(node.params, {}, place)

    return jax.tree.map_with_path(one, variables, is_leaf=_is_node), found


def join(params: PyTree, collections: Collections) -> PyTree:
    """What `split` took apart: the variables that the flow's functions take."""
    put = lambda node: (
        LayerVariables(node.params, collections.given(node.place), node.place, collections) if _is_node(node) else node
    )
    return jax.tree.map(put, params, is_leaf=_is_node)


def initial(net: nn.Module, key: Key, *arguments: Any) -> PyTree:
    """The variables of a network from example arguments."""
    params, collections = initialize(net, key, *arguments)
    return LayerVariables(params, collections) if collections else params


def apply(net: nn.Module, variables: PyTree, *arguments: Any, **options: Any) -> Any:
    """The network with variables of `initial`; while training, its collections are replaced.

    Raises:
      UserError: if it has any and is called within a transformation of the layer's own, while training.
    """
    if not _is_node(variables):
        return net.apply({"params": variables}, *arguments, **options)
    if variables.collections is not None and variables.collections.train:
        return variables.collections.apply(variables.place, net, variables.params, *arguments, **options)
    return net.apply({"params": variables.params} | dict(variables.own), *arguments, **options)


def conditioner(net: nn.Module) -> Conditioner:
    """A network of ours as the network inside a layer of a flow."""

    def evaluate(variables: PyTree, h: Array, cond: Condition | None) -> Array:
        return cast(Array, apply(net, variables, h, None, cond))

    return Conditioner(lambda key, h, cond: initial(net, key, h, None, cond), evaluate)

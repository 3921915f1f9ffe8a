"""Networks from a section of a config."""

import importlib
from typing import Any, cast

import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, PyTree
from genjax_models.families.flows import Conditioner


def build_network(field: str, section: ConfigDict, **fields: Any) -> nn.Module:
    """The network `section.name`, an import path, built with the other fields of the section, and `fields`.

    Raises:
      UserError: if there is no such network, or it has no such field; `field` says where in the config.
    """
    module, _, name = section.name.rpartition(".")
    options = {field: value for field, value in section.items() if field != "name"}
    if "dtype" in options:
        options["dtype"] = jnp.dtype(options["dtype"])
    try:
        return getattr(importlib.import_module(module), name)(**options, **fields)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise UserError(f"cannot build config.{field} from {section.to_dict()}: {error}") from None


def stateless(field: str, variables: PyTree) -> PyTree:
    """The parameters among a network's variables.

    Raises:
      UserError: if it has others, for which an experiment has no place; `field` says where in the config.
    """
    if others := sorted(set(variables) - {"params"}):
        raise UserError(f"config.{field} has {', '.join(others)} beside its weights: choose a network without")
    return variables["params"]


def conditioner(net: nn.Module) -> Conditioner:
    """A network of ours as the network inside a layer of a flow."""
    return Conditioner(
        lambda key, h, cond: net.init(key, h, None, cond)["params"],
        lambda params, h, cond: cast(Array, net.apply({"params": params}, h, None, cond)),
    )

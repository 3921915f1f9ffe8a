"""Networks from a section of a config."""

import importlib
from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from genjax_models.core.errors import UserError


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

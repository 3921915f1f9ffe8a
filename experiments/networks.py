"""The networks that a config names."""

import importlib
from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from genjax_models.core.errors import UserError


def make_network(section: ConfigDict, **options: Any) -> nn.Module:
    """The network `section.name`, an import path, built with the other fields of `section` and with `options`.

    Raises:
      UserError: if there is no such network, or it has no such field.
    """
    module, _, name = section.name.rpartition(".")
    options = {field: value for field, value in section.items() if field != "name"} | options
    if "dtype" in options:
        options["dtype"] = jnp.dtype(options["dtype"])
    try:
        return getattr(importlib.import_module(module), name)(**options)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise UserError(f"cannot build config.net from {section.to_dict()}: {error}") from None

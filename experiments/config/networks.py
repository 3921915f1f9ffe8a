"""Networks from a section of a config, bound to their variables.

A network's *collections* are its variables that no optimiser moves: batch statistics, singular vectors, codebooks. An
experiment carries them in `TrainState.extra["collections"]`, network by network.
"""

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from flax import linen as nn
from flax.core.tracers import current_trace
from ml_collections import ConfigDict

from genjax_models.core.errors import UserError
from genjax_models.core.types import Key, PyTree
from genjax_models.training import Inference, parallel


def build_network(field: str, section: ConfigDict, *, train: ConfigDict | None = None, **fields: Any) -> nn.Module:
    """The network `section.name`, an import path, built with the other fields of the section, and `fields`.

    Args:
      field: where in the config the section stands, for errors.
      section: of the config.
      train: `config.train`, whose `compute_dtype` the network computes in unless its section has a `dtype`.
      **fields: of the network, beside those of the section.

    Raises:
      UserError: if there is no such network, or it has no such field.
    """
    module, _, name = section.name.rpartition(".")
    options = {field: value for field, value in section.items() if field != "name"}
    if train is not None and train.compute_dtype != "float32":
        options.setdefault("dtype", train.compute_dtype)
    if "dtype" in options:
        options["dtype"] = jnp.dtype(options["dtype"])
    _check_numbers(f"config.{field}", options)
    try:
        kind = getattr(importlib.import_module(module), name)
        if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
            raise UserError(f"config.{field}.name={section.name!r} is no network of flax.linen: choose another")
        return kind(**options, **fields)
    except UserError:
        raise
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise UserError(f"cannot build config.{field} from {section.to_dict()}: {error}") from None


def _check_numbers(place: str, options: Mapping[str, Any]) -> None:
    """Refuse negative sizes and counts, of which a network would silently have none.

    Raises:
      UserError: which names the field.
    """
    for name, value in options.items():
        for number in value if isinstance(value, list | tuple) else (value,):
            if isinstance(number, int) and not isinstance(number, bool) and number < 0:
                raise UserError(f"{place}.{name}={value} must not be negative")
        if name == "dropout" and not 0 <= value < 1:
            raise UserError(f"{place}.{name}={value} must lie between 0 and below 1")


class Initial(NamedTuple):
    """A network's variables before training.

    Attributes:
      params: what is trained.
      collections: everything else.
    """

    params: PyTree
    collections: dict[str, PyTree]


def initialize(net: nn.Module, key: Key, *arguments: Any, **options: Any) -> Initial:
    """The variables of a network, from example arguments."""
    variables = dict(net.init(key, *arguments, **options))
    return Initial(variables.pop("params"), variables)


class Collections:
    """The collections of the networks of an experiment during one evaluation of an objective.

    Every call of a network while training starts from the collections that the objective was given, and the last
    call's are the new ones. Calls of several methods of one network evaluate it part by part: each starts from what
    the one before has left. A call within a transformation of its own (`jax.jvp`, `lax.scan`, `vmap`) cannot return
    collections, and is refused when the step is traced.
    """

    def __init__(self, collections: Mapping[str, PyTree], *, train: bool = False):
        self._given, self.train = collections, train
        self.latest, self._trace = dict(collections), current_trace()

    def given(self, name: str) -> PyTree:
        """The collections of `name` that the objective was given; `{}` for a network without."""
        return self._given.get(name, {})

    def apply(self, name: str, net: nn.Module, params: PyTree, *arguments: Any, **options: Any) -> Any:
        """`net` with its parameters and the collections of `name`; while training, these are replaced.

        Args:
          name: of the network.
          net: the network.
          params: of the network.
          *arguments: of the call.
          **options: of the call; `method` evaluates a part of the network. `train=True` is added while training, to
            the methods of networks with collections alone.

        Raises:
          UserError: if it has any and is called within a transformation of the objective's own, while training.
        """
        own = (self.latest if "method" in options else self._given).get(name, {})
        if self.train and (own or "method" not in options):
            options["train"] = True
        if not self.train or not own:
            return net.apply({"params": params} | own, *arguments, **options)
        if current_trace() != self._trace:
            raise UserError(
                f"config.{name} has {', '.join(own)}, which cannot be updated where the objective differentiates or "
                "maps the network (jax.jvp, lax.scan, vmap): choose a network without"
            )
        output, self.latest[name] = net.apply({"params": params} | own, *arguments, mutable=list(own), **options)
        return output


class Variables(NamedTuple):
    """What several networks are applied with.

    Attributes:
      params: of the player or the players.
      collections: of the networks.
    """

    params: PyTree
    collections: Collections


def trained(model: Inference) -> Variables:
    """What the networks of the one player `model` are applied with, once trained."""
    return Variables(model.params["model"], Collections(model.extra["collections"]))


def across_devices(net: nn.Module, train: ConfigDict) -> nn.Module:
    """The network with batch norms that average over the shards of a mapped training step; it trains nowhere else.

    Under `config.train.parallel.mode="jit"` a program sees the whole batch, and the network is as it is.
    """
    mapped = train.parallel.mode != "jit"
    return net.clone(axis_name=parallel.AXIS) if mapped and hasattr(net, "axis_name") else net

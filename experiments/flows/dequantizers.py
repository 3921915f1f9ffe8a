"""The offsets of bytes within their intervals that a config may name: uniform, or of a flow trained with the model."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.config.layer_networks import conditioner
from experiments.config.networks import build_network
from genjax_models.core.densities import standard_logistic
from genjax_models.core.dequantization import Dequantizer
from genjax_models.core.errors import UserError
from genjax_models.core.types import Key, PyTree
from genjax_models.data.spec import DataSpec
from genjax_models.families import flows
from genjax_models.modalities.image import to_float
from genjax_models.training.names import pick


class Offsets(NamedTuple):
    """A distribution of the offsets.

    Attributes:
      init: `key -> params`.
      of: `params -> Dequantizer`.
    """

    init: Callable[[Key], PyTree]
    of: Callable[[PyTree], Dequantizer]


def variational(config: ConfigDict, spec: DataSpec) -> Offsets:
    """Flow++'s flow, with networks of `config.net`; it starts as uniform as these start at zero.

    Raises:
      UserError: if the data are no images.
    """
    section = config.dequantization
    if spec.field.kind != "image":
        raise UserError(f"config.dequantization is of images, and data set {spec.name} is of {spec.field.kind}")
    shape, network = spec.shape, partial(build_network, "net", config.net, train=config.train)
    flow = flows.offset_flow(
        shape,
        lambda channels: conditioner(network(out_channels=channels)),
        components=section.components,
        depth=section.depth,
    )
    base = standard_logistic(shape)
    return Offsets(
        lambda key: flow.init(key, jnp.zeros((1, *shape)), jnp.zeros((1, *shape))),
        lambda params: flows.variational_offset(flow, base, params, to_float),
    )


def build(config: ConfigDict, spec: DataSpec) -> Offsets | None:
    """The offsets of `config.dequantization`; `None` is the uniform one, which has no parameters.

    Raises:
      UserError: if its name is unknown, or it does not suit the data.
    """
    make = pick("dequantization.name", config.dequantization.name, {"uniform": None, "variational": variational})
    return make and make(config, spec)

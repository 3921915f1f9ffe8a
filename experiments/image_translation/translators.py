"""The generators between two domains of images, and the domains, as a config describes them."""

from collections.abc import Callable
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.config.networks import build_network, stateless
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.data.domains import DomainDataset, paired, unpaired, view_shape
from genjax_models.training.names import pick

METHODS = ("pix2pix", "cyclegan", "super_resolution")


def domains(config: ConfigDict, split: str) -> DomainDataset:
    """One split of both domains of a config."""
    return (unpaired if config.method == "cyclegan" else paired)(config.data.name, config.view, split)


class Translators(NamedTuple):
    """The networks between the domains, `(params, images, key=None) -> images`; a key is for dropout in training.

    Without one a network is a function of its image, where pix2pix's in the paper leaves dropout on.

    Attributes:
      x_shape: of an image of domain A.
      y_shape: of domain B.
      forward: A to B.
      backward: B to A, or `None`.
      init: `key -> params`, which has the fields `forward` and, where there are two, `backward`.
    """

    x_shape: tuple[int, ...]
    y_shape: tuple[int, ...]
    forward: Callable[..., Array]
    backward: Callable[..., Array] | None
    init: Callable[[Key], dict[str, PyTree]]


def translators(config: ConfigDict) -> Translators:
    """The generators of a config.

    Raises:
      UserError: if they cannot be built, the view cannot be made, or the method does not take domains of their sizes.
    """
    pick("method", config.method, dict.fromkeys(METHODS))
    images, other = tuple(config.data.shape), view_shape(config.data.shape, config.view)
    cyclic = config.method == "cyclegan"
    x_shape, y_shape = (images, other) if cyclic else (other, images)
    if config.method != "super_resolution" and x_shape[:2] != y_shape[:2]:
        raise UserError(
            f"{config.method} keeps the size of images, but config.view={config.view} does not: choose another"
        )
    doublings = (y_shape[0] // x_shape[0]).bit_length() - 1
    scale = {"doublings": doublings} if config.method == "super_resolution" else {}
    shapes = {"forward": (x_shape, y_shape)} | ({"backward": (y_shape, x_shape)} if cyclic else {})
    nets = {
        name: build_network("generator", config.generator, out_channels=target[2], **scale)
        for name, (_, target) in shapes.items()
    }

    def init(key: Key) -> dict[str, PyTree]:
        keys = jax.random.split(key, len(nets))
        return {
            name: stateless("generator", net.init(key, jnp.zeros((1, *shapes[name][0]))))
            for key, (name, net) in zip(keys, nets.items(), strict=True)
        }

    def run(name: str) -> Callable[..., Array]:
        def apply(params: PyTree, images: Array, key: Key | None = None) -> Array:
            rngs = {} if key is None else {"dropout": key}
            found = nets[name].apply({"params": params[name]}, images, train=key is not None, rngs=rngs)
            return cast(Array, found)

        return apply

    return Translators(x_shape, y_shape, run("forward"), run("backward") if cyclic else None, init)

"""The generators between two domains of images, and the domains, as a config describes them."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.config.networks import Collections, across_devices, build_network, initialize
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.data import ArrayDataset
from genjax_models.data.domains import paired, unpaired, view_shape
from genjax_models.data.spec import DataSpec
from genjax_models.training.names import pick

METHODS = ("pix2pix", "cyclegan", "super_resolution")


def domains(config: ConfigDict, split: str) -> ArrayDataset:
    """One split of both domains of a config."""
    return (unpaired if config.method == "cyclegan" else paired)(config.data.name, config.view, split)


class Translators(NamedTuple):
    """The networks between the domains, `(collections, params, images, key=None) -> images`.

    A key is for dropout in training. Without one a network is a function of its image, where pix2pix's in the paper
    leaves dropout on.

    Attributes:
      x_shape: of an image of domain A.
      y_shape: of domain B.
      forward: A to B.
      backward: B to A, or `None`.
      init: `key -> (params, collections)`, with the fields `forward` and, where there are two, `backward`.
    """

    x_shape: tuple[int, ...]
    y_shape: tuple[int, ...]
    forward: Callable[..., Array]
    backward: Callable[..., Array] | None
    init: Callable[[Key], tuple[dict[str, PyTree], dict[str, PyTree]]]


def translators(config: ConfigDict, spec: DataSpec) -> Translators:
    """The generators of a config.

    Raises:
      UserError: if they cannot be built, the view cannot be made, or the method does not take domains of their sizes.
    """
    pick("method", config.method, dict.fromkeys(METHODS))
    images = spec.shape
    other = view_shape(images, config.view)
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
        name: build_network("generator", config.generator, train=config.train, out_channels=target[2], **scale)
        for name, (_, target) in shapes.items()
    }

    def init(key: Key) -> tuple[dict[str, PyTree], dict[str, PyTree]]:
        keys = jax.random.split(key, len(nets))
        start = {
            name: initialize(net, key, jnp.zeros((1, *shapes[name][0])))
            for key, (name, net) in zip(keys, nets.items(), strict=True)
        }
        params = {name: own.params for name, own in start.items()}
        return params, {name: own.collections for name, own in start.items()}

    def run(name: str) -> Callable[..., Array]:
        def apply(collections: Collections, params: PyTree, images: Array, key: Key | None = None) -> Array:
            if key is None:
                return Collections(collections.latest).apply(name, nets[name], params[name], images)
            net = across_devices(nets[name], config.train)
            return collections.apply(name, net, params[name], images, rngs={"dropout": key})

        return apply

    return Translators(x_shape, y_shape, run("forward"), run("backward") if cyclic else None, init)

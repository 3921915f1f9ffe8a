"""The flows that a config may name: each from the shape of the data and a section of networks to layers.

A flow is made for a key: layers whose log-determinant is an estimate draw from it, and `None` makes them the same at
every call, and exact where that is affordable. What is reported is exact or without bias. Images pass through the logit
first, so that what is drawn stays in range.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, cast

import jax
from flax import linen as nn
from ml_collections import ConfigDict

from experiments.config import layer_networks
from experiments.config.data import Data
from experiments.config.layer_networks import conditioner
from experiments.config.networks import build_network
from genjax_models.core.errors import UserError
from genjax_models.core.jacobian import basis, hutchinson
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families import flows
from genjax_models.families.flows import Bijection
from genjax_models.families.flows.continuous import VectorField, continuous
from genjax_models.families.flows.elementwise import AFFINE
from genjax_models.families.flows.tarflow import CausalNetwork, tarflow
from genjax_models.training.names import pick

Make = Callable[[Key | None], Bijection]
Network = Callable[..., nn.Module]
"""Fields of the network, such as `out_channels`, to the module."""


class Architecture(NamedTuple):
    """A flow over data of one shape.

    Attributes:
      make: from a key, in training, or `None` to the flow.
      latent: shape of the latent variables.
      kind: of the likelihood of real numbers.
      measure: from a key to the flow whose density is reported, where that differs from `make(None)`.
    """

    make: Make
    latent: tuple[int, ...]
    kind: str = "exact"
    measure: Make | None = None


def build(config: ConfigDict, data: Data) -> Architecture:
    """The flow `config.flow` over the data of a config, with networks of `config.net`.

    Raises:
      UserError: if the name is unknown, or its options or the shape do not suit it.
    """
    shape, section = data.spec.shape, config.flow
    maker = pick("flow.name", section.name, FLOWS)
    fields = data.network_fields() if data.fields else {}
    network = partial(build_network, "net", config.net, train=config.train, **fields)
    try:
        architecture = maker(shape, network, **section.options)
        to_line = flows.logit(section.margin) if section.margin else flows.chain([])
    except (TypeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"config.flow.options do not suit {section.name} on {shape}: {error}") from None
    if data.fields and section.name in WITHOUT_NETWORK:
        raise UserError(f"flow.name={section.name} has no network to take a condition: set config.condition=()")
    if not section.margin or len(shape) == 1:
        return architecture

    def after_logit(make: Make) -> Make:
        return lambda key: flows.chain([to_line, make(key)])

    measure = architecture.measure and after_logit(architecture.measure)
    return architecture._replace(make=after_logit(architecture.make), measure=measure)


def _inside(network: Network) -> flows.MakeConditioner:
    """Networks with as many channels as a layer needs."""
    return lambda channels: conditioner(network(out_channels=channels))


def _flat(shape: tuple[int, ...], layers: Bijection) -> Architecture:
    """Of layers over vectors: images are flattened first."""
    size = math.prod(shape)
    flow = layers if len(shape) == 1 else flows.chain([flows.flatten(shape), layers])
    return Architecture(lambda key: flow, (size,))


def _couplings(shape: tuple[int, ...], network: Network, *, depth: int = 4, levels: int = 2) -> Architecture:
    """RealNVP: `depth` pairs of couplings of vectors, or `levels` of images."""
    if len(shape) == 1:
        return _flat(shape, flows.coupling_flow(AFFINE, _inside(network), features=shape[0], depth=depth))
    return Architecture(lambda key: flows.real_nvp(shape, _inside(network), levels=levels), (math.prod(shape),))


def _whole(maker: Callable[..., Bijection]) -> Callable[..., Architecture]:
    """A flow that takes the shape itself, to a flat latent."""

    def make(shape: tuple[int, ...], network: Network, **options: Any) -> Architecture:
        flow = maker(shape, _inside(network), **options)
        return Architecture(lambda key: flow, (math.prod(shape),))

    return make


def _nice(shape: tuple[int, ...], network: Network, *, depth: int = 4) -> Architecture:
    return _flat(shape, flows.nice(math.prod(shape), _inside(network), depth=depth))


def _torus(shape: tuple[int, ...], network: Network, *, depth: int = 4, bins: int = 8) -> Architecture:
    """Circular splines of angles in half turns, from -1 to 1; to uniform angles."""
    layers = flows.torus_flow(_inside(network), features=math.prod(shape), depth=depth, bins=bins)
    return _flat(shape, flows.chain([flows.rescale(math.pi), layers]))


def _autoregressive(transformer: Callable[..., flows.Transformer]) -> Callable[..., Architecture]:
    """A masked autoregressive flow; `options` are those of the map of each variable."""

    def make(
        shape: tuple[int, ...], network: Network, *, depth: int = 5, normalize: bool = False, **options: Any
    ) -> Architecture:
        inner = transformer(**options)
        return _flat(shape, flows.maf(_inside(network), depth, transformer=inner, normalize=normalize))

    return make


def _layers(maker: Callable[..., Bijection]) -> Callable[..., Architecture]:
    """A layer without a network, `depth` times."""

    def make(shape: tuple[int, ...], network: Network, *, depth: int = 8, **options: Any) -> Architecture:
        return _flat(shape, flows.repeat(maker(**options), depth))

    return make


def _block_autoregressive(
    shape: tuple[int, ...], network: Network, *, depth: int = 2, hidden: int = 2, units: int = 50
) -> Architecture:
    layer = flows.chain([flows.block_autoregressive(units, hidden), flows.reverse()])
    return _flat(shape, flows.stack(layer, depth))


def _residual(
    shape: tuple[int, ...], network: Network, *, depth: int = 8, probes: int = 1, exact_terms: int = 2, terms: int = 20
) -> Architecture:
    """Residual flows: training uses the unbiased estimate after `exact_terms`, reported likelihoods that after `terms`.

    For vectors the determinant is exact. Where every call must use the same density, `terms` of the series on fixed
    probes.
    """
    g = conditioner(network())

    def chained(log_det: Callable[[Key], flows.LogDet], key: Key | None) -> Bijection:
        keys = jax.random.split(jax.random.key(0) if key is None else key, depth)
        layers = [(flows.actnorm(), flows.residual(g, log_det=log_det(own))) for own in keys]
        return flows.chain([layer for pair in layers for layer in pair])

    unbiased = lambda first: lambda key: flows.roulette(key, probes=probes, exact_terms=first)
    fixed = (
        (lambda key: flows.exact) if len(shape) == 1 else lambda key: flows.power_series(terms, hutchinson(key, probes))
    )
    return Architecture(
        lambda key: chained(fixed if key is None else unbiased(exact_terms), key),
        shape,
        measure=None if len(shape) == 1 else lambda key: chained(unbiased(terms), key),
    )


def _continuous(
    shape: tuple[int, ...], network: Network, *, probes: int = 1, rtol: float = 1e-4, atol: float = 1e-4
) -> Architecture:
    """FFJORD: Hutchinson's estimate in training; at evaluation the exact trace of vectors."""
    net = network()
    field = VectorField(
        partial(layer_networks.initial, net),
        lambda params, x, t, cond: cast(Array, layer_networks.apply(net, params, x, t, cond)),
    )

    def make(key: Key | None) -> Bijection:
        own = jax.random.key(0) if key is None else key
        directions = basis if key is None and len(shape) == 1 else hutchinson(own, probes)
        return continuous(field, directions=directions, rtol=rtol, atol=atol)

    return Architecture(make, shape, "ode", measure=None if len(shape) == 1 else make)


def _tarflow(shape: tuple[int, ...], network: Network, *, patch_size: int = 4, depth: int = 4) -> Architecture:
    """TarFlow over the patches of images, its networks causal transformers."""
    height, width, channels = shape
    tokens, size = (height // patch_size) * (width // patch_size), patch_size**2 * channels

    def causal(out_channels: int) -> CausalNetwork:
        net = network(length=tokens, out_channels=out_channels)
        plain = conditioner(net)

        def step(params: PyTree, caches: PyTree, h: Array, cond: PyTree) -> tuple[Array, PyTree]:
            return cast("tuple[Array, PyTree]", layer_networks.apply(net, params, h, None, cond, caches=caches))

        return CausalNetwork(*plain, lambda h: net.empty_caches(h.shape[0], h.dtype), step)

    flow = flows.chain(
        [flows.tokens((height, width, channels), patch_size), tarflow(causal, channels=size, depth=depth)]
    )
    return Architecture(lambda key: flow, (tokens, size))


WITHOUT_NETWORK = ("block_autoregressive", "planar", "radial", "sylvester")
FLOWS: dict[str, Callable[..., Architecture]] = {
    "nice": _nice,
    "real_nvp": _couplings,
    "glow": _whole(flows.glow),
    "spline_coupling": _whole(flows.spline_coupling),
    "torus": _torus,
    "flow_plus_plus": _whole(flows.flow_plus_plus),
    "maf": _autoregressive(flows.affine),
    "spline_autoregressive": _autoregressive(flows.rational_quadratic),
    "neural_autoregressive": _autoregressive(flows.deep_sigmoidal),
    "block_autoregressive": _block_autoregressive,
    "planar": _layers(flows.planar),
    "radial": _layers(flows.radial),
    "sylvester": _layers(flows.sylvester),
    "residual": _residual,
    "continuous": _continuous,
    "tarflow": _tarflow,
}

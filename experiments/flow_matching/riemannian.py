"""Flow matching along geodesics of the torus: the default config, and the experiment it describes.

Data are angles in half turns, from -1 to 1; the network sees their cosines and sines.
"""

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from experiments.config import sections
from experiments.config.data import data_of
from experiments.config.networks import Collections, across_devices, build_network, initialize
from genjax_models.core.errors import UserError
from genjax_models.core.sinusoids import cosines_and_sines
from genjax_models.core.types import Array, Key, Likelihood, LossOutput, Model, PyTree
from genjax_models.families.flow_matching import (
    geodesic_euler,
    riemannian_log_prob,
    riemannian_velocity_loss,
    torus,
)
from genjax_models.solvers import sample, uniform_grid
from genjax_models.training import Experiment, Inference, Player, SampleRequest, make_optimizer
from genjax_models.training.config import TRAINING
from genjax_models.training.names import pick
from genjax_models.training.settings import POSITIVE, Open, Section, Setting, defaults

SAMPLERS = {"geodesic_euler": geodesic_euler}


TASKS: tuple[str, ...] = ("sample", "log_prob")
"""What it can do, see `experiments.run.tasks`."""

FIELDS: Section = {
    **sections.experiment("experiments.flow_matching.riemannian"),
    "data": Open({"name": "torus"}, "a data set of angles in half turns"),
    "net": sections.network("MLP", width=64, depth=2),
    "train": TRAINING,
    "sample": sections.sampling("geodesic_euler", 100),
    "eval": sections.evaluation(("geodesic_euler", 100), features="", likelihood=10_000),
    "likelihood": {
        "rtol": Setting(1e-5, "relative tolerance of the solver", POSITIVE),
        "atol": Setting(1e-5, "absolute tolerance of the solver", POSITIVE),
    },
    **sections.EXPECTED,
}


def get_config() -> ConfigDict:
    """Two angles, exact divergence, Euler's steps along geodesics."""
    return defaults(FIELDS)


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the Riemannian flow-matching loss.

    Raises:
      UserError: if there is no such network or sampler, or the data are no vectors of angles.
    """
    data = data_of(config)
    spec = data.spec
    if spec.field.kind != "vector":
        raise UserError(f"config.data={spec.name} is of {spec.field.kind}: flows on the torus need vectors of angles")
    shape = spec.shape
    net, manifold = build_network("net", config.net, train=config.train, out_channels=shape[-1]), torus(shape[-1])
    training_net = across_devices(net, config.train)
    sections.check_samplers(config, SAMPLERS)

    def field(collections: Collections, net: nn.Module, params: PyTree) -> Model:
        return lambda angles, t: collections.apply("net", net, params, cosines_and_sines(angles), t)

    def trained_field(model: Inference) -> Model:
        return field(Collections(model.extra["collections"]), net, model.params["model"])

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        start = initialize(net, key, cosines_and_sines(jnp.zeros((1, *shape))), jnp.zeros(1))
        return {"model": start.params}, {"collections": {"net": start.collections}}

    def loss(key: Key, velocity: Model, x: Array) -> LossOutput:
        return riemannian_velocity_loss(key, velocity, math.pi * x, manifold=manifold)

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        collections = Collections(extra["collections"], train=True)
        output = loss(key, field(collections, training_net, params["model"]), batch["x"])
        return output, {"collections": collections.latest}

    def validate(key: Key, model: Inference, batch: Mapping[str, Array]) -> dict[str, Array]:
        return {"loss": loss(key, trained_field(model), batch["x"]).value}

    def measure(key: Key, model: Inference, batch: Mapping[str, Array]) -> Likelihood:
        found, _ = riemannian_log_prob(
            trained_field(model), math.pi * batch["x"], manifold=manifold, **config.likelihood
        )
        return Likelihood(found.value + shape[-1] * math.log(math.pi), "ode")  # by half turns

    def draw(key: Key, model: Inference, request: SampleRequest) -> Array:
        """The samples `[num, D]` in half turns; with `keep`, their path `[keep, num, D]` instead."""
        data.requested(request)
        if request.guidance not in (None, 1.0):
            raise UserError("this model has no condition to guide by: leave guidance at 1")
        key_x, key_steps = jax.random.split(key)
        algorithm = pick("sampler", request.sampler or config.sample.sampler, SAMPLERS)(manifold)
        start = manifold.random_uniform(key_x, (request.num,))
        grid = uniform_grid(config.sample.steps if request.steps is None else request.steps)
        if request.keep:
            return sample(key_steps, trained_field(model), start, grid, algorithm, keep=request.keep)[1] / math.pi
        return sample(key_steps, trained_field(model), start, grid, algorithm) / math.pi

    return Experiment(
        spec=spec,
        init=init,
        players=(Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps)),),
        sample=draw,
        log_prob=measure,
        validate=validate,
    )

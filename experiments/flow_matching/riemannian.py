"""Flow matching along geodesics of the torus: the default config, and the experiment it describes.

Data are angles in half turns, from -1 to 1; the network sees their cosines and sines.
"""

import math
from collections.abc import Mapping
from typing import cast

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.config.networks import build_network
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
from genjax_models.training import Experiment, Player, make_optimizer, training_config
from genjax_models.training.names import pick

SAMPLERS = {"geodesic_euler": geodesic_euler}


def get_config() -> ConfigDict:
    """Two angles, exact divergence, Euler's steps along geodesics."""
    return ConfigDict(
        {
            "experiment": "experiments.flow_matching.riemannian",
            "data": {"name": "torus", "shape": (2,), "num_classes": 0},
            "net": {"name": "genjax_models.nets.MLP", "width": 64, "depth": 2},
            "train": training_config(),
            "sample": {"sampler": "geodesic_euler", "steps": 100},
            "eval": {
                "features": "",
                "num": 1000,
                "batch": 250,
                "seed": 0,
                "rows": (("geodesic_euler", 100),),
                "likelihood": 10_000,  # test points, the first ones
            },
            "likelihood": {"rtol": 1e-5, "atol": 1e-5},
            "expected": ConfigDict(),
        }
    )


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the Riemannian flow-matching loss.

    Raises:
      UserError: if there is no such network or sampler, or angles are to be flipped or dequantised.
    """
    if config.train.flip or config.train.dequantize:
        raise UserError("angles are no images: set config.train.flip=False and config.train.dequantize=False")
    shape = tuple(config.data.shape)
    net, manifold = build_network("net", config.net, out_channels=shape[-1]), torus(shape[-1])
    for name in (config.sample.sampler, *(row[0] for row in config.eval.rows)):
        pick("sampler", name, SAMPLERS)

    def field(params: Mapping[str, PyTree]) -> Model:
        return lambda angles, t: cast(Array, net.apply({"params": params["model"]}, cosines_and_sines(angles), t))

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        return {"model": net.init(key, cosines_and_sines(jnp.zeros((1, *shape))), jnp.zeros(1))["params"]}, {}

    def loss(key: Key, params: Mapping[str, PyTree], x: Array) -> LossOutput:
        return riemannian_velocity_loss(key, field(params), math.pi * x, manifold=manifold)

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        return loss(key, params, batch["x"]), extra

    def validate(key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array]) -> dict[str, Array]:
        return {"loss": loss(key, params, batch["x"]).value}

    def measure(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array]) -> Likelihood:
        found, _ = riemannian_log_prob(field(params), math.pi * batch["x"], manifold=manifold, **config.likelihood)
        return Likelihood(found.value + shape[-1] * math.log(math.pi), "ode")  # by half turns

    def draw(
        key: Key,
        params: Mapping[str, PyTree],
        num: int,
        *,
        label: Array | None = None,
        sampler: str | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        keep: int = 0,
    ) -> Array:
        """Generate `num` examples `[num, D]` in half turns; with `keep`, their path `[keep, num, D]` instead."""
        if label is not None or guidance not in (None, 1.0):
            raise UserError("this model knows no classes, by which to draw or to guide")
        key_x, key_steps = jax.random.split(key)
        algorithm = pick("sampler", sampler or config.sample.sampler, SAMPLERS)(manifold)
        start = manifold.random_uniform(key_x, (num,))
        grid = uniform_grid(config.sample.steps if steps is None else steps)
        if keep:
            return sample(key_steps, field(params), start, grid, algorithm, keep=keep)[1] / math.pi
        return sample(key_steps, field(params), start, grid, algorithm) / math.pi

    return Experiment(
        init=init,
        players=(Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps)),),
        sample=draw,
        log_prob=measure,
        validate=validate,
    )

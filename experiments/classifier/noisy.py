"""A classifier of noisy images, whose gradient guides the samples of a model on the same process."""

from collections.abc import Mapping
from typing import Any, cast

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.classifier.scores import classification
from experiments.config.networks import build_network
from experiments.gaussian_path import registry
from genjax_models.core.arrays import expand_as
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.modalities.image import random_flip, to_float
from genjax_models.training import Experiment, Player, make_optimizer, training_config


def get_config() -> ConfigDict:
    """Cross-entropy at every time of the process, uniformly."""
    config = ConfigDict(
        {
            "experiment": "experiments.classifier.noisy",
            "data": {"name": "digits", "shape": (8, 8, 1), "num_classes": 10},
            "net": {"name": "genjax_models.nets.UNetEncoder"},
            "process": "vp",
            "process_options": {"zero_terminal_snr": False, "shift": 1.0},
            "time": {"name": "uniform", "options": ConfigDict()},
            "train": training_config(),
            "expected": ConfigDict(),
        }
    )
    config.train.sample_every = 0
    return config


def build(config: ConfigDict) -> Experiment:
    """An experiment of one player, `model`, that minimises the cross-entropy of the labels of noisy images.

    Raises:
      UserError: if a name is unknown, or options do not suit it.
    """
    net = build_network("net", config.net, out_features=config.data.num_classes)
    process = registry.transformed_process(config)
    time = registry.make_time(config, process)

    def classify(params: Mapping[str, PyTree], x: Array, t: Array, **options: Any) -> Array:
        scale = jax.lax.rsqrt(process.alpha(t) ** 2 + process.sigma(t) ** 2)  # of unit spread, however loud the noise
        return cast(Array, net.apply({"params": params["model"]}, expand_as(scale, x) * x, t, **options))

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        return {"model": net.init(key, jnp.zeros((1, *config.data.shape)), jnp.zeros(1))["params"]}, {}

    def noisy(key: Key, x: Array) -> tuple[Array, Array]:
        key_time, key_eps = jax.random.split(key)
        t = time(key_time, x.shape[0])
        return process.add_noise(x, jax.random.normal(key_eps, x.shape), t), t

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_flip, key_noise, key_dropout = jax.random.split(key, 3)
        x = to_float(random_flip(key_flip, batch["x"]) if config.train.flip else batch["x"])
        logits = classify(params, *noisy(key_noise, x), train=True, rngs={"dropout": key_dropout})
        return LossOutput(*classification(logits, batch["label"])), extra

    def validate(key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array]) -> dict[str, Array]:
        x = to_float(batch["x"])
        loss, scores = classification(classify(params, *noisy(key, x)), batch["label"])
        _, clean = classification(classify(params, x, jnp.zeros(x.shape[0])), batch["label"])
        return {"loss": loss} | scores | {"accuracy without noise": clean["accuracy"]}

    player = Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps))
    return Experiment(init=init, players=(player,), validate=validate, classify=classify)

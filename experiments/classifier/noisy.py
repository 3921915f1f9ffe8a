"""A classifier of noisy images, whose gradient guides the samples of a model on the same process."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from experiments import gaussian_path
from experiments.classifier.scores import classification
from experiments.config import sections
from experiments.config.data import data_of
from experiments.config.networks import Collections, across_devices, build_network, initialize
from experiments.gaussian_path import registry
from genjax_models.core.arrays import expand_as
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.training import Experiment, Inference, Player, make_optimizer
from genjax_models.training.config import TRAINING
from genjax_models.training.settings import Section, defaults

TASKS: tuple[str, ...] = ()
"""See `experiments.run.tasks`."""

FIELDS: Section = {
    **sections.experiment("experiments.classifier.noisy"),
    **sections.DATA,
    "net": sections.network("UNetEncoder"),
    **{name: gaussian_path.FIELDS[name] for name in ("process", "process_options", "time")},
    "train": TRAINING,
    **sections.EXPECTED,
}


def get_config() -> ConfigDict:
    """Cross-entropy at every time of the process, uniformly."""
    config = defaults(FIELDS)
    config.process = "vp"
    config.train.sample_every = 0
    return config


def build(config: ConfigDict) -> Experiment:
    """An experiment of one player, `model`, that minimises the cross-entropy of the labels of noisy images.

    Raises:
      UserError: if a name is unknown, or options do not suit it.
    """
    data = data_of(config)
    spec, modality = data.spec, data.modality
    net = build_network("net", config.net, train=config.train, out_features=spec.num_classes)
    training_net = across_devices(net, config.train)
    process = registry.transformed_process(config)
    time = registry.make_time(config, process)

    def classify(collections: Collections, net: nn.Module, params: PyTree, x: Array, t: Array, **options: Any) -> Array:
        scale = jax.lax.rsqrt(process.alpha(t) ** 2 + process.sigma(t) ** 2)  # of unit variance at all noise levels
        return collections.apply("net", net, params, expand_as(scale, x) * x, t, **options)

    def trained(model: Inference, x: Array, t: Array) -> Array:
        return classify(Collections(model.extra["collections"]), net, model.params["model"], x, t)

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        start = initialize(net, key, jnp.zeros((1, *spec.shape)), jnp.zeros(1))
        return {"model": start.params}, {"collections": {"net": start.collections}}

    def noisy(key: Key, x: Array) -> tuple[Array, Array]:
        key_time, key_eps = jax.random.split(key)
        t = time(key_time, x.shape[0])
        return process.add_noise(x, jax.random.normal(key_eps, x.shape), t), t

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_flip, key_noise, key_dropout = jax.random.split(key, 3)
        key_x = jax.random.fold_in(key_noise, 0)
        x = data.values(config.train, batch["x"], key_flip=key_flip, key_noise=key_x)
        collections, rngs = Collections(extra["collections"], train=True), {"dropout": key_dropout}
        logits = classify(collections, training_net, params["model"], *noisy(key_noise, x), rngs=rngs)
        return LossOutput(*classification(logits, batch["label"])), {"collections": collections.latest}

    def validate(key: Key, model: Inference, batch: Mapping[str, Array]) -> dict[str, Array]:
        x = modality.to_model(batch["x"])
        loss, scores = classification(trained(model, *noisy(key, x)), batch["label"])
        _, clean = classification(trained(model, x, jnp.zeros(x.shape[0])), batch["label"])
        return {"loss": loss} | scores | {"accuracy without noise": clean["accuracy"]}

    player = Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps))
    return Experiment(spec=spec, init=init, players=(player,), validate=validate, classify=trained)

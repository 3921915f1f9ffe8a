"""Small image classifiers: their penultimate layers are the feature nets of `genjax_models.evaluation`."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.classifier.scores import classification
from experiments.config.data import model_values, spec_of
from experiments.config.networks import Collections, build_network, initialize
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.modalities import modality_of
from genjax_models.training import Experiment, Inference, Player, make_optimizer, training_config


def get_config() -> ConfigDict:
    """Cross-entropy on shifted (and, where `train.flip` says so, mirrored) images."""
    config = ConfigDict(
        {
            "experiment": "experiments.classifier",
            "data": {"name": "digits"},
            "net": {
                "name": "genjax_models.nets.feature.classifier.Classifier",
                "widths": (32, 64, 96),
                "features": 128,
                "dropout": 0.3,
            },
            "shift": 1,  # pixels at most, in each direction
            "fill": 0,  # the byte of pixels that a shift uncovers
            "train": training_config(),
            "expected": {"accuracy": 0.97},  # at least, on the test split
        }
    )
    config.train.update({"batch_size": 128, "steps": 2_000, "sample_every": 0})
    config.train.optimizer.update({"learning_rate": 2e-3, "weight_decay": 0.02})
    config.train.optimizer.schedule.update({"name": "cosine", "warmup_steps": 100})
    return config


def with_variant(config: ConfigDict, variant: str) -> ConfigDict:
    """The config as it is, or its `smoke` variant, which trains in seconds.

    Raises:
      UserError: if there is no such variant.
    """
    if variant == "smoke":
        config.train.update({"steps": 20, "batch_size": 16, "log_every": 5, "checkpoint_every": 10})
        config.train.optimizer.schedule.warmup_steps = 5
    elif variant:
        raise UserError(f"variant {variant!r} is unknown; the classifiers have smoke")
    return config


def build(config: ConfigDict) -> Experiment:
    """An experiment of one player, `model`, that minimises the cross-entropy of the labels.

    Raises:
      UserError: if the data set has no classes, or the network cannot be built.
    """
    spec = spec_of(config)
    if not spec.num_classes:
        raise UserError(f"data set {spec.name} has no labels to classify: choose another")
    net, modality = build_network("net", config.net, num_classes=spec.num_classes), modality_of(spec)

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        start = initialize(net, key, jnp.zeros((1, *spec.shape)))
        return {"model": start.params}, {"collections": {"net": start.collections}}

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_shift, key_flip, key_dropout = jax.random.split(key, 3)
        x = random_shift(key_shift, batch["x"], config.shift, fill=config.fill)
        key_x = jax.random.fold_in(key_dropout, 0)
        x = model_values(config, modality, x, key_flip=key_flip, key_noise=key_x)
        collections, rngs = Collections(extra["collections"], train=True), {"dropout": key_dropout}
        output = collections.apply("net", net, params["model"], x, rngs=rngs)
        return LossOutput(*classification(output.logits, batch["label"])), {"collections": collections.latest}

    def validate(key: Key, model: Inference, batch: Mapping[str, Array]) -> dict[str, Array]:
        x = modality.to_model(batch["x"])
        output = Collections(model.extra["collections"]).apply("net", net, model.params["model"], x)
        loss, scores = classification(output.logits, batch["label"])
        return {"loss": loss} | scores

    player = Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps))
    return Experiment(spec=spec, init=init, players=(player,), validate=validate)


def random_shift(key: Key, x: Array, pixels: int, *, fill: int = 0) -> Array:
    """Moves each image of `x` `[B, H, W, C]` by up to `pixels` rows and columns; uncovered pixels are `fill`."""
    batch, height, width, channels = x.shape
    padded = jnp.pad(x, [(0, 0), (pixels, pixels), (pixels, pixels), (0, 0)], constant_values=fill)
    starts = jax.random.randint(key, (batch, 2), 0, 2 * pixels + 1)
    window = lambda image, start: jax.lax.dynamic_slice(image, (start[0], start[1], 0), (height, width, channels))
    return jax.vmap(window)(padded, starts)

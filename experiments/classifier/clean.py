"""Small image classifiers: their penultimate layers are the feature nets of `genjax_models.evaluation`."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.classifier.scores import classification
from experiments.config import sections
from experiments.config.data import data_of
from experiments.config.networks import Collections, build_network, initialize
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.training import Experiment, Inference, Player, make_optimizer
from genjax_models.training.config import TRAINING
from genjax_models.training.settings import Section, Setting, at_least, between, defaults

TASKS: tuple[str, ...] = ()
FIELDS: Section = {
    **sections.experiment("experiments.classifier"),
    **sections.DATA,
    "net": sections.network("feature.classifier.Classifier", widths=(32, 64, 96), features=128, dropout=0.3),
    "shift": Setting(1, "pixels by which images are shifted at most, in each direction", at_least(0)),
    "fill": Setting(0, "the byte of pixels that a shift uncovers", between(0, 255)),
    "train": TRAINING,
    **sections.EXPECTED,
}


def get_config() -> ConfigDict:
    """Cross-entropy on shifted (and, if `train.flip`, mirrored) images."""
    config = defaults(FIELDS)
    config.train.update({"batch_size": 128, "steps": 2_000, "sample_every": 0})
    config.train.optimizer.update({"learning_rate": 2e-3, "weight_decay": 0.02})
    config.train.optimizer.schedule.update({"name": "cosine", "warmup_steps": 100})
    config.expected = {"accuracy": 0.97}  # at least, on the test split
    return config


def build(config: ConfigDict) -> Experiment:
    """An experiment of one player, `model`, that minimises the cross-entropy of the labels.

    Raises:
      UserError: if the data set has no classes, or the network cannot be built.
    """
    data = data_of(config)
    spec, modality = data.spec, data.modality
    if not spec.num_classes:
        raise UserError(f"data set {spec.name} has no labels to classify: choose another")
    net = build_network("net", config.net, num_classes=spec.num_classes)

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        start = initialize(net, key, jnp.zeros((1, *spec.shape)))
        return {"model": start.params}, {"collections": {"net": start.collections}}

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_shift, key_flip, key_dropout = jax.random.split(key, 3)
        x = random_shift(key_shift, batch["x"], config.shift, fill=config.fill)
        key_x = jax.random.fold_in(key_dropout, 0)
        x = data.values(config.train, x, key_flip=key_flip, key_noise=key_x)
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

"""What a GAN's discriminator says of images that it learnt from, of unseen ones, and of fakes; see `judge`."""

from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from experiments import gan
from experiments.gan import game
from experiments.gan.augmentation import make_augmentation
from experiments.gan.heads import make_head
from experiments.gan.networks import make_networks
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key
from genjax_models.data import load
from genjax_models.evaluation import calibration_error
from genjax_models.training import TrainState, parallel

BOUNDARIES = {"minimax": 0.0, "non_saturating": 0.0, "hinge": 0.0, "least_squares": 0.5}
"""Logits at which an image is as likely real as fake; other games have none."""
CROSS_ENTROPY = ("minimax", "non_saturating")
"""Games whose best discriminator says the probability of real."""


def logits(config: ConfigDict, state: TrainState, *, num: int, batch: int, seed: int) -> dict[str, np.ndarray]:
    """What the discriminator says of `train` and `test` images and of `fake` ones, `[num]` each.

    Raises:
      UserError: if the config is of no GAN, or a split has fewer images.
    """
    if config.experiment != gan.__name__:
        raise UserError(f"only a GAN of {gan.__name__} can be asked, not one of {config.experiment}")
    if not 0 < batch <= num:
        raise UserError(f"--batch={batch} must lie between 1 and --num={num}")
    head = make_head(config)
    networks = make_networks(config, head.prior)
    parts = game.Parts(config, networks, head, make_augmentation(config))

    def judge(state: TrainState, x: Array, label: Array) -> Array:
        own = game.variables_of(state.params, state.extra, "discriminator")
        return networks.judge(own, x, label, step=state.step)[0].logits

    def of_reals(key: Key, state: TrainState, rows: dict[str, Array]) -> Array:
        return judge(state, networks.as_grown(game.images_of(config, key, rows), state.step), rows["label"])

    def of_fakes(key: Key, state: TrainState, rows: dict[str, Array]) -> Array:
        fake, _, _ = parts.fakes(key, state.params, state.extra, rows["label"], state.step)
        return judge(state, fake, rows["label"])

    train, test = (load(config.data.name, split) for split in ("train", "test"))
    real, fake = parallel.compile_fn(of_reals), parallel.compile_fn(of_fakes)
    found = {}
    for kind, dataset, ask in (("train", train, real), ("test", test, real), ("fake", test, fake)):
        if num > dataset.size:
            raise UserError(f"--num={num} is too many: the {kind} split has {dataset.size} images")
        order = np.random.default_rng(seed).permutation(dataset.size)[: num - num % batch].reshape(-1, batch)
        keys = jax.random.split(jax.random.key(seed), len(order))
        try:
            answers = [ask(key, state, dataset.take(rows)) for key, rows in zip(keys, order, strict=True)]
        except ValueError as error:
            raise UserError(f"the discriminator cannot judge --batch={batch} images at once: {error}") from error
        found[kind] = np.concatenate([np.asarray(a, np.float64).reshape(batch, -1).mean(axis=1) for a in answers])
    return found


def summary(found: dict[str, np.ndarray], game: str) -> dict[str, Any]:
    """Means, shares and ratios of the logits, as the module says."""
    means = {kind: float(values.mean()) for kind, values in found.items()}
    result: dict[str, Any] = {"mean_logit": means, "n": len(found["fake"])}
    if game in BOUNDARIES:
        real = {kind: values > BOUNDARIES[game] for kind, values in found.items()}
        result["judged_rightly"] = {kind: float((said != (kind == "fake")).mean()) for kind, said in real.items()}
    result["overfitting"] = (means["train"] - means["test"]) / (means["train"] - means["fake"])
    if game in CROSS_ENTROPY:
        result["calibration_error"] = calibration_error(found["test"], found["fake"])
    return result

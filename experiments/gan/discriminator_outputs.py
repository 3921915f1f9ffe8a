"""A GAN's discriminator on training images, on held-out ones and on fakes; see the command `discriminator`."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from experiments import gan
from experiments.config.data import dataset_of
from experiments.gan import game
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key
from genjax_models.evaluation import calibration_error
from genjax_models.families.gan import GAMES
from genjax_models.training import TrainState, parallel


def logits(config: ConfigDict, state: TrainState, *, num: int, batch: int, seed: int) -> dict[str, np.ndarray]:
    """The logits of `train` and `test` images and of `fake` ones, `[num]` each.

    Raises:
      UserError: if the config is of no GAN, or a split has fewer images.
    """
    if config.experiment != gan.__name__:
        raise UserError(f"only GANs of {gan.__name__} have such a discriminator, not those of {config.experiment}")
    if not 0 < batch <= num:
        raise UserError(f"--batch={batch} must lie between 1 and --num={num}")
    parts = game.make_parts(config)
    networks = parts.networks

    def output(state: TrainState, x: Array, rows: Mapping[str, Array]) -> Array:
        own = game.variables_of(state.params, state.extra, "discriminator")
        cond = networks.data.condition(rows)
        return networks.discriminate(own, x, cond, step=state.step)[0].logits

    def of_reals(key: Key, state: TrainState, rows: Mapping[str, Array]) -> Array:
        return output(state, networks.as_grown(game.images_of(parts, key, rows), state.step), rows)

    def of_fakes(key: Key, state: TrainState, rows: Mapping[str, Array]) -> Array:
        fake, _, _ = parts.fakes(key, state.params, state.extra, rows, state.step)
        return output(state, fake, rows)

    train, test = (dataset_of(config, split) for split in ("train", "test"))
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
            raise UserError(f"the discriminator cannot see --batch={batch} images at once: {error}") from error
        found[kind] = np.concatenate([np.asarray(a, np.float64).reshape(batch, -1).mean(axis=1) for a in answers])
    return found


def summary(found: dict[str, np.ndarray], game: str) -> dict[str, Any]:
    """Mean logits, accuracy, overfitting ratio and calibration error, as defined in the command's docstring."""
    means = {kind: float(values.mean()) for kind, values in found.items()}
    result: dict[str, Any] = {"mean_logit": means, "n": len(found["fake"])}
    if (boundary := GAMES[game].boundary) is not None:
        real = {kind: values > boundary for kind, values in found.items()}
        result["accuracy"] = {kind: float((said != (kind == "fake")).mean()) for kind, said in real.items()}
    result["overfitting"] = (means["train"] - means["test"]) / (means["train"] - means["fake"])
    if GAMES[game].probability:
        result["calibration_error"] = calibration_error(found["test"], found["fake"])
    return result

"""The augmentation of all inputs of a discriminator, as set in `config.augment`, and its strength in `extra`."""

from collections.abc import Callable
from typing import NamedTuple

import jax
from ml_collections import ConfigDict

from experiments.config.data import Data
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key
from genjax_models.families.gan import GAMES, POLICIES, ada_augment, adapt, diff_augment, overfitting
from genjax_models.training import parallel
from genjax_models.training.names import pick


class Augmentation(NamedTuple):
    """A random transformation of images.

    Attributes:
      apply: `(key, x, strength) -> x`; the strength is a probability `[]`, of ADA alone.
      update: `(strength, logits of augmented real images) -> strength`.
    """

    apply: Callable[[Key, Array, Array], Array]
    update: Callable[[Array, Array], Array]

    def both(self, key: Key, real: Array, fake: Array, strength: Array) -> tuple[Array, Array]:
        """Real and fake images, each with transformations of their own."""
        key_real, key_fake = jax.random.split(key)
        return self.apply(key_real, real, strength), self.apply(key_fake, fake, strength)


def make_augmentation(config: ConfigDict, data: Data) -> Augmentation:
    """The augmentation that `config.augment` names: `none`, `diff` (DiffAugment), or `ada`, whose strength adapts.

    Raises:
      UserError: if there is none of that name, its options do not suit it or the game, or the data are no images.
    """
    name, options = config.augment.name, config.augment.options
    if name != "none" and data.spec.field.kind != "image":
        raise UserError(f"augment.name={name!r} is of images: data set {data.spec.name} has none")
    if name == "ada" and GAMES[config.game].boundary != 0.0:
        able = ", ".join(game for game, value in GAMES.items() if value.boundary == 0.0)
        raise UserError(f"ada uses the sign of the logits, which says nothing in {config.game!r}: choose among {able}")
    mapped = config.train.parallel.mode != "jit"
    keep = lambda strength, logits: strength

    def diff(policy: tuple[str, ...] = tuple(POLICIES)) -> Augmentation:
        for part in policy:
            pick("augment.options.policy", part, POLICIES)
        return Augmentation(lambda key, x, strength: diff_augment(key, x, policy), keep)

    def ada(target: float = 0.6, thousands: float = 500.0) -> Augmentation:
        if thousands <= 0:
            raise UserError(f"augment.options.thousands={thousands} must be positive")
        seen = config.train.batch_size // config.train.accumulate

        def update(strength: Array, logits: Array) -> Array:
            overfit = overfitting(logits)
            overfit = jax.lax.pmean(overfit, parallel.AXIS) if mapped else overfit
            return adapt(strength, overfit, data=seen, target=target, thousands=thousands)

        return Augmentation(ada_augment, update)

    makers: dict[str, Callable[..., Augmentation]] = {
        "none": lambda: Augmentation(lambda key, x, strength: x, keep),
        "diff": diff,
        "ada": ada,
    }
    try:
        return pick("augment.name", name, makers)(**options)
    except TypeError as error:
        raise UserError(f"config.augment.options do not suit {name}: {error}") from None

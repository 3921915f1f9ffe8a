"""Additional heads on a discriminator's features, and the prior of z that belongs to each.

* `none`: nothing; z is normal.
* `auxiliary`: the class of real and fake images (AC-GAN), which is then no input of the discriminator.
* `info`: the codes of fakes (InfoGAN); they are the first numbers of z, and its rest is normal.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.config.data import Data
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.gan import (
    CodePrior,
    auxiliary_classifier_loss,
    classification_loss,
    information_bound,
    sample_codes,
)
from genjax_models.nets.layers.discriminator_output import DiscriminatorOutput
from genjax_models.nets.layers.linear import Dense
from genjax_models.training.names import pick


class Head(NamedTuple):
    """A head of the discriminator.

    Attributes:
      width: of its output; 0 for none.
      prior: `(key, num) -> z [num, latent]`.
      discriminator: `(output at real, at fake, label, z) -> [B]`, what the discriminator minimises of it.
      generator: `(output at fake, label, z) -> [B]`, what the generator does. The label is `None` without classes.
    """

    width: int
    prior: Callable[[Key, int], Array]
    discriminator: Callable[[Array, Array, Any, Array], Array]
    generator: Callable[[Array, Any, Array], Array]

    def init(self, key: Key, features: int) -> PyTree:
        """Parameters over so many features."""
        return Dense(self.width).init(key, jnp.zeros((1, features)))["params"] if self.width else {}

    def apply(self, params: PyTree, output: DiscriminatorOutput) -> Array:
        """The head's output `[B, width]` on the discriminator's features."""
        return cast(Array, Dense(self.width).apply({"params": params}, output.features))


def make_head(config: ConfigDict, data: Data) -> Head:
    """The head that `config.head` names.

    Raises:
      UserError: if there is none of that name, its options do not suit it, or it needs what the config has not.
    """
    latent, weight = config.latent, config.head.weight
    normal = lambda key, num: jax.random.normal(key, (num, latent))

    def none() -> Head:
        zero = lambda *arguments: jnp.zeros(len(arguments[-1]))
        return Head(0, normal, zero, zero)

    def auxiliary() -> Head:
        if "label" not in data.fields:
            raise UserError("head.name='auxiliary' predicts classes: set config.condition=('label',)")
        return Head(
            data.spec.num_classes,
            normal,
            lambda real, fake, label, z: weight * auxiliary_classifier_loss(real, label, fake, label),
            lambda fake, label, z: weight * classification_loss(fake, label),
        )

    def info(categorical: tuple[int, ...] = (10,), continuous: int = 2) -> Head:
        codes = CodePrior(tuple(categorical), continuous)
        if continuous < 0 or min(categorical, default=2) < 2:
            raise UserError(
                f"codes of {categorical} values and {continuous} numbers: say 2 values or more, 0 numbers or more"
            )
        if codes.dim >= latent:
            raise UserError(f"codes of width {codes.dim} leave no noise in latent={latent}: raise config.latent")

        def prior(key: Key, num: int) -> Array:
            key_code, key_noise = jax.random.split(key)
            noise = jax.random.normal(key_noise, (num, latent - codes.dim))
            return jnp.concatenate([sample_codes(key_code, codes, num), noise], axis=1)

        bound = lambda fake, z: -weight * information_bound(codes, fake, z[:, : codes.dim])
        return Head(
            codes.dim,
            prior,
            lambda real, fake, label, z: bound(fake, z),
            lambda fake, label, z: bound(fake, z),
        )

    make: Callable[..., Any] = pick("head.name", config.head.name, {"none": none, "auxiliary": auxiliary, "info": info})
    try:
        return make(**config.head.options)
    except TypeError as error:
        raise UserError(f"config.head.options do not suit {config.head.name}: {error}") from None

"""The two networks of a GAN, bound: what they are called with, and the state that is no parameter.

A generator with styles (`mapping` and `synthesis`) is drawn from in two parts, so that styles can be mixed, truncated
and penalised; any other at once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from experiments.config.data import Data
from experiments.config.networks import across_devices as across_devices_of
from experiments.config.networks import build_network
from genjax_models.core.types import Array, Condition, Key, PyTree
from genjax_models.nets.gan.progressive import fade
from genjax_models.nets.layers.discriminator_output import DiscriminatorOutput


class Networks(NamedTuple):
    """Both networks of a config.

    Attributes:
      config: the config.
      data: of the config.
      prior: `(key, num) -> z [num, latent]`.
      generator: `z -> x`.
      discriminator: `x -> DiscriminatorOutput`.
    """

    config: ConfigDict
    data: Data
    prior: Callable[[Key, int], Array]
    generator: nn.Module
    discriminator: nn.Module

    @property
    def styled(self) -> bool:
        """Whether the generator has a space of styles."""
        return hasattr(self.generator, "mapping")

    def init(self, key: Key) -> tuple[PyTree, PyTree]:
        """Variables of the generator and of the discriminator, collection by collection."""
        key_generator, key_discriminator = jax.random.split(key)
        config, data, t = self.config, self.data, self.growth(jnp.zeros((), jnp.int32), 2)
        cond = data.example(2)
        z, x = jnp.zeros((2, config.latent)), jnp.zeros((2, *data.spec.shape))
        return (
            self.generator.init(key_generator, z, t, cond, train=True),
            self.discriminator.init(key_discriminator, x, t, self._shown(cond), train=True),
        )

    def growth(self, step: Array, num: int) -> Array | None:
        """How far a progressively growing network has grown, `[num]`: stage after stage fades in, then stays."""
        stages, steps = self.config.growth.stages, self.config.growth.steps
        if not stages:
            return None
        done, within = step // (2 * steps), step % (2 * steps)
        grown = jnp.minimum(done + jnp.maximum(within - steps, 0) / steps, stages)
        return jnp.full(num, grown, jnp.float32)

    def as_grown(self, x: Array, step: Array) -> Array:
        """Images as sharp as those of a generator that has grown so far."""
        growth = self.growth(step, 1)
        return x if growth is None else fade(x, growth[0], self.config.growth.stages + 1)

    def styles(self, variables: PyTree, z: Array, cond: Condition | None) -> Array:
        """`z [B, latent] -> w [B, layers, styles]`."""
        return self._generate(variables, z, cond, method="mapping").astype(jnp.float32)

    def synthesize(self, variables: PyTree, w: Array, *, key: Key | None = None) -> Array:
        """`w -> x`, with fresh noise in the layers if there is a key."""
        rngs = None if key is None else {"noise": key}
        return self._generate(variables, w, rngs=rngs, method="synthesis").astype(jnp.float32)

    def generate(
        self, key: Key, variables: PyTree, z: Array, cond: Condition | None, *, step: Array | None = None
    ) -> tuple[Array, PyTree]:
        """Images of `z` `[B, latent]` while training, and the state after them; `step` is for growing networks."""
        key_noise, key_mix = jax.random.split(key)
        state: Any = [name for name in variables if name != "params"]
        options: dict[str, Any] = {"train": True, "rngs": {"noise": key_noise}, "mutable": list(state)}
        if self.styled:
            w = self.mixed(key_mix, variables, z, cond)
            x, state = self.generator.apply(variables, w, method="synthesis", **options)
            return x.astype(jnp.float32), state
        t = None if step is None else self.growth(step, z.shape[0])
        return self.generator.apply(variables, z, t, cond, **options)

    def mixed(self, key: Key, variables: PyTree, z: Array, cond: Condition | None) -> Array:
        """Styles of `z`; with probability `config.mixing`, of another draw from some layer on."""
        w = self.styles(variables, z, cond)
        if not self.config.mixing:
            return w
        key_z, key_cut, key_whether = jax.random.split(key, 3)
        other = self.styles(variables, self.prior(key_z, z.shape[0]), cond)
        cut = jax.random.randint(key_cut, (z.shape[0], 1, 1), 1, w.shape[1])
        mix = jax.random.bernoulli(key_whether, self.config.mixing, (z.shape[0], 1, 1))
        return jnp.where(mix & (jnp.arange(w.shape[1])[None, :, None] >= cut), other, w)

    def discriminate(
        self, variables: PyTree, x: Array, cond: Condition | None, *, step: Array | None = None
    ) -> tuple[DiscriminatorOutput, PyTree]:
        """The discriminator's output for `x` while training, and its state afterwards."""
        t = None if step is None else self.growth(step, x.shape[0])
        state = [name for name in variables if name != "params"]
        output, after = self.discriminator.apply(variables, x, t, self._shown(cond), train=True, mutable=state)
        return output, {name: value for name, value in after.items()}

    def _shown(self, cond: Condition | None) -> Condition | None:
        """An auxiliary classifier predicts the class, which is therefore no input of the discriminator."""
        if cond is None or self.config.head.name != "auxiliary":
            return cond
        return {name: value for name, value in cond.items() if name != "label"} or None

    def _generate(self, variables: PyTree, *arguments: Any, **options: Any) -> Array:
        return cast(Array, self.generator.apply(variables, *arguments, **options))


def make_networks(
    config: ConfigDict, data: Data, prior: Callable[[Key, int], Array], *, across_devices: bool = False
) -> Networks:
    """Build the networks that a config names.

    Args:
      config: the config.
      data: of the config.
      prior: see `Networks`.
      across_devices: whether batch norms average over the shards of a mapped training step, outside of which the
        networks then cannot train.

    Raises:
      UserError: if one of them cannot be built.
    """
    fields = data.network_fields()
    shown = fields | ({"num_classes": 0} if config.head.name == "auxiliary" else {})

    def build(field: str, **options: Any) -> nn.Module:
        net = build_network(field, config[field], train=config.train, **options)
        return across_devices_of(net, config.train) if across_devices else net

    return Networks(
        config,
        data,
        prior,
        build("generator", out_shape=data.spec.shape, **fields),
        build("discriminator", **shown),
    )

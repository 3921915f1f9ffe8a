"""The two networks of a GAN, bound: what they are called with, and the state that is no parameter.

A generator with styles (`mapping` and `synthesis`) is drawn from in two parts, so that styles can be mixed, truncated
and penalised; any other at once.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from experiments.config.networks import build_network
from experiments.run.one_shot import labelled
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.nets.gan.progressive import fade
from genjax_models.nets.layers.discriminator_output import DiscriminatorOutput
from genjax_models.training import parallel


class Networks(NamedTuple):
    """Both networks of a config.

    Attributes:
      config: the config.
      prior: `(key, num) -> z [num, latent]`.
      generator: `z -> x`.
      discriminator: `x -> DiscriminatorOutput`.
    """

    config: ConfigDict
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
        config, t = self.config, self.growth(jnp.zeros((), jnp.int32), 2)
        cond = self.condition(jnp.zeros(2, jnp.int32))
        z, x = jnp.zeros((2, config.latent)), jnp.zeros((2, *config.data.shape))
        return (
            self.generator.init(key_generator, z, t, cond, train=True),
            self.discriminator.init(key_discriminator, x, t, self._judged(cond), train=True),
        )

    def condition(self, label: Array | None) -> Mapping[str, Array] | None:
        """What a conditional network hears of a class."""
        return labelled(self.config, label)

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

    def styles(self, variables: PyTree, z: Array, label: Array | None) -> Array:
        """`z [B, latent] -> w [B, layers, styles]`."""
        return self._generate(variables, z, self.condition(label), method="mapping").astype(jnp.float32)

    def synthesize(self, variables: PyTree, w: Array, *, key: Key | None = None) -> Array:
        """`w -> x`, with fresh noise in the layers if there is a key."""
        rngs = None if key is None else {"noise": key}
        return self._generate(variables, w, rngs=rngs, method="synthesis").astype(jnp.float32)

    def generate(
        self, key: Key, variables: PyTree, z: Array, label: Array | None, *, step: Array | None = None
    ) -> tuple[Array, PyTree]:
        """Images of `z` `[B, latent]` while training, and the state after them; `step` is for growing networks."""
        key_noise, key_mix = jax.random.split(key)
        state: Any = [name for name in variables if name != "params"]
        options: dict[str, Any] = {"train": True, "rngs": {"noise": key_noise}, "mutable": list(state)}
        if self.styled:
            w = self.mixed(key_mix, variables, z, label)
            x, state = self.generator.apply(variables, w, method="synthesis", **options)
            return x.astype(jnp.float32), state
        t = None if step is None else self.growth(step, z.shape[0])
        return self.generator.apply(variables, z, t, self.condition(label), **options)

    def mixed(self, key: Key, variables: PyTree, z: Array, label: Array | None) -> Array:
        """Styles of `z`; with probability `config.mixing`, of another draw from some layer on."""
        w = self.styles(variables, z, label)
        if not self.config.mixing:
            return w
        key_z, key_cut, key_whether = jax.random.split(key, 3)
        other = self.styles(variables, self.prior(key_z, z.shape[0]), label)
        cut = jax.random.randint(key_cut, (z.shape[0], 1, 1), 1, w.shape[1])
        mix = jax.random.bernoulli(key_whether, self.config.mixing, (z.shape[0], 1, 1))
        return jnp.where(mix & (jnp.arange(w.shape[1])[None, :, None] >= cut), other, w)

    def judge(
        self, variables: PyTree, x: Array, label: Array | None, *, step: Array | None = None
    ) -> tuple[DiscriminatorOutput, PyTree]:
        """What the discriminator says of `x` while training, and its state afterwards."""
        t = None if step is None else self.growth(step, x.shape[0])
        cond = self._judged(self.condition(label))
        state = [name for name in variables if name != "params"]
        judgement, after = self.discriminator.apply(variables, x, t, cond, train=True, mutable=state)
        return judgement, {name: value for name, value in after.items()}

    def _judged(self, cond: Mapping[str, Array] | None) -> Mapping[str, Array] | None:
        """An auxiliary classifier guesses the class, so the discriminator does not hear it."""
        return None if self.config.head.name == "auxiliary" else cond

    def _generate(self, variables: PyTree, *arguments: Any, **options: Any) -> Array:
        return cast(Array, self.generator.apply(variables, *arguments, **options))


def make_networks(config: ConfigDict, prior: Callable[[Key, int], Array], *, across_devices: bool = False) -> Networks:
    """Build the networks that a config names.

    Args:
      config: the config.
      prior: see `Networks`.
      across_devices: whether batch norms average over the shards of a mapped training step, outside of which the
        networks then cannot train.

    Raises:
      UserError: if one of them cannot be built.
    """
    classes = config.data.num_classes if config.conditional else 0
    mapped = across_devices and config.train.parallel.mode != "jit"

    def build(field: str, **fields: Any) -> nn.Module:
        net = build_network(field, config[field], **fields)
        return net.clone(axis_name=parallel.AXIS) if mapped and hasattr(net, "axis_name") else net

    return Networks(
        config,
        prior,
        build("generator", out_shape=tuple(config.data.shape), num_classes=classes),
        build("discriminator", num_classes=0 if config.head.name == "auxiliary" else classes),
    )

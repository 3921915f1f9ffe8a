r"""The networks of a ladder VAE: a deterministic way up, and a stochastic way down that shares its levels.

With $d_0 = (x, y)$ and $y$ the one-hot class, level $l = 1 \dots L$ of the encoder gives an estimate of $z_l$,

$$d_l = \mathrm{MLP}_l(d_{l-1}), \qquad (\hat\mu_l, \log\hat\sigma_l) = \hat W_l d_l,$$

and level $l < L$ of the decoder the prior, $(\mu_l, \log\sigma_l) = W_l\,\mathrm{MLP}'_l(z_{l+1}, y)$; the prior of the
top level is standard normal. Data are decoded from $z_1$. `families.vae.hierarchical` combines estimate and prior into
the posterior. An MLP here is two dense layers, each with layer norm (the paper has batch norm, which depends on the
other examples) and leaky relu.

References:
  Sønderby et al., Ladder Variational Autoencoders, 2016, https://arxiv.org/abs/1602.02282
"""

import math

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import one_hot_of


class TwoLayers(nn.Module):
    """The MLP of a level.

    Attributes:
      width: of both layers.
      dtype: of the computation; parameters stay float32.
    """

    width: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, h: Array) -> Array:
        """`h` `[B, D]` → `[B, width]`."""
        for layer in range(2):
            h = nn.Dense(self.width, use_bias=False, dtype=self.dtype, name=f"dense_{layer}")(h)
            h = nn.leaky_relu(nn.LayerNorm(dtype=self.dtype, name=f"norm_{layer}")(h))
        return h


class Ladder(nn.Module):
    """Both ways; groups of latent variables are numbered from the top, as they are drawn.

    Attributes:
      out_shape: of the parameters of an example's likelihood.
      latents: dimensions of z at each level, the one next to the data first.
      widths: of the MLPs at each level.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      dtype: of the computation; parameters stay float32.
    """

    out_shape: tuple[int, ...]
    latents: tuple[int, ...] = (32, 16, 8)
    widths: tuple[int, ...] = (256, 128, 64)
    num_classes: int = 0
    dtype: jnp.dtype = jnp.float32

    def setup(self) -> None:
        if len(self.latents) != len(self.widths):
            raise ValueError(f"a level has latents and a width: got {len(self.latents)} and {len(self.widths)}")
        heads = [nn.Dense(2 * size, dtype=self.dtype) for size in self.latents]
        self.up, self.beliefs = [TwoLayers(width, self.dtype) for width in self.widths], heads
        self.down = [TwoLayers(width, self.dtype) for width in self.widths]
        self.expectations = [nn.Dense(2 * size, dtype=self.dtype) for size in self.latents[:-1]]
        self.out = nn.Dense(math.prod(self.out_shape), dtype=self.dtype)

    @property
    def groups(self) -> int:
        """How many groups of latent variables there are."""
        return len(self.latents)

    def encode(self, x: Array, cond: Condition | None = None) -> tuple[Array, ...]:
        """`x` `[B, ...]` → for each group `[B, 2 latents]`, means and log-stds, not yet combined with the prior."""
        batch = x.shape[0]
        h = jnp.concatenate([x.reshape(batch, -1), one_hot_of(cond, self.num_classes, batch)], axis=1)
        found = []
        for mlp, head in zip(self.up, self.beliefs, strict=True):
            h = mlp(h)
            found.append(head(h).astype(jnp.float32))
        return tuple(reversed(found))

    def start(self, batch: int, cond: Condition | None = None) -> Array:
        """What is known before the first group: the class, `[B, K]`."""
        return one_hot_of(cond, self.num_classes, batch)

    def prior(self, group: int, h: Array) -> tuple[Array, Array]:
        """The state `h` → the prior of a group, `[B, 2 latents]`, and the state for `merge`."""
        level = self.groups - 1 - group
        if group == 0:
            return jnp.zeros((h.shape[0], 2 * self.latents[level])), h
        return self.expectations[level](self.down[level + 1](h)).astype(jnp.float32), h

    def posterior(self, group: int, h: Array, found: tuple[Array, ...]) -> Array:
        """The group's part of what `encode` found, which does not see the state."""
        return found[group]

    def merge(self, group: int, h: Array, z: Array) -> Array:
        """The state after `z` `[B, latents]`: z, and the class."""
        return jnp.concatenate([z, h[:, h.shape[1] - self.num_classes :]], axis=1)

    def decode(self, h: Array) -> Array:
        """The state after the last group → `[B, *out_shape]`."""
        return self.out(self.down[0](h)).reshape(h.shape[0], *self.out_shape).astype(jnp.float32)

    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """All of the above along the encoder's means: `x` `[B, ...]` → `[B, *out_shape]`.

        Args:
          x: the data.
        """
        return reconstruct(self, x, cond)


def reconstruct(net: nn.Module, x: Array, cond: Condition | None) -> Array:
    """Encode, walk down every group at its posterior's mean, decode: what initialises a hierarchical network."""
    found, h = net.encode(x, cond), net.start(x.shape[0], cond)
    for group in range(net.groups):
        mean, _ = jnp.split(net.posterior(group, h, found), 2, axis=-1)
        _, h = net.prior(group, h)
        h = net.merge(group, h, mean)
    return net.decode(h)

r"""Progressive growing: a generator and a discriminator that gain resolution as they train.

Stage k works at $2^k$ times the coarsest resolution and has an entry and an exit of its own, 1×1 convolutions between
features and colours. At growth $g = k + f$ the networks consist of stages 0 to k, and stage k + 1 fades in,

$$x_k = (1 - w_k) \uparrow x_{k-1} + w_k\, \mathrm{colours}_k(h_k), \qquad
h_{k-1} = \mathrm{down}_k\big(w_{k+1} h_k + (1 - w_{k+1})\, \mathrm{features}_k(x_k)\big), \qquad
w_k = \mathrm{clip}(g - k + 1, 0, 1),$$

up and down respectively. All stages have their parameters from the beginning; those that are not reached are not
computed. Images are of full size at any growth: the generator repeats pixels, the discriminator takes means, and
`fade` gives real images the resolution that the generator has reached.

Weights are equalised; after every convolution of the generator comes pixel norm. The discriminator is shown
how much its batch varies.

References:
  Karras et al., Progressive Growing of GANs for Improved Quality, Stability, and Variation, 2018,
  https://arxiv.org/abs/1710.10196
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import append_class
from genjax_models.nets.layers.discriminator_head import DiscriminatorHead, class_inputs
from genjax_models.nets.layers.discriminator_output import DiscriminatorOutput
from genjax_models.nets.layers.equalized import EqualizedConv, EqualizedDense, leaky_relu, pixel_norm
from genjax_models.nets.layers.minibatch_std import minibatch_std
from genjax_models.nets.layers.resampling import downsample, halved, upsample


def blend(a: Array, b: Array, weight: Array) -> Array:
    """From `a` to `b` as the scalar `weight` goes from 0 to 1."""
    return (1 - weight) * a + weight * b


def weight_of(stage: int, growth: Array, dtype: jnp.dtype) -> Array:
    """How far a stage has faded in, from 0 to 1, a scalar."""
    return jnp.clip(growth - (stage - 1), 0.0, 1.0).astype(dtype)


def growth_of(t: Array | None, stages: int) -> Array:
    """The growth, a scalar: the first of `t` `[B]`, or that of a fully grown network."""
    return jnp.float32(stages - 1) if t is None else t[0]


def fade(x: Array, growth: Array, stages: int) -> Array:
    """Images as sharp as those of a generator that has grown so far.

    Args:
      x: `[B, H, W, C]`.
      growth: a scalar, from 0 to `stages - 1`.
      stages: of the generator.

    Returns:
      As `x`; from growth `stages - 1` on, `x` itself.
    """
    y = downsample(x, 2 ** (stages - 1))
    for stage in range(1, stages):
        y = blend(upsample(y), downsample(x, 2 ** (stages - 1 - stage)), weight_of(stage, growth, x.dtype))
    return y


def run_if(
    reached: Array, network: nn.Module, grow: Callable[..., Any], rest: Callable[..., Any], *operands: Array
) -> Any:
    """`grow(network, *operands)` once a stage is reached, else `rest`; while initialising, to have its parameters."""
    if network.is_initializing():
        return grow(network, *operands)
    return nn.cond(reached, grow, rest, network, *operands)


class ProgressiveGenerator(nn.Module):
    """From a latent vector to an image, in stages of growing resolution.

    Attributes:
      out_shape: `(height, width, channels)` of the image.
      channels: of each stage, the coarsest first; the resolution doubles between two.
      num_classes: 0 for an unconditional network; otherwise the one-hot class is appended to the latent vector.
      dtype: of the computation; parameters stay float32.
    """

    out_shape: tuple[int, int, int]
    channels: tuple[int, ...] = (64, 32, 16)
    num_classes: int = 0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        z: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """Evaluate the network.

        Args:
          z: `[B, Z]`.
          t: the growth `[B]`, all the same, from 0 to `len(channels) - 1`; `None` for the latter.

        Returns:
          `[B, *out_shape]`, not bounded, in the dtype of `z`.

        Raises:
          ValueError: if the image cannot be halved between any two stages.
        """
        batch, (height, width, out), stages = z.shape[0], self.out_shape, len(self.channels)
        rows, columns = halved(height, width, stages - 1)
        growth = growth_of(t, stages)
        conv = partial(EqualizedConv, padding=1, dtype=self.dtype)

        def normal(h: Array) -> Array:
            return pixel_norm(leaky_relu(h))

        def colours(h: Array, stage: int) -> Array:
            return EqualizedConv(out, 1, dtype=self.dtype, name=f"colours_{stage}")(h)

        first = self.channels[0]
        dense = EqualizedDense(rows * columns * first, dtype=self.dtype, name="in")
        h = dense(pixel_norm(append_class(z, cond, self.num_classes)))
        h = normal(h.reshape(batch, rows, columns, first))
        h = normal(conv(first, name="stage_0_conv")(h))
        image = colours(h, 0)
        for stage, features in enumerate(self.channels[1:], start=1):

            def grow(
                _: nn.Module, h: Array, image: Array, stage: int = stage, features: int = features
            ) -> tuple[Array, Array]:
                h = normal(conv(features, name=f"stage_{stage}_conv_1")(upsample(h)))
                h = normal(conv(features, name=f"stage_{stage}_conv_2")(h))
                return h, blend(upsample(image), colours(h, stage), weight_of(stage, growth, self.dtype))

            def rest(_: nn.Module, h: Array, image: Array, features: int = features) -> tuple[Array, Array]:
                return jnp.zeros((batch, 2 * h.shape[1], 2 * h.shape[2], features), self.dtype), upsample(image)

            h, image = run_if(growth > stage - 1, self, grow, rest, h, image)
        return image.astype(z.dtype)


class ProgressiveDiscriminator(nn.Module):
    """From an image to a logit and features, in stages of falling resolution.

    Attributes:
      channels: of each stage, the finest first; the resolution halves between two.
      minibatch_group: examples whose deviation from one another is shown, see `minibatch_std`; 1 hides it.
      num_classes: 0 for an unconditional network.
      conditioning: how the class enters, see `discriminator_head`.
      dtype: of the computation; parameters stay float32.
    """

    channels: tuple[int, ...] = (16, 32, 64)
    minibatch_group: int = 4
    num_classes: int = 0
    conditioning: str = "concat"
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> DiscriminatorOutput:
        """Evaluate the network.

        Args:
          x: `[B, H, W, C]`.
          t: the growth `[B]`, all the same, from 0 to `len(channels) - 1`; `None` for the latter.

        Returns:
          Logits `[B]` and features `[B, channels[-1]]`.

        Raises:
          ValueError: if the image cannot be halved between any two stages, or the groups do not divide the
            batch.
        """
        stages = len(self.channels)
        halved(x.shape[1], x.shape[2], stages - 1)
        growth = growth_of(t, stages)
        image, one_hot = class_inputs(x, cond, self.num_classes, self.conditioning)
        image = image.astype(self.dtype)
        conv = partial(EqualizedConv, padding=1, dtype=self.dtype)

        def dense(features: int, use_bias: bool = True, name: str | None = None) -> EqualizedDense:
            return EqualizedDense(features, 0.0 if use_bias else None, dtype=self.dtype, name=name)

        def features_of(h: Array, image: Array, stage: int) -> Array:
            own = leaky_relu(EqualizedConv(h.shape[-1], 1, dtype=self.dtype, name=f"features_{stage}")(image))
            return blend(own, h, weight_of(stage + 1, growth, self.dtype))

        h = jnp.zeros((*x.shape[:3], self.channels[0]), self.dtype)  # from a stage that is never reached
        for stage, features in zip(range(stages - 1, 0, -1), self.channels[1:], strict=True):

            def grow(_: nn.Module, h: Array, image: Array, stage: int = stage, features: int = features) -> Array:
                h = features_of(h, image, stage)
                h = leaky_relu(conv(h.shape[-1], name=f"stage_{stage}_conv_1")(h))
                return downsample(leaky_relu(conv(features, name=f"stage_{stage}_conv_2")(h)))

            def rest(_: nn.Module, h: Array, image: Array, features: int = features) -> Array:
                return jnp.zeros((h.shape[0], h.shape[1] // 2, h.shape[2] // 2, features), self.dtype)

            h = run_if(growth > stage - 1, self, grow, rest, h, image)
            image = downsample(image)
        h = minibatch_std(features_of(h, image, 0), self.minibatch_group)
        h = leaky_relu(conv(self.channels[-1], name="stage_0_conv")(h))
        h = leaky_relu(dense(self.channels[-1], name="stage_0_dense")(h.reshape(x.shape[0], -1)))
        return DiscriminatorHead(dense, name="head")(h, one_hot)

r"""StyleGAN3's generator, configuration T: layers on bandlimited signals, each equivariant to translation.

The input is a signal, not a constant: sines at fixed frequencies $f$, uniform in a disc of the first layer's cut-off,
with phases $\varphi$, at positions that the style translates and turns (all but nothing at the start),

$$x_c(p) = \sin 2\pi\big(f_c \cdot R_w\,(p - t_w) + \varphi_c\big), \qquad
p \in [-\tfrac12, \tfrac12]^2 \text{ in the image.}$$

A layer is a modulated 3×3 convolution, divided by the root of a running mean $m$ of its inputs' squares, a bias, and
`alias_free.filtered_leaky_relu` at twice the higher of its two rates. The first is the rate of its input. With
$N$ layers, $c$ of them critically sampled, the cut-offs $f_c$ and stop-bands $f_t$ grow geometrically,

$$f_c[i] = f_{c,0}\,(f_{c,N} / f_{c,0})^{\min(i / (N - c), 1)}, \qquad
f_t[i] = f_{t,0}\,(f_{t,N} / f_{t,0})^{\min(i / (N - c), 1)},$$

where $f_{c,N}$ is half the resolution; the rate $s[i]$ is the resolution, halved while it stays at least $2 f_t[i]$;
and the transition's half-width $f_h[i] = \max(s[i] / 2, f_t[i]) - f_c[i]$. Every map has a margin, so that what lies
beyond the image is known too; the last layers cut it off. There is no noise.

References:
  Karras et al., Alias-Free Generative Adversarial Networks, 2021,
  https://arxiv.org/abs/2106.12423, section 3, figure 4b, appendix F
"""

import math
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import lax

from genjax_models.core.arrays import at_least_float32
from genjax_models.core.types import Array, Key
from genjax_models.nets.gan.style_generator import StyleGenerator, check_styles
from genjax_models.nets.gan.stylegan2 import ToRGB
from genjax_models.nets.layers.alias_free import filter_matrix, filtered_leaky_relu, kaiser_low_pass
from genjax_models.nets.layers.convolution import convolve
from genjax_models.nets.layers.equalized import EqualizedDense
from genjax_models.nets.layers.modulated_conv import ModulatedConv

FILTER_SIZE = 6
"""Taps of a filter for each sample at its lower rate."""


class Signal(NamedTuple):
    """How a feature map samples its signal; the image's side is the unit of length.

    Attributes:
      cutoff: frequencies up to here are kept.
      half_width: of the transition band around `cutoff`.
      rate: samples a unit.
      size: samples along an axis, margins included.
      channels: of the map.
    """

    cutoff: float
    half_width: float
    rate: int
    size: int
    channels: int


def signals(
    resolution: int,
    layers: int,
    *,
    critical: int,
    first_cutoff: float,
    first_stopband: float,
    last_stopband: float,
    margin: int,
    channels: int,
    max_channels: int,
) -> list[Signal]:
    """What the layers give; the input is sampled as the first layer's result.

    Args:
      resolution: of the image.
      layers: with activation.
      critical: of them, at the end, those that reach up to half the resolution.
      first_cutoff, first_stopband: of the input.
      last_stopband: of the last layers, in units of their cut-off.
      margin: samples beyond the image on each side, in all but the last.
      channels: where the cut-off is half the resolution; elsewhere more, in inverse proportion to it.
      max_channels: but no more than this.

    Raises:
      ValueError: if the resolution is too low for these cut-offs, or there are too few layers.
    """
    last_cutoff = resolution / 2
    if not 0 < first_cutoff < last_cutoff or first_stopband <= first_cutoff or not 0 < critical < layers:
        raise ValueError(
            "expected 0 < first_cutoff < resolution / 2, first_cutoff < first_stopband and 0 < critical < layers, got "
            f"first_cutoff={first_cutoff:g}, resolution={resolution}, first_stopband={first_stopband:g}, "
            f"critical={critical}, layers={layers}"
        )
    result = []
    for i in range(layers):
        progress = min(i / (layers - critical), 1.0)
        cutoff = first_cutoff * (last_cutoff / first_cutoff) ** progress
        stopband = first_stopband * (last_stopband * last_cutoff / first_stopband) ** progress
        rate = resolution
        while rate % 2 == 0 and rate // 2 >= 2 * stopband:
            rate //= 2
        half_width = max(rate / 2, stopband) - cutoff
        size = resolution if i == layers - 1 else rate + 2 * margin
        width = min(round(channels * last_cutoff / cutoff), max_channels)
        result.append(Signal(cutoff, half_width, rate, size, width))
    return result


def resampling_matrices(before: Signal, after: Signal, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The filters around a layer's activation, which works at twice the higher rate of the two.

    Args:
      before, after: the layer's input and result.
      size: of the map after its convolution, along an axis.

    Returns:
      `[T, size]` and `[after.size, T]`, for `filtered_leaky_relu`; both maps have the same centre.
    """
    rate = 2 * max(before.rate, after.rate)
    up, down = rate // before.rate, rate // after.rate
    rise = kaiser_low_pass(FILTER_SIZE * up, before.cutoff, 2 * before.half_width, rate)
    fall = kaiser_low_pass(FILTER_SIZE * down, after.cutoff, 2 * after.half_width, rate)
    inner = (after.size - 1) * down + len(fall)
    padding = inner + len(rise) - 1 - size * up  # in all; zeros follow each sample, hence `up` more of it in front
    rise_matrix = filter_matrix(size, rise, up=up, before=(padding + up) // 2, out=inner)
    return rise_matrix, filter_matrix(inner, fall, down=down, out=after.size)


class FourierInput(nn.Module):
    """The signal that the layers start from.

    Attributes:
      signal: how it is sampled.
      dtype: of the computation; parameters stay float32, and the angles of the sines at least that.
    """

    signal: Signal
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, w: Array, shift: Array | None = None) -> Array:
        """Styles `w` `[B, W]` → `[B, H, H, C]`, moved down and right by `shift` `[B, 2]` in units of the image."""
        size, channels = self.signal.size, self.signal.channels
        random = np.random.RandomState(0)  # belongs to no checkpoint
        radius, angle, phase = random.uniform(size=(3, channels))
        radius = self.signal.cutoff * np.sqrt(radius)
        frequencies = radius * np.stack([np.cos(2 * np.pi * angle), np.sin(2 * np.pi * angle)])  # [2, C]

        # (cosine, sine) of the turn before it is normalised, and the translation: (1, 0, 0, 0) at the start.
        transform = nn.Dense(
            4, kernel_init=nn.initializers.zeros, bias_init=_no_turn, dtype=self.dtype, name="transform"
        )
        turn = at_least_float32(transform(w / math.sqrt(w.shape[-1])))
        turn = turn / jnp.linalg.norm(turn[:, :2], axis=1, keepdims=True)
        cosine, sine, translation = turn[:, :1], turn[:, 1:2], turn[:, 2:]
        rows, columns = (jnp.asarray(f, turn.dtype)[None, :] for f in frequencies)
        turned = jnp.stack([cosine * rows + sine * columns, cosine * columns - sine * rows], axis=1)  # [B, 2, C]
        if shift is not None:
            translation += shift.astype(turn.dtype)

        positions = jnp.asarray((np.arange(size) + 0.5 - size / 2) / self.signal.rate, turn.dtype)
        along = (positions[None, None, :] - translation[:, :, None])[..., None] * turned[:, :, None, :]  # [B, 2, H, C]
        angles = along[:, 0, :, None, :] + along[:, 1, None, :, :] + jnp.asarray(phase, turn.dtype)[None, None, None, :]
        x = jnp.sin(2 * np.pi * angles)
        mix = EqualizedDense(channels, bias=None, dtype=self.dtype, name="mix")
        return mix(x.reshape(-1, channels)).reshape(x.shape)


def _no_turn(key: Key, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> Array:
    return jnp.zeros(shape, dtype).at[0].set(1.0)


class UnitMagnitude(nn.Module):
    """Division by the root of a running mean of the input's square, through which no gradient flows.

    The mean is in the collection `batch_stats`, and moves when the network is called with `train=True` and the
    collection is mutable.

    Attributes:
      decay: of the running mean.
      axis_name: mapped axis over whose shards the square is averaged, or `None`.
    """

    decay: float
    axis_name: str | None

    @nn.compact
    def __call__(self, x: Array, train: bool) -> Array:
        """`x` `[B, ...]` → the same shape and dtype."""
        wide = jnp.promote_types(x.dtype, jnp.float32)
        running = self.variable("batch_stats", "mean_square", lambda: jnp.ones(()))
        if train and self.is_mutable_collection("batch_stats") and not self.is_initializing():
            now = lax.stop_gradient(lax.square(x.astype(wide)).mean())
            if self.axis_name is not None:
                now = lax.pmean(now, self.axis_name)
            running.value = (self.decay * running.value + (1 - self.decay) * now).astype(running.value.dtype)
        return x * lax.rsqrt(running.value).astype(x.dtype)


class AliasFreeLayer(nn.Module):
    """A modulated convolution, a bias, and the filtered activation.

    Attributes:
      before: the input signal.
      after: the output signal.
      dtype: of the computation; parameters stay float32.
    """

    before: Signal
    after: Signal
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, w: Array) -> Array:
        """`x` `[B, H, H, C]` in the style of `w` `[B, W]` → `[B, H', H', C']`."""
        everything = partial(convolve, padding=2)  # every result that the input reaches
        y = ModulatedConv(self.after.channels, everything, dtype=self.dtype, name="conv")(x, w)
        bias = self.param("bias", nn.initializers.zeros, (self.after.channels,)).astype(self.dtype)
        matrices = resampling_matrices(self.before, self.after, self.before.size + 2)
        return filtered_leaky_relu(y + bias[None, None, None, :], *matrices)


class StyleGAN3Synthesis(nn.Module):
    """From styles to images.

    Attributes:
      signals: of each layer; the input is sampled as the first.
      out_channels: of the images.
      output_scale: the images are multiplied with it.
      decay, axis_name: see `UnitMagnitude`.
      dtype: of the computation; parameters stay float32.
    """

    signals: tuple[Signal, ...]
    out_channels: int
    output_scale: float
    decay: float
    axis_name: str | None
    dtype: jnp.dtype = jnp.float32

    @property
    def num_styles(self) -> int:
        """Number of styles, L: one for the input, one per layer, and one for the image."""
        return len(self.signals) + 2

    @nn.compact
    def __call__(self, w: Array, train: bool = False, shift: Array | None = None) -> Array:
        """Styles `[B, L, W]` → images, moved down and right by `shift` `[B, 2]` in units of the image."""
        check_styles(w, self.num_styles)
        h = FourierInput(self.signals[0], self.dtype, name="input")(w[:, 0], shift)
        for i, (before, after) in enumerate(pairwise(self.signals[:1] + self.signals)):
            h = UnitMagnitude(self.decay, self.axis_name, name=f"magnitude_{i}")(h, train)
            h = AliasFreeLayer(before, after, self.dtype, name=f"layer_{i}")(h, w[:, i + 1])
        h = UnitMagnitude(self.decay, self.axis_name, name="magnitude_rgb")(h, train)
        return self.output_scale * ToRGB(self.out_channels, self.dtype, name="to_rgb")(h, w[:, -1])


class StyleGAN3(StyleGenerator):
    """StyleGAN3-T's generator, `net(z, t=None, cond=None)`; see `StyleGenerator` for the call and the other fields.

    `train=True` with a mutable collection `batch_stats` moves the running means of the layers' inputs, see
    `UnitMagnitude`.

    Attributes:
      mapping_depth: layers of the mapping network.
      layers: with activation; the paper has 14.
      critical: of them, at the end, those that reach up to half the resolution.
      margin: samples beyond the image on each side.
      first_cutoff: of the input, in periods an image.
      first_stopband: of the input's transition band, its upper end.
      last_stopband: of the last layers, in units of their cut-off.
      output_scale: the images are multiplied with it.
      decay: of the running means.
      axis_name: mapped axis over whose shards they are taken, or `None`.
    """

    mapping_depth: int = 2
    layers: int = 14
    critical: int = 2
    margin: int = 10
    first_cutoff: float = 2.0
    first_stopband: float = 2.0**2.1
    last_stopband: float = 2.0**0.3
    output_scale: float = 0.25
    decay: float = 0.999
    axis_name: str | None = None

    def synthesis_network(self) -> StyleGAN3Synthesis:
        """The second network.

        Raises:
          ValueError: if the resolution is too low for the cut-offs.
        """
        plan = signals(
            self.resolution,
            self.layers,
            critical=self.critical,
            first_cutoff=self.first_cutoff,
            first_stopband=self.first_stopband,
            last_stopband=self.last_stopband,
            margin=self.margin,
            channels=self.channels,
            max_channels=self.max_channels,
        )
        return StyleGAN3Synthesis(
            tuple(plan), self.out_shape[-1], self.output_scale, self.decay, self.axis_name, self.dtype
        )

    def synthesis(self, w: Array, *, train: bool = False, shift: Array | None = None) -> Array:
        """Styles `[B, L, W]` → images, moved down and right by `shift` `[B, 2]` in units of the image."""
        return self.to_image(w, train, shift)

r"""Half and double the resolution of a feature map.

Nearest-neighbour upsampling followed by a 3×3 convolution reads most pixels twice. Along one axis, with kernel
$(k_0, k_1, k_2)$, its even and odd results are

$$y_{2a} = k_0\, x_{a-1} + (k_1 + k_2)\, x_a, \qquad y_{2a+1} = (k_0 + k_1)\, x_a + k_2\, x_{a+1}:$$

two taps instead of three. So in two dimensions the pair is one 2×2 convolution at the low resolution with four
times the channels, whose results are interleaved: 16 instead of 36 multiplications for each pixel read.

A longer low-pass filter $f$, the same along both axes, aliases less (Karras et al., 2019). Along one axis, with zeros
outside and $n$ taps, $m = n/2 - 1$,

$$\mathrm{down}(x)_a = \frac{1}{\sum f} \sum_j f_j\, x_{2a + j - m}, \qquad
\mathrm{up}(x)_b = \frac{2}{\sum f} \sum_i f_{b + m - 2i}\, x_i.$$

Where a 3×3 convolution stands between spreading and filtering, as in StyleGAN2, its even and odd results along an axis
are

$$y_{2a} = k_0\, x_{a-1} + k_2\, x_a, \qquad y_{2a+1} = k_1\, x_a,$$

again one 2×2 convolution at the low resolution.

References:
  Karras et al., A Style-Based Generator Architecture for GANs, 2019, https://arxiv.org/abs/1812.04948
  Zhang, Making Convolutional Networks Shift-Invariant Again, 2019, https://arxiv.org/abs/1904.11486
"""

from collections.abc import Callable
from functools import reduce

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import lax

from genjax_models.core.types import Array
from genjax_models.nets.layers.convolution import convolve

# What a 3×3 kernel does to the even and the odd results: [phase, low-resolution tap, tap of the 3×3].
REPEATED = np.array([[[1, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]])
SPREAD = np.array([[[1, 0, 0], [0, 0, 1]], [[0, 0, 0], [0, 1, 0]]])


def upsample(x: Array, factor: int = 2) -> Array:
    """Nearest neighbour, `factor` times as large: `[B, H, W, C]` → `[B, factor H, factor W, C]`."""
    batch, height, width, channels = x.shape
    x = jnp.broadcast_to(x[:, :, None, :, None, :], (batch, height, factor, width, factor, channels))
    return x.reshape(batch, factor * height, factor * width, channels)


def downsample(x: Array, factor: int = 2) -> Array:
    """Mean over squares of `factor` × `factor`: `[B, factor H, factor W, C]` → `[B, H, W, C]`."""
    batch, height, width, channels = x.shape
    return x.reshape(batch, height // factor, factor, width // factor, factor, channels).mean(axis=(2, 4))


def low_pass(x: Array, taps: tuple[float, ...], *, padding: int, stride: int = 1) -> Array:
    """Filter along both axes, with taps scaled to sum 1 and zeros outside.

    Args:
      x: `[B, H, W, C]`.
      taps: of the filter.
      padding: zeros on each side.
      stride: keep every `stride`-th result.

    Returns:
      `[B, H', W', C]` with `H' = (H + 2 padding - len(taps)) // stride + 1`.
    """
    x = jnp.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    for axis in (1, 2):
        end = x.shape[axis] - len(taps) + 1
        parts = [tap / sum(taps) * lax.slice_in_dim(x, j, j + end, stride, axis) for j, tap in enumerate(taps)]
        x = reduce(jnp.add, parts)
    return x


def fir_downsample(x: Array, taps: tuple[float, ...]) -> Array:
    """Half as large, through a filter of an even number of taps: `[B, 2H, 2W, C]` → `[B, H, W, C]`.

    With taps (1, 1) it is `downsample`.
    """
    return low_pass(x, taps, padding=len(taps) // 2 - 1, stride=2)


def fir_upsample(x: Array, taps: tuple[float, ...]) -> Array:
    """Twice as large, through a filter of an even number of taps: `[B, H, W, C]` → `[B, 2H, 2W, C]`.

    With taps (1, 1) it is `upsample`.
    """
    between = [(0, 0, 0), (0, 0, 1), (0, 0, 1), (0, 0, 0)]
    spread = lax.pad(x, jnp.zeros((), x.dtype), between)  # a zero between any two pixels
    return 4 * low_pass(spread, taps[::-1], padding=len(taps) // 2)


def halved(height: int, width: int, times: int) -> tuple[int, int]:
    """The sides of an image that has been halved so many times.

    Raises:
      ValueError: if they are not whole numbers.
    """
    factor = 2**times
    if height % factor or width % factor:
        raise ValueError(f"an image of {height}x{width} cannot be halved {times} times: {factor} must divide its sides")
    return height // factor, width // factor


def _phases(x: Array, kernel: Array) -> Array:
    """The 2×2 convolution of `x` with a zero on each side, for each phase: `[B, H + 1, W + 1, 2, 2, D]`."""
    batch, height, width, channels = x.shape
    z = convolve(jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), kernel.reshape(2, 2, channels, -1))
    return z.reshape(batch, height + 1, width + 1, 2, 2, -1)


def _folded(kernel: Array, taps: np.ndarray) -> Array:
    """A kernel `[3, 3, C, D]` over pixels that `taps` have spread, as `[2, 2, C, 2, 2, D]`: see `convolve_doubling`."""
    phases = jnp.asarray(taps, kernel.dtype)
    return jnp.einsum("pai,qbj,ijcd->abcpqd", phases, phases, kernel)


def convolve_doubling(x: Array, kernel: Array) -> Array:
    """Convolve to twice the resolution, with a kernel of two taps for each axis and phase, and interleave the phases.

    Args:
      x: `[B, H, W, C]`.
      kernel: `[2, 2, C, 2, 2, D]`: low-resolution taps, inputs, phases, outputs. The taps of an even phase read
        the pixel before and the pixel itself, those of an odd phase the pixel itself and the one after.

    Returns:
      `[B, 2H, 2W, D]`.
    """
    batch, height, width, _ = x.shape
    z = _phases(x, kernel)
    phases = [[z[:, p : p + height, q : q + width, p, q] for q in (0, 1)] for p in (0, 1)]
    y = jnp.stack([jnp.stack(row, axis=3) for row in phases], axis=2)  # [B, H, 2, W, 2, D]
    return y.reshape(batch, 2 * height, 2 * width, -1)


def upsample_convolve(x: Array, kernel: Array) -> Array:
    """`convolve(upsample(x), kernel, padding=1)`, in fewer operations.

    Args:
      x: `[B, H, W, C]`.
      kernel: `[3, 3, C, D]`.

    Returns:
      `[B, 2H, 2W, D]`.
    """
    return convolve_doubling(x, _folded(kernel, REPEATED))


def fir_upsample_convolve(x: Array, kernel: Array, taps: tuple[float, ...]) -> Array:
    """Insert zeros between pixels, convolve, and filter with an even number of taps: StyleGAN2's upsampling.

    Nothing is cut off before the filter, so it equals `convolve(fir_upsample(x, taps), kernel, padding=1)`, except in
    the two outermost rows and columns, where that pads with zeros in place of the filter's results.

    Args:
      x: `[B, H, W, C]`.
      kernel: `[3, 3, C, D]`.
      taps: of the filter.

    Returns:
      `[B, 2H, 2W, D]`.
    """
    batch, height, width, _ = x.shape
    z = _phases(x, _folded(kernel, SPREAD)).transpose(0, 1, 3, 2, 4, 5)  # [B, H + 1, 2, W + 1, 2, D]
    y = z.reshape(batch, 2 * height + 2, 2 * width + 2, -1)[:, :-1, :-1]  # what is cut off is zero
    return 4 * low_pass(y, taps[::-1], padding=len(taps) // 2 - 1)


def doublings(resolution: int, base: int) -> int:
    """How often `base` must be doubled to give `resolution`.

    Raises:
      ValueError: if no number of times does.
    """
    count = (resolution // base).bit_length() - 1 if base > 0 else -1
    if count < 0 or base << count != resolution:
        raise ValueError(f"resolution {resolution} is not the base resolution {base} doubled any number of times")
    return count


class UpsampleConv(nn.Module):
    """`nn.Conv(features, (3, 3), padding=1)(upsample(x))`, with the same parameters and fewer operations.

    Attributes:
      features: channels of the result.
      dtype: of the computation; parameters stay float32.
      kernel_init: of the `[3, 3, C, features]` kernel.
    """

    features: int
    dtype: jnp.dtype = jnp.float32
    kernel_init: Callable[..., Array] = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → `[B, 2H, 2W, features]`."""
        kernel = self.param("kernel", self.kernel_init, (3, 3, x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        x, kernel, bias = (a.astype(self.dtype) for a in (x, kernel, bias))
        return upsample_convolve(x, kernel) + bias[None, None, None, :]


class TransposedConv(nn.Module):
    """`nn.ConvTranspose(features, (4, 4), (2, 2))`: the same parameters and function.

    Attributes:
      features: channels of the result.
      use_bias: add one a channel, zero at the start.
      kernel_init: of the `[4, 4, C, features]` kernel.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    use_bias: bool = True
    kernel_init: Callable[..., Array] = nn.initializers.lecun_normal()
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → `[B, 2H, 2W, features]`."""
        channels = x.shape[-1]
        kernel = self.param("kernel", self.kernel_init, (4, 4, channels, self.features)).astype(self.dtype)
        by_phase = kernel.reshape(2, 2, 2, 2, channels, self.features).transpose(0, 2, 4, 1, 3, 5)
        y = convolve_doubling(x.astype(self.dtype), by_phase)
        if not self.use_bias:
            return y
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return y + bias.astype(self.dtype)[None, None, None, :]

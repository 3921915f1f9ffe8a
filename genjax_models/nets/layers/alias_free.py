r"""Low-pass filters after Kaiser, and a pointwise non-linearity that leaves no aliases.

Samples at rate $r$ stand for a signal without frequencies above $r / 2$. A filter of $n$ taps at rate $r$, with cut-off
$f_c$ and a transition band of width $2 f_h$ around it, is a sinc in Kaiser's window,

$$f_j \propto \mathrm{sinc}(2 f_c x_j)\,\frac{I_0\big(\beta\sqrt{1 - (2 j / (n - 1) - 1)^2}\big)}{I_0(\beta)}, \qquad
x_j = \frac{j - (n - 1)/2}{r}, \qquad \sum_j f_j = 1, \qquad (3)$$

$$A = 2.285\,(n - 1)\,\pi\,\frac{2 f_h}{r / 2} + 7.95, \qquad \beta = \begin{cases} 0.1102\,(A - 8.7) & A > 50 \\
0.5842\,(A - 21)^{0.4} + 0.07886\,(A - 21) & 21 \le A \le 50 \\ 0 & A < 21. \end{cases} \qquad (5)$$

A leaky ReLU makes frequencies without end. Applied to samples at a higher rate, between two such filters, what it makes
of a signal is nearly what it makes of the signal's translate, translated.

A filter along one axis is a banded matrix. The images here are small, so both are multiplied as such: a few large
matrix products, with derivatives of every order, instead of many passes over memory.

References:
  Karras et al., Alias-Free Generative Adversarial Networks, 2021,
  https://arxiv.org/abs/2106.12423, sections 2, 3, appendix C
"""

import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array
from genjax_models.nets.layers.equalized import leaky_relu


def kaiser_low_pass(taps: int, cutoff: float, width: float, rate: float) -> np.ndarray:
    """A low-pass filter, `[taps]` float64 of sum 1.

    Args:
      taps: its length.
      cutoff: where its gain is a half, below `rate / 2`.
      width: of the transition band around `cutoff`, in the same unit.
      rate: samples a unit.

    Raises:
      ValueError: if the cut-off is not between 0 and half the rate, or the width is not positive.
    """
    if not 0 < cutoff < rate / 2 or width <= 0:
        raise ValueError(f"no low-pass filter of cutoff {cutoff:g} and width {width:g} at a rate of {rate:g}")
    attenuation = 2.285 * (taps - 1) * np.pi * width / (rate / 2) + 7.95
    if attenuation > 50:
        beta = 0.1102 * (attenuation - 8.7)
    else:
        above = max(attenuation - 21, 0.0)
        beta = 0.5842 * above**0.4 + 0.07886 * above
    x = (np.arange(taps) - (taps - 1) / 2) / rate
    f = np.sinc(2 * cutoff * x) * np.kaiser(taps, beta)
    return f / f.sum()


def filter_matrix(size: int, taps: np.ndarray, *, up: int = 1, down: int = 1, before: int = 0, out: int) -> np.ndarray:
    """Resampling along an axis as a matrix: zeros between samples, zeros around, convolution, every `down`-th result.

    Args:
      size: samples that come in.
      taps: the filter, `[n]`.
      up: each sample is followed by `up - 1` zeros.
      down: of the results, every one of this many is kept.
      before: zeros in front; where negative, what is cut off there.
      out: results.

    Returns:
      `[out, size]` float64, such that constants stay if the taps have sum 1.
    """
    row, column = np.meshgrid(np.arange(out), np.arange(size), indexing="ij")
    j = row * down + len(taps) - 1 - before - column * up
    return np.where((j >= 0) & (j < len(taps)), up * taps[np.clip(j, 0, len(taps) - 1)], 0.0)


def along_both_axes(matrix: np.ndarray, x: Array) -> Array:
    """`x` `[B, H, H, C]` and a matrix `[H', H]` → `[B, H', H', C]`."""
    m = jnp.asarray(matrix, x.dtype)
    return jnp.einsum("ph,qw,bhwc->bpqc", m, m, x)


def filtered_leaky_relu(x: Array, up: np.ndarray, down: np.ndarray) -> Array:
    """The activation between two resamplings.

    Args:
      x: `[B, H, H, C]`.
      up: `[T, H]`, to the higher rate.
      down: `[H', T]`, from it.

    Returns:
      `[B, H', H', C]`.
    """
    return along_both_axes(down, leaky_relu(along_both_axes(up, x)))

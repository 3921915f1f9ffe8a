r"""What XLA's CPU backend needs in order to be fast, all of it here; other backends never get in.

None of these remedies changes a number beyond rounding; docs/performance.md has the timings:

* `compiler_options`: keep from a library what it computes more slowly than XLA itself, convolutions and elementwise
  work.
* `tune_allocator`: glibc gives every large temporary back to the kernel and faults it in anew each step.
* `attention`: head-major, with the scores recomputed in the backward pass,

$$P = e^{q k^\top - \log Z}, \quad dv = P^\top dy, \quad
dS = P \odot (dy\, v^\top - \mathrm{rowsum}(dy \odot y)), \quad dq = dS\, k, \quad dk = dS^\top q$$

  (Dao et al., 2022, https://arxiv.org/abs/2205.14135, app. B), and where the scores of all heads together are
  large, a few heads at a time.
* `convolve`: gradients that are themselves convolutions in the one layout that XLA:CPU computes fast. It brings
  other layouts into that one, but not inside a loop, where a weight gradient would take a hundred times as long.
"""

import ctypes
import functools
import sys

import jax
import jax.numpy as jnp
from jax import lax

from genjax_models.core.types import Array

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX, M_ARENA_MAX = -1, -2, -4, -8  # glibc's malloc.h

LIBRARY = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"}
"""What may go to the library: products of matrices, and sums."""

SCORES_AT_ONCE = 16 * 2**20  # numbers: up to here, all heads together are fastest
SCORES_A_CHUNK = 2**19  # numbers: beyond, this many stay in cache


@functools.cache
def compiler_options() -> dict[str, str]:
    """Options for `jax.jit(..., compiler_options=...)`; empty unless the backend is a CPU that knows them."""
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda x: x, compiler_options=LIBRARY).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:  # another jaxlib, other options
        return {}
    return LIBRARY


def tune_allocator() -> bool:
    """Let glibc keep freed memory: one arena, no separate maps, no trimming. Call it before the first array.

    Returns:
      Whether it took effect; it does nothing where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return False
    settings = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1, M_ARENA_MAX: 1, M_TOP_PAD: 2**28}
    return all([libc.mallopt(parameter, value) for parameter, value in settings.items()])


def attention(q: Array, k: Array, v: Array, mask: Array | None = None) -> Array:
    """`jax.nn.dot_product_attention(q, k, v, mask=mask)`, the same function and gradients.

    Args:
      q: `[B, L, H, d]`.
      k, v: `[B, S, H, d]`.
      mask: `[L, S]` bool, True where a query sees a key; every query sees one.

    Returns:
      `[B, L, H, d]`.
    """
    batch, length, heads, width = q.shape

    def head_major(a: Array) -> Array:
        a = a.transpose(0, 2, 1, 3).reshape(batch * heads, -1, width)
        return a.astype(jnp.promote_types(a.dtype, jnp.float32))

    y = _attention(head_major(q) * width**-0.5, head_major(k), head_major(v), mask)
    return y.reshape(batch, heads, length, width).transpose(0, 2, 1, 3).astype(q.dtype)


@jax.custom_vjp
def _attention(q, k, v, mask):  # [N, L, d], [N, S, d], [N, S, d], with q scaled
    return _by_heads(functools.partial(_forward, mask), (q, k, v))[0]


def _attention_fwd(q, k, v, mask):
    y, log_z = _by_heads(functools.partial(_forward, mask), (q, k, v))
    return y, (mask, (q, k, v, y, log_z))


def _attention_bwd(residuals, dy):
    mask, arrays = residuals
    return *_by_heads(functools.partial(_backward, mask), (*arrays, dy)), None


_attention.defvjp(_attention_fwd, _attention_bwd)


def _forward(mask, arrays):
    q, k, v = arrays
    scores = jnp.einsum("nld,nsd->nls", q, k)
    if mask is not None:
        scores = jnp.where(mask[None], scores, -jnp.inf)
    peak = scores.max(axis=-1, keepdims=True)
    p = jnp.exp(scores - peak)
    z = p.sum(axis=-1, keepdims=True)
    return jnp.einsum("nls,nsd->nld", p, v) / z, peak + jnp.log(z)


def _backward(mask, arrays):
    q, k, v, y, log_z, dy = arrays

    def over_queries(column):  # [N, L, 1] → [N, 1, L]: scores are kept keys first, so that P^T and dS^T are at hand
        return column.swapaxes(1, 2)

    scores = jnp.einsum("nsd,nld->nsl", k, q)
    if mask is not None:
        scores = jnp.where(mask.T[None], scores, -jnp.inf)
    p = jnp.exp(scores - over_queries(log_z))
    dv = jnp.einsum("nsl,nld->nsd", p, dy)
    dp = jnp.einsum("nsd,nld->nsl", v, dy)
    ds = p * (dp - over_queries((dy * y).sum(axis=-1, keepdims=True)))
    return jnp.einsum("nsl,nsd->nld", ds, k), jnp.einsum("nsl,nld->nsd", ds, q), dv


def _by_heads(f, arrays):
    """`f` on all `N` heads together, or on equal chunks of them in turn."""
    n, scores = arrays[0].shape[0], arrays[0].shape[1] * arrays[1].shape[1]
    if n * scores <= SCORES_AT_ONCE:
        return f(arrays)
    chunk = max(c for c in range(1, n + 1) if n % c == 0 and (c == 1 or c * scores <= SCORES_A_CHUNK))
    chunks = jax.tree.map(lambda a: a.reshape(n // chunk, chunk, *a.shape[1:]), arrays)
    return jax.tree.map(lambda a: a.reshape(n, *a.shape[2:]), lax.map(f, chunks))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def convolve(x: Array, kernel: Array, stride: int, padding: int) -> Array:
    """A two-dimensional convolution with the gradients of `lax.conv_general_dilated`, computed otherwise.

    Args:
      x: `[B, H, W, C]`.
      kernel: `[k, k, C, D]`.
      stride: the same along both axes.
      padding: zeros on each side, at most k - 1.

    Returns:
      `[B, H', W', D]`.
    """
    return _conv(x, kernel, [(padding, padding)] * 2, stride)


def _conv(x, kernel, pads, stride=1, dilation=1):
    return lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        pads,
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _convolve_fwd(x, kernel, stride, padding):
    return convolve(x, kernel, stride, padding), (x, kernel)


def _convolve_bwd(stride, padding, residuals, dy):
    x, kernel = residuals
    size, channels, features = kernel.shape[0], kernel.shape[2], kernel.shape[3]

    # dx: place s q + r - padding, of stride s, meets the results q - l by the taps s l + r: for each phase r a
    # convolution of the results, all in one with s² times the channels. By this very function, so that gradients of
    # gradients (penalties of critics) are fast too.
    taps, first = -(-size // stride), padding // stride
    counts = [(n - 1 + padding) // stride + 1 - first for n in x.shape[1:3]]
    ends = [(0, stride * taps - size, 0)] * 2 + [(0, 0, 0)] * 2
    phases = lax.pad(kernel, jnp.zeros((), kernel.dtype), ends).reshape(taps, stride, taps, stride, channels, features)
    phases = phases[::-1, :, ::-1].transpose(0, 2, 5, 1, 3, 4).reshape(taps, taps, features, -1)
    before = taps - 1 - first
    edges = [(0, 0, 0), *((before, first + q - m, 0) for q, m in zip(counts, dy.shape[1:3], strict=True)), (0, 0, 0)]
    dx = convolve(lax.pad(dy, jnp.zeros((), dy.dtype), edges), phases, 1, 0)
    dx = dx.reshape(-1, *counts, stride, stride, channels).transpose(0, 1, 3, 2, 4, 5)
    dx = dx.reshape(-1, *(stride * q for q in counts), channels)
    rest = padding % stride
    dx = dx[:, rest : rest + x.shape[1], rest : rest + x.shape[2]]

    # dk: inputs and results correlated over batch and space, with channels in the place of the batch. XLA expands
    # what it slides over k² times, so it slides over the one with fewer channels.
    def channels_first(a):
        return a.transpose(3, 1, 2, 0)

    def channels_last(a):
        return a.transpose(1, 2, 0, 3)

    if stride == 1 and features < channels:
        dk = _conv(
            channels_first(dy), channels_last(x), [(size - 1 - padding, size - 1 - padding)] * 2
        )  # [D, k, k, C], turned
        return dx, dk.transpose(1, 2, 3, 0)[::-1, ::-1]
    spread = [stride * (m - 1) + 1 for m in dy.shape[1:3]]
    pads = [(padding, size - 1 + m - n - padding) for n, m in zip(x.shape[1:3], spread, strict=True)]
    dk = _conv(channels_first(x), channels_last(dy), pads, dilation=stride)  # [C, k, k, D]
    return dx, dk.transpose(1, 2, 0, 3)


convolve.defvjp(_convolve_fwd, _convolve_bwd)

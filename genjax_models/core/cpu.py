r"""What XLA's CPU backend needs in order to be fast, all of it here; other backends never get in.

Three remedies, none of which changes a number beyond rounding (docs/performance.md has the timings):

* `compiler_options`: XLA:CPU hands convolutions to a library whose weight gradient is slow; keep them in XLA.
* `tune_allocator`: glibc gives every large temporary back to the kernel and faults it in anew each step.
* `attention`: head-major, with the scores recomputed in the backward pass,

$$P = e^{q k^\top - \log Z}, \quad dv = P^\top dy, \quad
dS = P \odot (dy\, v^\top - \mathrm{rowsum}(dy \odot y)), \quad dq = dS\, k, \quad dk = dS^\top q,$$

  (Dao et al., 2022, https://arxiv.org/abs/2205.14135, app. B), and where the scores of all heads together are
  large, a few heads at a time.
"""

import ctypes
import functools
import sys

import jax
import jax.numpy as jnp
from jax import lax

from genjax_models.core.types import Array

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX, M_ARENA_MAX = -1, -2, -4, -8  # glibc's malloc.h

SCORES_AT_ONCE = 16 * 2**20  # numbers: up to here, all heads together are fastest
SCORES_A_CHUNK = 2**19  # numbers: beyond, this many stay in cache


@functools.cache
def compiler_options() -> dict[str, str]:
    """Options for `jax.jit(..., compiler_options=...)`; empty unless the backend is a CPU that knows them."""
    if jax.default_backend() != "cpu":
        return {}
    libraries = "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"
    options = {"xla_cpu_experimental_ynn_fusion_type": libraries}
    try:
        jax.jit(lambda x: x, compiler_options=options).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:  # another jaxlib, other options
        return {}
    return options


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


def attention(q: Array, k: Array, v: Array) -> Array:
    """`jax.nn.dot_product_attention(q, k, v)`, the same function and gradients.

    Args:
      q: `[B, L, H, d]`.
      k, v: `[B, S, H, d]`.

    Returns:
      `[B, L, H, d]`.
    """
    batch, length, heads, width = q.shape

    def head_major(a: Array) -> Array:
        a = a.transpose(0, 2, 1, 3).reshape(batch * heads, -1, width)
        return a.astype(jnp.promote_types(a.dtype, jnp.float32))

    y = _attention(head_major(q) * width**-0.5, head_major(k), head_major(v))
    return y.reshape(batch, heads, length, width).transpose(0, 2, 1, 3).astype(q.dtype)


@jax.custom_vjp
def _attention(q, k, v):  # [N, L, d], [N, S, d], [N, S, d], with q scaled
    return _by_heads(_forward, (q, k, v))[0]


def _attention_fwd(q, k, v):
    y, log_z = _by_heads(_forward, (q, k, v))
    return y, (q, k, v, y, log_z)


def _attention_bwd(residuals, dy):
    return _by_heads(_backward, (*residuals, dy))


_attention.defvjp(_attention_fwd, _attention_bwd)


def _forward(arrays):
    q, k, v = arrays
    scores = jnp.einsum("nld,nsd->nls", q, k)
    peak = scores.max(axis=-1, keepdims=True)
    p = jnp.exp(scores - peak)
    z = p.sum(axis=-1, keepdims=True)
    return jnp.einsum("nls,nsd->nld", p, v) / z, peak + jnp.log(z)


def _backward(arrays):
    q, k, v, y, log_z, dy = arrays
    p = jnp.exp(jnp.einsum("nld,nsd->nls", q, k) - log_z)
    dv = jnp.einsum("nls,nld->nsd", p, dy)
    dp = jnp.einsum("nld,nsd->nls", dy, v)
    ds = p * (dp - (dy * y).sum(axis=-1, keepdims=True))
    return jnp.einsum("nls,nsd->nld", ds, k), jnp.einsum("nls,nld->nsd", ds, q), dv


def _by_heads(f, arrays):
    """`f` on all `N` heads together, or on equal chunks of them in turn."""
    n, scores = arrays[0].shape[0], arrays[0].shape[1] * arrays[1].shape[1]
    if n * scores <= SCORES_AT_ONCE:
        return f(arrays)
    chunk = max(c for c in range(1, n + 1) if n % c == 0 and (c == 1 or c * scores <= SCORES_A_CHUNK))
    chunks = jax.tree.map(lambda a: a.reshape(n // chunk, chunk, *a.shape[1:]), arrays)
    return jax.tree.map(lambda a: a.reshape(n, *a.shape[2:]), lax.map(f, chunks))

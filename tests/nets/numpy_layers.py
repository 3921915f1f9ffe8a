"""The layers of the papers in plain NumPy, on `[B, H, W, C]`, for networks to be compared with."""

import numpy as np
from scipy.special import expit, softmax


def silu(x):
    return x * expit(x)


def upfirdn(x, taps, up, down, pad):
    """Zeros between pixels and around them, convolution with the outer product of the taps, every `down`-th kept."""
    batch, height, width, channels = x.shape
    spread = np.zeros((batch, height * up, width * up, channels))
    spread[:, ::up, ::up] = x
    spread = np.pad(spread, ((0, 0), pad, pad, (0, 0)))
    n = len(taps)
    kernel = np.outer(taps, taps)[::-1, ::-1]
    rows, columns = spread.shape[1] - n + 1, spread.shape[2] - n + 1
    y = np.zeros((batch, rows, columns, channels))
    for i in range(rows):
        for j in range(columns):
            y[:, i, j] = (spread[:, i : i + n, j : j + n] * kernel[None, :, :, None]).sum((1, 2))
    return y[:, ::down, ::down]


def unit(taps):
    return np.array(taps) / np.sum(taps)


def fir_down(x, taps):
    return upfirdn(x, unit(taps), 1, 2, (len(taps) // 2 - 1, len(taps) // 2 - 1))


def fir_up(x, taps):
    """With Song et al.'s padding: half as many zeros as there are taps before, and one fewer after."""
    return upfirdn(x, 2 * unit(taps), 2, 1, (len(taps) // 2, len(taps) // 2 - 1))


def conv(x, kernel, pad=1, stride=1):
    size = kernel.shape[0]
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    rows, columns = x.shape[1] - size + 1, x.shape[2] - size + 1
    y = sum(x[:, i : i + rows, j : j + columns] @ kernel[i, j] for i in range(size) for j in range(size))
    return y[:, ::stride, ::stride]


def group_norm(x, groups, scale, bias):
    batch, height, width, channels = x.shape
    z = x.reshape(batch, height * width, groups, channels // groups)
    z = (z - z.mean((1, 3), keepdims=True)) / np.sqrt(z.var((1, 3), keepdims=True) + 1e-5)
    return z.reshape(x.shape) * scale + bias


def attention(q, k, v):
    """`[B, L, d]` each."""
    return softmax(q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]), axis=-1) @ v

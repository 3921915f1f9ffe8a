r"""Other views of images, for translation between them: outlines, grey, coloured, small.

All take and return `uint8` `[N, H, W, C]`, and depend on nothing but the images and, for `coloured`, their rows in the
set, so that a view of an example is the same in every run.
"""

import numpy as np

LUMA = (299, 587, 114)
"""Thousandths of red, green and blue in the brightness of a picture (ITU-R BT.601)."""

COLOUR_KEY = (1998, 3)  # of Philox; any would do


def grey(x: np.ndarray) -> np.ndarray:
    """The brightness of colour images, `[N, H, W, 3]` -> `[N, H, W, 1]`; grey ones pass through."""
    if x.shape[-1] == 1:
        return x
    weights = np.array(LUMA, np.uint32)
    return (((x * weights).sum(-1, keepdims=True) + 500) // 1000).astype(np.uint8)


def outlines(x: np.ndarray) -> np.ndarray:
    r"""How steeply the brightness changes, white on black: `[N, H, W, C]` -> `[N, H, W, 1]`.

    $\frac{1}{4}\sqrt{(S * x)^2 + (S^\top * x)^2}$ with Sobel's $S$, clipped, and the border repeated outward: a step
    from black to white along an axis is 255.

    References:
      Sobel and Feldman, A 3x3 isotropic gradient operator for image processing, 1968
    """
    h = np.pad(grey(x)[..., 0].astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")
    smooth = lambda a, axis: _cut(a, axis, 0) + 2 * _cut(a, axis, 1) + _cut(a, axis, 2)
    slope = lambda a, axis: _cut(a, axis, 2) - _cut(a, axis, 0)
    steep = np.hypot(slope(smooth(h, 1), 2), slope(smooth(h, 2), 1)) / 4
    return np.round(np.minimum(steep, 255)).astype(np.uint8)[..., None]


def coloured(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    r"""Light strokes on black -> black strokes on a ground of one colour: `[N, H, W, 1]` -> `[N, H, W, 3]`.

    The colour of row $i$ is the $i$-th of an endless sequence of fully saturated hues, and a pixel $v$ becomes
    $(1 - v / 255)$ of it.

    Args:
      x: grey images.
      rows: `[N]`, which rows of the set they are.
    """
    words = np.random.Philox(key=COLOUR_KEY).random_raw(int(rows.max(initial=0)) + 1)[rows]
    hue = words / 2.0**64
    # The hexagon of hues: each channel is 1 within a sixth of its own hue, 0 beyond a third, and linear between.
    distance = np.abs((hue[:, None] - np.arange(3)[None] / 3 + 0.5) % 1 - 0.5)
    colour = np.clip(2 - 6 * distance, 0, 1)
    return np.round((255.0 - x) * colour[:, None, None]).astype(np.uint8)


def shrink(x: np.ndarray, factor: int) -> np.ndarray:
    """Means of `factor` x `factor` pixels: `[N, H, W, C]` -> `[N, H / factor, W / factor, C]`.

    Raises:
      ValueError: if `factor` does not divide the sides.
    """
    count, height, width, channels = x.shape
    if height % factor or width % factor:
        raise ValueError(f"{factor} does not divide {height}x{width} pixels")
    blocks = x.reshape(count, height // factor, factor, width // factor, factor, channels)
    return ((blocks.sum((2, 4), dtype=np.uint32) + factor**2 // 2) // factor**2).astype(np.uint8)


def _cut(a: np.ndarray, axis: int, start: int) -> np.ndarray:
    """All but two of the planes along `axis`, from `start`."""
    end = start + a.shape[axis] - 2
    return a[(slice(None),) * axis + (slice(start, end),)]

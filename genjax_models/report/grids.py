"""Images as one picture: sample grids, and the path from noise to data as an animation."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genjax_models.core.optional import optional

if TYPE_CHECKING:
    from PIL import Image

TARGET = 640
"""Pixels of a grid's longer side, about; small images are enlarged by whole factors so that they stay sharp."""


def tile(images: np.ndarray, *, columns: int | None = None, pad: int = 1) -> np.ndarray:
    """Lay images out row by row on a grey ground.

    Args:
      images: `[N, H, W, C]` uint8, C is 1 or 3.
      columns: how many side by side; about the square root of N by default.
      pad: pixels between them.

    Returns:
      `[H', W', 3]` uint8.

    Raises:
      ValueError: if there is no image, C is neither 1 nor 3, or the images are no bytes.
    """
    if images.dtype != np.uint8:
        raise ValueError(
            f"a picture is made of bytes, got {images.dtype}: convert first, see modalities.image.to_bytes"
        )
    count, height, width, channels = images.shape
    if not count or channels not in (1, 3):
        raise ValueError(f"a grid needs at least one image of 1 or 3 channels, got shape {images.shape}")
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    canvas = np.full((rows * (height + pad) + pad, columns * (width + pad) + pad, 3), 128, np.uint8)
    for i, image in enumerate(images):
        top, left = pad + i // columns * (height + pad), pad + i % columns * (width + pad)
        canvas[top : top + height, left : left + width] = image  # one channel broadcasts to three
    return canvas


def save_grid(images: np.ndarray, path: Path | str, *, columns: int | None = None) -> None:
    """Write `images` `[N, H, W, C]` uint8 as one PNG, enlarged by a whole factor; folders are made as needed."""
    _enlarged(tile(images, columns=columns)).save(_with_folder(path))


def save_animation(
    frames: np.ndarray, path: Path | str, *, columns: int | None = None, durations: Sequence[int] | None = None
) -> None:
    """Write the frames `[T, N, H, W, C]` uint8 as an animated PNG or GIF of grids that starts again at its end.

    Args:
      frames: a path from noise to data, or N videos.
      path: where to; the ending chooses the format.
      columns: see `tile`.
      durations: milliseconds of each frame; 60 by default, and 1,500 for the last. A GIF counts in tens of them.
    """
    grids = [_enlarged(tile(images, columns=columns)) for images in frames]
    durations = list(durations or [60] * (len(grids) - 1) + [1500])
    grids[0].save(_with_folder(path), save_all=True, append_images=grids[1:], duration=durations, loop=0)


def _enlarged(canvas: np.ndarray) -> "Image.Image":
    with optional("plot"):
        from PIL import Image  # noqa: PLC0415

    factor = max(1, TARGET // max(canvas.shape[:2]))
    return Image.fromarray(canvas.repeat(factor, axis=0).repeat(factor, axis=1))


def _with_folder(path: Path | str) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path

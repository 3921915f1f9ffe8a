"""Squares of pixels as channels, and back (space to depth)."""

from genjax_models.core.types import Array


def patchify(x: Array, size: int) -> Array:
    """Fold each square of `size` x `size` pixels into channels: `[B, H, W, C]` → `[B, H/size, W/size, size² C]`.

    Raises:
      ValueError: if the squares do not tile the image.
    """
    batch, height, width, channels = x.shape
    if height % size or width % size:
        raise ValueError(f"patches of {size}x{size} do not tile an image of {height}x{width}")
    x = x.reshape(batch, height // size, size, width // size, size, channels).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(batch, height // size, width // size, size * size * channels)


def unpatchify(x: Array, size: int) -> Array:
    """The inverse of `patchify`: `[B, H, W, size² C]` → `[B, H size, W size, C]`."""
    batch, height, width, folded = x.shape
    channels = folded // size**2
    x = x.reshape(batch, height, width, size, size, channels).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(batch, height * size, width * size, channels)

"""Which half of an image is seen, for imputation."""

import numpy as np

HALVES = ("top", "left", "random")
"""The names of `half_observed`."""


def half_observed(name: str, shape: tuple[int, ...], *, seed: int = 0) -> np.ndarray:
    """The elements of images `[B, H, W, C]` that are seen, bool of that shape: a half, or each pixel by a coin.

    Raises:
      ValueError: if the name is not one of `HALVES`.
    """
    if name not in HALVES:
        raise ValueError(f"half {name!r} is unknown; choose among {', '.join(HALVES)}")
    if name == "random":
        return np.broadcast_to(np.random.default_rng(seed).random((*shape[:3], 1)) < 0.5, shape).copy()
    seen = np.zeros(shape, bool)
    if name == "top":
        seen[:, : shape[1] // 2] = True
    else:
        seen[:, :, : shape[2] // 2] = True
    return seen

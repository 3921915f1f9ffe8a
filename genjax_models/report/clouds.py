"""Clouds of points in space, a panel each."""

import math
from pathlib import Path

import numpy as np


def save_clouds(clouds: np.ndarray, path: Path | str) -> None:
    """Draw each cloud into a panel of its own, all on the same scale, into one PNG.

    Args:
      clouds: `[N, P, 3]`; points that are not finite are left out. The third coordinate points up.
      path: the PNG to write; folders are made as needed.

    Raises:
      ValueError: if there is no cloud, or its points are not in space.
    """
    if clouds.ndim != 3 or not len(clouds) or clouds.shape[2] != 3:
        raise ValueError(f"clouds need the shape [N, P, 3], got {clouds.shape}")
    from matplotlib.figure import Figure  # noqa: PLC0415

    finite = [cloud[np.isfinite(cloud).all(axis=1)] for cloud in clouds]
    centre, radius = _extent(np.concatenate(finite))
    columns = math.ceil(math.sqrt(len(clouds)))
    rows = math.ceil(len(clouds) / columns)
    figure = Figure(figsize=(3 * columns, 3 * rows), layout="constrained")
    for i, cloud in enumerate(finite):
        axis = figure.add_subplot(rows, columns, i + 1, projection="3d")
        axis.scatter(*cloud.T, s=2, c=cloud[:, 2], linewidths=0)
        limits = {f"{name}lim": (middle - radius, middle + radius) for name, middle in zip("xyz", centre, strict=True)}
        axis.set(**limits, xticklabels=[], yticklabels=[], zticklabels=[], box_aspect=(1, 1, 1))
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def _extent(points: np.ndarray) -> tuple[np.ndarray, float]:
    """The centre and half of the longest side of the box around points `[M, 3]`."""
    if not len(points):
        return np.zeros(3), 1.0
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, float((high - low).max()) / 2 or 1.0

"""Clouds of points in the plane, side by side."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genjax_models.core.optional import optional


def save_points(panels: Mapping[str, np.ndarray], path: Path | str) -> None:
    """Draw each cloud into a panel of its own, side by side on the same scale, into one PNG.

    Args:
      panels: title -> points `[N, 2]`; points that are not finite are left out.
      path: the PNG to write; folders are made as needed.

    Raises:
      ValueError: if there is no panel, or its points are not in the plane.
    """
    if not panels or any(points.ndim != 2 or points.shape[1] != 2 for points in panels.values()):
        raise ValueError(f"points need the shape [N, 2], got {[points.shape for points in panels.values()]}")
    with optional("plot"):
        from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(3 * len(panels), 3.2), layout="constrained")
    axes = np.ravel(figure.subplots(1, len(panels), sharex=True, sharey=True))
    for axis, (title, points) in zip(axes, panels.items(), strict=True):
        axis.scatter(*points[np.isfinite(points).all(axis=1)].T, s=2, color="C0", linewidths=0)
        axis.set(title=title, xticks=[], yticks=[], aspect="equal")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)

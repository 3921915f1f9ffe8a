"""Paths of points in the plane: where each starts, how it moves, where it ends."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genjax_models.core.optional import optional


def save_paths(panels: Mapping[str, np.ndarray], path: Path | str) -> None:
    """Draw each set of paths into a panel of its own, side by side on the same scale, into one PNG.

    Args:
      panels: title -> paths `[T, N, 2]`, from the source to the data.
      path: the PNG to write; folders are made as needed.

    Raises:
      ValueError: if there is no panel, or its paths are not in the plane.
    """
    if not panels or any(paths.ndim != 3 or paths.shape[2] != 2 for paths in panels.values()):
        raise ValueError(f"paths need the shape [T, N, 2], got {[paths.shape for paths in panels.values()]}")
    with optional("plot"):
        from matplotlib.collections import LineCollection  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(3 * len(panels), 3.2), layout="constrained")
    axes = np.ravel(figure.subplots(1, len(panels), sharex=True, sharey=True))
    for axis, (title, paths) in zip(axes, panels.items(), strict=True):
        axis.add_collection(LineCollection(list(paths.swapaxes(0, 1)), colors="0.6", linewidths=0.5))
        axis.scatter(*paths[0].T, s=3, color="black")
        axis.scatter(*paths[-1].T, s=3, color="C0")
        axis.set(title=title, xticks=[], yticks=[], aspect="equal")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)

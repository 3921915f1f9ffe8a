"""Point clouds: real coordinates, which models see as they are stored; as scatter plots and PLY files.

References:
  Turk, The PLY polygon file format, 1994, https://gamma.cs.unc.edu/POWERPLANT/papers/ply.pdf
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genjax_models.data.spec import Field
from genjax_models.modalities.modality import Modality, Writer, write_arrays

SHOWN = 16
"""Clouds of a picture, at most."""

SPACING = 1.25
"""From one cloud of a PLY file to the next, in widths of the widest."""


def write_ply(stored: np.ndarray, path: Path, field: Field) -> None:
    """The clouds `[N, P, 3]` as the vertices of one ASCII PLY file, side by side along x.

    Cloud `i` is moved by `i` times the spacing that a comment of the header states, so the first one, or a single one,
    keeps its coordinates. The property `sample` is `i`. Points that are not finite are left out.
    """
    finite = np.isfinite(stored).all(axis=-1)
    x = stored[..., 0][finite]
    lowest = np.where(finite, stored[..., 0], np.inf).min(axis=1)
    highest = np.where(finite, stored[..., 0], -np.inf).max(axis=1)
    spacing = SPACING * float(max(0.0, (highest - lowest).max())) if x.size else 0.0
    sample = np.nonzero(finite)[0]
    rows = np.column_stack([stored[finite].astype(np.float64), sample])
    rows[:, 0] += spacing * sample
    header = (
        "ply",
        "format ascii 1.0",
        f"comment sample i is moved along x by i * {spacing:.9g}",
        f"element vertex {len(rows)}",
        *(f"property float {axis}" for axis in "xyz"),
        "property int sample",
        "end_header",
    )
    np.savetxt(path, rows, fmt=["%.9g"] * 3 + ["%d"], header="\n".join(header), comments="", encoding="ascii")


def write_scatter(stored: np.ndarray, path: Path, field: Field) -> None:
    """The first `SHOWN` clouds, a panel each, in the plane or by their first three coordinates."""
    from genjax_models.report import save_clouds, save_points  # noqa: PLC0415

    if field.shape[1] == 2:
        save_points({f"{i}": cloud for i, cloud in enumerate(stored[:SHOWN])}, path)
    else:
        save_clouds(stored[:SHOWN, :, :3], path)


def formats(field: Field) -> Mapping[str, Writer]:
    """A picture needs two or more coordinates, PLY has three."""
    ply: Mapping[str, Writer] = {".ply": write_ply} if field.shape[1] == 3 else {}
    scatter: Mapping[str, Writer] = {".png": write_scatter} if field.shape[1] > 1 else {}
    return {**scatter, **ply, ".npz": write_arrays}


POINTS = Modality("points", formats, preview_num=8)

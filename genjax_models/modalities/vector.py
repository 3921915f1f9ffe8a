"""Vectors of real numbers: models see them as they are stored; a picture shows the first two of their numbers."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genjax_models.data.spec import Field
from genjax_models.modalities.modality import Modality, Writer, write_arrays


def write_plane(stored: np.ndarray, path: Path, field: Field) -> None:
    """A scatter plot of the first two numbers of each vector."""
    from genjax_models.report import save_points  # noqa: PLC0415

    save_points({f"{len(stored)} samples": stored[:, :2]}, path)


def formats(field: Field) -> Mapping[str, Writer]:
    """A picture needs two coordinates."""
    return ({".png": write_plane} if field.shape[0] > 1 else {}) | {".npz": write_arrays}


VECTOR = Modality("vector", formats, preview_num=2_000)

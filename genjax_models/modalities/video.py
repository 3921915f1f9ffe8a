"""Videos: their bytes become model values as those of images do, see `modalities.image`; as animations and frames."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genjax_models.data.spec import Field
from genjax_models.modalities.image import dequantize, random_flip, to_float, to_uint8, visible
from genjax_models.modalities.modality import Modality, Writer, clip, write_arrays

COLUMNS = 8
"""Frames of a video on a contact sheet, at most."""

FASTEST = 50.0
"""Frames a second of a GIF, at most: many viewers slow down frames that are shorter than 20 ms."""


def durations(frames: int, rate: float) -> list[int]:
    """Milliseconds of each frame of a GIF, which counts in tens of them; no frame starts more than 5 ms off."""
    starts = np.rint(np.arange(frames + 1) * 100 / min(rate, FASTEST)).astype(int)
    return (10 * np.diff(starts)).tolist()


def write_animation(stored: np.ndarray, path: Path, field: Field) -> None:
    """The videos `[N, T, H, W, C]` side by side in one animation, `field.rate` frames a second, 50 at most."""
    from genjax_models.report import save_animation  # noqa: PLC0415

    save_animation(stored.swapaxes(0, 1), path, durations=durations(stored.shape[1], field.rate))


def write_sheet(stored: np.ndarray, path: Path, field: Field) -> None:
    """A contact sheet: a row for each video, with `COLUMNS` frames evenly spaced from its first to its last."""
    from genjax_models.report import save_grid  # noqa: PLC0415

    length = stored.shape[1]
    shown = np.linspace(0, length - 1, min(length, COLUMNS)).round().astype(int)
    save_grid(stored[:, shown].reshape(-1, *stored.shape[2:]), path, columns=len(shown))


def formats(field: Field) -> Mapping[str, Writer]:
    """Pictures need 1 or 3 channels, an animation a rate as well."""
    animation: Mapping[str, Writer] = {".gif": write_animation} if visible(field) and field.rate > 0 else {}
    sheet: Mapping[str, Writer] = {".png": write_sheet} if visible(field) else {}
    return {**sheet, **animation, ".npz": write_arrays}


VIDEO = Modality(
    "video",
    formats,
    preview_num=8,
    to_model=to_float,
    dequantize=dequantize,
    to_stored=to_uint8,
    clip=clip,
    mirror=random_flip,
)

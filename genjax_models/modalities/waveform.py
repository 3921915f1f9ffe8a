r"""Waveforms: samples in [-1, 1], which models see as they are stored; as sound files and as plots.

A `.wav` holds integers of 16 bits,

$$ s = \min(\max(\mathrm{round}(32768\, x), -32768), 32767), $$

halves rounded to even. Sound that was loaded as s / 32768 comes back exactly.
"""

import wave
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genjax_models.data.spec import Field
from genjax_models.modalities.modality import Modality, Writer, clip, write_arrays

GAP = 0.5
"""Seconds of silence between two clips of a `.wav`."""

SHOWN = 16
"""Waveforms of a picture, at most."""


def to_pcm(x: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1] -> int16; what lies outside is clipped, and what is not a number is silent."""
    finite = np.nan_to_num(np.asarray(x, np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    scaled = np.rint(finite * np.float32(32768))
    return np.clip(scaled, -32768, 32767).astype(np.int16)


def write_sound(stored: np.ndarray, path: Path, field: Field) -> None:
    """The clips `[N, T, C]` one after the other in one file of 16-bit PCM, with `GAP` seconds of silence between them.

    One file, so that all samples are heard in a row; the clips alone are in `.npz`.
    """
    count, length, channels = stored.shape
    rate = round(field.rate)
    gap = round(GAP * rate)
    sound = np.zeros((count, length + gap, channels), "<i2")
    sound[:, :length] = to_pcm(stored)
    sound = sound.reshape(-1, channels)[: count * (length + gap) - gap]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(sound.tobytes())


def write_plots(stored: np.ndarray, path: Path, field: Field) -> None:
    """The first `SHOWN` waveforms, each beside its spectrogram."""
    from genjax_models.report import save_waveforms  # noqa: PLC0415

    save_waveforms(stored[:SHOWN], path, rate=field.rate)


def formats(field: Field) -> Mapping[str, Writer]:
    """Sounds and spectrograms need a rate."""
    return ({".png": write_plots, ".wav": write_sound} if field.rate > 0 else {}) | {".npz": write_arrays}


WAVEFORM = Modality("waveform", formats, preview_num=8, to_stored=clip, clip=clip)

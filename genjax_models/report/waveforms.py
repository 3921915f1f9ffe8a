r"""Waveforms and their spectrograms.

A spectrogram shows $10 \log_{10} P$ decibels, where $P$ is the power within a frequency bin of a window (Hann): a sine
of amplitude 1 in the middle of a bin is at $10 \log_{10}(1/2) = -3.01$ dB.
"""

from pathlib import Path

import numpy as np

WINDOW = 256
"""Samples of a window of the spectrogram; half of them are shared with the next one."""

FLOOR = -100.0
"""Decibels that silence is drawn at."""


def decibels(wave: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The spectrogram of samples `[T]`: frequencies `[F]` in Hz, times `[S]` in seconds, powers `[F, S]` in dB."""
    from scipy import signal  # noqa: PLC0415

    window = min(WINDOW, len(wave))
    frequencies, times, power = signal.spectrogram(
        wave, rate, "hann", window, window // 2, detrend=False, scaling="spectrum"
    )
    return frequencies, times, 10 * np.log10(np.maximum(power, 10 ** (FLOOR / 10)))


def save_waveforms(waves: np.ndarray, path: Path | str, *, rate: float) -> None:
    """Draw each waveform in a row, its channels over time and the spectrogram of their mean, into one PNG.

    Args:
      waves: `[N, T, C]` in [-1, 1].
      path: the PNG to write; folders are made as needed.
      rate: samples a second.

    Raises:
      ValueError: if there is no waveform.
    """
    if waves.ndim != 3 or not waves.size:
        raise ValueError(f"waveforms need the shape [N, T, C], got {waves.shape}")
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 1.4 * len(waves) + 0.6), layout="constrained")
    seconds = np.arange(waves.shape[1]) / rate
    for (left, right), wave in zip(figure.subplots(len(waves), 2, sharex=True, squeeze=False), waves, strict=True):
        left.plot(seconds, wave, linewidth=0.5)
        left.set(ylim=(-1, 1))
        frequencies, times, power = decibels(wave.mean(axis=1), rate)
        right.pcolormesh(times, frequencies, power, vmin=FLOOR, vmax=0, shading="nearest", rasterized=True)
        right.set(ylabel="Hz")
    for axis in (left, right):
        axis.set(xlabel="seconds", xlim=(0, len(seconds) / rate))
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)

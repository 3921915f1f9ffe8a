"""Spectrograms of known sounds, and what cannot be drawn."""

import numpy as np
import pytest

from genjax_models.report import save_clouds, save_waveforms
from genjax_models.report.waveforms import FLOOR, decibels


@pytest.mark.parametrize("amplitude", [1.0, 0.1])
def test_a_sine_in_the_middle_of_a_bin_has_half_of_its_squared_amplitude(amplitude):
    """Power 1/2 at its frequency; Hann's window gives the neighbours a quarter of it, and others nothing."""
    rate, frequency = 8000.0, 1000.0  # bins are 8000 / 256 = 31.25 Hz wide; this one is bin 32
    wave = amplitude * np.sin(2 * np.pi * frequency * np.arange(1024) / rate)
    frequencies, times, power = decibels(wave, rate)
    assert frequencies[32] == frequency and power.shape == (129, len(times))
    level = 10 * np.log10(amplitude**2 / 2)
    np.testing.assert_allclose(power[32], level, atol=1e-6)
    np.testing.assert_allclose(power[[31, 33]], level - 10 * np.log10(4), atol=1e-6)
    assert (np.delete(power, [31, 32, 33], axis=0) == FLOOR).all()
    np.testing.assert_allclose(times, (128 + 128 * np.arange(7)) / rate)


def test_silence_is_at_the_floor():
    assert (decibels(np.zeros(300), 100.0)[2] == FLOOR).all()


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\[N, T, C\]"):
        save_waveforms(np.zeros((0, 10, 1)), tmp_path / "a.png", rate=1.0)
    with pytest.raises(ValueError, match=r"\[N, P, 3\]"):
        save_clouds(np.zeros((2, 10, 2)), tmp_path / "a.png")

"""Waveforms: what a sound file holds, sample by sample."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from genjax_models.core.errors import UserError
from genjax_models.data.spec import waveform
from genjax_models.modalities.waveform import GAP, WAVEFORM, to_pcm


def write(stored, path, field):
    WAVEFORM.writer(path, field)(stored, path, field)


def test_every_16_bit_sound_survives_the_round_trip(tmp_path):
    pcm = np.arange(-32768, 32768).astype(np.int16)
    field, path = waveform(65536, rate=8000.0), tmp_path / "all.wav"
    write((pcm.astype(np.float32) / 32768).reshape(1, -1, 1), path, field)
    rate, saved = wavfile.read(path)
    assert rate == 8000 and saved.dtype == np.int16
    np.testing.assert_array_equal(saved, pcm)


def test_samples_are_rounded_to_even_and_clipped():
    steps = np.array([0.49, 0.5, 0.51, 1.5, -0.5, -1.5, 32767.4, 32767.6], np.float64) / 32768
    np.testing.assert_array_equal(to_pcm(steps), [0, 0, 1, 2, 0, -2, 32767, 32767])
    beyond = np.array([1.0, 7.0, -1.0, -7.0, np.inf, -np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(to_pcm(beyond), [32767, 32767, -32768, -32768, 32767, -32768, 0])


@pytest.mark.parametrize("channels", [1, 2])
def test_clips_follow_each_other_with_silence_between_them(tmp_path, channels):
    x = np.random.default_rng(0).uniform(-1, 1, (3, 50, channels)).astype(np.float32)
    field, path = waveform(50, rate=100.0, channels=channels), tmp_path / "clips.wav"
    write(x, path, field)
    rate, saved = wavfile.read(path)
    saved, gap = saved.reshape(-1, channels), round(GAP * 100)
    assert rate == 100 and len(saved) == 3 * 50 + 2 * gap
    for i in range(3):
        start = i * (50 + gap)
        assert np.abs(saved[start : start + 50] / 32768 - x[i]).max() <= 0.5 / 32768 + 1e-7
        assert not saved[start + 50 : start + 50 + gap].any()


def test_arrays_keep_numbers_and_dtype(tmp_path):
    x = np.random.default_rng(0).uniform(-1, 1, (3, 50, 1)).astype(np.float32)
    write(x, tmp_path / "clips.npz", waveform(50, rate=100.0))
    saved = np.load(tmp_path / "clips.npz")["waveforms"]
    np.testing.assert_array_equal(saved, x)
    assert saved.dtype == np.float32


def test_the_picture_has_a_row_for_each_waveform_up_to_sixteen(tmp_path):
    sizes = {}
    for count in (1, 3, 16, 40):
        path = tmp_path / f"{count}.png"
        write(np.zeros((count, 300, 1), np.float32), path, waveform(300, rate=8000.0))
        sizes[count] = Image.open(path).size
    assert sizes[3][1] - sizes[1][1] == 2 * 140 and sizes[16][1] - sizes[3][1] == 13 * 140
    assert sizes[40] == sizes[16]


def test_a_picture_of_very_short_waveforms(tmp_path):
    write(np.ones((2, 3, 2), np.float32), tmp_path / "short.png", waveform(3, rate=10.0, channels=2))
    assert Image.open(tmp_path / "short.png").format == "PNG"


def test_models_see_the_samples_and_their_output_is_clipped():
    x = jnp.array([-7.0, -1.0, 0.25, 7.0], jnp.float32)
    assert WAVEFORM.to_model(x) is x
    for bring_back in (WAVEFORM.to_stored, WAVEFORM.clip):
        np.testing.assert_array_equal(bring_back(x), [-1, -1, 0.25, 1])
        assert bring_back(x).dtype == jnp.float32
    assert WAVEFORM.dequantize is None and WAVEFORM.mirror is None


def test_other_formats_are_refused_and_a_sound_needs_a_rate(tmp_path):
    with pytest.raises(UserError, match=r"a\.gif: waveform data of shape \(50, 1\) are written to \.png, \.wav, \.npz"):
        WAVEFORM.writer(tmp_path / "a.gif", waveform(50, rate=100.0))
    with pytest.raises(UserError, match=r"are written to \.npz$"):
        WAVEFORM.writer(tmp_path / "a.wav", waveform(50, rate=0.0))

"""Videos: bytes to floats and back as images, and frames in their order and at their rate."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageSequence

from genjax_models.core.errors import UserError
from genjax_models.data.spec import video
from genjax_models.modalities.video import VIDEO, durations
from genjax_models.report import tile

BYTES = jnp.arange(256, dtype=jnp.uint8).reshape(2, 4, 4, 8, 1)


def write(stored, path, field):
    VIDEO.writer(path, field)(stored, path, field)


def shades(count, frames):
    """Videos `[N, T, 4, 5, 1]` whose frames have one shade each, all different."""
    shade = np.arange(count * frames, dtype=np.uint8).reshape(count, frames, 1, 1, 1)
    return np.broadcast_to(shade * (255 // (count * frames)), (count, frames, 4, 5, 1))


def test_bytes_survive_the_round_trip():
    x = VIDEO.to_model(BYTES)
    assert x.dtype == jnp.float32 and np.abs(x).max() < 1
    np.testing.assert_array_equal(VIDEO.to_stored(x), BYTES)
    assert VIDEO.to_stored(x).dtype == jnp.uint8


def test_dequantised_bytes_lie_in_their_intervals():
    x = VIDEO.dequantize(jax.random.key(0), BYTES)
    assert x.dtype == jnp.float32 and x.shape == BYTES.shape
    low = np.asarray(BYTES, np.float64) / 128 - 1
    assert (low <= x).all() and (np.asarray(x, np.float64) < low + 1 / 128).all()
    np.testing.assert_array_equal(VIDEO.to_stored(x), BYTES)


def test_model_values_are_clipped():
    x = jnp.array([-7.0, 0.5, 7.0], jnp.float32)
    np.testing.assert_array_equal(VIDEO.clip(x), [-1, 0.5, 1])
    assert VIDEO.clip(x).dtype == jnp.float32


def test_all_frames_of_a_video_are_mirrored_together():
    x = jax.random.randint(jax.random.key(0), (64, 3, 4, 5, 3), 0, 256).astype(jnp.uint8)
    y = np.asarray(VIDEO.mirror(jax.random.key(1), x))
    kept = (y == np.asarray(x)).all((1, 2, 3, 4))
    mirrored = (y == np.asarray(x)[:, :, :, ::-1]).all((1, 2, 3, 4))
    assert (kept ^ mirrored).all() and y.dtype == np.uint8
    assert 10 < mirrored.sum() < 54  # 32 expected, standard deviation 4


def test_animation_shows_the_frames_of_all_videos_in_order(tmp_path):
    stored, path = shades(3, 5), tmp_path / "videos.gif"
    write(stored, path, video(5, 4, 5, 1, rate=10.0))
    frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(Image.open(path))]
    assert len(frames) == 5
    for t, frame in enumerate(frames):
        canvas = tile(stored[:, t])
        factor = frame.shape[0] // canvas.shape[0]
        np.testing.assert_array_equal(frame[::factor, ::factor], canvas)


@pytest.mark.parametrize(("rate", "total"), [(10.0, 1200), (24.0, 500), (30.0, 400), (8.0, 1500), (50.0, 240)])
def test_animation_lasts_as_long_as_the_video(tmp_path, rate, total):
    """Twelve frames, in milliseconds; the frames' own lengths are whole hundredths of a second."""
    path = tmp_path / "videos.gif"
    write(shades(1, 12), path, video(12, 4, 5, 1, rate=rate))
    lengths = [frame.info["duration"] for frame in ImageSequence.Iterator(Image.open(path))]
    assert sum(lengths) == total
    starts = np.cumsum([0, *lengths])
    assert np.abs(starts - 1000 * np.arange(13) / rate).max() <= 5
    assert Image.open(path).info["loop"] == 0


def test_no_frame_is_shorter_than_viewers_show():
    assert durations(4, 240.0) == [20] * 4


def test_contact_sheet_has_a_row_for_each_video_from_its_first_to_its_last_frame(tmp_path):
    stored, path = shades(2, 15), tmp_path / "sheet.png"
    write(stored, path, video(15, 4, 5, 1, rate=10.0))
    saved, canvas = np.asarray(Image.open(path)), tile(stored[:, ::2].reshape(16, 4, 5, 1), columns=8)
    factor = saved.shape[0] // canvas.shape[0]
    np.testing.assert_array_equal(saved[::factor, ::factor], canvas)


def test_contact_sheet_of_few_frames_shows_each_once(tmp_path):
    stored, path = shades(2, 3), tmp_path / "sheet.png"
    write(stored, path, video(3, 4, 5, 1, rate=10.0))
    saved, canvas = np.asarray(Image.open(path)), tile(stored.reshape(6, 4, 5, 1), columns=3)
    factor = saved.shape[0] // canvas.shape[0]
    np.testing.assert_array_equal(saved[::factor, ::factor], canvas)


def test_arrays_keep_bytes(tmp_path):
    write(shades(2, 3), tmp_path / "videos.npz", video(3, 4, 5, 1, rate=10.0))
    saved = np.load(tmp_path / "videos.npz")["videos"]
    np.testing.assert_array_equal(saved, shades(2, 3))
    assert saved.dtype == np.uint8


@pytest.mark.parametrize(
    ("channels", "rate", "formats"), [(1, 8.0, ".png, .gif, .npz"), (3, 0.0, ".png, .npz"), (4, 8.0, ".npz")]
)
def test_formats_are_those_that_the_field_allows(tmp_path, channels, rate, formats):
    with pytest.raises(UserError, match=f"are written to {formats}$"):
        VIDEO.writer(tmp_path / "a.wav", video(3, 4, 5, channels, rate=rate))

"""Pictures hold the pixels and the points they were given."""

import json

import numpy as np
import pytest
from PIL import Image

from genjax_models.report import save_animation, save_curves, save_grid, save_paths, tile


def test_tile_puts_each_image_in_its_place():
    images = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((6, 4, 5, 1), np.uint8)
    canvas = tile(images, columns=3, pad=1)
    assert canvas.shape == (2 * 5 + 1, 3 * 6 + 1, 3)
    for i in range(6):
        cell = canvas[1 + i // 3 * 5 :, 1 + i % 3 * 6 :][:4, :5]
        assert (cell == i).all()


def test_colour_images_keep_their_colours():
    red = np.zeros((1, 2, 2, 3), np.uint8)
    red[..., 0] = 255
    assert (tile(red, pad=0) == [255, 0, 0]).all()


@pytest.mark.parametrize("shape", [(0, 4, 4, 1), (2, 4, 4, 2)])
def test_what_cannot_be_tiled_is_refused(shape):
    with pytest.raises(ValueError, match="1 or 3 channels"):
        tile(np.zeros(shape, np.uint8))


def test_saved_grid_is_the_tile_enlarged(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), np.uint8)
    save_grid(images, tmp_path / "deep" / "grid.png")
    saved, canvas = np.asarray(Image.open(tmp_path / "deep" / "grid.png")), tile(images)
    factor = saved.shape[0] // canvas.shape[0]
    np.testing.assert_array_equal(saved[::factor, ::factor], canvas)


def test_animation_has_its_frames(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (5, 2, 8, 8, 1), np.uint8)
    save_animation(frames, tmp_path / "path.gif")
    assert Image.open(tmp_path / "path.gif").n_frames == 5


def test_curves_are_drawn_without_damaged_lines_and_nothing_gives_no_picture(tmp_path):
    lines = [
        json.dumps({"step": i, "loss": 1.0 / i, "grad_norm": 1.0, "clock": {"steps_per_s": 1}}) for i in range(1, 40)
    ]
    damaged = ["{", "null", "[1]", '{"step": "x", "loss": 1.0}', '{"loss": 2.0}', '{"step": 41, "loss": "y"}']
    (tmp_path / "metrics.jsonl").write_text("\n".join([*lines, *damaged]))
    save_curves(tmp_path / "metrics.jsonl", tmp_path / "curves.png")
    assert Image.open(tmp_path / "curves.png").size == (1200, 384)
    (tmp_path / "metrics.jsonl").write_text("")
    save_curves(tmp_path / "metrics.jsonl", tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_paths_get_a_panel_each(tmp_path):
    panels = {"a": np.random.default_rng(0).normal(size=(5, 7, 2)), "b": np.zeros((2, 1, 2))}
    save_paths(panels, tmp_path / "deep" / "paths.png")
    assert Image.open(tmp_path / "deep" / "paths.png").size == (720, 384)
    with pytest.raises(ValueError, match=r"\[T, N, 2\]"):
        save_paths({"flat": np.zeros((5, 2))}, tmp_path / "paths.png")

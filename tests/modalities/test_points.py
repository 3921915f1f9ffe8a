"""Point clouds: PLY files parsed by hand."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from genjax_models.core.errors import UserError
from genjax_models.data.spec import points
from genjax_models.modalities.points import POINTS


def write(stored, path, field):
    POINTS.writer(path, field)(stored, path, field)


def clouds(count, size, dimensions=3):
    return np.random.default_rng(0).normal(size=(count, size, dimensions)).astype(np.float32)


def parse(path):
    """The spacing and the columns of an ASCII PLY file with vertices alone."""
    lines = path.read_bytes().decode("ascii").split("\n")
    assert lines[:2] == ["ply", "format ascii 1.0"] and lines[-1] == ""
    end = lines.index("end_header")
    (comment,) = (line for line in lines[:end] if line.startswith("comment"))
    (count,) = (int(line.split()[2]) for line in lines[:end] if line.startswith("element vertex"))
    names = [tuple(line.split()[1:]) for line in lines[:end] if line.startswith("property")]
    assert names == [("float", "x"), ("float", "y"), ("float", "z"), ("int", "sample")]
    rows = [line.split() for line in lines[end + 1 : -1]]
    assert len(rows) == count and all(row[3].isdigit() for row in rows)
    xyz = np.array([[float(number) for number in row[:3]] for row in rows]).reshape(count, 3)
    return float(comment.split()[-1]), xyz, np.array([int(row[3]) for row in rows])


def test_one_cloud_keeps_every_bit_of_its_coordinates(tmp_path):
    stored, path = clouds(1, 100) * np.float32([1e-8, 1, 1e8]), tmp_path / "cloud.ply"
    write(stored, path, points(100))
    _, xyz, sample = parse(path)
    np.testing.assert_array_equal(xyz.astype(np.float32), stored[0])
    assert not sample.any()


def test_several_clouds_stand_side_by_side(tmp_path):
    stored, path = clouds(3, 50), tmp_path / "clouds.ply"
    write(stored, path, points(50))
    spacing, xyz, sample = parse(path)
    np.testing.assert_array_equal(sample, np.repeat([0, 1, 2], 50))
    np.testing.assert_allclose(spacing, 1.25 * np.ptp(stored[..., 0], axis=1).max(), rtol=1e-6)
    xyz[:, 0] -= spacing * sample
    np.testing.assert_allclose(xyz.reshape(3, 50, 3), stored, atol=1e-6)


def test_points_that_are_not_finite_are_left_out(tmp_path):
    stored, path = clouds(2, 5), tmp_path / "clouds.ply"
    stored[0, 1, 2], stored[1, :4] = np.inf, np.nan
    write(stored, path, points(5))
    spacing, xyz, sample = parse(path)
    np.testing.assert_array_equal(sample, [0, 0, 0, 0, 1])
    assert np.isfinite(xyz).all() and np.isfinite(spacing)
    write(np.full((2, 5, 3), np.nan, np.float32), path, points(5))
    assert len(parse(path)[1]) == 0


def test_arrays_keep_numbers_and_dtype(tmp_path):
    write(clouds(2, 5), tmp_path / "clouds.npz", points(5))
    saved = np.load(tmp_path / "clouds.npz")["points"]
    np.testing.assert_array_equal(saved, clouds(2, 5))
    assert saved.dtype == np.float32


@pytest.mark.parametrize("dimensions", [2, 3, 6])
def test_pictures_of_clouds(tmp_path, dimensions):
    stored, path = clouds(3, 30, dimensions), tmp_path / "clouds.png"
    stored[0, 0] = np.nan
    write(stored, path, points(30, dimensions))
    assert len(np.unique(np.asarray(Image.open(path).convert("L")))) > 10


def test_the_picture_shows_sixteen_clouds_at_most(tmp_path):
    for count in (16, 40):
        write(clouds(count, 5), tmp_path / f"{count}.png", points(5))
    assert Image.open(tmp_path / "16.png").size == Image.open(tmp_path / "40.png").size == (1200, 1200)


def test_models_take_points_as_they_are():
    x = jnp.array([[[-7.0, 0.5, 7.0]]], jnp.float32)
    assert POINTS.to_model(x) is x and POINTS.to_stored(x) is x and POINTS.clip(x) is x
    assert POINTS.dequantize is None and POINTS.mirror is None


@pytest.mark.parametrize(
    ("dimensions", "formats"), [(3, ".png, .ply, .npz"), (6, ".png, .npz"), (2, ".png, .npz"), (1, ".npz")]
)
def test_formats_are_those_that_the_field_allows(tmp_path, dimensions, formats):
    with pytest.raises(UserError, match=f"are written to {formats}$"):
        POINTS.writer(tmp_path / "a.txt", points(5, dimensions))

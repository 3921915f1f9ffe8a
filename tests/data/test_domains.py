"""Views of images against other implementations of them, and the domains that are made of them."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from genjax_models.core.errors import UserError
from genjax_models.data import batches, catalog, load, views
from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.domains import paired, unpaired
from genjax_models.data.spec import of_images

PICTURES = np.random.default_rng(0).integers(0, 256, (5, 8, 12, 3), np.uint8)


def test_outlines_are_scipys_sobel():
    drawn = views.outlines(PICTURES[..., :1])[..., 0]
    for picture, found in zip(PICTURES[..., 0].astype(float), drawn, strict=True):
        slopes = [ndimage.sobel(picture, axis, mode="nearest") for axis in (0, 1)]
        np.testing.assert_array_equal(found, np.round(np.minimum(np.hypot(*slopes) / 4, 255)))


def test_grey_and_small_images_are_pillows():
    grey, small = views.grey(PICTURES)[..., 0], views.shrink(PICTURES, 4)
    assert small.shape == (5, 2, 3, 3)
    for picture, dull, tiny in zip(PICTURES, grey, small, strict=True):
        image = Image.fromarray(picture)
        assert np.abs(np.asarray(image.convert("L"), int) - dull).max() <= 1
        assert np.abs(np.asarray(image.reduce(4), int) - tiny).max() <= 1
    np.testing.assert_array_equal(views.grey(PICTURES[..., :1]), PICTURES[..., :1])


def test_colours_belong_to_the_row_and_strokes_are_black():
    x = np.zeros((600, 2, 2, 1), np.uint8)
    x[:, 0, 0] = 255
    rows = np.arange(600)
    found = views.coloured(x, rows)
    ground = found[:, 1, 1]
    assert not found[:, 0, 0].any()
    np.testing.assert_array_equal(found[:, 0, 1], ground)
    assert (ground.max(1) == 255).all() and (ground.min(1) == 0).all()  # fully saturated
    hot = np.bincount(ground.argmax(1), minlength=3)  # each channel leads in a third of the hues: four deviations
    assert (np.abs(hot - 200) < 4 * np.sqrt(600 * 2 / 9)).all()
    np.testing.assert_array_equal(views.coloured(x[[7, 3]], np.array([7, 3])), found[[7, 3]])


def test_pairs_are_a_view_and_the_image_itself():
    images, pairs = load("digits", "test"), paired("digits", "half", "test")
    assert pairs.fields["x"].shape == (296, 4, 4, 1) and pairs.spec.num_classes == 10
    np.testing.assert_array_equal(pairs.x, images.x)
    np.testing.assert_array_equal(pairs.fields["x"], views.shrink(images.x, 2))
    batch = next(batches(pairs, 32, seed=0))
    assert sorted(batch) == ["label", "x", "y"]
    np.testing.assert_array_equal(batch["x"], views.shrink(batch["y"], 2))


@pytest.mark.parametrize("split", ["train", "test"])
def test_unpaired_domains_share_no_row(split):
    images, domains = load("digits", split), unpaired("digits", "coloured", split)
    odd = np.arange(1, images.size, 2)
    assert domains.size == -(-images.size // 2)
    np.testing.assert_array_equal(domains.x, images.x[::2])
    np.testing.assert_array_equal(domains.label, images.label[::2])
    np.testing.assert_array_equal(domains.fields["y"][: len(odd)], views.coloured(images.x[odd], odd))
    np.testing.assert_array_equal(domains.fields["label_y"][: len(odd)], images.label[odd])


def test_domains_that_are_splits_begin_again(monkeypatch):
    def stub(name, split, data_dir=None):
        size = {"trainA": 3, "trainB": 5}[split]
        x = np.full((size, 4, 4, 3), size, np.uint8) + np.arange(size, dtype=np.uint8)[:, None, None, None]
        return ArrayDataset(of_images(name, 4, 4, 3, classes=0), split, {"x": x})

    monkeypatch.setattr(catalog, "load", stub)
    domains = unpaired("cycle_gan/horse2zebra", "")
    first = {name: domains.fields[name][:, 0, 0, 0].tolist() for name in ("x", "y")}
    assert first == {"x": [3, 4, 5, 3, 4], "y": [5, 6, 7, 8, 9]}


def test_what_cannot_be_made_is_one_line():
    for make, name, view, said in (
        (paired, "digits", "outline", "no view 'outline' of digits: choose one of grey, outlines"),
        (paired, "moons", "grey", "holds no images"),
        (unpaired, "digits", "half", "8x8 and 4x4 pixels"),
    ):
        with pytest.raises(UserError, match=said) as error:
            make(name, view)
        assert "\n" not in str(error.value)


def test_a_view_that_does_not_fit_is_one_line(monkeypatch):
    colours = ArrayDataset(of_images("colours", 6, 12, 3, classes=0), "train", {"x": PICTURES[:, :6]})
    monkeypatch.setattr(catalog, "load", lambda *_, **__: colours)
    with pytest.raises(UserError, match="4 does not divide 6x12"):
        paired("colours", "quarter")
    with pytest.raises(UserError, match="colours already"):
        unpaired("colours", "coloured")

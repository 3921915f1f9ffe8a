import pytest

from genjax_models.data.masks import HALVES, half_observed


@pytest.mark.parametrize("name", HALVES)
def test_half_of_an_image_is_seen_and_whole_pixels_of_it(name):
    seen = half_observed(name, (5, 8, 8, 3))
    assert (seen[..., 0] == seen[..., 2]).all()
    assert 0.4 < seen.mean() < 0.6
    if name == "top":
        assert seen[:, :4].all()


def test_an_unknown_half():
    with pytest.raises(ValueError, match="top, left, random"):
        half_observed("bottom", (1, 8, 8, 1))

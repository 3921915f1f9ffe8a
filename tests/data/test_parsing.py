"""Values of fields from text, for the command line."""

import numpy as np
import pytest

from genjax_models.core.errors import UserError
from genjax_models.data.parsing import PARSERS, value_of
from genjax_models.data.spec import Field, image, label, vector


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        (label(10), "3", np.int32(3)),
        (label(2, ("cat", "dog")), "dog", np.int32(1)),
        (vector(3), "0.5, -1,2e-1", np.float32([0.5, -1, 0.2])),
        (vector(1), "7", np.float32([7])),
    ],
)
def test_a_value_has_the_shape_and_dtype_of_its_field(field, text, expected):
    found = value_of("name", field, text)
    assert found.shape == field.shape and found.dtype == field.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        (label(10), "10", "--cond.name=10 must be a class from 0 to 9"),
        (label(10), "-1", "a class from 0 to 9"),
        (label(10), "²", "a class from 0 to 9"),
        (label(2, ("cat", "dog")), "cow", "a class from 0 to 1, or one of cat, dog"),
        (vector(2), "1", "2 finite numbers"),
        (vector(2), "1,nan", "2 finite numbers"),
        (vector(2), "1,x", "2 finite numbers"),
        (image(8, 8, 1), "1", "fields of image cannot be given as text, those of label, vector, text can"),
    ],
)
def test_what_does_not_suit_a_field_is_one_line(field, text, said):
    with pytest.raises(UserError, match=r"cannot|must be") as error:
        value_of("name", field, text)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_kind_of_another_package_is_one_more_entry(monkeypatch):
    monkeypatch.setitem(PARSERS, "angle", lambda field, text: np.asarray(np.deg2rad(float(text)), field.dtype))
    assert value_of("turn", Field("angle", (), "float32"), "180") == pytest.approx(np.pi)

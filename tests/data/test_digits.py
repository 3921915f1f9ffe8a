"""The embedded digits, against scikit-learn itself."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits as reference

from genjax_models.core.errors import UserError
from genjax_models.data import load
from genjax_models.data.digits import read


def test_images_and_labels_are_scikit_learn_s():
    images, label = read()
    expected = reference()
    np.testing.assert_array_equal((images[..., 0].astype(int) * 16 + 127) // 255, expected.images)
    np.testing.assert_array_equal(label, expected.target)
    assert images.dtype == np.uint8 and images.min() == 0 and images.max() == 255


def test_bytes_are_the_counts_scaled_and_rounded_half_up():
    count = np.arange(17)
    np.testing.assert_array_equal((count * 255 + 8) // 16, np.floor(count * 255 / 16 + 0.5))


def test_the_split_is_disjoint_whole_and_stratified():
    train, test = load("digits"), load("digits", "test")
    assert train.size == 1501 and test.size == 296 and train.spec.num_classes == 10
    both = np.concatenate([train.x, test.x]).reshape(1797, 64)
    np.testing.assert_array_equal(*[np.sort(x.view("S64").ravel()) for x in (both, read()[0].reshape(1797, 64))])
    share = np.bincount(test.label) / np.bincount(read()[1])
    assert (np.abs(share - 1 / 6) < 0.01).all()


def test_no_other_split():
    with pytest.raises(UserError, match="no split 'validation': choose train or test"):
        load("digits", "validation")


def test_starting_with_digits_imports_neither_tfds_nor_scikit_learn():
    code = (
        "import sys; from genjax_models.data import load; load('digits');"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'tensorflow_datasets', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""The embedded default set: scikit-learn's 1,797 handwritten digits of 8x8 pixels (part of UCI optdigits).

The file comes with scikit-learn and is read without importing it, which would cost a second. Its pixels count
ink from 0 to 16; they are stored as the bytes `round_half_up(255 v / 16)`, 0 to 255, which is one-to-one
(`(pixel * 16 + 127) // 255` gives the counts back), so that digits pass through the same code as any other
image. The split is the stratified one of `stratified_test_rows`: every sixth of a class is for testing.
"""

import functools
import gzip
import importlib.util
from pathlib import Path

import numpy as np

from genjax_models.core.errors import UserError
from genjax_models.data.arrays import ArrayDataset, stratified_test_rows
from genjax_models.data.spec import of_images


@functools.cache
def read() -> tuple[np.ndarray, np.ndarray]:
    """All images, `uint8` `[1797, 8, 8, 1]`, and labels, `int32` `[1797]`, in the order of the file."""
    spec = importlib.util.find_spec("sklearn")
    folders = (spec and spec.submodule_search_locations) or [""]
    path = Path(folders[0], "datasets", "data", "digits.csv.gz")
    if not path.is_file():
        raise UserError("the digits come with scikit-learn, which is missing: run `pip install 'genjax_models[data]'`")
    with gzip.open(path, "rt", encoding="ascii") as lines:
        table = np.loadtxt(lines, delimiter=",", dtype=np.int32)
    pixels = (table[:, :64] * 255 + 8) // 16
    return pixels.astype(np.uint8).reshape(-1, 8, 8, 1), table[:, 64]


def load_digits(split: str) -> ArrayDataset:
    """The `train` (1,501) or `test` (296) split of the digits."""
    images, label = read()
    test = stratified_test_rows(label, every=6)
    rows = test if split == "test" else ~test
    return ArrayDataset(of_images("digits", 8, 8, 1), split, {"x": images[rows], "label": label[rows]})

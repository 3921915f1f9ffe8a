"""A data set in memory: what `load` returns, and the fixed split of sets that were published without one."""

from typing import NamedTuple

import numpy as np


class ArrayDataset(NamedTuple):
    """One split of a data set, whole, in memory.

    Attributes:
      name: of the set, as given to `load`.
      split: `train` or `test`.
      x: images as `uint8` `[N, H, W, C]` (0 is black), or vectors as `float32` `[N, D]`.
      label: `int32` `[N]`; all zero where the set has no classes.
      num_classes: how many classes `label` counts; 0 where it has none.
    """

    name: str
    split: str
    x: np.ndarray
    label: np.ndarray
    num_classes: int

    @property
    def size(self) -> int:
        """The number of examples, N (`len` of a named tuple counts its fields)."""
        return len(self.label)

    def take(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The batch `{"x": [B, ...], "label": [B]}` of the examples `rows` `[B]`."""
        return {"x": self.x[rows], "label": self.label[rows]}


def stratified_test_rows(label: np.ndarray, every: int) -> np.ndarray:
    """Marks every `every`-th example of each class, in file order, as a test example.

    The rule needs no random numbers, so the split is the same on every machine and under every library
    version; it keeps the classes in proportion, and where a file is ordered by writer (as the digits are) it
    puts every writer on both sides.

    Args:
      label: `[N]` integers.
      every: one example in so many of each class is for testing.

    Returns:
      `bool` `[N]`, true for the test examples.
    """
    rank_in_class = np.zeros(len(label), np.int64)
    for value in np.unique(label):
        rows = np.flatnonzero(label == value)
        rank_in_class[rows] = np.arange(len(rows))
    return rank_in_class % every == every - 1

"""A data set in memory: what `load` returns, and the fixed split of sets that were published without one."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from genjax_models.data.spec import DataSpec


class ArrayDataset(NamedTuple):
    """One split of a data set, whole, in memory.

    Attributes:
      spec: its fields.
      split: `train` or `test`.
      fields: an array `[N, ...]` for each field of the spec.
    """

    spec: DataSpec
    split: str
    fields: Mapping[str, np.ndarray]

    @property
    def name(self) -> str:
        """Of the set."""
        return self.spec.name

    @property
    def x(self) -> np.ndarray:
        """The modelled field, `[N, ...]`."""
        return self.fields[self.spec.modelled]

    @property
    def label(self) -> np.ndarray:
        """The class labels, `int32` `[N]`."""
        return self.fields["label"]

    @property
    def size(self) -> int:
        """The number of examples, N (`len` of a named tuple counts its fields)."""
        return len(self.x)

    def take(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The batch `{name: [B, ...]}` of the examples `rows` `[B]`."""
        return {name: values[rows] for name, values in self.fields.items()}


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

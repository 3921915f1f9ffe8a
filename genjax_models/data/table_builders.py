"""TFDS builders of tables, whose examples are vectors; see `genjax_models.data.builders`."""

import csv
from abc import abstractmethod
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core import registered

from genjax_models.data import tables
from genjax_models.data.arrays import stratified_test_rows
from genjax_models.data.builders import Examples


class _Table(tfds.core.GeneratorBasedBuilder):
    """A CSV file of plotnine 0.15.9: the columns of `tables.TABLES`, as published, as one vector `x`.

    Rows that lack a number are dropped, then those that are not `_sound`, then all but the first of those that
    agree in every column.
    """

    VERSION = tfds.core.Version("1.0.0")
    code_path = None
    MANUAL_DOWNLOAD_INSTRUCTIONS = "<name>.csv, from plotnine/data/ of the PyPI package plotnine 0.15.9"

    def _info(self) -> tfds.core.DatasetInfo:
        shape = (len(tables.TABLES[self.name]),)
        x = tfds.features.Tensor(shape=shape, dtype=np.float64, encoding="bytes")  # else stored as float32
        features = tfds.features.FeaturesDict({"x": x})
        return tfds.core.DatasetInfo(builder=self, description=type(self).__doc__, features=features)

    def _split_generators(self, dl_manager: Any) -> dict[str, Examples]:
        columns = tables.TABLES[self.name]
        names = [column.name for column in columns]
        lines = (dl_manager.manual_dir / f"{self.name}.csv").read_text(encoding="utf-8").splitlines()
        rows = [row for row in csv.DictReader(lines) if all(row[name] != "NA" for name in names)]
        x = np.array([[float(row[name]) for name in names] for row in rows])
        sound = np.flatnonzero(self._sound(x))
        _, first = np.unique(tables.steps(columns, x[sound]), axis=0, return_index=True)
        kept = sound[np.sort(first)]
        x, test = x[kept], self._test_rows([rows[row] for row in kept], x[kept])
        return {"train": _vectors(x[~test]), "test": _vectors(x[test])}

    @abstractmethod
    def _sound(self, x: np.ndarray) -> np.ndarray:
        """Marks the rows of `x` `[N, D]` that can be true, `bool` `[N]`."""

    @abstractmethod
    def _test_rows(self, rows: list[dict[str, str]], x: np.ndarray) -> np.ndarray:
        """Marks the test examples, `bool` `[N]`, of the rows of the file that are kept and their `x` `[N, D]`."""

    def _generate_examples(self) -> Examples:
        raise NotImplementedError  # abstract in TFDS; `_split_generators` returns the generators themselves


with registered.skip_registration():  # TFDS has a set of this name, without a test split

    class Diamonds(_Table):
        """Weight, proportions, price and size of diamonds.

        A size is impossible if it is zero, or contradicts the depth or the weight of its row: if 200 z / (x + y) is
        more than one of the published per cents off (rounding explains 0.3), or the box x y z holds more than a
        fifth less or more than 163 cubic millimetres a carat, as the median stone does. A quarter of the stones are
        listed several times, at other prices or with x and y exchanged: all rows of a stone are on one side. Every
        tenth stone is for testing, in the order of weight, depth, table, and size.
        """

        name = "diamonds"

        def _sound(self, x: np.ndarray) -> np.ndarray:
            carat, depth, size = x[:, 0], x[:, 1], x[:, 4:]
            across = size[:, 0] + size[:, 1]
            deep = np.abs(200 * size[:, 2] - depth * across) <= across
            heavy = np.abs(size.prod(1) / carat / 163 - 1) <= 0.2
            return (size.min(1) > 0) & deep & heavy

        def _test_rows(self, rows: list[dict[str, str]], x: np.ndarray) -> np.ndarray:
            count = tables.steps(tables.TABLES[self.name], x)
            stones = np.column_stack([count[:, :3], np.sort(count[:, 4:6], axis=1), count[:, 6]])
            _, stone = np.unique(stones, axis=0, return_inverse=True)
            return stone % 10 == 9


class TexasHousing(_Table):
    """Houses sold in a month in a city of Texas: how many, for how much, and how many are on offer.

    A month without a single house on offer is an omission. Every fifth month of each city is for testing: five and
    twelve have no common divisor, so that every season has its turn.
    """

    name = "txhousing"

    def _sound(self, x: np.ndarray) -> np.ndarray:
        return x.min(1) > 0

    def _test_rows(self, rows: list[dict[str, str]], x: np.ndarray) -> np.ndarray:
        _, city = np.unique([row["city"] for row in rows], return_inverse=True)
        return stratified_test_rows(city, every=5)


def _vectors(x: np.ndarray) -> Examples:
    for index, row in enumerate(x):
        yield index, {"x": row}

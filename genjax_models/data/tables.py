r"""Tables of measurements: how rows of rounded numbers become points of a continuous density, and back.

A number $v$ that was published at the resolution $r$ represents the interval $[v - r/2, v + r/2)$. The likelihood of a
continuous density of the rounded numbers is unbounded, so uniform noise over the interval is added first,

$$ w = v + r (u - \tfrac12),\; u \sim U(0, 1), \qquad t = \log w \text{ (positive, skewed columns) or } w, \qquad
   x = (t - \mu) / \sigma, $$

with $\mu$ and $\sigma$ the mean and standard deviation of $t$ over the training split. What follows for likelihoods:

$$ -\log p(w) = -\log p(x) + \sum_j \log \sigma_j + \sum_{j \in \log} \log w_j, \qquad
   \log P(v) \ge E_u \log p(w) + \sum_j \log r_j. $$

A negative log-likelihood of `x` is in nats of the standardised columns; the first line makes it nats of the raw ones,
the second bounds the nats of the published row (Theis et al., https://arxiv.org/abs/1511.01844, section 3.1).
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.prepared import VectorSource, read_into_memory
from genjax_models.data.spec import of_vectors


class Column(NamedTuple):
    """One column of a table.

    Attributes:
      name: as in the published file.
      unit: of the raw numbers.
      resolution: the step to which they were rounded, in that unit.
      log: whether their logarithm is what is standardised.
    """

    name: str
    unit: str
    resolution: float
    log: bool


TABLES = {
    "diamonds": (
        Column("carat", "ct", 0.01, log=True),
        Column("depth", "%", 0.1, log=False),
        Column("table", "%", 1, log=False),  # 98 in 100 are whole: with 0.1 a density would be a comb
        Column("price", "USD", 1, log=True),
        Column("x", "mm", 0.01, log=True),
        Column("y", "mm", 0.01, log=True),
        Column("z", "mm", 0.01, log=True),
    ),
    "txhousing": (
        Column("sales", "houses", 1, log=True),
        Column("volume", "USD", 5000, log=True),  # to the dollar after 2009 and in large cities, else to 5,000
        Column("median", "USD", 100, log=True),
        Column("listings", "houses", 1, log=True),
        Column("inventory", "months", 0.1, log=True),
    ),
}
"""The columns of each table, in the order of the axis D."""


def steps(columns: tuple[Column, ...], raw: np.ndarray) -> np.ndarray:
    """Raw numbers `[N, D]` -> the multiples of each column's resolution that they round to, `int64` `[N, D]`."""
    return np.rint(raw / np.array([column.resolution for column in columns])).astype(np.int64)


class Scale(NamedTuple):
    """The map between raw units and the standardised columns that `load` returns.

    Attributes:
      columns: D of them.
      mean: of the training split, `float64` `[D]`, in raw units or their logarithm.
      std: likewise.
    """

    columns: tuple[Column, ...]
    mean: np.ndarray
    std: np.ndarray

    def from_raw(self, raw: np.ndarray) -> np.ndarray:
        """Raw numbers `[N, D]` -> standardised, `float32` `[N, D]`."""
        return ((_transform(self.columns, raw) - self.mean) / self.std).astype(np.float32)

    def to_raw(self, x: np.ndarray) -> np.ndarray:
        """Standardised `[N, D]` -> raw units, `float64` `[N, D]`: the inverse of `from_raw`."""
        t = np.asarray(x, np.float64) * self.std + self.mean
        return np.exp(t, out=t.copy(), where=_log(self.columns))

    def published(self, x: np.ndarray) -> np.ndarray:
        """Standardised `[N, D]` -> raw units rounded to each column's resolution, `float64` `[N, D]`."""
        return _from_steps(self.columns, steps(self.columns, self.to_raw(x)))

    def log_det(self, x: np.ndarray) -> np.ndarray:
        """`log |d raw / d x|`, nats `[N]`: add it to a negative log-likelihood of `x` to have it in raw units."""
        log = _log(self.columns)
        return np.log(self.std).sum() + np.log(self.to_raw(x)[:, log]).sum(1)


def load_table(name: str, split: str, folder: Path) -> ArrayDataset:
    """One split of the table prepared in `folder`: standardised columns as `float32` `[N, D]`, without classes."""
    columns, scale = TABLES[name], read_scale(name, folder)
    raw = read_into_memory(name, split, folder, VectorSource).x
    middle = _from_steps(columns, steps(columns, raw))
    x = scale.from_raw(_dequantize(columns, split, raw))
    # float32 carries the odd number over the edge of its interval; that one takes the middle.
    x = np.where(scale.published(x) == middle, x, scale.from_raw(middle))
    return ArrayDataset(of_vectors(name, len(columns)), split, {"x": x})


def read_scale(name: str, folder: Path) -> Scale:
    """The map of the table prepared in `folder`, from its training split."""
    columns = TABLES[name]
    raw = read_into_memory(name, "train", folder, VectorSource).x
    t = _transform(columns, _dequantize(columns, "train", raw))
    return Scale(columns, t.mean(0), t.std(0))


def _dequantize(columns: tuple[Column, ...], split: str, raw: np.ndarray) -> np.ndarray:
    """Spreads each number over its interval, with the same noise in every run.

    The noise is made of Philox words, which NumPy promises to keep; it never touches the ends of an interval.
    """
    words = np.random.Philox(key=[0, split == "test"]).random_raw(raw.size).reshape(raw.shape)
    noise = ((words >> 12) + 0.5) / 2**52
    return _from_steps(columns, steps(columns, raw) + noise - 0.5)


def _from_steps(columns: tuple[Column, ...], count: np.ndarray) -> np.ndarray:
    return count * np.array([column.resolution for column in columns])


def _transform(columns: tuple[Column, ...], raw: np.ndarray) -> np.ndarray:
    return np.log(raw, out=raw.copy(), where=_log(columns))


def _log(columns: tuple[Column, ...]) -> np.ndarray:
    return np.array([column.log for column in columns])

"""From a data set to batches: an endless, shuffled, checkpointable stream, and one pass for evaluation.

The stream is the concatenation of one permutation of the set per epoch, cut into batches:

    stream = permutation(seed, 0) ++ permutation(seed, 1) ++ ...;      batch i = stream[i B : (i + 1) B].

Nothing is dropped: a batch may straddle two epochs, every example comes exactly once an epoch, and sets
smaller than a batch work. Batch `i` is a function of `(seed, i)` alone, so the state of the iterator is one
integer, and a resumed run sees the very next batch. A set in memory is indexed a batch at a time: one Python
call a batch, not one an example.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from genjax_models.core.errors import UserError
from genjax_models.core.optional import optional

if TYPE_CHECKING:
    import grain

Batch = dict[str, Any]


class Dataset(Protocol):
    """What a pipeline needs of a data set; `ArrayDataset` and `ImageSource` have it."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def take(self, rows: np.ndarray) -> Batch: ...


def permutation(seed: int, epoch: int, size: int) -> np.ndarray:
    """The order of one epoch, `int64` `[size]`: it sorts `size` raw Philox words of the key `(seed, epoch)`.

    NumPy promises the raw words of a bit generator for ever, but not the results of `Generator.permutation`:
    an old run can be resumed under a newer NumPy.
    """
    return np.argsort(np.random.Philox(key=[seed, epoch]).random_raw(size))


class _Batches:
    """Random access to the batches of the stream: grain's source."""

    def __init__(self, dataset: Dataset, batch_size: int, seed: int, shuffle: bool, rows: slice):
        self._dataset, self._batch_size, self._rows = dataset, batch_size, rows
        self._order = lru_cache(maxsize=2)(
            lambda epoch: permutation(seed, epoch, dataset.size) if shuffle else np.arange(dataset.size)
        )  # a batch touches two epochs, unless the set is tiny

    def __len__(self) -> int:
        return 2**62 // self._batch_size  # endless: positions in the stream stay below 2^63

    def __getitem__(self, index: int) -> Batch:
        start, size = index * self._batch_size, self._dataset.size
        epoch, offset = divmod(start, size)
        order = self._order(epoch)[offset : offset + self._batch_size]
        while len(order) < self._batch_size:
            epoch += 1
            order = np.concatenate([order, self._order(epoch)[: self._batch_size - len(order)]])
        return self._dataset.take(order[self._rows])

    def __repr__(self) -> str:
        return f"batches of {self._batch_size} from {self._dataset.name}"


def batches(
    dataset: Dataset,
    batch_size: int,
    *,
    seed: int,
    shuffle: bool = True,
    process_index: int = 0,
    process_count: int = 1,
    threads: int = 0,
) -> "grain.DatasetIterator":
    """An endless iterator over the batches of `dataset`, with `get_state()` and `set_state(state)`.

    Args:
      dataset: an `ArrayDataset`, or an `ImageSource` for a set that is too large for memory.
      batch_size: examples in a global batch, over all processes.
      seed: of the order, not negative; each epoch has its own permutation.
      shuffle: false keeps the order of the set in every epoch.
      process_index: which share of each global batch to deliver; as `jax.process_index()`.
      process_count: into how many equal shares, by consecutive rows, each batch is cut: the shares of one batch,
        concatenated by process, are the batch of a single process.
      threads: how many batches to read ahead, each in its own thread: 0 for a set in memory (a batch costs less
        than the hand-over between threads), a few for one on disk. It changes no batch and no state.

    Returns:
      A grain iterator over `{"x": [batch_size / process_count, ...], "label": [batch_size / process_count]}`;
      its state is a small JSON-able dictionary, the same for every process.

    Raises:
      UserError: if the batch size is not positive, the processes do not divide it, or the set is empty.
    """
    with optional("data"):
        import grain  # noqa: PLC0415

    if batch_size < 1 or batch_size % process_count:
        raise UserError(
            f"batch size {batch_size} cannot be shared by {process_count} process(es): "
            f"choose a positive multiple of {process_count}"
        )
    if not dataset.size:
        raise UserError(f"data set {dataset.name} holds no example: check its split")
    share = batch_size // process_count
    rows = slice(process_index * share, (process_index + 1) * share)
    source = _Batches(dataset, batch_size, seed, shuffle, rows)
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=threads)
    return iter(grain.MapDataset.source(source).to_iter_dataset(options))


def epoch(dataset: Dataset, batch_size: int) -> Iterator[Batch]:
    """One pass in file order, for evaluation: every example once, nothing padded, the last batch smaller."""
    if batch_size < 1:
        raise UserError(f"batch size {batch_size} must be at least 1")
    for start in range(0, dataset.size, batch_size):
        yield dataset.take(np.arange(start, min(start + batch_size, dataset.size)))

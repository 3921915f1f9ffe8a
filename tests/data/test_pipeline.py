"""The stream of batches: its order, its state, its shares, and what happens at the end of an epoch."""

import json

import numpy as np
import pytest

from genjax_models.core.errors import UserError
from genjax_models.data import ArrayDataset, batches, epoch
from genjax_models.data.spec import DataSpec, label, vector


def numbered(size: int) -> ArrayDataset:
    """A set whose examples carry their own number."""
    number = np.arange(size, dtype=np.int32)
    spec = DataSpec("numbered", {"x": vector(1), "label": label(size)})
    return ArrayDataset(spec, "train", {"x": number[:, None].astype(np.float32), "label": number})


def labels(iterator, count: int) -> np.ndarray:
    return np.stack([next(iterator)["label"] for _ in range(count)])


@pytest.mark.parametrize(("size", "batch_size"), [(12, 4), (10, 4), (3, 8)])
def test_every_example_comes_once_an_epoch_and_none_is_dropped(size, batch_size):
    stream = labels(batches(numbered(size), batch_size, seed=1), 3 * size).ravel()
    epochs = stream[: len(stream) // size * size].reshape(-1, size)
    assert (np.sort(epochs, axis=1) == np.arange(size)).all()


def test_x_and_label_belong_together():
    batch = next(batches(numbered(50), 16, seed=0))
    np.testing.assert_array_equal(batch["x"][:, 0], batch["label"])


def test_each_epoch_and_each_seed_has_its_own_order():
    first, second = labels(batches(numbered(64), 64, seed=1), 2)
    other = labels(batches(numbered(64), 64, seed=2), 1)[0]
    assert (first != second).any() and (first != other).any()
    np.testing.assert_array_equal(first, labels(batches(numbered(64), 64, seed=1), 1)[0])


def test_positions_are_uniform():
    """Each of 8 examples is first in about 1/8 of 4,000 epochs: the chi-square statistic of 7 degrees of freedom."""
    first = labels(batches(numbered(8), 8, seed=0), 4000)[:, 0]
    statistic = ((np.bincount(first, minlength=8) - 500) ** 2 / 500).sum()
    assert statistic < 29.9  # exceeded with probability 1e-4


def test_without_shuffling_the_order_is_the_file_s():
    np.testing.assert_array_equal(
        labels(batches(numbered(5), 3, seed=0, shuffle=False), 5).ravel(), np.tile(np.arange(5), 3)
    )


@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize("consumed", [0, 1, 7])
def test_a_resumed_stream_sees_the_very_next_batch(consumed, threads):
    expected = labels(batches(numbered(30), 8, seed=3), 20)
    iterator = batches(numbered(30), 8, seed=3, threads=threads)
    labels(iterator, consumed) if consumed else None
    state = json.loads(json.dumps(iterator.get_state()))
    labels(iterator, 2)
    resumed = batches(numbered(30), 8, seed=3, threads=threads)
    resumed.set_state(state)
    np.testing.assert_array_equal(labels(resumed, 20 - consumed), expected[consumed:])


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_the_shares_of_all_processes_make_the_global_batch_in_order(processes):
    whole = labels(batches(numbered(30), 8, seed=5), 12)
    shares = [
        batches(numbered(30), 8, seed=5, process_index=index, process_count=processes) for index in range(processes)
    ]
    np.testing.assert_array_equal(np.concatenate([labels(share, 12) for share in shares], axis=1), whole)
    assert all(share.get_state() == shares[0].get_state() for share in shares)


@pytest.mark.parametrize(("batch_size", "processes"), [(0, 1), (-4, 1), (9, 2)])
def test_an_impossible_batch_size_is_one_line(batch_size, processes):
    with pytest.raises(UserError, match="batch size") as error:
        batches(numbered(30), batch_size, seed=0, process_count=processes)
    assert "\n" not in str(error.value)


def test_an_empty_set_is_one_line():
    with pytest.raises(UserError, match="no example"):
        batches(numbered(0), 4, seed=0)


@pytest.mark.parametrize("batch_size", [1, 4, 10, 16])
def test_one_epoch_loses_and_repeats_nothing(batch_size):
    parts = [batch["label"] for batch in epoch(numbered(10), batch_size)]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(10))
    assert all(len(part) == batch_size for part in parts[:-1])

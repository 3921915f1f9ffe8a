"""Batches on their way to the device: the same ones, and a position that forgets none of them."""

import jax
import numpy as np
import pytest

from genjax_models.training.prefetch import Prefetch


class Counter:
    """0, 1, 2, ... as batches of one."""

    def __init__(self, position: int = 0):
        self.position = position

    def __next__(self) -> dict[str, np.ndarray]:
        self.position += 1
        return {"x": np.array([self.position - 1])}

    def get_state(self) -> int:
        return self.position


def test_the_same_batches_on_the_device():
    prefetched = Prefetch(Counter(), jax.device_put, size=3)
    found = [next(prefetched)["x"] for _ in range(10)]
    assert all(isinstance(x, jax.Array) for x in found)
    np.testing.assert_array_equal(np.concatenate(found), np.arange(10))


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_state_is_the_position_of_the_reader(size):
    prefetched = Prefetch(Counter(), jax.device_put, size)
    for consumed in range(5):
        assert next(Prefetch(Counter(prefetched.get_state()), jax.device_put, size))["x"] == consumed
        assert next(prefetched)["x"] == consumed


def test_just_so_many_in_flight():
    put = []
    next(Prefetch(Counter(), put.append, size=2))
    assert len(put) == 3
    with pytest.raises(ValueError, match="size=0"):
        Prefetch(Counter(), put.append, size=0)

"""Batches on their way to the device, with the position of their reader."""

from collections import deque
from collections.abc import Callable
from typing import Any

from genjax_models.core.types import PyTree


class Prefetch:
    """Transfers `size` batches ahead to the device; `get_state` is the position of the last batch that was returned.

    `put` starts a transfer and returns at once (as `jax.device_put` does), so that no thread is needed. Setting a state
    that was taken after some batch makes the iterator continue with the very next batch, whatever had been prefetched.

    Args:
      iterator: endless, with `get_state` and `set_state`, such as `batches` returns.
      put: a host batch -> a device batch.
      size: batches in flight behind the one that `next` returns, at least 1.
    """

    def __init__(self, iterator: Any, put: Callable[[PyTree], PyTree], size: int = 2):
        if size < 1:
            raise ValueError(f"Prefetch keeps at least one batch in flight, got size={size}")
        self._iterator, self._put, self._size = iterator, put, size
        self._queue: deque[tuple[PyTree, Any]] = deque()  # (device batch, the iterator's state after it)
        self._state = iterator.get_state()

    def __next__(self) -> PyTree:
        while len(self._queue) <= self._size:
            batch = self._put(next(self._iterator))
            self._queue.append((batch, self._iterator.get_state()))
        batch, self._state = self._queue.popleft()
        return batch

    def get_state(self) -> Any:
        """The state of the iterator just after the batch that `next` returned last."""
        return self._state

"""How fast a run goes, and whether it waits for its data."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from genjax_models.core.types import Array


class Clock:
    """Measures between two readings; time spent in hooks and checkpoints does not count.

    Waiting for data is time in which the device had nothing left to do: preparing a batch while the device still
    works on the one before costs nothing and is not counted.

    Args:
      start: steps already taken.
      steps: steps in all.
      batch_size: examples a step.
    """

    def __init__(self, start: int, steps: int, batch_size: int):
        self._steps, self._batch_size = steps, batch_size
        self._restart(start)

    def _restart(self, step: int) -> None:
        self._step, self._since, self._waited, self._paused = step, time.perf_counter(), 0.0, 0.0

    @contextmanager
    def waiting(self, previous: Mapping[str, Array]) -> Iterator[None]:
        """Around fetching a batch; `previous` is what the device is busy with."""
        began = time.perf_counter()
        yield
        if all(value.is_ready() for value in previous.values()):  # type: ignore[attr-defined]
            self._waited += time.perf_counter() - began

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Around what is not training."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._paused += time.perf_counter() - began

    def read(self, step: int) -> dict[str, float]:
        """Speeds since the last reading (steps/s, examples/s), seconds left, and the share spent waiting for data."""
        elapsed = max(time.perf_counter() - self._since - self._paused, 1e-9)
        rate = (step - self._step) / elapsed
        reading = {
            "steps_per_s": rate,
            "examples_per_s": rate * self._batch_size,
            "seconds_left": (self._steps - step) / rate if rate else 0.0,
            "waiting_for_data": min(self._waited / elapsed, 1.0),
        }
        self._restart(step)
        return reading

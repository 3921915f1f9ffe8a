"""Stopping cleanly when the user or the machine asks for it."""

import signal
from types import FrameType

from genjax_models.training import parallel


class Interruption:
    """Remembers the first SIGTERM or SIGINT while it is entered; a second one acts as it always does."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._previous: dict[signal.Signals, object] = {}

    def __enter__(self) -> "Interruption":
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                self._previous[number] = signal.signal(number, self._remember)
            except ValueError:  # not the main thread: it cannot handle signals
                break
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._previous.clear()

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        self.__exit__()

    def requested(self, step: int, every: int) -> bool:
        """Whether to stop after this step. Several processes agree on it, and talk about it every `every` steps."""
        if parallel.alone():
            return self.signal is not None
        return step % every == 0 and parallel.any_process(self.signal is not None)

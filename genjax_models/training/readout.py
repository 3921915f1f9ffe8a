"""Reading metrics off the device some steps late, so that the host never waits for each step.

What must not be late is not: a step that is not finite changes nothing, which `train_step` sees to on the device, so
nothing is lost by noticing it here a few steps later.
"""

import logging
import math
from collections import deque
from collections.abc import Callable, Mapping

import jax

from genjax_models.core.errors import UserError
from genjax_models.core.types import Array
from genjax_models.training.clock import Clock
from genjax_models.training.logging import RunLog

LAG = 2
"""How many steps the host may be ahead of the metrics it has read."""

log = logging.getLogger("genjax_models")


class NonFiniteError(UserError):
    """A loss, a gradient or an update was not finite, and the run was set to stop there."""


class Readout:
    """A queue of the metrics of steps that the device may still be working on.

    Args:
      run_log: where the metrics of a logged step go.
      clock: read whenever a step is logged.
      log_every: which steps are logged; any step that a hook has measured something at is logged too.
      last: the last step, logged in any case.
      stop: raise at a step that is not finite; otherwise warn and continue.
      watch: `metrics -> what to warn of, or None`, given the newest known value of each, since a player may skip steps;
        a warning is logged when it begins, not again while it lasts.
    """

    def __init__(
        self,
        run_log: RunLog,
        clock: Clock,
        *,
        log_every: int,
        last: int,
        stop: bool,
        watch: Callable[[Mapping[str, float]], str | None] | None = None,
    ):
        self.run_log, self.clock = run_log, clock
        self._log_every, self._last, self._stop, self._watch = log_every, last, stop, watch
        self._warned = False
        self._known: dict[str, float] = {}
        self._queue: deque[tuple[int, Mapping[str, Array], Mapping[str, float]]] = deque()

    def push(self, step: int, metrics: Mapping[str, Array], measured: Mapping[str, float]) -> None:
        """Add a step: what the device will have computed, and what the hooks have measured after it."""
        self._queue.append((step, metrics, measured))

    def drain(self, leave: int = 0) -> dict[str, float]:
        """Read all steps but the newest `leave`; returns the metrics of the last one that was read.

        Raises:
          NonFiniteError: if one of them was not finite, and the readout stops at such a step.
        """
        values: dict[str, float] = {}
        while len(self._queue) > leave:
            step, metrics, measured = self._queue.popleft()
            self._check(step, metrics)
            logged = bool(measured) or step % self._log_every == 0 or step == self._last
            if logged or not self._queue:
                values = {name: float(value) for name, value in jax.device_get(dict(metrics)).items()} | dict(measured)
            if logged:
                self.run_log.write(step, values, self.clock.read(step))
                self._warn(step, values)
        return values

    def _warn(self, step: int, values: Mapping[str, float]) -> None:
        self._known |= {name: value for name, value in values.items() if math.isfinite(value)}
        warning = self._watch(self._known) if self._watch else None
        if warning and not self._warned:
            log.warning("step %d: %s", step, warning)
        self._warned = warning is not None

    def _check(self, step: int, metrics: Mapping[str, Array]) -> None:
        flags = [name for name in metrics if name.split("/")[-1] == "nonfinite"]
        for flag in flags:
            if not metrics[flag]:
                continue
            term = nonfinite_term(metrics, flag)
            if self._stop:
                raise NonFiniteError(
                    f"{term} is not finite at step {step}; the run stops with the state before it saved, beside the "
                    "checkpoints that it has"
                )
            log.warning("%s is not finite at step %d; that update was skipped", term, step)


def nonfinite_term(metrics: Mapping[str, Array], flag: str) -> str:
    """What of a player's step is not finite: one part of its loss, or the whole, or its gradient, or its update."""
    prefix = flag.removesuffix("nonfinite")
    whole = [prefix + "loss", prefix + "grad_norm"]
    parts = [name for name in metrics if name.startswith(prefix) and name not in (flag, *whole)]
    found = (name for name in [*parts, *whole] if not math.isfinite(metrics[name]))
    return next(found, f"{prefix}update")

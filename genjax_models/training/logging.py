"""The log of a run: `metrics.jsonl`, TensorBoard events, and a progress bar. Only process 0 logs.

A line of `metrics.jsonl` is `{"step": ..., <metrics>, "clock": {...}}`. All that depends on the wall clock is under
`clock`; the rest is a function of the config, so a run that was killed and resumed has the same lines as an
uninterrupted one. A value that is not a number (a player that was not updated, a step that was skipped) is left out.
"""

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from genjax_models.core.optional import optional
from genjax_models.training.events import Events
from genjax_models.training.workdir import write_atomically, writing

with optional("train"):
    from tqdm import tqdm


class RunLog:
    """The log of one run, as a context manager.

    Args:
      workdir: the run's folder.
      start: steps already taken; what an earlier process logged after them is dropped, as it will come again.
      steps: steps in all.
    """

    def __init__(self, workdir: Path, *, start: int, steps: int):
        self._workdir, self._steps = workdir, steps
        self._active = jax.process_index() == 0
        if not self._active:
            return
        with writing(workdir):
            workdir.mkdir(parents=True, exist_ok=True)
            truncate_metrics(workdir / "metrics.jsonl", start)
            self._file = (workdir / "metrics.jsonl").open("a")
            self._events = Events(workdir, start)
        self._bar = tqdm(
            total=steps,
            initial=start,
            disable=not sys.stderr.isatty(),
            dynamic_ncols=True,
            bar_format="{percentage:3.0f}%|{bar}| {n}/{total} [{elapsed}{postfix}]",
        )

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(self, *_: object) -> None:
        if self._active:
            self._bar.close()
            with writing(self._workdir):
                self._file.close()
                self._events.close()

    def advance(self) -> None:
        """Move the bar by one step."""
        if self._active:
            self._bar.update()

    def write(self, step: int, metrics: Mapping[str, float], clock: Mapping[str, float]) -> None:
        """Log one step: `metrics` that the config determines, and `clock` readings that it does not.

        Raises:
          UserError: if the file cannot be written.
        """
        if not self._active:
            return
        finite = {name: float(value) for name, value in metrics.items() if math.isfinite(value)}
        with writing(self._workdir):
            self._file.write(json.dumps({"step": step, **finite, "clock": dict(clock)}) + "\n")
            self._file.flush()
            self._events.scalars(step, {**finite, **{f"clock/{name}": value for name, value in clock.items()}})
        text = describe(finite, clock)
        self._bar.set_postfix_str(text)
        if self._bar.disable:
            print(f"step {step}/{self._steps}  {text}", file=sys.stderr, flush=True)

    def images(self, name: str, step: int, images: np.ndarray) -> None:
        """Show `images` `[N, H, W, C]` uint8 as a grid in TensorBoard."""
        if self._active:
            with writing(self._workdir):
                self._events.images(step, name, images)


def describe(metrics: Mapping[str, float], clock: Mapping[str, float]) -> str:
    """One short line: losses, steps/s, examples/s, time left, and the share of time spent waiting for data."""
    losses = [f"{name} {value:.4g}" for name, value in metrics.items() if name.split("/")[-1] == "loss"]
    speeds = [
        f"{clock['steps_per_s']:.1f} steps/s",
        f"{clock['examples_per_s']:.0f} examples/s",
        f"{tqdm.format_interval(round(clock['seconds_left']))} left",
        f"{clock['waiting_for_data']:.1%} waiting for data",
    ]
    return "  ".join(losses + speeds)


def read_line(line: str) -> dict[str, Any] | None:
    """The entry of a line of `metrics.jsonl`; `None` if it is damaged."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("step"), int) else None


def truncate_metrics(path: Path, step: int) -> None:
    """Keep the whole lines of `metrics.jsonl` up to `step`."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(errors="replace").splitlines(keepends=True):
        entry = read_line(line)
        if entry is None or entry["step"] > step:
            break  # cut off in the middle by a kill, damaged, or to come again
        kept.append(line)
    write_atomically(path, "".join(kept))

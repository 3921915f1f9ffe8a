"""Training curves from a run's `metrics.jsonl`."""

import json
from pathlib import Path

import numpy as np

from genjax_models.core.optional import optional


def save_curves(metrics: Path | str, path: Path | str) -> None:
    """Plot every metric of a run against its step, one panel each, into one PNG.

    Losses are drawn on a logarithmic scale where they are positive; a running mean over a tenth of the points lies
    on the raw values.

    Args:
      metrics: the run's `metrics.jsonl`.
      path: the PNG to write.

    Damaged lines are left out. A file without any metric, of a run whose every step was skipped, gives no picture.
    """
    series: dict[str, list[tuple[int, float]]] = {}
    for line in Path(metrics).read_text(errors="replace").splitlines():
        try:
            entry = json.loads(line)
            entry["step"] + 0
        except (ValueError, TypeError, LookupError):
            continue  # damaged
        for name, value in entry.items():
            if name not in ("step", "clock", "nonfinite") and isinstance(value, int | float):
                series.setdefault(name, []).append((entry["step"], value))
    if not series:
        return
    with optional("plot"):
        from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(5 * len(series), 3.2), layout="constrained")
    for axis, (name, points) in zip(np.ravel(figure.subplots(1, len(series))), series.items(), strict=True):
        steps, values = np.asarray(points).T
        axis.plot(steps, values, color="0.75", linewidth=1)
        width = max(1, len(values) // 10)
        axis.plot(steps[width - 1 :], np.convolve(values, np.ones(width) / width, "valid"), color="C0")
        axis.set(title=name, xlabel="step", yscale="log" if (values > 0).all() else "linear")
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=120)

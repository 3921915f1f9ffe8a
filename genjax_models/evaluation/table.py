"""Every metric of sets of generated samples in one table, above its floor: the same metrics of real samples.

Each number compares n samples with the same n real ones, the reference. A line a generated set, and a last line for n
*other* real samples, disjoint from the reference: what a perfect model would score at that size. So the lines differ
in nothing but the samples.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from genjax_models.core.errors import UserError
from genjax_models.core.types import Key
from genjax_models.evaluation.density_coverage import density_coverage
from genjax_models.evaluation.frechet_distance import frechet_distance
from genjax_models.evaluation.inception_score import inception_score
from genjax_models.evaluation.kernel_distance import kernel_distance
from genjax_models.evaluation.precision_recall import precision_recall
from genjax_models.nets.feature.classifier import Features

FLOOR = "real samples"
"""The line of the table that compares real samples with real samples."""


class Row(NamedTuple):
    """One number, with all that is needed to compare it with another run's.

    Attributes:
      samples: which set was measured; `FLOOR` is real samples.
      metric: its name.
      value: of the metric.
      spread: standard error of the kernel distance, standard deviation over splits of the Inception score, else None.
      num: samples on either side.
      seed: of the choice of real samples and of the splits.
      evaluator: the feature net.
    """

    samples: str
    metric: str
    value: float
    spread: float | None
    num: int
    seed: int
    evaluator: str


class Classes(NamedTuple):
    """Which classes samples are of, among those that the evaluator knows.

    Attributes:
      real: of each real sample, `[N]`.
      generated: of each sample of every generated set, the class that it was conditioned on, `[n]`.
    """

    real: np.ndarray
    generated: np.ndarray


def measure(
    real: Features,
    generated: Mapping[str, Features],
    *,
    evaluator: str,
    seed: int = 0,
    classes: Classes | None = None,
) -> tuple[Row, ...]:
    """All metrics of one or more sets of generated samples, and the floor.

    The number of samples n is that of the smallest generated set, or half of the real ones where these are too few to
    give a reference and a floor of that size.

    Args:
      real: of the real samples, in any order.
      generated: of the generated samples, by name; the first n of each count.
      evaluator: name of the feature net, for the record.
      seed: deals the real samples to reference and floor, and samples to the splits of the Inception score.
      classes: of class-conditional samples.

    Returns:
      A row a set and metric, the floor's last. The metrics are the Fréchet distance, the kernel distance, the
      Inception score, precision, recall, density and coverage; with classes, also the class accuracy: the share of
      samples that the evaluator takes for what they are to be.

    Raises:
      UserError: if there are no samples, fewer than a metric needs, or a feature is not finite.
    """
    sizes = [len(features.features) for features in generated.values()]
    if not sizes or not min(sizes):
        raise UserError("there are no generated samples to measure: ask for at least 10")
    num = min(*sizes, len(real.features) // 2)
    deal_key, split_key = jax.random.split(jax.random.key(seed))
    order = np.asarray(jax.random.permutation(deal_key, len(real.features)))
    reference, other = _take(real, order[:num]), _take(real, order[num : 2 * num])

    sets = {name: _take(features, np.arange(num)) for name, features in generated.items()} | {FLOOR: other}
    rows = [
        Row(name, metric, value, spread, num, seed, evaluator)
        for name, samples in sets.items()
        for metric, value, spread in _metrics(split_key, reference, samples)
    ]
    if classes:
        wanted = dict.fromkeys(sets, classes.generated[:num]) | {FLOOR: classes.real[order[num : 2 * num]]}
        for name, samples in sets.items():
            right = float((np.asarray(samples.logits).argmax(axis=1) == wanted[name]).mean())
            rows.append(Row(name, "class accuracy", right, None, num, seed, evaluator))
    return tuple(rows)


def markdown(rows: tuple[Row, ...]) -> str:
    """The rows as a Markdown table that is also readable as plain text: a line a set, a column a metric."""
    metrics = list(dict.fromkeys(row.metric for row in rows))
    head = ["samples", *metrics, "n", "seed", "evaluator"]
    lines = [head]
    for name in dict.fromkeys(row.samples for row in rows):
        own = {row.metric: row for row in rows if row.samples == name}
        about = next(iter(own.values()))
        numbers = [with_spread(own[metric].value, own[metric].spread) for metric in metrics]
        lines.append([name, *numbers, str(about.num), str(about.seed), about.evaluator])
    return render(lines)


def render(lines: list[list[str]]) -> str:
    """Lines of cells, the first of them the head, as a Markdown table with its columns aligned."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    ruled = [lines[0], ["-" * width for width in widths], *lines[1:]]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in ruled]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def with_spread(value: float, spread: float | None) -> str:
    """A number and its spread as a cell of a table."""
    return f"{value:.4g}" if spread is None else f"{value:.4g} ± {spread:.2g}"


def to_json(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    """The rows as plain dictionaries, for `json.dump`."""
    return [row._asdict() for row in rows]


def _metrics(key: Key, reference: Features, samples: Features) -> Iterator[tuple[str, float, float | None]]:
    yield "Fréchet distance", frechet_distance(reference.features, samples.features), None
    yield "kernel distance", *kernel_distance(reference.features, samples.features)
    yield "Inception score", *inception_score(key, samples.logits)
    for metric in (precision_recall, density_coverage):
        for name, value in metric(reference.features, samples.features)._asdict().items():
            yield name, value, None


def _take(features: Features, rows: np.ndarray) -> Features:
    return Features(*(np.asarray(array)[rows] for array in features))

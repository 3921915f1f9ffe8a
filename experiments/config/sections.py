"""Sections that the configs of several families have: the data, its condition, sampling and evaluation."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from genjax_models.training.names import pick
from genjax_models.training.settings import SEED, Open, Range, Section, Setting, at_least

ROWS: Range = (
    "pairs (sampler, steps of at least 1)",
    lambda rows: all(isinstance(name, str) and isinstance(steps, int) and steps >= 1 for name, steps in rows),
)
NAMES: Range = ("names of fields", lambda names: all(isinstance(name, str) for name in names))

DATA: Section = {"data": Open({"name": "digits"}, "the data set by its name, and its options")}
CONDITION: Section = {"condition": Setting((), "fields of the data that the model is conditioned on", NAMES)}
EXPECTED: Section = {"expected": Open({}, "the numbers to expect, and how they were measured")}


def experiment(name: str) -> Section:
    """The field that names the module that a config belongs to."""
    return {"experiment": Setting(name, "the module that builds the experiment")}


def network(name: str, doc: str = "the network by its import path, and its fields", **fields: Any) -> Open:
    """A section of a network."""
    return Open({"name": f"genjax_models.nets.{name}"} | fields, doc)


def options(doc: str = "of what `name` names", **fields: Any) -> Open:
    """A section of options."""
    return Open(fields, doc)


def sampling(sampler: str, steps: int = 1, **more: Any) -> Section:
    """The section `config.sample`."""
    return {
        "sampler": Setting(sampler, "the algorithm that samples"),
        "steps": Setting(steps, "of the sampler", at_least(1), smoke=4),
        **more,
    }


def evaluation(
    *rows: tuple[str, int], features: str = "digits", num: int = 1000, batch: int = 250, likelihood: int = 0
) -> Section:
    """The section `config.eval`."""
    return {
        "features": Setting(features, "the feature network of the metrics; empty: samples are not measured"),
        "num": Setting(num, "generated samples a row", at_least(1), smoke=64),
        "batch": Setting(batch, "examples a compiled call", at_least(1), smoke=64),
        "seed": Setting(0, "of samples and likelihoods", SEED),
        "rows": Setting(rows, "the rows of the table", ROWS, smoke=first_row),
        "likelihood": Setting(
            likelihood, "test examples whose likelihood is measured, the first ones", at_least(0), smoke=8
        ),
    }


def check_samplers(config: ConfigDict, known: Mapping[str, Any]) -> None:
    """Refuse a sampler, of samples or of a row of the table, that is not among those known.

    Raises:
      UserError: which names it and those known.
    """
    for name in (config.sample.sampler, *(row[0] for row in config.eval.rows)):
        pick("sample.sampler", name, known)


def first_row(rows: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    """The first row, of four steps at most."""
    return tuple((name, min(steps, 4)) for name, steps in rows[:1])

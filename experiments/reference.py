"""The reference page of all fields of all configs, from their declarations.

python -m experiments.reference > docs/configuration.md
"""

from collections.abc import Iterator

from ml_collections import ConfigDict

from experiments.config.modules import modules
from genjax_models.training.config import OPTIMIZER, TRAINING
from genjax_models.training.settings import Open, Section, Setting, defaults, kind_of, lines, shown

HEAD = """# Configuration

A config is a Python file whose `get_config(variant="")` returns a `ConfigDict`. Fields are overridden on the command
line, `--config.train.batch_size=64`, and checked before anything is built: an unknown field, a value of another type or
out of its range ends in one line. `python -m experiments.train --config=C --explain=train.optimizer` prints the lines
of one config. The column `smoke` has the largest value of the `:smoke` variant.

This page is written by `python -m experiments.reference` from the declarations beside the code that uses them.
"""


def page() -> str:
    """The page, as Markdown."""
    parts = [HEAD, "## train: training, shared by all experiments\n", *table(TRAINING, defaults(TRAINING))]
    for name, module in modules().items():
        own = {field: shortened(entry) for field, entry in module.FIELDS.items()}
        parts += [f"\n## {name}\n", f"{summary(module.__doc__)}\n", *table(own, module.get_config())]
    return "\n".join(parts) + "\n"


def summary(doc: str | None) -> str:
    """The first paragraph of a module's docstring."""
    return " ".join((doc or "").strip().split("\n\n")[0].split())


def table(section: Section, config: ConfigDict) -> Iterator[str]:
    """The rows of a section, with the values of an experiment's default config."""
    yield "| field | default | type and range | smoke | what it is |"
    yield "|---|---|---|---|---|"
    for name, entry, value in lines(section, config):
        default = "" if entry in ELSEWHERE else f"`{shown(value)}`"
        yield f"| `{name}` | {default} | {kind_of(entry)} | {smoke_of(entry)} | {entry.doc} |"


def smoke_of(entry: Setting | Open) -> str:
    """What the `smoke` variant makes of a field."""
    if isinstance(entry, Open) or entry.smoke is None:
        return ""
    return "fewer" if callable(entry.smoke) else str(entry.smoke)


ELSEWHERE = (
    Open({}, "as `train` above"),
    Open({}, "as `train.optimizer` above"),
    Open({}, "the teacher's whole config"),
)


def shortened(entry: Setting | Open | Section) -> Setting | Open | Section:
    """Training and optimisers are shown once."""
    if entry is TRAINING:
        return ELSEWHERE[0]
    if entry is OPTIMIZER:
        return ELSEWHERE[1]
    if isinstance(entry, Setting | Open):
        return entry
    return {name: shortened(inner) for name, inner in entry.items()}


if __name__ == "__main__":
    print(page(), end="")

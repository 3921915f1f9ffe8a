"""The reference page of all fields of all configs, from their declarations.

python -m experiments.config.reference > docs/configuration.md
"""

from collections.abc import Iterator

from experiments.config.modules import modules
from genjax_models.training.config import OPTIMIZER, TRAINING
from genjax_models.training.settings import Open, Section, Setting, lines, type_name

HEAD = """# Configuration

A config is a Python file whose `get_config(variant="")` returns a `ConfigDict`. Fields are overridden on the command
line, `--config.train.batch_size=64`, and checked before anything is built: an unknown field, a value of another type or
out of its range ends in one line. `python -m experiments.train --config=C --explain=train.optimizer` prints the lines
of one config. The column `smoke` has the largest value of the `:smoke` variant.

This page is written by `python -m experiments.config.reference` from the declarations beside the code that uses them.
"""
SHARED = {"train": TRAINING}


def page() -> str:
    """The page, as Markdown."""
    parts = [HEAD, "## train: training, shared by all experiments\n", *table(TRAINING)]
    for name, module in modules().items():
        own = {field: entry for field, entry in module.FIELDS.items() if entry is not SHARED.get(field)}
        parts += [f"\n## {name}\n", f"{summary(module.__doc__)}\n", *table(own)]
    return "\n".join(parts) + "\n"


def summary(doc: str | None) -> str:
    """The first paragraph of a module's docstring."""
    return " ".join((doc or "").strip().split("\n\n")[0].split())


def table(section: Section) -> Iterator[str]:
    """The rows of a section."""
    yield "| field | default | type and range | smoke | what it is |"
    yield "|---|---|---|---|---|"
    for name, entry in lines({name: shortened(entry) for name, entry in section.items()}):
        if isinstance(entry, Open):
            yield f"| `{name}` | `{dict(entry.default)}` | a section | | {entry.doc} |"
            continue
        limits = f", {entry.range[0]}" if entry.range else ""
        smoke = "" if entry.smoke is None else "fewer" if callable(entry.smoke) else f"`{entry.smoke}`"
        yield f"| `{name}` | `{entry.default!r}` | {type_name(entry)}{limits} | {smoke} | {entry.doc} |"


def shortened(entry: Setting | Open | Section) -> Setting | Open | Section:
    """An optimiser's section is shown once, under `train`."""
    if entry is OPTIMIZER:
        return Open({}, "as `train.optimizer`")
    if isinstance(entry, Setting | Open):
        return entry
    return {name: shortened(inner) for name, inner in entry.items()}


if __name__ == "__main__":
    print(page(), end="")

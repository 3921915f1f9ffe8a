"""The rules: what a change selects, what the rotation adds, and in which order they run.

`make test` is always whole, so tests are selected only among those that it leaves out, a file at a time:
  1. a share of 1 in `SHARES` files, which goes round with the commits: any `SHARES` successive numbers select all;
  2. every file that reaches a changed file in the import graph, the nearest first;
  3. every file at all, where a changed path begins with one of `WIDE`.
The order counts where time runs out: see `--until` in tests/conftest.py.
"""

import ast
import zlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from .imports import ImportGraph, nearest

SHARES = 7
"""A prime, so that landing a fixed number of commits at a time leaves no share out."""
SMOKE_SHARES = 16
SMOKE_AT_MOST = 6
"""Of the configs that a change touches, and of those that reach what it touches: the slow tests have the others."""
WIDE = (
    "genjax_models/core/",
    "genjax_models/training/",
    "tests/contracts/",
    "tests/conftest.py",
    "tests/selection/",
    "pyproject.toml",
    "requirements/",
    ".ci/",
    "Makefile",
)
OLDEST = ("genjax_models/core/", "genjax_models/solvers/", "genjax_models/training/", "pyproject.toml", "requirements/")
"""What calls the interfaces of JAX that change between its versions, and what names those versions."""
KINDS = ("slow", "parity", "multiprocess")


def files_with(root: Path, kind: str) -> list[str]:
    """The files of tests that have a mark of this kind in them."""
    files = sorted((root / "tests").rglob("test_*.py"))
    return [str(path.relative_to(root)) for path in files if _has_mark(path.read_text(), kind)]


def _has_mark(source: str, kind: str) -> bool:
    """Whether `mark.<kind>` stands in the code, and not only in a string; most files are spared the parser."""
    return f"mark.{kind}" in source and any(
        isinstance(node, ast.Attribute)
        and node.attr == kind
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "mark"
        for node in ast.walk(ast.parse(source))
    )


def share_of(file: str, shares: int = SHARES) -> int:
    """The share that a file belongs to: it stays in it while others come and go."""
    return zlib.crc32(file.encode()) % shares


def is_wide(changed: Iterable[str]) -> bool:
    """Whether a change reaches everything."""
    return any(path.startswith(WIDE) for path in changed)


def python_files(graph: ImportGraph, changed: Iterable[str]) -> set[str]:
    """The nodes of the graph that changed; a data file in a package counts as every module beside it.

    A package's list of re-exports is left out: it runs nothing, and every import in it is checked by `make test`.
    """
    found = set()
    for path in changed:
        if path in graph.files:
            found |= {path} - set(graph.reexports)
        elif not path.endswith((".py", ".md")):
            found |= {file for file in graph.files if Path(file).parent == Path(path).parent}
    return found


def chosen_tests(graph: ImportGraph, files: Collection[str], changed: Iterable[str], rotation: int) -> list[str]:
    """Those of `files` (of tests) that run, in their order."""
    changed = set(changed)
    nodes, everything, far = python_files(graph, changed), is_wide(changed), len(graph.files)
    rank = {}
    for file in files:
        distance = nearest(graph.distances(file), nodes) if nodes else None
        if share_of(file) == rotation % SHARES:
            rank[file] = -1
        elif distance is not None or everything:
            rank[file] = far if distance is None else distance
    return sorted(rank, key=lambda file: (rank[file], file))


def chosen_configs(graph: ImportGraph, configs: Sequence[str], changed: Iterable[str], rotation: int) -> list[str]:
    """Those of `configs` whose smoke variant runs: changed ones, the share, one a family that reaches the change."""
    nodes = python_files(graph, changed)
    itself = [config for config in configs if config in nodes]
    share = configs[rotation % SMOKE_SHARES :: SMOKE_SHARES]
    reached = [config for config in configs if nearest(graph.distances(config), nodes) is not None]
    shuffled = sorted(reached, key=lambda config: zlib.crc32(f"{rotation} {config}".encode()))
    by_family = {Path(config).parent: config for config in shuffled}
    return list(dict.fromkeys([*itself[:SMOKE_AT_MOST], *share, *list(by_family.values())[:SMOKE_AT_MOST]]))


def takes_oldest(changed: Iterable[str], rotation: int) -> bool:
    """Whether the suite of the oldest JAX runs."""
    return rotation % SHARES == 0 or any(path.startswith(OLDEST) for path in changed)

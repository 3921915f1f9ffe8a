"""What this checkout selects, a name a line: `PYTHONPATH=tests python -m selection [WHAT]`.

WHAT is `slow`, `parity` or `multiprocess` (files of tests), `configs` (for `make smoke`), `all-configs` (those whose
data set is at hand), `oldest` (a line if that suite runs) or `summary`, the default, which is to be read.
`SINCE=<commit>` and `ROTATION=<number>` in the environment override what git says.
"""

import importlib
import sys
from pathlib import Path

from .changes import changes, rotation
from .choice import KINDS, SHARES, chosen_configs, chosen_tests, files_with, is_wide, takes_oldest
from .imports import ImportGraph

ROOT = Path(__file__).parents[2]


def configs_at_hand() -> list[str]:
    """The configs whose data set is generated, embedded or fetched."""
    from genjax_models.data.catalog import SETS  # noqa: PLC0415 - JAX, which the other selections do without
    from genjax_models.data.prepared import find_prepared  # noqa: PLC0415

    found = []
    for path in sorted(ROOT.glob("configs/*/*.py")):
        file = path.relative_to(ROOT)
        config = importlib.import_module(".".join(file.with_suffix("").parts)).get_config()
        name = config.get("data", {}).get("name", "digits")
        if name == "digits" or name not in SETS or find_prepared(name):
            found.append(str(file))
    return found


def main(what: str) -> None:
    found, number = changes(ROOT), rotation(ROOT)
    if what == "oldest":
        print("oldest" if takes_oldest(found.files, number) else "")
        return
    if what == "all-configs":
        print("\n".join(configs_at_hand()))
        return
    graph = ImportGraph(ROOT)
    if what in KINDS:
        print("\n".join(chosen_tests(graph, files_with(ROOT, what), found.files, number)))
    elif what == "configs":
        print("\n".join(chosen_configs(graph, configs_at_hand(), found.files, number)))
    elif what == "summary":
        since = (
            f"{len(found.files)} files changed since {found.since[:12]}" if found.since else "the history is not known"
        )
        print(
            f"{since}{', which reach everything' if is_wide(found.files) else ''}; share {number % SHARES} of {SHARES}"
        )
        for kind in KINDS:
            files = files_with(ROOT, kind)
            print(f"{kind}: {len(chosen_tests(graph, files, found.files, number))} of {len(files)} files")
        configs = configs_at_hand()
        print(f"smoke: {len(chosen_configs(graph, configs, found.files, number))} of {len(configs)} configs with data")
        print(f"oldest JAX: {'yes' if takes_oldest(found.files, number) else 'no'}")
    else:
        sys.exit(f"unknown selection {what!r}: say one of summary, configs, all-configs, oldest, {', '.join(KINDS)}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "summary")

"""The commands, and a file for each family that pairs its default config with its step, built from `parts`."""

import sys
from importlib import import_module

from genjax_models.core.optional import MissingPackageError, optional

try:
    with optional("train"):
        for name in ("absl", "ml_collections", "orbax.checkpoint", "tqdm"):
            import_module(name)
except MissingPackageError as error:
    if sys.argv[0] != "-m":  # so it is while Python looks for the module of `python -m experiments.<command>`
        raise
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)

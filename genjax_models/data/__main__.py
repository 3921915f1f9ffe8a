"""`python -m genjax_models.data list` and `python -m genjax_models.data fetch NAME [--data_dir DIR]`."""

import argparse
import sys

from genjax_models.core.errors import UserError
from genjax_models.data.catalog import describe
from genjax_models.data.fetch import fetch


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit status, 2 after a mistake that one line explains."""
    parser = argparse.ArgumentParser(prog="python -m genjax_models.data", description="Data sets by name.")
    commands = parser.add_subparsers(dest="command", required=True)
    getter = commands.add_parser("fetch", help="get a set, check it, and prepare it for TFDS")
    getter.add_argument("name", help="a set that `list` shows, or any image set of TFDS")
    lister = commands.add_parser("list", help="show the known sets and which are at hand")
    for command in (getter, lister):
        command.add_argument("--data_dir", help="default $TFDS_DATA_DIR, or ~/tensorflow_datasets")
    options = parser.parse_args(arguments)
    try:
        if options.command == "list":
            print(describe(options.data_dir))
        else:
            fetch(options.name, data_dir=options.data_dir)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{options.command} stopped: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

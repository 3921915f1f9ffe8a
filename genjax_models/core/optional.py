"""Optional packages: imported where they are needed, and named in one line where they are missing.

The base installation has what `core`, `processes`, `solvers`, `families`, `guidance` and `nets` need at import. Every
other package belongs to an extra of `pyproject.toml`, and is imported inside this context:

    with optional("solvers"):
        import diffrax
"""

from collections.abc import Iterator
from contextlib import contextmanager

from genjax_models.core.errors import UserError


class MissingPackageError(ImportError, UserError):
    """A package of an extra is not installed; the message names it and how to install it."""


@contextmanager
def optional(extra: str) -> Iterator[None]:
    """Imports inside the `with` block come from packages that the extra `extra` installs.

    Args:
      extra: its name in `pyproject.toml`: `solvers`, `pretrained`, `evaluate`, `plot`, `data` or `train`.

    Raises:
      MissingPackageError: if one of them is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"the package {error.name} is not installed: run `pip install 'genjax_models[{extra}]'`", name=error.name
        ) from None

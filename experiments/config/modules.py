"""The module that a config belongs to, `config.experiment`, and the modules that there are."""

import importlib
import pkgutil
from types import ModuleType

from ml_collections import ConfigDict

import experiments
from genjax_models.core.errors import UserError
from genjax_models.training.settings import Section


def module_of(config: ConfigDict) -> ModuleType:
    """The module `config.experiment`, imported.

    Raises:
      UserError: if there is none.
    """
    if not isinstance(config.get("experiment"), str):
        raise UserError("the config names no experiment: set its field `experiment`, such as experiments.vae")
    try:
        return importlib.import_module(config.experiment)
    except ImportError as error:
        raise UserError(f"config.experiment={config.experiment!r} cannot be imported: {error}") from None


def fields_of(config: ConfigDict) -> Section:
    """The declaration of the fields of a config.

    Raises:
      UserError: if `config.experiment` is no experiment.
    """
    module = module_of(config)
    if not hasattr(module, "FIELDS"):
        raise UserError(f"config.experiment={config.experiment!r} is no experiment: it declares no FIELDS")
    return module.FIELDS


def modules() -> dict[str, ModuleType]:
    """Every experiment of the family packages, by the name that `config.experiment` has."""
    walked = (module.name for module in pkgutil.walk_packages(experiments.__path__, "experiments."))
    found = [importlib.import_module(name) for name in walked if name.count(".") == 2]  # commands define flags
    declared = {
        module.FIELDS["experiment"].default for module in found if "experiment" in getattr(module, "FIELDS", {})
    }
    return {name: importlib.import_module(name) for name in sorted(declared)}

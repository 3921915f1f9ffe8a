"""The variants that every config has, `path.py:conditional`, `:smoke`, `:bfloat16`, or several with a comma."""

from collections.abc import Callable, Mapping

from ml_collections import ConfigDict

from experiments.config.modules import fields_of
from genjax_models.core.errors import UserError
from genjax_models.training.settings import shrink


def _conditional(config: ConfigDict) -> None:
    config.condition = ("label",)
    if config.get("teacher"):
        _conditional(config.teacher)


def _smoke(config: ConfigDict) -> None:
    """The same config, so small that it trains, evaluates and samples within a minute on two cores."""
    shrink(fields_of(config), config)
    if config.get("teacher"):
        _smoke(config.teacher)


def _bfloat16(config: ConfigDict) -> None:
    """The same with networks that compute in bfloat16."""
    config.train.compute_dtype = "bfloat16"
    if config.get("teacher"):
        _bfloat16(config.teacher)


VARIANTS = {"conditional": _conditional, "smoke": _smoke, "bfloat16": _bfloat16}


def with_variant(
    config: ConfigDict, variant: str, own: Mapping[str, Callable[[ConfigDict], None]] | None = None
) -> ConfigDict:
    """Apply a comma-separated list of variants to a config, and return it; `own` are those of this config alone.

    Raises:
      UserError: if there is no such variant.
    """
    variants = VARIANTS | dict(own or {})
    if variant:
        config.expected = ConfigDict()  # was measured without
    for name in filter(None, variant.split(",")):
        if name not in variants:
            raise UserError(f"variant {name!r} is unknown; choose among {', '.join(variants)}")
        variants[name](config)
    return config

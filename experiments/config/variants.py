"""The variants that every config has, `path.py:conditional`, `:smoke`, `:bfloat16`, or several with a comma."""

from collections.abc import Callable, Mapping

from ml_collections import ConfigDict

from experiments.config.modules import fields_of
from genjax_models.core.errors import UserError
from genjax_models.training.settings import shrink

Variant = Callable[[ConfigDict], None]
"""What changes a config in place."""


def _conditional(config: ConfigDict) -> None:
    config.condition = ("label",)


def _smoke(config: ConfigDict) -> None:
    """The same config, so small that it trains, evaluates and samples within a minute on two cores."""
    shrink(fields_of(config), config)


def _bfloat16(config: ConfigDict) -> None:
    """The same with networks that compute in bfloat16."""
    config.train.compute_dtype = "bfloat16"


def _with_teacher(variant: Variant) -> Variant:
    """A variant of a config and of its teacher's, where it has one."""

    def apply(config: ConfigDict) -> None:
        variant(config)
        if config.get("teacher"):
            apply(config.teacher)

    return apply


VARIANTS = {
    "conditional": _with_teacher(_conditional),
    "smoke": _with_teacher(_smoke),
    "bfloat16": _with_teacher(_bfloat16),
}


def with_variant(config: ConfigDict, variant: str, own: Mapping[str, Variant] | None = None) -> ConfigDict:
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

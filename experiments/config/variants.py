"""The variants that every generative config has: `--config=path.py:conditional`, `:smoke`, or both with a comma."""

from collections.abc import Callable, Mapping

from ml_collections import ConfigDict

from genjax_models.core.errors import UserError


def _conditional(config: ConfigDict) -> None:
    config.condition = ("label",)
    if "teacher" in config:
        _conditional(config.teacher)


def _smoke(config: ConfigDict) -> None:
    """The same config, so small that it trains, evaluates and samples within a minute on two cores."""
    config.train.update({"steps": 20, "log_every": 5, "sample_every": 10, "checkpoint_every": 10})
    config.train.batch_size = min(config.train.batch_size, 16)
    config.train.optimizer.schedule.warmup_steps = min(config.train.optimizer.schedule.warmup_steps, 5)
    config.sample.steps = min(config.sample.steps, 4)
    config.eval.update({"num": 64, "batch": 64, "rows": tuple((name, min(n, 4)) for name, n in config.eval.rows[:1])})
    config.eval.likelihood = min(config.eval.likelihood, 8)
    if config.get("growth", {}).get("stages"):
        config.growth.steps = min(config.growth.steps, config.train.steps // (2 * config.growth.stages))
    if "samples" in config.get("likelihood", {}):
        config.likelihood.samples = min(config.likelihood.samples, 10)
    if "pretrain" in config:
        config.pretrain = min(config.pretrain, 5)
    if "chain" in config:
        config.chain = 8
    if "pairs" in config:
        config.pairs.update({"num": 64, "batch": 64, "steps": 4})
    if "teacher" in config:
        _smoke(config.teacher)


VARIANTS = {"conditional": _conditional, "smoke": _smoke}


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

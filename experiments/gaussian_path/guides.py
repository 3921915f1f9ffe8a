"""What guides the samples of a model on a Gaussian path, by name: `config.sample.guide`."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.config.data import Data, examples_of
from experiments.gaussian_path import registry
from experiments.run import command, inference
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Condition
from genjax_models.guidance import (
    CFGPlusPlus,
    autoguidance,
    classifier_guidance,
    nested_classifier_free,
)
from genjax_models.processes import Denoiser, GaussianProcess
from genjax_models.training import Experiment, Inference, parallel
from genjax_models.training.experiment import Guidance
from genjax_models.training.names import pick
from genjax_models.training.settings import SHARE, Range, Section, Setting

MakeDenoiser = Callable[[Condition | None], Denoiser]
"""`cond -> denoiser`: the model bound to a condition, or to none."""
Guide = Callable[[MakeDenoiser, Condition | None, Guidance], Denoiser | CFGPlusPlus]
"""`(model, cond, guidance) -> denoiser` to sample with."""

UNCONDITIONAL = "guidance needs a conditional model: train with --config.condition='(\"label\",)', say"


INTERVAL: Range = ("two ascending times in 0 to 1", lambda times: len(times) == 2 and 0 <= times[0] <= times[1] <= 1)

SCALES: Range = (
    """pairs of a field and its scale, '(("label",2.0),("text",3.0))'""",
    lambda pairs: all(isinstance(name, str) and math.isfinite(scale) for name, scale in pairs),
)

FIELDS: Section = {
    "name": Setting("classifier_free", "classifier_free, cfg_plus_plus, autoguidance, classifier or embedded"),
    "workdir": Setting("", "of the run that guides: autoguidance's worse model, or the noise-conditional classifier"),
    "interval": Setting((0.0, 1.0), "times between which guidance acts", INTERVAL),
    "rescale": Setting(0.0, "how far the standard deviation is brought back to the conditional prediction's", SHARE),
}
"""The section `config.sample.guide`."""


def make_guide(config: ConfigDict, data: Data, process: GaussianProcess | None) -> Guide:
    """What `config.sample.guide` describes, for a model on `process`, which is None where it is learned.

    Raises:
      UserError: if its name is unknown, the run that guides is missing or does not fit, or an unconditional model is to
        be guided.
    """
    section = config.sample.guide
    make = pick("sample.guide.name", section.name, GUIDES)
    for field, value, able in (
        ("rescale", section.rescale != 0.0, ("classifier_free",)),
        ("interval", tuple(section.interval) != (0.0, 1.0), ("classifier_free", "autoguidance")),
    ):
        if value and section.name not in able:
            raise UserError(f"config.sample.guide.{field} is for {' and '.join(able)}: {section.name} has none")
    return make(config, data, process)


def guidance_of(config: ConfigDict) -> Guidance:
    """The guidance that `config.sample` asks for: of each field where it names any, otherwise one scale."""
    pairs = config.sample.field_guidance
    return tuple((name, float(scale)) for name, scale in pairs) or config.sample.guidance


def _classifier_free(config: ConfigDict, data: Data, process: GaussianProcess | None) -> Guide:
    section, fields = config.sample.guide, data.fields

    def check(guidance: Guidance) -> None:
        if not config.condition and guidance != 1.0:
            raise UserError(UNCONDITIONAL)
        names = [name for name, _ in guidance] if isinstance(guidance, tuple) else []
        if unknown := [name for name in names if name not in fields]:
            raise UserError(f"guidance of {', '.join(unknown)}: the model is conditioned on {', '.join(fields)}")
        if len(names) != len(set(names)):
            raise UserError(f"guidance of {', '.join(names)}: give each field one scale")

    def guide(model: MakeDenoiser, cond: Condition | None, guidance: Guidance) -> Denoiser:
        check(guidance)
        wanted = model(cond)
        if guidance == 1.0 or cond is None:
            return wanted
        nulls = data.null(examples_of(cond))
        if isinstance(guidance, tuple):  # fields in the order of their scales; those without one are never dropped
            scales = dict(guidance)
            kept = tuple(name for name in fields if name not in scales)
            levels = [kept + tuple(scales)[:count] for count in range(len(scales) + 1)]
            weights = list(scales.values())
        else:
            levels, weights = [(), tuple(fields)], [guidance]
        given = lambda names: dict(cond) | {name: value for name, value in nulls.items() if name not in names}
        models = [model(given(names)).model for names in levels[:-1]] + [wanted.model]
        options: dict[str, Any] = {"interval": section.interval, "rescale": section.rescale}
        return wanted._replace(model=nested_classifier_free(models, weights, **options))

    check(guidance_of(config))
    return guide


def one_scale(guidance: Guidance) -> float:
    """The scale of a guide that has but one.

    Raises:
      UserError: if there is one for each field.
    """
    if isinstance(guidance, tuple):
        raise UserError("only sample.guide.name=classifier_free has a scale for each field: say one number")
    return guidance


def _cfg_plus_plus(config: ConfigDict, data: Data, process: GaussianProcess | None) -> Guide:
    if not config.condition:
        raise UserError(UNCONDITIONAL)
    if config.sample.threshold != "none":
        raise UserError("CFG++ adds the unconditional noise anew: set config.sample.threshold=none")

    def check(guidance: Guidance) -> float:
        scale = one_scale(guidance)
        if not 0.0 <= scale <= 1.0:
            raise UserError(f"CFG++ interpolates: say a guidance of 0 to 1, not {scale}")
        return scale

    def guide(model: MakeDenoiser, cond: Condition | None, guidance: Guidance) -> CFGPlusPlus:
        assert cond is not None
        nulls = data.null(examples_of(cond))
        return CFGPlusPlus(model(cond), model(nulls), check(guidance))

    check(guidance_of(config))
    return guide


def _autoguidance(config: ConfigDict, data: Data, process: GaussianProcess | None) -> Guide:
    run, weak, weights = _load(config, "a worse model of the same kind")
    theirs = tuple(run.get("condition", ()))
    if theirs != data.conditions:
        raise UserError(f"config.sample.guide.workdir holds a model with condition={theirs}, not {data.conditions}")
    make = weak.denoiser
    shape, cond = (1, *data.spec.shape), data.example()
    if make is None or jax.eval_shape(make(weights, cond).model, jnp.zeros(shape), jnp.ones(1)).shape != shape:
        raise UserError("config.sample.guide.workdir holds no model that predicts the data, step by step")
    _check_process(process, make(weights, cond).process)

    def guide(model: MakeDenoiser, cond: Condition | None, guidance: Guidance) -> Denoiser:
        good, worse = model(cond), make(weights, cond)
        convert = lambda x, t: worse(x, t, good.prediction)
        interval = config.sample.guide.interval
        return good._replace(model=autoguidance(good.model, convert, one_scale(guidance), interval=interval))

    return guide


def _classifier(config: ConfigDict, data: Data, process: GaussianProcess | None) -> Guide:
    run, classifier, weights = _load(config, "a noise-conditional classifier")
    classify = classifier.classify
    if classify is None:
        raise UserError("config.sample.guide.workdir holds no noise-conditional classifier")
    _check_process(process, registry.transformed_process(run))

    def guide(model: MakeDenoiser, cond: Condition | None, guidance: Guidance) -> Denoiser:
        assert cond is not None
        label = cond["label"]

        def log_prob(x: Array, t: Array) -> Array:
            logits = classify(weights, x, jnp.broadcast_to(t, x.shape[:1]))
            log_probs = jnp.take_along_axis(jax.nn.log_softmax(logits), label[:, None], axis=1, mode="clip")[:, 0]
            return jnp.where(label < logits.shape[1], log_probs, 0.0)  # the null class is not guided

        return classifier_guidance(model(data.condition(cond)), log_prob, one_scale(guidance))

    return guide


def _embedded(config: ConfigDict, data: Data, process: GaussianProcess | None) -> Guide:
    if "guidance_scales" not in config:
        raise UserError("only latent consistency models are conditioned on guidance: choose another sample.guide.name")
    low, high = config.guidance_scales

    def check(guidance: Guidance) -> float:
        scale = one_scale(guidance)
        if not low <= scale <= high:
            raise UserError(f"a guidance of {scale} was never trained: say {low} to {high}, see config.guidance_scales")
        return scale

    def guide(model: MakeDenoiser, cond: Condition | None, guidance: Guidance) -> Denoiser:
        assert cond is not None
        weight = jnp.full(examples_of(cond), check(guidance) - 1.0)
        return model(dict(cond) | {"guidance": weight})

    check(guidance_of(config))
    return guide


GUIDES: dict[str, Callable[[ConfigDict, Data, GaussianProcess | None], Guide]] = {
    "classifier_free": _classifier_free,
    "cfg_plus_plus": _cfg_plus_plus,
    "autoguidance": _autoguidance,
    "classifier": _classifier,
    "embedded": _embedded,
}
CONDITIONS = {"classifier": ("label",)}
"""Fields that samples are conditioned on by a guide, whatever the model takes."""


def _check_process(ours: GaussianProcess | None, theirs: GaussianProcess) -> None:
    """Refuse a guide that was trained at other noise levels than those of the model."""
    t = jnp.linspace(0.0, 1.0, 11)
    pairs = () if ours is None else ((ours.alpha(t), theirs.alpha(t)), (ours.sigma(t), theirs.sigma(t)))
    if not pairs or not all(bool(jnp.allclose(*pair, rtol=1e-4, atol=1e-6)) for pair in pairs):
        raise UserError(
            "the run in config.sample.guide.workdir is of another process than the model that it is to guide"
        )


def _load(config: ConfigDict, what: str) -> tuple[ConfigDict, Experiment, Inference]:
    """The run of `config.sample.guide.workdir`: its config, its experiment and its variables."""
    folder = Path(config.sample.guide.workdir)
    if not (folder / "config.json").exists():
        raise UserError(f"config.sample.guide.workdir={str(folder)!r} is not the folder of a run: train {what} there")
    run = command.recorded_config(folder)
    if run.data.to_dict() != config.data.to_dict():  # a locked section never equals one that is not
        raise UserError(f"config.sample.guide.workdir is a run of other data: {run.data.to_dict()} there")
    experiment = command.build_experiment(run)
    return run, experiment, parallel.to_host(inference.load(experiment, run, folder))

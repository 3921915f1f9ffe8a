"""What guides the samples of a model on a Gaussian path, by name: `config.sample.guide`."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments import command
from experiments.parts.drawing import averaged
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, PyTree
from genjax_models.guidance import CFGPlusPlus, autoguidance, classifier_free, classifier_guidance
from genjax_models.processes import Denoiser
from genjax_models.training import Experiment, parallel
from genjax_models.training.loop import load_state
from genjax_models.training.names import pick

MakeDenoiser = Callable[[Array | None], Denoiser]
"""The model bound to classes `[B]`, or to none."""
Guide = Callable[[MakeDenoiser, Array | None, float], Denoiser | CFGPlusPlus]
"""`(model, label, scale) -> denoiser` to sample with."""

UNCONDITIONAL = "guidance and labels need a class-conditional model: train with --config.conditional=True"


class Run(NamedTuple):
    """A finished run that guides another one's samples."""

    config: ConfigDict
    experiment: Experiment
    params: dict[str, PyTree]


def default_config() -> ConfigDict:
    """Classifier-free guidance at all times."""
    return ConfigDict(
        {
            "name": "classifier_free",  # or cfg_plus_plus, autoguidance, classifier
            "workdir": "",  # of the run that guides: autoguidance's worse model, or the noise-conditional classifier
            "interval": (0.0, 1.0),  # times between which guidance acts
            "rescale": 0.0,  # how far each example's spread is brought back to the conditional one's
        }
    )


def make_guide(config: ConfigDict) -> Guide:
    """What `config.sample.guide` describes.

    Raises:
      UserError: if its name is unknown, a number is out of range, the run that guides is missing or does not fit, or an
        unconditional model is to be guided.
    """
    section = config.sample.guide
    guide = pick("sample.guide.name", section.name, GUIDES)(config)
    if section.name != "classifier_free" and (section.rescale or tuple(section.interval) != (0.0, 1.0)):
        raise UserError(f"config.sample.guide: {section.name} has neither interval nor rescale")
    try:
        nothing = lambda x, t: x
        classifier_free(nothing, nothing, config.sample.guidance, interval=section.interval, rescale=section.rescale)
    except ValueError as error:
        raise UserError(f"config.sample.guide: {error}") from None
    if not config.conditional and section.name == "classifier_free" and config.sample.guidance != 1.0:
        raise UserError(UNCONDITIONAL)
    return guide


def draws_labels(config: ConfigDict) -> bool:
    """Whether a sample has a class: the model's own, or the one that a classifier leads it to."""
    guide = config.get("sample", {}).get("guide", {})
    return config.get("conditional", False) or guide.get("name") == "classifier"


def _classifier_free(config: ConfigDict) -> Guide:
    section = config.sample.guide

    def guide(model: MakeDenoiser, label: Array | None, scale: float) -> Denoiser:
        wanted = model(label)
        if scale == 1.0:
            return wanted
        guided = classifier_free(
            wanted.model, _null(config, model, label).model, scale, interval=section.interval, rescale=section.rescale
        )
        return wanted._replace(model=guided)

    return guide


def _cfg_plus_plus(config: ConfigDict) -> Guide:
    if not config.conditional:
        raise UserError(UNCONDITIONAL)
    if config.sample.threshold != "none":
        raise UserError("CFG++ adds the unconditional noise anew: set config.sample.threshold=none")

    def guide(model: MakeDenoiser, label: Array | None, scale: float) -> CFGPlusPlus:
        if not 0.0 <= scale <= 1.0:
            raise UserError(f"CFG++ interpolates: say a guidance of 0 to 1, not {scale}")
        return CFGPlusPlus(model(label), _null(config, model, label), scale)

    return guide


def _autoguidance(config: ConfigDict) -> Guide:
    weak = _load(config, "a worse model of the same kind")
    make = weak.experiment.denoiser
    if make is None:
        raise UserError("config.sample.guide.workdir holds no model that samples step by step")
    for field in ("process", "process_options", "prediction", "conditional"):
        if weak.config.get(field) != config.get(field):
            raise UserError(f"the model in config.sample.guide.workdir has another {field}: {weak.config.get(field)}")

    def guide(model: MakeDenoiser, label: Array | None, scale: float) -> Denoiser:
        good = model(label)
        return good._replace(model=autoguidance(good.model, make(weak.params, label).model, scale))

    return guide


def _classifier(config: ConfigDict) -> Guide:
    judge = _load(config, "a noise-conditional classifier")
    classify = judge.experiment.classify
    if classify is None or judge.config.process != config.process:
        raise UserError(f"config.sample.guide.workdir must hold a noise-conditional classifier on {config.process}")

    def guide(model: MakeDenoiser, label: Array | None, scale: float) -> Denoiser:
        assert label is not None

        def log_prob(x: Array, t: Array) -> Array:
            logits = classify(judge.params, x, jnp.broadcast_to(t, x.shape[:1]))
            return jnp.take_along_axis(jax.nn.log_softmax(logits), label[:, None], axis=1)[:, 0]

        return classifier_guidance(model(label if config.conditional else None), log_prob, scale)

    return guide


GUIDES: dict[str, Callable[[ConfigDict], Guide]] = {
    "classifier_free": _classifier_free,
    "cfg_plus_plus": _cfg_plus_plus,
    "autoguidance": _autoguidance,
    "classifier": _classifier,
}


def _null(config: ConfigDict, model: MakeDenoiser, label: Array | None) -> Denoiser:
    if label is None:
        raise UserError(UNCONDITIONAL)
    return model(jnp.full_like(label, config.data.num_classes))


def _load(config: ConfigDict, what: str) -> Run:
    folder = Path(config.sample.guide.workdir)
    if not (folder / "config.json").exists():
        raise UserError(f"config.sample.guide.workdir={str(folder)!r} is not the folder of a run: train {what} there")
    run = command.recorded_config(folder)
    experiment = command.build_experiment(run)
    state = load_state(experiment, run, folder)
    return Run(run, experiment, dict(parallel.to_host(averaged(state, run, folder))))

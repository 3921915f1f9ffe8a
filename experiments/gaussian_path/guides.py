"""What guides the samples of a model on a Gaussian path, by name: `config.sample.guide`."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.gaussian_path import registry
from experiments.gaussian_path.teacher import averaged_parameters
from experiments.run import command
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, PyTree
from genjax_models.guidance import CFGPlusPlus, autoguidance, classifier_free, classifier_guidance
from genjax_models.processes import Denoiser, GaussianProcess
from genjax_models.training import Experiment
from genjax_models.training.names import pick

MakeDenoiser = Callable[..., Denoiser]
"""`(label, **condition) -> denoiser`: the model bound to classes `[B]` or to none, and to what else it may be told."""
Guide = Callable[[MakeDenoiser, Array | None, float], Denoiser | CFGPlusPlus]
"""`(model, label, scale) -> denoiser` to sample with."""

UNCONDITIONAL = "guidance and labels need a class-conditional model: train with --config.conditional=True"


def default_config() -> ConfigDict:
    """Classifier-free guidance at all times."""
    return ConfigDict(
        {
            "name": "classifier_free",  # or cfg_plus_plus, autoguidance, classifier, embedded
            "workdir": "",  # of the run that guides: autoguidance's worse model, or the noise-conditional classifier
            "interval": (0.0, 1.0),  # times between which guidance acts
            "rescale": 0.0,  # how far each example's spread is brought back to the conditional one's
        }
    )


def make_guide(config: ConfigDict, process: GaussianProcess | None) -> Guide:
    """What `config.sample.guide` describes, for a model on `process`, which is None where it is learned.

    Raises:
      UserError: if its name is unknown, a number is out of range, the run that guides is missing or does not fit, or an
        unconditional model is to be guided.
    """
    section = config.sample.guide
    make = pick("sample.guide.name", section.name, GUIDES)
    nothing = lambda x, t: x
    try:
        classifier_free(nothing, nothing, config.sample.guidance, interval=section.interval, rescale=section.rescale)
    except ValueError as error:
        raise UserError(f"config.sample.guide: {error}") from None
    for field, value, able in (
        ("rescale", section.rescale != 0.0, ("classifier_free",)),
        ("interval", tuple(section.interval) != (0.0, 1.0), ("classifier_free", "autoguidance")),
    ):
        if value and section.name not in able:
            raise UserError(f"config.sample.guide.{field} is for {' and '.join(able)}: {section.name} has none")
    return make(config, process)


def draws_labels(config: ConfigDict) -> bool:
    """Whether a sample has a class: the model's own, or the one that a classifier leads it to."""
    guide = config.get("sample", {}).get("guide", {})
    return config.get("conditional", False) or guide.get("name") == "classifier"


def _classifier_free(config: ConfigDict, process: GaussianProcess | None) -> Guide:
    section = config.sample.guide
    if not config.conditional and config.sample.guidance != 1.0:
        raise UserError(UNCONDITIONAL)

    def guide(model: MakeDenoiser, label: Array | None, scale: float) -> Denoiser:
        wanted = model(label)
        if scale == 1.0:
            return wanted
        null = _null(config, model, label).model
        options = {"interval": section.interval, "rescale": section.rescale}
        return wanted._replace(model=classifier_free(wanted.model, null, scale, **options))

    return guide


def _cfg_plus_plus(config: ConfigDict, process: GaussianProcess | None) -> Guide:
    if not config.conditional:
        raise UserError(UNCONDITIONAL)
    if config.sample.threshold != "none":
        raise UserError("CFG++ adds the unconditional noise anew: set config.sample.threshold=none")

    def check(scale: float) -> None:
        if not 0.0 <= scale <= 1.0:
            raise UserError(f"CFG++ interpolates: say a guidance of 0 to 1, not {scale}")

    def guide(model: MakeDenoiser, label: Array | None, scale: float) -> CFGPlusPlus:
        check(scale)
        return CFGPlusPlus(model(label), _null(config, model, label), scale)

    check(config.sample.guidance)
    return guide


def _autoguidance(config: ConfigDict, process: GaussianProcess | None) -> Guide:
    run, weak, params = _load(config, "a worse model of the same kind")
    if run.get("conditional") != config.conditional:
        raise UserError(f"config.sample.guide.workdir holds a model with conditional={run.get('conditional')}")
    make = weak.denoiser
    shape, label = (1, *config.data.shape), jnp.zeros(1, jnp.int32) if config.conditional else None
    if make is None or jax.eval_shape(make(params, label).model, jnp.zeros(shape), jnp.ones(1)).shape != shape:
        raise UserError("config.sample.guide.workdir holds no model that predicts images, step by step")
    _check_process(process, make(params, label).process)

    def guide(model: MakeDenoiser, label: Array | None, scale: float) -> Denoiser:
        good, worse = model(label), make(params, label)
        convert = lambda x, t: worse(x, t, good.prediction)
        return good._replace(model=autoguidance(good.model, convert, scale, interval=config.sample.guide.interval))

    return guide


def _classifier(config: ConfigDict, process: GaussianProcess | None) -> Guide:
    run, judge, params = _load(config, "a noise-conditional classifier")
    classify = judge.classify
    if classify is None:
        raise UserError("config.sample.guide.workdir holds no noise-conditional classifier")
    _check_process(process, registry.transformed_process(run))

    def guide(model: MakeDenoiser, label: Array | None, scale: float) -> Denoiser:
        assert label is not None

        def log_prob(x: Array, t: Array) -> Array:
            logits = classify(params, x, jnp.broadcast_to(t, x.shape[:1]))
            return jnp.take_along_axis(jax.nn.log_softmax(logits), label[:, None], axis=1)[:, 0]

        return classifier_guidance(model(label if config.conditional else None), log_prob, scale)

    return guide


def _embedded(config: ConfigDict, process: GaussianProcess | None) -> Guide:
    if "guidance_scales" not in config:
        raise UserError("only latent consistency models are told their guidance: choose another sample.guide.name")
    low, high = config.guidance_scales

    def check(scale: float) -> None:
        if not low <= scale <= high:
            raise UserError(f"a guidance of {scale} was never trained: say {low} to {high}, see config.guidance_scales")

    def guide(model: MakeDenoiser, label: Array | None, scale: float) -> Denoiser:
        check(scale)
        assert label is not None
        return model(label, guidance=jnp.full(label.shape, scale - 1.0))

    check(config.sample.guidance)
    return guide


GUIDES: dict[str, Callable[[ConfigDict, GaussianProcess | None], Guide]] = {
    "classifier_free": _classifier_free,
    "cfg_plus_plus": _cfg_plus_plus,
    "autoguidance": _autoguidance,
    "classifier": _classifier,
    "embedded": _embedded,
}


def _null(config: ConfigDict, model: MakeDenoiser, label: Array | None) -> Denoiser:
    if label is None:
        raise UserError(UNCONDITIONAL)
    return model(jnp.full_like(label, config.data.num_classes))


def _check_process(ours: GaussianProcess | None, theirs: GaussianProcess) -> None:
    """Refuse a guide that would be told of another noise than there is."""
    t = jnp.linspace(0.0, 1.0, 11)
    pairs = () if ours is None else ((ours.alpha(t), theirs.alpha(t)), (ours.sigma(t), theirs.sigma(t)))
    if not pairs or not all(bool(jnp.allclose(*pair, rtol=1e-4, atol=1e-6)) for pair in pairs):
        raise UserError(
            "the run in config.sample.guide.workdir is of another process than the model that it is to guide"
        )


def _load(config: ConfigDict, what: str) -> tuple[ConfigDict, Experiment, dict[str, PyTree]]:
    """The run of `config.sample.guide.workdir`: its config, its experiment and its averaged parameters."""
    folder = Path(config.sample.guide.workdir)
    if not (folder / "config.json").exists():
        raise UserError(f"config.sample.guide.workdir={str(folder)!r} is not the folder of a run: train {what} there")
    run = command.recorded_config(folder)
    for field in ("name", "shape", "num_classes"):
        ours, theirs = (tuple(x) if field == "shape" else x for x in (config.data[field], run.data[field]))
        if ours != theirs:
            raise UserError(
                f"config.sample.guide.workdir is a run of other data: {field} is {theirs} there, {ours} here"
            )
    experiment = command.build_experiment(run)
    return run, experiment, dict(averaged_parameters(experiment, run, folder))

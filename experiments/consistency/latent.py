"""Latent consistency models: a guided teacher is distilled into a student that is conditioned on the scale."""

from collections.abc import Callable

import jax.numpy as jnp
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from experiments.config import sections
from experiments.config.data import data_of, examples_of
from experiments.consistency import distillation, training
from experiments.consistency.distillation import Teaching
from experiments.gaussian_path import Bound
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Condition, Key, LossOutput, PyTree
from genjax_models.families.consistency import latent_consistency_loss
from genjax_models.processes import Denoiser
from genjax_models.training import Experiment, Inference
from genjax_models.training.settings import Section, Setting, defaults, without

TASKS: tuple[str, ...] = ("sample",)
"""What it can do, see `experiments.run.tasks`."""

FIELDS: Section = {
    **without(distillation.FIELDS, "gap"),  # all intervals weigh alike
    **sections.experiment("experiments.consistency.latent"),
    "guidance_scales": Setting(
        (1.0, 5.0),
        "between which each example's is drawn; 1 is none",
        ("two numbers, ascending from 1", lambda scales: len(scales) == 2 and 1 <= scales[0] <= scales[1]),
    ),
}


def get_config() -> ConfigDict:
    """DDIM's steps of a class-conditional teacher at a random scale of classifier-free guidance, 50 noise levels."""
    config = distillation.get_config()
    del config.gap
    config.update(defaults({name: FIELDS[name] for name in ("experiment", "guidance_scales")}))
    config.condition = config.teacher.condition = ("label",)
    config.condition_dropout.each = 0.0  # the student needs no null class: its guidance is learned
    config.intervals = {"first": 50, "last": 50}
    config.solver = "ddim"
    config.sample.guide.name = "embedded"
    config.sample.guidance = 2.0
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network, the teacher's conditioned on the guidance scale too, to the latent consistency loss.

    Raises:
      UserError: if a model is unconditional or has no null class, the scales do not ascend from 1, samples are to be
        guided otherwise, or as in `consistency_distillation`.
    """
    if not config.condition or config.condition != config.teacher.condition:
        raise UserError(
            "guidance is towards a condition: set config.condition and config.teacher.condition to the same"
        )
    dropout = config.teacher.condition_dropout
    if not max(dropout.each, dropout.together) > 0.0:
        raise UserError("a teacher that never saw null conditions cannot be guided: raise its condition_dropout.each")
    if config.sample.guide.name != "embedded":
        raise UserError("a latent consistency model takes the scale itself: leave config.sample.guide.name=embedded")
    low, high = config.guidance_scales
    data = data_of(config)

    def loss(key: Key, bound: Bound, x: Array, teaching: Teaching) -> LossOutput:
        assert bound.cond is not None

        def function(params: PyTree) -> Callable[[Array, Array, Array], Array]:
            return lambda x, t, w: training.consistent(config, teaching.process, bound.net(params, guidance=w))(x, t)

        return latent_consistency_loss(
            key,
            function(bound.params),
            x,
            conditional=teaching.teacher(bound.cond),
            unconditional=teaching.teacher(data.null(x.shape[0])),
            target=function(training.target_of(config, bound)),
            w_min=low - 1.0,
            w_max=high - 1.0,
            solver=teaching.solver,
            **training.distances(config, teaching.process, bound),
        )

    experiment = distillation.distil(config, loss, numbers=("guidance",))

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        params, extra = experiment.init(key)
        if not any("guidance" in path for path in flatten_dict(params["model"])):
            raise UserError(f"{config.net.name} ignores cond['guidance']: choose UNet, DiT, NCSN++ or MLP")
        return params, extra

    def denoiser(model: Inference, cond: Condition) -> Denoiser:
        assert experiment.denoiser is not None
        unguided = {"guidance": jnp.zeros(examples_of(cond))}
        return experiment.denoiser(model, unguided | dict(cond))

    return experiment._replace(init=init, denoiser=denoiser)

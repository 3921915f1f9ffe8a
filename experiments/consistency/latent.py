"""Latent consistency models: distillation of a guided teacher, by a student that is told how strongly it is guided."""

from collections.abc import Callable

import jax.numpy as jnp
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from experiments.consistency import distillation, training
from experiments.consistency.distillation import Lesson
from experiments.gaussian_path import Bound
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.families.consistency import latent_consistency_loss
from genjax_models.processes import Denoiser
from genjax_models.training import Experiment


def get_config() -> ConfigDict:
    """DDIM's steps of a class-conditional teacher at a random scale of classifier-free guidance, 50 noise levels."""
    config = distillation.get_config()
    config.experiment = "experiments.consistency.latent"
    config.conditional = config.teacher.conditional = True
    config.label_dropout = 0.0  # the student needs no null class: its guidance is learned
    config.intervals = {"first": 50, "last": 50}
    config.solver = "ddim"
    config.guidance_scales = (1.0, 5.0)  # between which each example's is drawn; 1 is none
    config.sample.guide.name = "embedded"
    config.sample.guidance = 2.0
    del config.gap  # all intervals weigh alike
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network, the teacher's that is also told the guidance, to the latent consistency loss.

    Raises:
      UserError: if a model is unconditional or knows no null class, the scales do not ascend from 1, samples are to be
        guided otherwise, or as in `consistency_distillation`.
    """
    if not (config.conditional and config.teacher.conditional):
        raise UserError("guidance is towards a class: leave config.conditional and config.teacher.conditional True")
    if not config.teacher.label_dropout > 0.0:
        raise UserError("a teacher that never saw the null class cannot be guided: raise config.teacher.label_dropout")
    if config.sample.guide.name != "embedded":
        raise UserError("a latent consistency model is told its guidance: leave config.sample.guide.name=embedded")
    if len(config.guidance_scales) != 2 or not 1.0 <= config.guidance_scales[0] <= config.guidance_scales[1]:
        raise UserError(f"config.guidance_scales={config.guidance_scales} are two from 1 upward, which is no guidance")
    low, high = config.guidance_scales

    def loss(key: Key, bound: Bound, x: Array, lesson: Lesson) -> LossOutput:
        assert bound.label is not None

        def function(params: PyTree) -> Callable[[Array, Array, Array], Array]:
            return lambda x, t, w: training.consistent(config, lesson.process, bound.net(params, guidance=w))(x, t)

        return latent_consistency_loss(
            key,
            function(bound.params),
            x,
            conditional=lesson.teacher(bound.label),
            unconditional=lesson.teacher(jnp.full_like(bound.label, config.data.num_classes)),
            target=function(training.target_of(config, bound)),
            w_min=low - 1.0,
            w_max=high - 1.0,
            solver=lesson.solver,
            **training.distances(config, lesson.process, bound),
        )

    experiment = distillation.distil(config, loss, told=("guidance",))

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        params, extra = experiment.init(key)
        if not any("guidance" in path for path in flatten_dict(params["model"])):
            raise UserError(f"{config.net.name} takes no notice of cond['guidance']: choose UNet, DiT, NCSN++ or MLP")
        return params, extra

    def denoiser(params: dict[str, PyTree], label: Array, guidance: Array | None = None) -> Denoiser:
        assert experiment.denoiser is not None
        return experiment.denoiser(params, label, guidance=jnp.zeros(label.shape) if guidance is None else guidance)

    return experiment._replace(init=init, denoiser=denoiser)

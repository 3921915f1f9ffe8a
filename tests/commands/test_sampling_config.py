"""A config from which nothing could be sampled is refused before training, in one line; so is a call's own mistake."""

import jax
import pytest

from experiments import (
    adversarial_vae,
    consistency_distillation,
    diffusion,
    flow_matching,
    hierarchical_vae,
    learned_variance,
    reflow,
    vae,
    variational_diffusion,
)
from genjax_models.core.errors import UserError


@pytest.mark.parametrize(
    ("family", "changes", "said"),
    [
        (flow_matching, {"sample.steps": 0}, "at least 1 step, got 0"),
        (flow_matching, {"sample.grid.name": "karras", "sample.steps": 1}, "at least 2 steps, got 1"),
        (flow_matching, {"sample.grid.options": {"start": 0.2, "end": 0.6}}, "got start=0.2, end=0.6"),
        (flow_matching, {"sample.grid.options": {"strat": 0.9}}, "strat"),
        (flow_matching, {"sample.grid.name": "shifted", "sample.grid.options": {"shift": 1e12}}, "does not descend"),
        (flow_matching, {"sample.grid.name": "karas"}, "did you mean 'karras'"),
        (flow_matching, {"sample.sampler": "heunn"}, "did you mean 'heun'"),
        (flow_matching, {"eval.rows": (("eular", 2),)}, "did you mean 'euler'"),
        (flow_matching, {"sample.guidance": 2.0}, "class-conditional model"),
        (flow_matching, {"prediction": "velocty"}, "did you mean 'velocity'"),
        (flow_matching, {"prediction": "eps"}, "no signal at t = 1, where 'eps' cannot be converted"),
        (learned_variance, {"sample.guidance": 2.0}, "neither clipped nor guided"),
        (learned_variance, {"train.dequantize": True}, "bytes as they are"),
        (variational_diffusion, {"sample.steps": 0}, "at least 1 step"),
        (reflow, {"train.flip": True}, "as the teacher made them"),
        (vae, {"observation.name": "bernouli"}, "did you mean 'bernoulli'"),
        (vae, {"observation.options": {"log_std": 0.0}}, "do not suit bernoulli"),
        (vae, {"objective.name": "iwa"}, "did you mean 'iwae'"),
        (vae, {"objective.options": {"gamma": 2.0}}, "do not suit elbo"),
        (vae, {"objective.name": "total_correlation", "prior.name": "vamp"}, "normal prior"),
        (vae, {"objective.name": "total_correlation", "prior.name": "maf"}, "normal prior"),
        (vae, {"prior.name": "mad"}, "did you mean 'maf'"),
        (vae, {"prior.name": "autoregressive"}, "set at least 1"),
        (vae, {"prior.name": "real_nvp", "latent": 1}, "does not suit config.latent: a coupling needs at least 2"),
        (vae, {"posterior.name": "iaf", "prior.name": "vamp"}, "want config.posterior.name='gaussian'"),
        (vae, {"sample.sampler": "euler"}, "Known: prior, prior_pixels"),
        (vae, {"train.dequantize": True}, "leave config.train.dequantize at False"),
        (vae, {"decoder.widths": 3, "decoder.name": "genjax_models.nets.ConvDecodr"}, "cannot build config.decoder"),
        (hierarchical_vae, {"posterior": "fre"}, "did you mean 'free'"),
        (adversarial_vae, {"game": "gan"}, "did you mean 'vae_gan'"),
        (consistency_distillation, {"teacher.process": "vp"}, "share a process"),
        (
            diffusion,
            {"process": "trigonometric", "prediction": "score"},
            "set config.prediction to one of x0, v, velocity",
        ),
    ],
)
def test_mistakes_before_training(family, changes, said):
    config = family.get_config()
    config.update_from_flattened_dict(changes)
    with pytest.raises(UserError) as refusal:
        family.build(config)
    assert said in str(refusal.value)


def test_noise_may_be_predicted_below_the_end_without_signal():
    config = flow_matching.get_config()
    config.update_from_flattened_dict({"prediction": "eps", "sample.grid.options": {"start": 0.99}})
    flow_matching.build(config)


def test_mistakes_of_a_call():
    experiment = flow_matching.build(flow_matching.get_config())
    draw = lambda **options: jax.eval_shape(lambda: experiment.sample(jax.random.key(0), {"model": {}}, 2, **options))
    for options, said in (({"steps": 0}, "at least 1 step"), ({"sampler": "rk5"}, "did you mean 'rk4'")):
        with pytest.raises(UserError, match=said):
            draw(**options)

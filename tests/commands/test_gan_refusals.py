"""GANs that cannot work are refused before training; one that collapses or diverges is named."""

import pytest
from genjax_models.training.tasks import capability
from small_gans import DCGAN, PROGRESSIVE, STYLEGAN2, config_of

from experiments.gan import game
from experiments.run.command import build_experiment
from genjax_models.core.errors import UnsupportedError, UserError


def test_a_collapse_and_a_divergence_are_named():
    assert game.watch({"generator/spread": 1.0, "discriminator/real_logit": -20.0}) is None
    assert game.watch({"generator/spread": float("nan")}) is None
    assert game.watch({"discriminator/fake_logit": -2e3}).startswith("divergence: logits of size 2000")
    assert game.watch({"generator/spread": 0.03}).startswith("collapse: fakes differ by 3.0%")
    assert game.watch({"generator/spread": 40.0}).startswith("divergence: fakes differ 40 times")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"game": "wasserstein", "clip": -0.1}, "clip=-0.1 must not be negative"),
        ({"penalties": (("r1", -1.0, 1),)}, "r1=-1.0 must not be negative"),
        ({**STYLEGAN2, "mixing": 2.0}, "is a probability"),
        ({"projection": {"steps": 0}}, "projection.steps=0"),
        ({"augment": {"name": "ada", "options": {"thousands": 0.0}}}, "thousands=0.0 must be positive"),
        ({"head": {"name": "info", "options": {"continuous": -1}}}, "0 numbers or more"),
        ({**PROGRESSIVE, "growth": {"stages": 1, "steps": 3}}, "grown after"),
        ({"n_critic": 0}, "n_critic=0 must be at least 1"),
        ({"game": "hinged"}, "did you mean 'hinge'"),
        ({"penalties": (("r3", 1.0, 1),)}, "penalties='r3' is unknown"),
        ({"penalties": (("r1", 1.0, 0),)}, "r1 is due every 0 steps"),
        ({"head": {"name": "auxiliary"}}, "set config.conditional=True"),
        ({"head": {"name": "info"}}, "raise config.latent"),
        ({"head": {"name": "info", "options": {"discrete": 3}}}, "do not suit info"),
        ({"mixing": 0.9}, "generators with styles"),
        ({"penalties": (("r1", 1.0, 1), ("r1", 2.0, 1))}, "twice"),
        ({"penalties": (("r1", 1.0),)}, "are tuples"),
        ({"n_critic": 5}, "is over before the generator moves"),
        ({"path_length": {"every": 0}}, "path_length is due every 0 steps"),
        ({"consistency": 1.0}, "under an augmentation"),
        ({"sample": {"truncation": 0.0}}, "must be positive"),
        ({**DCGAN, "penalties": (("r1", 1.0, 1),)}, "without batch norm"),
        ({"game": "wasserstein"}, "must be kept smooth"),
        ({"game": "least_squares", "augment": {"name": "ada"}}, "says nothing in 'least_squares'"),
        ({**DCGAN, "growth": {"stages": 1}}, "wants two progressive networks with 2 entries"),
        ({**PROGRESSIVE, "growth": {"stages": 2}}, "with 3 entries"),
        (
            {
                "head": {"name": "info", "options": {"categorical": (3,), "continuous": 1}},
                "sample": {"sampler": "truncated"},
            },
            "cannot be truncated",
        ),
        ({"augment": {"name": "adda"}}, "did you mean 'ada'"),
        ({"augment": {"name": "diff", "options": {"policy": ("colour",)}}}, "did you mean 'color'"),
        ({"conditional": True, "data": {"num_classes": 0}}, "has no labels"),
        ({"augment": {"name": "diff"}, "data": {"shape": (2,)}}, "is of images"),
        ({**DCGAN, "data": {"shape": (9, 9, 1)}}, "do not fit together"),
        ({"sample": {"sampler": "priors"}}, "did you mean 'prior'"),
    ],
)
def test_what_cannot_work_is_refused_before_training(settings, message):
    with pytest.raises(UserError, match=message):
        build_experiment(config_of(settings))


def test_a_gan_has_no_likelihood():
    with pytest.raises(UnsupportedError, match="has no log_prob: choose a config of normalizing flows"):
        capability(build_experiment(config_of({})), "log_prob")

"""GANs that cannot work are refused before training; one that collapses or diverges is named."""

import pytest
from small_gans import DCGAN, PROGRESSIVE, STYLEGAN2, config_of

from experiments.gan import game
from experiments.run.command import build_experiment
from experiments.run.tasks import capability
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
        ({"game": "wasserstein", "clip": -0.1}, "config.clip=-0.1 must be a number, at least 0"),
        ({"penalties": (("r1", -1.0, 1),)}, r"penalties=.*r1.*-1\.0.* must be .* weight of at least 0"),
        ({**STYLEGAN2, "mixing": 2.0}, "config.mixing=2.0 must be a number, 0 to 1"),
        ({"projection": {"steps": 0}}, "config.projection.steps=0 must be an integer, at least 1"),
        ({"augment": {"name": "ada", "options": {"thousands": 0.0}}}, "thousands=0.0 must be positive"),
        ({"head": {"name": "info", "options": {"continuous": -1}}}, "0 numbers or more"),
        ({**PROGRESSIVE, "growth": {"stages": 1, "steps": 3}}, "grown after"),
        ({"n_critic": 0}, "config.n_critic=0 must be an integer, at least 1"),
        ({"game": "hinged"}, "config.game='hinged' must be a text, one of .*'hinge'"),
        ({"penalties": (("r3", 1.0, 1),)}, r"penalties=.*r3.* must be a tuple, triples \(name"),
        ({"penalties": (("r1", 1.0, 0),)}, "penalties=.*r1.* must be .* steps of at least 1"),
        ({"head": {"name": "auxiliary"}}, r"set config\.condition=\('label',\)"),
        ({"head": {"name": "info"}}, "raise config.latent"),
        ({"head": {"name": "info", "options": {"discrete": 3}}}, "do not suit info"),
        ({"mixing": 0.9}, "generators with styles"),
        ({"penalties": (("r1", 1.0, 1), ("r1", 2.0, 1))}, "twice"),
        ({"penalties": (("r1", 1.0),)}, r"must be a tuple, triples \(name, weight"),
        ({"n_critic": 5}, "is over before the generator moves"),
        ({"path_length": {"every": 0}}, "config.path_length.every=0 must be an integer, at least 1"),
        ({"consistency": 1.0}, "under an augmentation"),
        ({"sample": {"truncation": 0.0}}, "is for generators with styles"),
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
        ({"condition": ("label",), "data": {"name": "moons"}}, "has no field 'label'"),
        ({"augment": {"name": "diff"}, "data": {"name": "moons"}}, "is of images"),
        ({**DCGAN, "data": {"name": "moons"}}, "do not fit together"),
        ({"sample": {"sampler": "priors"}}, "did you mean 'prior'"),
    ],
)
def test_what_cannot_work_is_refused_before_training(settings, message):
    with pytest.raises(UserError, match=message):
        build_experiment(config_of(settings))


def test_a_gan_has_no_likelihood():
    with pytest.raises(UnsupportedError, match=r"has no log_prob: choose a config of .*flows"):
        capability(build_experiment(config_of({})), "log_prob")

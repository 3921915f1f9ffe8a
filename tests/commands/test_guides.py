"""Who guides the samples of a run: the model without its label, a worse model, a classifier of noisy images."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from experiments import diffusion
from experiments.classifier import noisy
from experiments.config.variants import with_variant
from experiments.run.command import build_experiment
from experiments.run.inference import load as load_model
from experiments.run.training import train
from genjax_models.core.errors import UserError
from genjax_models.data import load
from genjax_models.modalities.image import to_float
from genjax_models.processes import ddpm
from genjax_models.training import Inference, SampleRequest

KEY = jax.random.key(0)


def model_config(variant: str = "smoke", **guide):
    config = with_variant(diffusion.get_config(), variant)
    config.net = {"name": "genjax_models.nets.MLP", "width": 16, "depth": 1}
    config.sample.update({"sampler": "ddim", "steps": 3, "threshold": "none"})
    config.sample.grid.options.start = 0.1  # little noise: samples stay off the ends of the range
    config.eval.rows = (("ddim", 3),)
    config.sample.guide.update(guide)
    return config.lock()  # as the commands have it


def classifier_config(steps: int = 20):
    config = with_variant(noisy.get_config(), "smoke")
    config.net.update({"channels": 8, "multipliers": (1,), "num_blocks": 1, "head_dim": 8, "groups": 4})
    config.process = "ddpm"
    config.train.steps = steps
    return config


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifier")
    train(classifier_config(), folder)
    return folder


@pytest.fixture(scope="module")
def weak(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weak")
    train(model_config("conditional,smoke"), folder)
    return folder


def moved(params):
    flat, restore = ravel_pytree(params)
    return restore(flat + 0.2 * jax.random.normal(KEY, flat.shape))


def draw(config, scale, *, num=4, like=None, **options):
    """Samples of the variables `like`, by default initial ones moved off the zeros of the last layer."""
    experiment = build_experiment(config)
    if like is None:
        params, extra = experiment.init(KEY)
        like = Inference(moved(params), extra)
    return jax.jit(experiment.sample)(KEY, like, SampleRequest(num, guidance=scale, **options))


def test_autoguidance_leaves_the_worse_model_behind(weak):
    """By a model that is as good, it changes nothing; by another, it extrapolates."""
    config = model_config("conditional,smoke", name="autoguidance", workdir=str(weak))
    same = load_model(build_experiment(config), config, weak)
    plain = model_config("conditional,smoke")
    np.testing.assert_allclose(draw(config, 3.0, like=same), draw(plain, 1.0, like=same), atol=1e-4)
    assert not np.allclose(draw(config, 3.0), draw(plain, 1.0), atol=1e-2)


def test_cfg_plus_plus_steps_with_the_unconditional_noise():
    """At a scale of 0 it is the unconditional model, whatever the label."""
    config = model_config("conditional,smoke", name="cfg_plus_plus")
    np.testing.assert_allclose(draw(config, 0.0), draw(model_config("conditional,smoke"), 0.0), atol=1e-5)
    assert not np.allclose(draw(config, 1.0), draw(model_config("conditional,smoke"), 1.0), atol=1e-3)


def test_a_classifier_gives_classes_to_an_unconditional_model(classifier):
    config = model_config(name="classifier", workdir=str(classifier))
    of = lambda label, scale: draw(config, scale, cond={"label": jnp.full(4, label)})
    np.testing.assert_allclose(of(3, 0.0), draw(model_config(), 1.0), atol=1e-4)
    assert not np.allclose(of(3, 1e3), of(4, 1e3), atol=1e-3)  # 20 steps have made it a weak classifier


@pytest.mark.parametrize(
    ("guide", "variant", "said"),
    [
        ({"name": "clasifier"}, "smoke", "did you mean 'classifier'"),
        ({"name": "classifier", "workdir": "nowhere"}, "smoke", "is not the folder of a run"),
        ({"name": "cfg_plus_plus"}, "smoke", "guidance needs a conditional model"),
        ({"name": "cfg_plus_plus", "rescale": 0.5}, "conditional,smoke", "rescale is for classifier_free"),
        ({"name": "classifier", "interval": (0.2, 0.8)}, "smoke", "interval is for classifier_free and autoguidance"),
    ],
)
def test_a_guide_that_cannot_be_is_refused(guide, variant, said):
    with pytest.raises(UserError, match=said):
        build_experiment(model_config(variant, **guide))


def test_guides_that_do_not_fit_are_refused(classifier, weak):
    by_classifier, by_weak = {"name": "classifier"}, {"name": "autoguidance"}
    for variant, guide, run, changes, said in (
        ("smoke", by_classifier, weak, {}, "no noise-conditional classifier"),
        ("smoke", by_classifier, classifier, {"process": "cosine"}, "another process"),
        ("smoke", by_classifier, classifier, {"process_options.shift": 2.0}, "another process"),
        ("smoke", by_classifier, classifier, {"data.name": "mnist_5k"}, "other data: {'name': 'digits'} there"),
        ("smoke", by_weak, weak, {}, r"with condition=\('label',\)"),
        ("conditional,smoke", by_weak, weak, {"process": "cosine"}, "another process"),
        ("conditional,smoke", {"name": "cfg_plus_plus"}, weak, {"sample.guidance": 3.0}, "0 to 1, not 3"),
        (
            "conditional,smoke",
            {"name": "cfg_plus_plus"},
            weak,
            {"sample.sampler": "ancestral"},
            "ddim, ddim_stochastic",
        ),
    ):
        config = model_config(variant, **guide, workdir=str(run)).unlock()
        config.update_from_flattened_dict(changes)
        with pytest.raises(UserError, match=said):
            build_experiment(config)
    classifier_guided = model_config("conditional,smoke", **by_weak, workdir=str(classifier))
    with pytest.raises(UserError, match=r"with condition=\(\)"):
        build_experiment(classifier_guided)
    with pytest.raises(UserError, match="0 to 1, not 3"):
        draw(model_config("conditional,smoke", name="cfg_plus_plus"), 3.0)


@pytest.mark.slow
def test_a_noisy_classifier_knows_digits_under_noise(tmp_path):
    """Where a tenth of the signal's power is noise, and where nothing is left of the signal."""
    config = importlib.import_module("configs.classifier.dhariwal2021_digits").get_config()
    config.train.update({"steps": 300, "log_every": 100})
    train(config, tmp_path)
    experiment = build_experiment(config)
    model = load_model(experiment, config, tmp_path)
    process, batch = ddpm(), load("digits", "test").take(np.arange(296))
    x, eps = to_float(batch["x"]), jax.random.normal(KEY, batch["x"].shape)

    def accuracy(t):
        logits = experiment.classify(model, process.add_noise(x, eps, t), jnp.full(len(x), t))
        return float((logits.argmax(axis=1) == batch["label"]).mean())

    assert accuracy(process.time_of(jnp.log(10.0))) > 0.85
    assert accuracy(jnp.array(1.0)) < 0.3

"""Autoregressive models by a config: what is built, trained, measured, sampled and refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.autoregressive import karpathy2022_kjv
from experiments.autoregressive import build
from experiments.config import data
from experiments.run import held_out, training
from experiments.run.command import build_experiment
from experiments.run.sampling import draw_samples
from genjax_models.core.errors import UserError
from genjax_models.data import ArrayDataset
from genjax_models.data.spec import DataSpec, label, tokens
from genjax_models.data.texts import CHARACTERS
from genjax_models.modalities.tokens import RULE
from genjax_models.training import SampleRequest

LENGTH = 6
SIZE = len(CHARACTERS["kjv"])
KEY = jax.random.key(0)


def small(**fields):
    config = karpathy2022_kjv.get_config("smoke")
    config.data.length = LENGTH
    config.net.update({"width": 16, "depth": 1, "heads": 2})
    config.update(fields)
    return config


def bound(config):
    """The experiment, and what it is used with before training."""
    experiment = build(config)
    return experiment, experiment.finalize(*jax.jit(experiment.init)(KEY))


def moved(model):
    """Parameters none of which is zero."""
    rng = np.random.default_rng(0)
    return model.replace(
        params=jax.tree.map(lambda a: jnp.asarray(0.3 * rng.normal(size=a.shape), a.dtype), model.params)
    )


def text(spec, num=20):
    return ArrayDataset(
        spec, "train", {"x": np.random.default_rng(1).integers(SIZE, size=(num, LENGTH), dtype=np.int32)}
    )


def test_untrained_it_takes_log2_of_the_vocabulary_in_bits_a_character():
    config = small()
    experiment, model = bound(config)
    dataset = text(experiment.spec)
    nats, kind = held_out.test_likelihoods(experiment, model, dataset, config.eval.num, batch=8, seed=0)
    found = held_out.summary(nats, kind, spec=experiment.spec, seed=0)
    assert (kind, found["n"], found["unit"]) == ("exact", 20, "bits/character")
    assert found["bits_per_dim"] == pytest.approx(np.log2(SIZE), rel=1e-6)
    assert found["stderr"] == pytest.approx(0.0, abs=1e-6)
    terms = experiment.validate(KEY, model, dataset.take(np.arange(3)))
    np.testing.assert_allclose(terms["bits_per_character"], np.log2(SIZE), rtol=1e-6)


def test_what_is_minimised_is_nats_a_token_of_the_likelihood():
    experiment, model = bound(small())
    model, batch = moved(model), text(experiment.spec).take(np.arange(4))
    output, _ = experiment.players[0].objective(KEY, model.params, model.extra, batch, jnp.int32(0))
    np.testing.assert_allclose(output.value, -experiment.log_prob(KEY, model, batch).value / LENGTH, rtol=1e-5)
    np.testing.assert_allclose(output.aux["bits_per_character"], output.value / np.log(2), rtol=1e-6)


def test_it_trains_and_previews_are_texts(tmp_path, monkeypatch):
    config = small()
    spec = build(config).spec
    monkeypatch.setattr(training, "dataset_of", lambda config, split: text(spec))
    training.train(config, tmp_path)
    texts = (tmp_path / "samples/step_000020.txt").read_text(encoding="utf-8").removesuffix("\n").split(RULE)
    assert len(texts) == 8
    assert all(len(found) == LENGTH and set(found) <= set(CHARACTERS["kjv"]) for found in texts)


def test_samples_follow_their_condition(monkeypatch):
    """A vocabulary without names, and a label; without a condition, labels run through the classes."""
    spec = DataSpec("made", {"x": tokens(LENGTH, 5), "label": label(3)})
    monkeypatch.setattr(data, "data_spec", lambda name, **options: spec)
    config = small(condition=("label",))
    config.sample.temperature = 0.0
    experiment, model = bound(config)
    model = moved(model)
    x = draw_samples(KEY, experiment, model, SampleRequest(6), batch=6)
    assert x.shape == (6, LENGTH) and x.dtype == np.int32 and x.max() < 5
    np.testing.assert_array_equal(x[:3], x[3:])
    assert len({tuple(row) for row in x.tolist()}) > 1
    ones = draw_samples(KEY, experiment, model, SampleRequest(2, {"label": jnp.array([1, 1])}), batch=2)
    np.testing.assert_array_equal(ones, x[[1, 1]])
    batch = {"x": x, "label": np.arange(6, dtype=np.int32) % 3}
    assert set(experiment.validate(KEY, model, batch)) == {"bits_per_token"}


def other_data(config):
    del config.data.length
    config.data.name = "digits"


def with_field(path, value):
    return lambda config: config.update_from_flattened_dict({path: value})


@pytest.mark.parametrize(
    "change, message",
    [
        (other_data, "config.data.name=digits is modelled as image: autoregressive models take tokens"),
        (with_field("condition", ("label",)), "no field 'label' to condition on"),
        (with_field("sample.temperature", -1.0), "config.sample.temperature=-1.0 must be a number, at least 0"),
        (with_field("sample.sampler", "ancestrl"), "did you mean 'ancestral'"),
        (with_field("net.name", "genjax_models.nets.CausalTransformer"), "cannot build config.net"),
        (with_field("train.flip", True), "config.train.flip=True has no meaning for data of tokens"),
    ],
)
def test_what_cannot_be_is_refused_before_training(change, message):
    config = small()
    change(config)
    with pytest.raises(UserError, match=message):
        build_experiment(config.lock())


@pytest.mark.parametrize(
    "fields", [{"guidance": 2.0}, {"steps": 3}, {"keep": 2}, {"cond": {"text": jnp.zeros((2, 3))}}]
)
def test_requests_that_it_cannot_meet_are_refused(fields):
    experiment, model = bound(small())
    with pytest.raises(UserError):
        experiment.sample(KEY, model, SampleRequest(2, **fields))

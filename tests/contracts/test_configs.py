"""Every config, at its full size, describes something that trains, samples and measures; nothing is computed."""

import importlib
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from ml_collections import ConfigDict

from configs.flow_matching import lipman2023_digits
from experiments.image_translation.translators import translators
from genjax_models.core.errors import UserError
from genjax_models.training import Experiment, SampleRequest

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(str(path.relative_to(ROOT).with_suffix("")) for path in ROOT.glob("configs/*/*.py"))
BATCH = 4


def batch_of(config: ConfigDict, experiment: Experiment) -> dict:
    """The shapes of a batch."""
    struct = lambda shape, dtype: jax.ShapeDtypeStruct((BATCH, *shape), dtype)
    if "view" in config:  # two domains
        between = translators(config, experiment.spec)
        images = {"x": between.x_shape, "y": between.y_shape}
        batch = {name: struct(shape, jnp.uint8) for name, shape in images.items()}
        return batch | {name: struct((), jnp.int32) for name in ("label", "label_y")}
    batch = {name: struct(field.shape, field.dtype) for name, field in experiment.spec.fields.items()}
    if experiment.training_set is not None:
        batch["x"] = struct((2, *experiment.spec.shape), jnp.float32)  # pairs
    return batch


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_shapes(name):
    config = importlib.import_module(name.replace("/", ".")).get_config()
    module = importlib.import_module(config.experiment)
    if not hasattr(module, "build"):
        pytest.skip("it has a command, and a test, of its own")
    experiment, key = module.build(config), jax.random.key(0)
    shape = experiment.spec.shape
    params, extra = jax.eval_shape(experiment.init, key)
    batch = batch_of(config, experiment)
    for player in experiment.players:
        run = lambda params, extra, batch, player=player: player.objective(key, params, extra, batch, jnp.int32(0))
        output, after = jax.eval_shape(run, params, extra, batch)
        assert output.value.shape == (BATCH,)
        assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, extra)
    model = jax.eval_shape(experiment.finalize, params, extra)
    if experiment.test_set is not None:
        terms = jax.eval_shape(partial(experiment.validate, key), model, batch)
        assert all(term.shape == (BATCH,) for term in terms.values())
        try:
            experiment.test_set()  # from which inputs are drawn
        except UserError as error:
            pytest.skip(str(error))
    if experiment.sample is not None:
        for sampler, steps in config.eval.rows:
            request = SampleRequest(2, sampler=sampler, steps=steps)
            assert jax.eval_shape(experiment.sample, key, model, request).shape == (2, *shape)
    if experiment.log_prob is not None and experiment.training_set is None:
        measure = lambda model, batch: experiment.log_prob(key, model, batch).value
        assert jax.eval_shape(measure, model, batch).shape == (BATCH,)
    if experiment.encode is not None and experiment.decode is not None and experiment.training_set is None:
        cond = lambda batch: {name: batch[name] for name in experiment.conditions} or None
        encode, decode = (partial(task, key) for task in (experiment.encode, experiment.decode))
        there_and_back = lambda model, batch: decode(model, encode(model, batch), cond=cond(batch))
        assert jax.eval_shape(there_and_back, model, batch).shape == (BATCH, *shape)


@pytest.mark.parametrize("variant", ["conditional", "smoke"])
def test_a_variant_does_not_claim_what_was_measured_without_it(variant):
    assert lipman2023_digits.get_config().expected
    assert not lipman2023_digits.get_config(variant).expected

"""What every family promises, in one table: a new family adds its digits config to `ROWS`."""

import importlib
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from genjax_models.data import batches, load
from genjax_models.training import Experiment, train_step
from genjax_models.training.ema import make_ema
from genjax_models.training.experiment import initial_state

ROWS = {
    "flow_matching": "configs.flow_matching.lipman2023_digits",
    "flow_matching conditional": "configs.flow_matching.lipman2023_digits:conditional",
    "diffusion": "configs.diffusion.ho2020_digits",
    "diffusion conditional": "configs.diffusion.ho2020_digits:conditional",
    "classifier": "configs.classifier.digits",
}
BATCH = 16


@pytest.fixture(scope="module", params=ROWS)
def bound(request) -> tuple[ConfigDict, Experiment]:
    module, _, variant = ROWS[request.param].partition(":")
    config = importlib.import_module(module).get_config(",".join(filter(None, [variant, "smoke"])))
    return config, importlib.import_module(config.experiment).build(config)


@pytest.fixture(scope="module")
def batch() -> dict[str, np.ndarray]:
    return next(batches(load("digits"), BATCH, seed=0))


def test_objective_keeps_the_batch_axis_and_has_finite_gradients(bound, batch):
    _, experiment = bound
    params, extra = experiment.init(jax.random.key(0))
    for player in experiment.players:
        run = lambda params, player=player: player.objective(jax.random.key(1), params, extra, batch)
        output, _ = run(params)
        assert output.value.shape == (BATCH,)
        assert all(term.shape == (BATCH,) for term in output.aux.values())
        gradient = jax.grad(lambda params, run=run: run(params)[0].value.mean())(params)[player.name]
        leaves = jax.tree.leaves(gradient)
        assert all(bool(jnp.isfinite(leaf).all()) for leaf in leaves)
        assert any(bool((leaf != 0).any()) for leaf in leaves)


def test_jit_changes_nothing(bound, batch):
    _, experiment = bound
    params, extra = experiment.init(jax.random.key(0))
    for player in experiment.players:
        run = lambda params, player=player: player.objective(jax.random.key(1), params, extra, batch)[0].value
        np.testing.assert_allclose(jax.jit(run)(params), run(params), rtol=2e-4, atol=2e-5)


def test_an_example_does_not_see_its_neighbours(bound, batch):
    """Held-out terms of an example are the same whatever the other examples are."""
    _, experiment = bound
    params, extra = experiment.init(jax.random.key(0))
    params = jax.tree.map(lambda x: x + 0.02, params)  # away from the zeros that networks end with
    other = {name: np.concatenate([x[:1], x[:0:-1]]) for name, x in batch.items()}
    assert experiment.validate is not None
    ours, theirs = (experiment.validate(jax.random.key(1), params, extra, b) for b in (batch, other))
    for name in ours:
        np.testing.assert_allclose(ours[name][0], theirs[name][0], rtol=1e-4)


def test_loss_of_one_batch_falls_without_recompiling(bound, batch):
    config, experiment = bound
    step = jax.jit(partial(train_step, players=experiment.players, ema=make_ema(config.train.ema)))
    state = initial_state(jax.random.key(0), experiment, ema=True)
    losses = []
    for _ in range(60):
        state, metrics = step(state, batch)
        losses.append(float(metrics["loss"]))
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:5])
    assert step._cache_size() == 1


def test_samples_have_the_shape_and_range_of_data(bound):
    config, experiment = bound
    if experiment.sample is None:
        pytest.skip("this family does not sample")
    params, _ = experiment.init(jax.random.key(0))
    for sampler in ("ancestral", "ddim", "euler", "heun"):
        draw = jax.jit(partial(experiment.sample, num=6, sampler=sampler, steps=3))
        x = draw(jax.random.key(0), params)
        assert x.shape == (6, *config.data.shape)
        assert bool((jnp.abs(x) <= 1).all())
        assert not np.allclose(x, draw(jax.random.key(1), params))


def test_guidance_moves_conditional_samples_and_is_refused_elsewhere(bound):
    config, experiment = bound
    if experiment.sample is None:
        pytest.skip("this family does not sample")
    params, _ = experiment.init(jax.random.key(0))
    params = jax.tree.map(lambda x: x + 0.02, params)
    draw = lambda guidance: experiment.sample(jax.random.key(0), params, 4, sampler="euler", steps=2, guidance=guidance)
    if config.conditional:
        assert not np.allclose(draw(1.0), draw(4.0))
    else:
        with pytest.raises(ValueError, match="class-conditional"):
            draw(4.0)

"""The protocol of path energies, end to end on a small scale: its pieces by their laws, its claim by its sign."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.flow_matching import tong2023_toy
from experiments import toy_paths
from experiments.toy_paths import COUPLINGS, REFLOWED, TASKS


def test_the_tasks_have_the_published_scales():
    """Radius 5 and std 1; radius 12 and std 1.5; moons doubled and moved; moons of mean 0 and std 7 over all."""
    draw = lambda density: density.sample(jax.random.key(0), 100_000)
    for density, radius, std in [(TASKS["8 Gaussians"].data, 5, 1.0), (TASKS["8 Gaussians to moons"].source, 12, 1.5)]:
        x = draw(density)
        assert float(jnp.abs(x.mean(0)).max()) < 4 * radius / np.sqrt(100_000)
        assert float((x**2).sum(1).mean()) == pytest.approx(radius**2 + 2 * std**2, rel=0.01)
    wide = draw(TASKS["8 Gaussians to moons"].data)
    assert float(wide.mean()) == pytest.approx(0.0, abs=0.1)
    assert float(wide.std()) == pytest.approx(7.0, rel=0.01)
    np.testing.assert_allclose(draw(TASKS["moons"].data).mean(0), [0.0, 0.5], atol=0.03)  # make_moons: (1/2, 1/4)


@pytest.mark.parametrize("name", ["I-CFM", "1-rectified flow"])
def test_pairs_are_of_the_draws_that_were_given(name):
    config = toy_paths.get_config()
    x, eps = jax.random.normal(jax.random.key(0), (2, 2, 8, 2))
    pairs = toy_paths.couple(
        jax.random.key(1), x, eps, coupling=lambda source: COUPLINGS[name](config, source), batch=4
    )
    np.testing.assert_allclose(pairs[1] - pairs[0], eps - x, atol=1e-5)


@pytest.mark.slow
def test_transport_straightens_and_reflow_makes_one_step_enough(capsys):
    config = tong2023_toy.get_config("smoke")
    config.update({"pairs": 2048, "coupling_batch": 128, "sample_steps": 16})
    config.train.update({"steps": 600, "batch_size": 128})
    config.eval.num = 256
    rows, pictures = toy_paths.measure_task("8 Gaussians", config, toy_paths.make_programs(config))
    value = {(row["method"], row["metric"]): row["value"] for row in rows}
    methods = [*COUPLINGS, REFLOWED]
    assert list(pictures) == methods
    assert all(np.isfinite(list(value.values())))
    assert value["OT-CFM", "NPE"] < value["I-CFM", "NPE"]
    one_step = "W2, one Euler step"
    assert value[REFLOWED, one_step] < 0.5 * value["1-rectified flow", one_step]
    assert all(method in toy_paths.table(rows) for method in methods)

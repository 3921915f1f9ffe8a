"""Averages of any width after training: the mathematics against quadrature and tracked averages, and through `fit`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from tiny import make_config, make_data, make_experiment

from experiments.run.inference import averaged
from genjax_models.core.errors import UserError
from genjax_models.training.ema import TRACKS, gamma_of, make_ema, power_function
from genjax_models.training.loop import fit
from genjax_models.training.posthoc_ema import FOLDER, coefficients, combine, inner_product, reconstruct


def profile(gamma, step):
    return lambda tau: (gamma + 1) * tau**gamma / step ** (gamma + 1)


@pytest.mark.parametrize(
    ("a", "b"), [((16.97, 10.0), (6.94, 10.0)), ((16.97, 8.0), (6.94, 10.0)), ((16.97, 10.0), (6.94, 8.0))]
)
def test_inner_products_are_those_of_quadrature(a, b):
    expected, _ = quad(lambda tau: profile(*a)(tau) * profile(*b)(tau), 0, min(a[1], b[1]), epsrel=1e-10)
    np.testing.assert_allclose(inner_product(*a, *b), expected, rtol=1e-8)
    np.testing.assert_allclose(inner_product(*b, *a), expected, rtol=1e-8)


def test_long_runs_do_not_overflow():
    """At a billion steps the powers alone would: 1e9 ** 40."""
    np.testing.assert_allclose(inner_product(40.0, 1e9, 30.0, 1e9), 41 * 31 / 71 / 1e9, rtol=1e-12)


STEPS, EVERY = 420, 14


@pytest.fixture(scope="module")
def trajectory():
    """Parameters that drift and tremble `[420, 6]`, and their averages by the recursion of training."""
    random = np.random.default_rng(0)
    drift = np.stack([np.exp(-np.arange(STEPS) / (20 * k)) for k in range(1, 7)], 1)
    theta = jnp.asarray(drift + 0.1 * random.normal(size=(STEPS, 6)) + 0.02 * random.normal(size=(STEPS, 6)).cumsum(0))

    @jax.jit
    def averages(exponents):
        def update(average, step):
            n, now = step
            beta = ((1 - 1 / n) ** exponents)[:, None]
            average = beta * average + (1 - beta) * now[None]
            return average, average

        return jax.lax.scan(update, jnp.zeros((len(exponents), 6)), (jnp.arange(1.0, STEPS + 1), theta))[1]

    return lambda *widths: np.asarray(averages(jnp.array([gamma_of(s) + 1 for s in widths])), np.float64)


def snapshots_of(trajectory, last):
    steps = np.arange(EVERY, last + 1, EVERY)
    return np.tile(TRACKS, len(steps)), np.repeat(steps, 2), trajectory(*TRACKS)[steps - 1].reshape(-1, 6)


@pytest.mark.parametrize("step", [STEPS, 280])
@pytest.mark.parametrize("sigma_rel", [0.04, 0.07, 0.15, 0.2])
def test_any_width_is_what_would_have_been_tracked(trajectory, sigma_rel, step):
    widths, steps, values = snapshots_of(trajectory, last=step)
    expected = trajectory(sigma_rel)[step - 1, 0]
    found = coefficients(widths, steps, sigma_rel, step) @ values
    error = lambda x: np.linalg.norm(x - expected) / np.linalg.norm(expected)
    assert error(found) < 5e-3
    assert error(found) < 0.2 * min(map(error, values[-2:]))  # neither of the tracks would do


def test_a_tracked_average_comes_back_alone(trajectory):
    widths, steps, _ = snapshots_of(trajectory, last=STEPS)
    for i in (10, 11, len(steps) - 2, len(steps) - 1):
        x = coefficients(widths, steps, widths[i], steps[i])
        np.testing.assert_allclose(x, np.eye(len(steps))[i], atol=1e-9)


def test_the_same_snapshot_twice_does_no_harm():
    once = coefficients(TRACKS, (50, 50), 0.07, 50)
    twice = coefficients(TRACKS * 2, (50,) * 4, 0.07, 50)
    np.testing.assert_allclose(twice[:2] + twice[2:], once, rtol=1e-6)


def test_trees_are_combined_in_float64_and_keep_their_dtypes():
    trees = [{"a": np.array([1e8, x], np.float32), "b": {"c": np.float16(x)}} for x in (1.0, 2.0)]
    total = combine([0.25, 0.75], iter(trees))
    np.testing.assert_array_equal(total["a"], np.array([1e8, 1.75], np.float32))
    assert (total["a"].dtype, total["b"]["c"].dtype) == (np.float32, np.float16)
    assert total["b"]["c"] == 1.75


def test_the_tracks_are_two_power_functions():
    decay = make_ema(make_config(**{"ema.kind": "posthoc"}).train.ema)
    n = jnp.asarray(7)
    np.testing.assert_array_equal(decay(n), [power_function(s)(n) for s in (0.05, 0.10)])


def run(workdir, kind, steps=40, **train):
    config = make_config(**{"ema.kind": kind, "steps": steps, "checkpoint_every": 15, "log_every": 10} | train)
    return fit(make_experiment(config), config, workdir, make_data(config)), config


@pytest.fixture(scope="module")
def posthoc(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("posthoc")
    return *run(workdir, "posthoc", **{"ema.snapshot_every": 2}), workdir


def files(workdir):
    return {path.name: path.read_bytes() for path in (workdir / FOLDER).iterdir()}


def test_a_width_chosen_after_training_is_what_training_would_have_tracked(posthoc, tmp_path):
    state, config, workdir = posthoc
    tracked, _ = run(tmp_path, "power", **{"ema.sigma_rel": 0.07})
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), state.params, tracked.params)

    def error(average):
        square = lambda tree: sum(float(jnp.square(x).sum()) for x in jax.tree.leaves(tree))
        return np.sqrt(square(jax.tree.map(jnp.subtract, average, tracked.ema)) / square(tracked.ema))

    config = config.copy_and_resolve_references()
    config.train.ema.sigma_rel = 0.07
    found = averaged(state, config, workdir)
    layout = lambda tree: jax.tree.map(lambda x: (x.shape, x.sharding), tree)
    assert layout(found) == layout(state.params)
    assert error(found) < 2e-3
    assert error(found) < 0.2 * error(averaged(state, config))
    assert error(averaged(state, config)) < error(state.params)


def test_a_tracked_width_is_its_track(posthoc):
    state, config, workdir = posthoc
    for i, sigma_rel in enumerate(TRACKS):
        for folder in (None, workdir):
            found = reconstruct(state, sigma_rel, folder)
            jax.tree.map(lambda x, e, i=i: np.testing.assert_allclose(x, e[i], rtol=1e-6, atol=1e-7), found, state.ema)
    assert config.train.ema.sigma_rel == TRACKS[1]


def test_a_run_that_is_stopped_and_made_longer_has_the_same_averages_and_snapshots(posthoc, tmp_path):
    state, _, workdir = posthoc
    run(tmp_path, "posthoc", steps=17, **{"ema.snapshot_every": 2})
    again, _ = run(tmp_path, "posthoc", **{"ema.snapshot_every": 2})
    jax.tree.map(np.testing.assert_array_equal, again.ema, state.ema)
    assert files(tmp_path) == files(workdir)
    assert sorted(int(name.split(".")[0]) for name in files(workdir)) == list(range(2, 41, 2))


def test_a_damaged_snapshot_is_one_line(posthoc):
    state, _, workdir = posthoc
    path = workdir / FOLDER / "8.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    with pytest.raises(UserError, match=r"8\.safetensors is no readable safetensors file"):
        reconstruct(state, 0.07, workdir)
    path.write_bytes(whole)


def test_impossible_widths_are_refused(posthoc):
    state, _, workdir = posthoc
    with pytest.raises(UserError, match="sigma_rel must lie between"):
        reconstruct(state, 0.3, workdir)

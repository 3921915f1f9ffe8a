"""Which neighbouring times consistency training compares: the papers' laws and curriculum."""

import functools
from math import erf

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.families.consistency import (
    consistency_function,
    doubling_steps,
    following_decay,
    improved_consistency_training_loss,
    lognormal_position,
    square_root_steps,
)
from genjax_models.processes import edm, rectified_flow, vp

KEY = jax.random.key(0)
T_MIN = 0.22


@pytest.mark.parametrize("num_steps", [10, 40])
def test_lognormal_positions_have_the_papers_discrete_distribution(num_steps):
    n, mean, std = 20_000, -1.1, 2.0
    position = lognormal_position(edm(), t_min=T_MIN, mean=mean, std=std)(KEY, n)
    assert float(position.min()) >= 0
    assert float(position.max()) < 1
    counts = np.bincount(np.floor(np.asarray(position) * num_steps).astype(int), minlength=num_steps)
    levels = 80.0 * np.linspace(T_MIN, 1, num_steps + 1) ** 7
    law = np.diff([erf((np.log(level) - mean) / (np.sqrt(2) * std)) for level in levels])
    law = law / law.sum()
    assert ((counts - n * law) ** 2 / (n * law)).sum() < num_steps + 4 * np.sqrt(2 * num_steps)  # chi-squared


@pytest.mark.parametrize("process", [vp(), rectified_flow()])
def test_lognormal_positions_on_other_processes(process):
    """The median noise level is exp(mean), whatever the schedule, even where the log-SNR is infinite at the ends."""
    draw = lognormal_position(process, t_min=0.0, mean=-0.5, std=0.7)
    level = jax.jit(lambda: process.scaled_sigma(draw(KEY, 4000)))()
    assert float((jnp.log(level) < -0.5).mean()) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(("total", "first", "last"), [(800, 10, 1280), (1000, 2, 7), (3, 10, 1280)])
def test_steps_double_as_in_the_paper(total, first, last):
    period = max(int(np.floor(total / (np.log2(np.floor(last / first)) + 1))), 1)
    schedule = jax.jit(functools.partial(doubling_steps, total_steps=total, first=first, last=last))
    for k in range(0, total, max(total // 50, 1)):
        assert int(schedule(k)) == min(first * 2 ** (k // period), last)
        assert int(doubling_steps(k, total, first=first, last=last)) == int(schedule(k))


@pytest.mark.parametrize(("total", "first", "last"), [(800, 1, 150), (7, 3, 3), (1000, 9, 40)])
def test_the_first_papers_curriculum_counts_levels(total, first, last):
    s0, s1 = first + 1, last
    schedule = jax.jit(functools.partial(square_root_steps, total_steps=total, first=first, last=last))
    for k in range(0, total, max(total // 50, 1)):
        levels = np.ceil(np.sqrt(np.float32(k / total) * np.float32((s1 + 1) ** 2 - s0**2) + s0**2) - 1) + 1
        assert int(schedule(k)) + 1 == levels
        decay = float(following_decay(schedule(k), first=first, decay=0.9))
        assert decay == pytest.approx(np.exp(s0 * np.log(0.9) / levels), rel=1e-6)
    assert (int(schedule(0)), int(schedule(total))) == (first, last)
    assert float(following_decay(first, first=first, decay=0.9)) == pytest.approx(0.9)


def test_the_number_of_steps_may_be_traced():
    x = jax.random.normal(KEY, (16, 2))
    model = consistency_function(lambda x, t: jnp.tanh(x), edm(), t_min=T_MIN)
    loss = lambda n: improved_consistency_training_loss(KEY, model, x, process=edm(), t_min=T_MIN, num_steps=n).value
    compiled = jax.jit(loss)
    for n in (10, 20):
        np.testing.assert_allclose(compiled(jnp.asarray(n)), loss(n), rtol=1e-3, atol=1e-5)
    assert compiled._cache_size() <= 1  # 0 where the cache that all functions share was full


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lognormal_position(edm(), t_min=1.0), r"t_min must lie in \[0, 1\)"),
        (lambda: lognormal_position(edm(), t_min=0.1, std=0.0), "std must be positive"),
        (lambda: doubling_steps(0, 100, first=20, last=10), "intervals grow from first to last"),
        (lambda: square_root_steps(0, 100, first=0), "intervals grow from first to last"),
        (lambda: doubling_steps(0, 0), "total_steps must be at least 1"),
    ],
)
def test_bad_arguments_are_one_line(make, message):
    with pytest.raises(ValueError, match=message):
        make()

"""Consistency models on Gaussian data, whose probability flow, and so whose consistency function, is linear."""

import functools
from math import erf

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import Mixture, gaussian

from genjax_models.families.consistency import (
    consistency_distillation_loss,
    consistency_function,
    consistency_training_loss,
    ddim_step,
    doubling_steps,
    embed_guidance,
    equal_weight,
    guided_teacher,
    heun_step,
    improved_consistency_training_loss,
    inverse_gap,
    l2,
    latent_consistency_loss,
    lognormal_position,
    multistep,
    pseudo_huber,
)
from genjax_models.processes import Denoiser, cosine, rectified_flow, vp
from genjax_models.processes.schedules import edm
from genjax_models.solvers import sample, uniform_grid

KEY = jax.random.key(0)
MEAN, STD, T_MIN = 0.3, 0.5, 0.22
PROCESSES = {"edm": edm(), "vp": vp(), "cosine": cosine(), "rectified_flow": rectified_flow()}
every_process = pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)


def exact(process, mean=MEAN, t_min: float = T_MIN):
    r"""The flow keeps $(y - m)/\sqrt{s^2 + \hat\sigma^2}$, where $y = x/\alpha$ and $\hat\sigma = \sigma/\alpha$."""

    def f(x, t):
        alpha, sigma = process.alpha(t)[:, None], process.sigma(t)[:, None]
        low = jnp.full_like(t, t_min)
        level = (process.sigma(low) / process.alpha(low))[:, None]
        ratio = jnp.sqrt((STD**2 + level**2) / ((alpha * STD) ** 2 + sigma**2))
        return mean + ratio * (x - alpha * mean)

    return f


def teacher(process, mean: float = MEAN, dim: int = 2) -> Denoiser:
    return Denoiser(process, gaussian(mean, STD, dim).denoiser(process), "x0")


@every_process
def test_the_boundary_is_the_identity_whatever_the_network(process):
    x = jax.random.normal(KEY, (8, 3, 2))
    wild = lambda x, t: 100.0 * jnp.cos(7 * x) + t[:, None, None]
    t = jnp.full(8, T_MIN)
    y = x / process.alpha(jnp.asarray(T_MIN))
    for sigma_data in (0.5, 2.0):
        f = consistency_function(wild, process, t_min=T_MIN, sigma_data=sigma_data)
        np.testing.assert_allclose(f(x, t), y, rtol=1e-5, atol=1e-4)


def test_parametrization_is_the_papers():
    """Coefficients of Song et al., app. C, with their time sigma; network input of unit variance."""
    process, s_min, s_data = edm(), 80 * T_MIN**7, 0.5
    t = jnp.array([0.3, 0.6, 0.9])
    s = 80.0 * np.asarray(t, np.float64) ** 7
    x = jax.random.normal(KEY, (3, 2))
    f = consistency_function(lambda x, t: jnp.sin(x) + t[:, None], process, t_min=T_MIN, sigma_data=s_data)
    skip = s_data**2 / ((s - s_min) ** 2 + s_data**2)
    out = s_data * (s - s_min) / np.sqrt(s_data**2 + s**2)
    c_in = 1 / np.sqrt(s_data**2 + s**2)
    skip, out, c_in, time = (np.asarray(c)[:, None] for c in (skip, out, c_in, t))
    np.testing.assert_allclose(f(x, t), skip * x + out * (np.sin(c_in * x) + time), rtol=1e-4, atol=1e-5)


@every_process
def test_parametrization_sees_scaled_variables_only(process):
    """On any process: the same function of x / alpha and sigma / alpha; finite where alpha is zero."""
    low = float(process.sigma(jnp.asarray(T_MIN)) / process.alpha(jnp.asarray(T_MIN)))
    t = jnp.array([0.4, 0.8])
    x = jax.random.normal(KEY, (2, 3))
    network = lambda x, t: jnp.sin(x)
    f = consistency_function(network, process, t_min=T_MIN)
    # `edm(sigma_max, 1)` is the process whose noise level at t is sigma_max t.
    level = process.sigma(t) / process.alpha(t)
    top = 2 * float(level.max())
    g = consistency_function(network, edm(top, 1.0), t_min=low / top)
    np.testing.assert_allclose(f(x, t), g(x / process.alpha(t)[:, None], level / top), rtol=1e-4, atol=1e-5)
    assert bool(jnp.isfinite(f(x, jnp.ones(2))).all())


def test_metrics():
    x, y = jax.random.normal(KEY, (2, 5, 4, 3))
    square = np.asarray(((x - y) ** 2).sum((1, 2)), np.float64)
    np.testing.assert_allclose(l2(x, y), square / 12, rtol=1e-5)
    c = 0.00054 * np.sqrt(12)
    np.testing.assert_allclose(pseudo_huber(x, y), np.sqrt(square + c**2) - c, rtol=1e-5)
    np.testing.assert_array_equal(pseudo_huber(x, x), 0.0)
    assert bool(jnp.isfinite(jax.grad(lambda y: pseudo_huber(x, y).sum())(x)).all())


def test_weights():
    t, s = jnp.array([0.8, 0.5]), jnp.array([0.6, 0.4])
    np.testing.assert_array_equal(equal_weight(edm(), t, s), 1.0)
    np.testing.assert_allclose(inverse_gap(edm(10.0, 1.0), t, s), 1 / (10 * (t - s)), rtol=1e-5)


@pytest.mark.parametrize(("solver", "order"), [(ddim_step, 1), (heun_step, 2)])
@pytest.mark.parametrize("process", [edm(20.0, 3.0), vp(0.1, 12.0)], ids=["edm", "vp"])
def test_distillation_of_the_exact_teacher_vanishes_with_the_step(process, solver, order):
    """With the exact function, what is left is the solver's local error, of one order more than its global one."""
    with jax.enable_x64(True):
        f, data = exact(process), gaussian(MEAN, STD)
        x = data.sample(KEY, 64)

        def error(num_steps: int) -> float:
            loss = consistency_distillation_loss(
                KEY,
                f,
                x,
                teacher=teacher(process),
                target=f,
                t_min=T_MIN,
                num_steps=num_steps,
                position=lambda _, n: jnp.full(n, 0.5),  # all grids have the interval that starts half-way
                solver=solver,
            )
            assert loss.value.shape == (64,)
            return np.sqrt(float(loss.value.mean()))

        errors = error(64), error(128)
        assert np.log2(errors[0] / errors[1]) == pytest.approx(order + 1, abs=0.15)
        assert errors[1] < 1e-3


def test_distillation_is_zero_for_a_point_mass():
    """All paths are straight in sigma, so either solver is exact at any width."""
    data = Mixture(jnp.ones(1), jnp.array([[0.4, -0.2]]), jnp.array([0.0]))
    process = edm()
    # x - m shrinks with sigma, down to what it is at t_min.
    f = lambda x, t: data.means + (T_MIN / t[:, None]) ** 7 * (x - data.means)
    loss = functools.partial(
        consistency_distillation_loss, KEY, f, jnp.broadcast_to(data.means, (32, 2)), target=f, t_min=T_MIN, num_steps=3
    )
    for solver in (ddim_step, heun_step):
        value = loss(teacher=Denoiser(process, data.denoiser(process), "x0"), solver=solver).value
        np.testing.assert_allclose(value, 0.0, atol=1e-8)


def test_training_loss_of_the_exact_function():
    r"""$f = m + a(x - m)$ is linear, so the mean is $(a_t - a_s)^2 s^2 + (a_t\sigma_t - a_s\sigma_s)^2$."""
    process, n = edm(), 8192
    x = gaussian(MEAN, STD).sample(KEY, n)
    f = exact(process)
    loss = consistency_training_loss(
        jax.random.key(1),
        f,
        x,
        process=process,
        target=f,
        t_min=T_MIN,
        num_steps=4,
        position=lambda _, n: jnp.full(n, 0.5),
    ).value
    t, s = T_MIN + (1 - T_MIN) * 0.75, T_MIN + (1 - T_MIN) * 0.5
    low, high = (80 * time**7 for time in (s, t))
    a_s, a_t = (np.sqrt((STD**2 + (80 * T_MIN**7) ** 2) / (STD**2 + level**2)) for level in (low, high))
    expected = (a_t - a_s) ** 2 * STD**2 + (a_t * high - a_s * low) ** 2
    assert float(loss.mean()) == pytest.approx(expected, abs=4 * float(loss.std()) / np.sqrt(n))


def test_gradients_stop_at_the_target():
    x = jax.random.normal(KEY, (16, 2))
    model = lambda w: consistency_function(lambda x, t: w * x, edm(), t_min=T_MIN)
    options = {"t_min": T_MIN, "num_steps": 6}
    losses = {
        "training": functools.partial(consistency_training_loss, process=edm(), **options),
        "distillation": functools.partial(consistency_distillation_loss, teacher=teacher(edm()), **options),
    }
    for loss in losses.values():
        value = lambda w, u, loss=loss: loss(KEY, model(w), x, target=model(u)).value.mean()
        at_model, at_target = jax.grad(value, (0, 1))(0.3, 0.4)
        assert at_target == 0
        difference = (value(0.31, 0.4) - value(0.29, 0.4)) / 0.02  # exact for a quadratic
        assert float(at_model) == pytest.approx(float(difference), rel=1e-2)


def test_improved_training_is_its_parts():
    x = jax.random.normal(KEY, (32, 3))
    model = consistency_function(lambda x, t: jnp.tanh(x), edm(), t_min=T_MIN)
    ours = improved_consistency_training_loss(KEY, model, x, process=edm(), t_min=T_MIN, num_steps=20)
    levels = []

    def watch(process, t, s):
        levels.extend([process.sigma(t), process.sigma(s)])
        return 1 / (process.sigma(t) - process.sigma(s))

    other = consistency_training_loss(
        KEY,
        model,
        x,
        process=edm(),
        target=model,
        t_min=T_MIN,
        num_steps=20,
        position=lognormal_position(edm(), t_min=T_MIN),
        metric=pseudo_huber,
        weighting=watch,
    )
    np.testing.assert_allclose(ours.value, other.value, rtol=1e-5)
    karras = np.linspace(80 ** (1 / 7) * T_MIN, 80 ** (1 / 7), 21) ** 7
    for level in levels:
        assert np.abs(np.log(np.asarray(level)[:, None] / karras[None])).min(1).max() < 1e-4


@pytest.mark.parametrize("num_steps", [10, 40])
def test_lognormal_positions_have_the_papers_discrete_law(num_steps):
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
    position = lognormal_position(process, t_min=0.0, mean=-0.5, std=0.7)(KEY, 4000)
    assert float((jnp.log(process.sigma(position) / process.alpha(position)) < -0.5).mean()) == pytest.approx(
        0.5, abs=0.04
    )


@pytest.mark.parametrize(("total", "first", "last"), [(800, 10, 1280), (1000, 2, 7), (3, 10, 1280)])
def test_steps_double_as_in_the_paper(total, first, last):
    period = max(int(np.floor(total / (np.log2(np.floor(last / first)) + 1))), 1)
    schedule = jax.jit(functools.partial(doubling_steps, total_steps=total, first=first, last=last))
    for k in range(0, total, max(total // 50, 1)):
        assert int(schedule(k)) == min(first * 2 ** (k // period), last)
        assert int(doubling_steps(k, total, first=first, last=last)) == int(schedule(k))


def test_the_number_of_steps_may_be_traced():
    x = jax.random.normal(KEY, (16, 2))
    model = consistency_function(lambda x, t: jnp.tanh(x), edm(), t_min=T_MIN)
    loss = lambda n: improved_consistency_training_loss(KEY, model, x, process=edm(), t_min=T_MIN, num_steps=n).value
    compiled = jax.jit(loss)
    for n in (10, 20):
        np.testing.assert_allclose(compiled(jnp.asarray(n)), loss(n), rtol=1e-3, atol=1e-5)
    assert compiled._cache_size() == 1


@pytest.mark.parametrize("process", [edm(), vp()], ids=["edm", "vp"])
@pytest.mark.parametrize("end", [0.0, T_MIN])
def test_multistep_sampling_with_the_exact_function_is_exact(process, end):
    """Each step's renoised sample has the marginal law of its time, so the last has that of t_min."""
    n, dim = 8192, 2
    key_x, key_s = jax.random.split(KEY)
    start, low = (float(process.sigma(jnp.asarray(t)) / process.alpha(jnp.asarray(t))) for t in (1.0, T_MIN))
    y = MEAN + np.sqrt(STD**2 + start**2) * jax.random.normal(key_x, (n, dim))
    denoiser = Denoiser(process, exact(process), "x0")
    grid = jnp.array([1.0, 0.8, 0.5, 0.35, end])
    run = lambda x: sample(key_s, denoiser, x, grid, multistep(T_MIN), keep=4)
    x, path = jax.jit(run)(process.alpha(jnp.ones(())) * y)
    for time, state in zip((0.8, 0.5, 0.35, T_MIN), path, strict=True):
        alpha, sigma = process.alpha(jnp.asarray(time)), process.sigma(jnp.asarray(time))
        if end == 0.0 and time == T_MIN:
            alpha, sigma = jnp.ones(()), jnp.asarray(low)
        std = float(jnp.sqrt((alpha * STD) ** 2 + sigma**2))
        np.testing.assert_allclose(state.mean(0), float(alpha) * MEAN, atol=4 * std / np.sqrt(n))
        np.testing.assert_allclose(jnp.cov(state.T), std**2 * np.eye(dim), atol=4 * std**2 * np.sqrt(2 / n))
    np.testing.assert_array_equal(x, path[-1])


def test_one_step_is_the_function_itself():
    x = 80 * jax.random.normal(KEY, (16, 2))
    f = exact(edm())
    for key in (KEY, jax.random.key(1)):
        drawn = sample(key, Denoiser(edm(), f, "x0"), x, uniform_grid(1), multistep(T_MIN))
        np.testing.assert_allclose(drawn, f(x, jnp.ones(16)), rtol=1e-6)


def test_guidance_embedding():
    w = jnp.array([0.0, 2.5, 14.0])
    embedding = embed_guidance(w, 8)
    omega = 10_000.0 ** (-np.arange(4) / 3)
    angle = 1000 * np.asarray(w, np.float64)[:, None] * omega[None]
    np.testing.assert_allclose(embedding, np.concatenate([np.sin(angle), np.cos(angle)], 1), atol=2e-3)
    for features in (7, 2):
        with pytest.raises(ValueError, match="even number of features"):
            embed_guidance(w, features)


def test_guided_teacher_extrapolates_in_every_prediction_type():
    """Two Gaussians of one width, guided, are the Gaussian with the extrapolated mean."""
    process, w = vp(), jnp.array([0.0, 2.0, 5.0])
    guided = guided_teacher(teacher(process, 0.4), teacher(process, -0.1), w)
    x, t = jax.random.normal(KEY, (3, 2)), jnp.array([0.2, 0.5, 0.9])
    for target in ("x0", "eps", "velocity"):
        for i in range(3):
            mean = (1 + float(w[i])) * 0.4 + float(w[i]) * 0.1
            one = teacher(process, mean)(x[i : i + 1], t[i : i + 1], target)
            np.testing.assert_allclose(guided(x, t, target)[i : i + 1], one, rtol=1e-4, atol=1e-4)


def test_guided_teacher_takes_predictions_of_different_types():
    process, w = vp(), jnp.array([1.0, 2.0])
    other = teacher(process, -0.1)
    as_eps = Denoiser(process, lambda x, t: other(x, t, "eps"), "eps")
    x, t = jax.random.normal(KEY, (2, 2)), jnp.array([0.4, 0.7])
    same, mixed = (guided_teacher(teacher(process, 0.4), null, w)(x, t) for null in (other, as_eps))
    np.testing.assert_allclose(mixed, same, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("solver", "order"), [(ddim_step, 1), (heun_step, 2)])
def test_latent_consistency_of_the_exact_guided_flow_vanishes_with_the_step(solver, order):
    with jax.enable_x64(True):
        process = vp(0.1, 12.0)
        x = gaussian(0.4, STD).sample(KEY, 64)
        f = lambda x, t, w: exact(process, ((1 + w) * 0.4 + w * 0.1)[:, None])(x, t)

        def error(num_steps: int) -> float:
            loss = latent_consistency_loss(
                KEY,
                f,
                x,
                conditional=teacher(process, 0.4),
                unconditional=teacher(process, -0.1),
                target=f,
                t_min=T_MIN,
                w_min=1.0,
                w_max=3.0,
                num_steps=num_steps,
                position=lambda _, n: jnp.full(n, 0.5),
                solver=solver,
            )
            w = loss.aux["w"]
            assert w.shape == (64,)
            assert 1.0 <= float(w.min()) < 1.3
            assert 2.7 < float(w.max()) <= 3.0
            return np.sqrt(float(loss.value.mean()))

        errors = error(64), error(128)
        assert np.log2(errors[0] / errors[1]) == pytest.approx(order + 1, abs=0.15)


def test_bad_arguments_are_refused():
    x, f = jnp.zeros((2, 2)), lambda x, t: x
    train = functools.partial(consistency_training_loss, KEY, f, x, process=edm(), target=f)
    for t_min in (-0.1, 1.0):
        for refuse in (
            lambda t_min=t_min: consistency_function(f, edm(), t_min=t_min),
            lambda t_min=t_min: multistep(t_min),
            lambda t_min=t_min: lognormal_position(edm(), t_min=t_min),
            lambda t_min=t_min: train(t_min=t_min, num_steps=4),
        ):
            with pytest.raises(ValueError, match=r"t_min must lie in \[0, 1\)"):
                refuse()
    with pytest.raises(ValueError, match="sigma_data must be positive"):
        consistency_function(f, edm(), t_min=0.1, sigma_data=0.0)
    with pytest.raises(ValueError, match="std must be positive"):
        lognormal_position(edm(), t_min=0.1, std=0.0)
    with pytest.raises(ValueError, match="at least 1 step"):
        train(t_min=0.1, num_steps=0)
    with pytest.raises(ValueError, match="steps double from first to last"):
        doubling_steps(0, 100, first=20, last=10)
    with pytest.raises(ValueError, match="total_steps must be at least 1"):
        doubling_steps(0, 0)
    with pytest.raises(ValueError, match="between w_min and w_max"):
        g = lambda x, t, w: x
        null = teacher(edm())
        latent_consistency_loss(
            KEY, g, x, conditional=null, unconditional=null, target=g, t_min=0.1, w_min=3.0, w_max=2.0
        )

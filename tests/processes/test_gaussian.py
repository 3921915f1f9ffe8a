"""Gaussian processes against their definitions: rows, round trips, SDE coefficients, singular ends."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.processes import (
    PREDICTIONS,
    GaussianProcess,
    cosine,
    ddpm,
    edm,
    init_monotone,
    karras_grid,
    learned,
    linear_log_snr,
    log_snr_grid,
    rectified_flow,
    shift_log_snr,
    sigmoid,
    sub_vp,
    trigonometric,
    ve,
    vp,
    zero_terminal_snr,
)

VARIANCE_PRESERVING = {
    "ddpm": ddpm,
    "vp": vp,
    "cosine": cosine,
    "sigmoid": sigmoid,
    "linear_log_snr": linear_log_snr,
    "trigonometric": trigonometric,
    "learned": lambda: learned(init_monotone(jax.random.key(0), hidden=32)),
    "zero_terminal": lambda: zero_terminal_snr(vp()),
    "shifted": lambda: shift_log_snr(cosine(), 3.0),
}
PROCESSES = VARIANCE_PRESERVING | {"sub_vp": sub_vp, "ve": ve, "edm": edm, "rectified_flow": rectified_flow}
PAIRS = list(itertools.product(PREDICTIONS, PREDICTIONS))


@pytest.fixture(params=PROCESSES, scope="module")
def process(request) -> GaussianProcess:
    return PROCESSES[request.param]()


def test_every_prediction_type_becomes_every_other(process):
    with jax.enable_x64(True):
        t = process.time_of(jnp.linspace(9.0, -4.5, 7))  # where the noise is more than rounding
        x0, eps = jax.random.normal(jax.random.key(0), (2, 7, 3), jnp.float64)

        @jax.jit
        def converted(x0, eps, t):
            x_t = process.add_noise(x0, eps, t)
            known = {name: process.target(name, x0, eps, t) for name in PREDICTIONS}
            return known, {pair: process.convert(known[pair[0]], *pair, x_t, t) for pair in PAIRS}

        known, found = converted(x0, eps, t)
        for source, target in PAIRS:
            np.testing.assert_allclose(
                found[source, target], known[target], rtol=1e-9, atol=1e-9, err_msg=f"{source} to {target}"
            )


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_conversion_is_finite_at_singular_ends(process, end):
    x_t, p = jax.random.normal(jax.random.key(0), (2, 4, 3))
    finite = jax.jit(lambda t: {pair: jnp.isfinite(process.convert(p, *pair, x_t, t)).all() for pair in PAIRS})
    assert [pair for pair, value in finite(jnp.array(end)).items() if not value] == []


@pytest.mark.parametrize("x64", [False, True])
def test_data_and_noise_are_read_off_beside_them(process, x64):
    """However slow the path is there: clean data wherever there is noise, the noise wherever there is a signal."""
    with jax.enable_x64(x64):
        dtype = jnp.float64 if x64 else jnp.float32
        x0, eps = jax.random.normal(jax.random.key(0), (2, 40, 3), dtype)
        ends = {"x0": jnp.geomspace(1e-3, 0.02, 40, dtype=dtype), "eps": jnp.linspace(0.9, 0.999, 40, dtype=dtype)}

        @jax.jit
        def found(x0, eps, ends):
            return {
                (source, target): process.convert(
                    process.target(source, x0, eps, t), source, target, process.add_noise(x0, eps, t), t
                )
                for target, t in ends.items()
                for source in PREDICTIONS
            }

        for pair, value in found(x0, eps, ends).items():
            known = {"x0": x0, "eps": eps}[pair[1]]
            np.testing.assert_allclose(value, known, atol=1e-8 if x64 else 1e-3, err_msg=str(pair))


def test_single_precision_keeps_the_ends(process):
    """Signal and noise relative to themselves, however little of them there is."""
    t = np.array([1e-4, 1e-3, 1e-2, 0.5, 0.99, 0.999], np.float32)
    single = [np.asarray(f(jnp.asarray(t))) for f in (process.alpha, process.sigma)]
    with jax.enable_x64(True):
        double = [np.asarray(f(jnp.asarray(t, jnp.float64))) for f in (process.alpha, process.sigma)]
    for found, known in zip(single, double, strict=True):
        np.testing.assert_allclose(found, known, rtol=3e-5)


@pytest.mark.parametrize("betas", [(1e-4, 0.02, 1000), (1e-4, 0.02, 50), (1e-3, 0.5, 20), (0.3, 0.3, 1)])
def test_ddpm_falls_smoothly_between_its_steps(betas):
    """Also where a chain is so short that its first beta is less than what the betas grow by."""
    with jax.enable_x64(True):
        process, steps = ddpm(*betas), betas[2]
        t = jnp.linspace(0.0, 1.0, 40 * steps + 1)
        assert bool((jnp.diff(process.alpha(t)) < 0).all())
        assert bool((process.sigma(t[1:]) > 0).all())
        inner = jnp.arange(1, steps) / steps
        slopes = [jax.vmap(jax.grad(process.alpha))(inner + side) for side in (-1e-10, 1e-10)]
        np.testing.assert_allclose(*slopes, rtol=1e-5)


@pytest.mark.parametrize("source", ["velocity", "v"])
def test_rectified_flow_ends_are_exact_for_types_that_determine_both(source):
    process = rectified_flow()
    x0, eps = jax.random.normal(jax.random.key(0), (2, 5, 3))
    for end, x_t in ((0.0, x0), (1.0, eps)):
        t = jnp.array(end)
        given = process.target(source, x0, eps, t)
        np.testing.assert_allclose(process.convert(given, source, "x0", x_t, t), x0, atol=1e-6)
        np.testing.assert_allclose(process.convert(given, source, "eps", x_t, t), eps, atol=1e-6)


def test_path_starts_at_data_and_ends_in_noise(process):
    """Up to the tenth of the signal that VDM's schedule leaves at its end."""
    first, last = (process.log_snr(jnp.array(end)) for end in (0.0, 1.0))
    assert process.alpha(jnp.array(0.0)) == pytest.approx(1.0, abs=1e-3)
    assert process.sigma(jnp.array(0.0)) == pytest.approx(0.0, abs=2e-2)
    assert first > 6.0
    assert last < -4.9
    assert bool((jnp.diff(process.log_snr(jnp.linspace(1e-3, 1 - 1e-3, 200))) < 0).all())


def test_time_is_found_from_log_snr(process):
    with jax.enable_x64(True):
        t = jnp.linspace(0.01, 0.99, 23)
        np.testing.assert_allclose(process.time_of(process.log_snr(t)), t, rtol=1e-9)
        assert process.time_of(jnp.array(-jnp.inf)) == pytest.approx(1.0)
        assert not process.sigma(process.time_of(jnp.array(jnp.inf))) > process.sigma(jnp.array(1e-30))


@pytest.mark.parametrize("name", VARIANCE_PRESERVING)
def test_variance_is_preserved(name):
    t = jnp.linspace(0, 1, 11)
    process = PROCESSES[name]()
    np.testing.assert_allclose(process.alpha(t) ** 2 + process.sigma(t) ** 2, jnp.ones(11), rtol=1e-6)


def test_forward_sde_carries_mean_and_variance(process):
    """The linear SDE's moments obey m' = f m and v' = 2 f v + g^2; alpha and sigma^2 must be their solution."""
    with jax.enable_x64(True):
        h = 1e-7

        @jax.jit
        def moments(t):
            f = process.drift(jnp.ones((19, 1)), t)[:, 0]
            alpha_dot = (process.alpha(t + h) - process.alpha(t - h)) / (2 * h)
            variance_dot = (process.sigma(t + h) ** 2 - process.sigma(t - h) ** 2) / (2 * h)
            variance_flow = 2 * f * process.sigma(t) ** 2 + process.diffusion(t) ** 2
            return f * process.alpha(t), alpha_dot, variance_flow, variance_dot

        mean_flow, alpha_dot, variance_flow, variance_dot = moments(np.linspace(0.05, 0.95, 19) + 1e-5)
        np.testing.assert_allclose(mean_flow, alpha_dot, rtol=1e-5, atol=1e-9)  # rounding over h
        np.testing.assert_allclose(variance_flow, variance_dot, rtol=1e-5, atol=1e-8)


def test_vp_sde_has_its_beta():
    """Song et al. 2021, eq. 11: dx = -beta/2 x dt + sqrt(beta) dw."""
    with jax.enable_x64(True):
        t = jnp.linspace(0.0, 1.0, 9)
        beta = 0.1 + t * (20.0 - 0.1)
        process = vp(0.1, 20.0)
        np.testing.assert_allclose(process.drift(jnp.ones((9, 1)), t)[:, 0], -0.5 * beta, rtol=1e-9)
        np.testing.assert_allclose(process.diffusion(t), jnp.sqrt(beta), rtol=1e-3)


def test_sub_vp_sde_has_its_diffusion():
    """Song et al. 2021, eq. 29: g^2 = beta (1 - exp(-2 int beta)), with the drift of VP."""
    with jax.enable_x64(True):
        t = jnp.linspace(0.1, 1.0, 9)
        beta, integral = 0.1 + t * 19.9, 0.1 * t + 0.5 * t**2 * 19.9
        np.testing.assert_allclose(sub_vp().diffusion(t) ** 2, beta * (1 - jnp.exp(-2 * integral)), rtol=1e-9)
        np.testing.assert_allclose(sub_vp().drift(jnp.ones((9, 1)), t)[:, 0], -0.5 * beta, rtol=1e-9)


def test_ve_sde_has_its_diffusion():
    """Song et al. 2021, eq. 30: g = sigma sqrt(2 log(sigma_max / sigma_min)), no drift."""
    with jax.enable_x64(True):
        t, process = jnp.linspace(0.1, 1.0, 9), ve(0.01, 50.0)
        np.testing.assert_allclose(process.diffusion(t), process.sigma(t) * np.sqrt(2 * np.log(5000.0)), rtol=1e-9)
        np.testing.assert_array_equal(process.drift(jnp.ones((9, 1)), t), jnp.zeros((9, 1)))


@pytest.mark.parametrize("make", [edm, vp, lambda: linear_log_snr(-10.0, 14.0)])
def test_karras_grid_is_the_paper_s_on_any_process(make):
    """Karras et al. 2022, eq. 5, levels read back as sigma / alpha."""
    with jax.enable_x64(True):
        n, low, high, rho, process = 9, 0.002, 80.0, 7.0, make()
        grid = karras_grid(process, n)
        levels = (high ** (1 / rho) + np.arange(n) / (n - 1) * (low ** (1 / rho) - high ** (1 / rho))) ** rho
        np.testing.assert_allclose(
            process.sigma(grid) / process.alpha(grid), np.append(levels, 0.0)[: n + 1], atol=2e-3
        )
        np.testing.assert_allclose((process.sigma(grid) / process.alpha(grid))[:-1], levels, rtol=1e-8)
        assert grid[-1] == 0.0


def test_edm_time_makes_karras_levels_even():
    np.testing.assert_allclose(np.diff(karras_grid(edm(), 12)[:-1], n=2), np.zeros(10), atol=1e-6)


def test_karras_grid_stays_within_the_process():
    grid = karras_grid(ve(0.01, 50.0), 6)
    assert grid[0] == pytest.approx(1.0)
    assert bool((jnp.diff(grid) < 0).all())


def test_log_snr_grid_is_even_in_log_snr(process):
    with jax.enable_x64(True):
        grid = log_snr_grid(process, 8, start=0.99, end=0.01)
        steps = jnp.diff(process.log_snr(grid))
        np.testing.assert_allclose(steps, jnp.full(8, steps.mean()), rtol=1e-8)
        np.testing.assert_allclose(grid[jnp.array([0, -1])], jnp.array([0.99, 0.01]), rtol=1e-12)


def test_zero_terminal_snr_is_the_paper_s_rescaling():
    """Lin et al. 2024, algorithm 1, on the square roots of the cumulative products, whose first is kept."""
    with jax.enable_x64(True):
        table = np.sqrt(np.cumprod(1 - np.linspace(1e-4, 0.02, 1000)))
        table = np.concatenate([[1.0], table])
        expected = (table - table[-1]) * table[0] / (table[0] - table[-1])
        process, t = zero_terminal_snr(ddpm()), jnp.arange(1001) / 1000
        np.testing.assert_allclose(process.alpha(t), expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(process.sigma(t), np.sqrt(1 - expected**2), rtol=1e-7, atol=1e-7)
        assert process.alpha(jnp.array(1.0)) == 0.0


def test_shift_moves_the_log_snr():
    t = jnp.linspace(0.1, 0.9, 9)
    for base in (cosine(), rectified_flow(), edm()):
        np.testing.assert_allclose(
            shift_log_snr(base, 4.0).log_snr(t), base.log_snr(t) - 2 * np.log(4.0), rtol=1e-5, atol=1e-5
        )


def test_sigmoid_schedule_is_the_paper_s_inside_its_bounds():
    t = jnp.linspace(0.05, 0.95, 10)
    logistic = lambda u: 1 / (1 + np.exp(-u))
    expected = (logistic(3.0) - logistic(-3.0 + 6.0 * np.asarray(t))) / (logistic(3.0) - logistic(-3.0))
    np.testing.assert_allclose(sigmoid().alpha(t) ** 2, expected, atol=1e-5)
    ends = sigmoid(log_snr_min=-9.0, log_snr_max=11.0).log_snr(jnp.array([0.0, 1.0]))
    np.testing.assert_allclose(ends, jnp.array([11.0, -9.0]), atol=1e-2)


def test_learned_schedule_is_monotone_and_keeps_its_ends():
    params = init_monotone(jax.random.key(3), log_snr_min=-6.0, log_snr_max=9.0, hidden=64)
    params = jax.tree.map(lambda p: p + 0.0, params)._replace(third=3.0 * params.third)
    log_snr = learned(params).log_snr(jnp.linspace(0.0, 1.0, 50))
    np.testing.assert_allclose(log_snr[jnp.array([0, -1])], jnp.array([9.0, -6.0]), atol=1e-4)
    assert bool((jnp.diff(log_snr) < 0).all())
    middle = lambda params: learned(params).log_snr(jnp.array(0.4))
    assert all(bool((g != 0).any()) for g in jax.tree.leaves(jax.grad(middle)(params)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: shift_log_snr(vp(), 0.0), "factor must be positive"),
        (lambda: vp(-1.0), "0 <= beta_min <= beta_max"),
        (lambda: sub_vp(2.0, 1.0), "0 <= beta_min <= beta_max"),
        (lambda: ddpm(0.0), "0 < beta_start"),
        (lambda: linear_log_snr(3.0, 3.0), "log_snr_min < log_snr_max"),
        (lambda: sigmoid(tau=0.0), "positive tau"),
        (lambda: ve(0.0), "0 < sigma_min < sigma_max"),
        (lambda: edm(-80.0), "positive sigma_max"),
        (lambda: log_snr_grid(rectified_flow(), 4), "the log-SNR is -inf at start=1.0"),
        (lambda: log_snr_grid(vp(), 0), "at least 1 step"),
        (lambda: log_snr_grid(vp(), 4, start=0.5, end=0.6), "start=0.5, end=0.6"),
        (lambda: karras_grid(vp(), 1), "at least 2 steps"),
        (lambda: karras_grid(vp(), 4, sigma_min=0.0), "0 < sigma_min < sigma_max"),
    ],
)
def test_bad_arguments_are_one_line(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_ddpm_table_is_the_product_of_the_paper():
    with jax.enable_x64(True):
        betas = np.linspace(1e-4, 0.02, 1000)
        t = jnp.arange(1, 1001) / 1000
        np.testing.assert_allclose(ddpm().alpha(t) ** 2, np.cumprod(1 - betas), rtol=1e-10)


def test_ddpm_approaches_vp():
    """1000 steps of beta_i = beta(t)/1000 are the SDE's discretisation (Song et al. 2021, app. B)."""
    t = jnp.linspace(0.1, 1.0, 10)
    np.testing.assert_allclose(ddpm().log_snr(t), vp().log_snr(t), atol=0.15)


def test_cosine_log_snr_is_bounded_and_has_its_form():
    t = jnp.array([0.0, 0.5, 1.0])
    np.testing.assert_allclose(cosine(-12.0, 12.0).log_snr(t), jnp.array([12.0, 0.0, -12.0]), atol=1e-3)


def test_unknown_prediction_type_is_named():
    with pytest.raises(ValueError, match=r"'noise'.*x0, eps, v, score, velocity"):
        rectified_flow().row("noise", jnp.array(0.5))


def test_which_predictions_can_be_converted_at_singular_ends():
    """Beside pure data a prediction of the data says nothing of the noise; beside pure noise it is the other way."""
    t = jnp.array([0.0, 0.5, 1.0])
    expected = {"x0": (False, True, True), "eps": (True, True, False), "score": (True, True, False)}
    for prediction in PREDICTIONS:
        possible = rectified_flow().can_convert(prediction, t)
        assert tuple(possible.tolist()) == expected.get(prediction, (True, True, True)), prediction
    assert bool(edm().can_convert("eps", jnp.ones(())))


def test_prior_has_the_last_variance():
    x = rectified_flow().sample_prior(jax.random.key(0), (20_000,))
    assert float(x.std()) == pytest.approx(1.0, abs=0.02)


def test_process_is_a_pytree_of_its_parameters():
    leaves = jax.tree.leaves(vp(0.1, 20.0))
    assert leaves == [0.1, 20.0]
    gradient = jax.grad(lambda process: process.log_snr(jnp.array(0.5)))(vp(0.1, 20.0))
    assert all(np.isfinite(g) and g != 0 for g in jax.tree.leaves(gradient))

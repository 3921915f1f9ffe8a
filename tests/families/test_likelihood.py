"""The probability flow's likelihood against closed-form densities; bytes against probabilities that sum to one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import Mixture, two_moons_like
from jax.scipy.stats import norm

from genjax_models.core.dequantization import dequantized_log_prob, uniform_offset
from genjax_models.core.likelihood import bits_per_dim, elbo
from genjax_models.families.diffusion.likelihood import decode, encode, log_prob
from genjax_models.processes import (
    PREDICTIONS,
    Denoiser,
    GaussianProcess,
    cosine,
    ddpm,
    edm,
    init_monotone,
    learned,
    linear_log_snr,
    rectified_flow,
    shift_log_snr,
    sigmoid,
    sub_vp,
    trigonometric,
    ve,
    vp,
    zero_terminal_snr,
)

# Processes whose signal at t = 1 is below 1e-3 of the noise, so that the prior is the data's own law there within 0.01
# nats; each with another prediction type, and with the ends it needs.
ROWS = {
    "ddpm": (lambda: ddpm(1e-4, 0.04), "eps", {}),
    "vp": (lambda: vp(0.1, 40.0), "score", {}),
    "sub_vp": (lambda: sub_vp(0.1, 40.0), "x0", {}),
    "cosine": (cosine, "v", {}),
    "linear_log_snr": (lambda: linear_log_snr(-15.0, 8.0), "velocity", {}),
    "trigonometric": (trigonometric, "velocity", {"t_min": 0.0}),
    "rectified_flow": (rectified_flow, "x0", {}),
    "ve": (lambda: ve(0.01, 2000.0), "x0", {}),
    "edm": (lambda: edm(2000.0), "eps", {}),
    "learned": (lambda: learned(init_monotone(jax.random.key(3), log_snr_min=-15.0, hidden=8)), "v", {"t_min": 0.0}),
}
MORE = {
    "sigmoid": (sigmoid,),
    "zero_terminal_snr": (lambda: zero_terminal_snr(ddpm(1e-4, 0.04)),),
    "shift_log_snr": (lambda: shift_log_snr(cosine(), 2.0),),
}


def density(data: Mixture, process: GaussianProcess, x: jax.Array, t: jax.Array) -> jax.Array:
    """log p_t(x) of the mixture under the process, in closed form."""
    std = jnp.sqrt((process.alpha(t) * data.stds) ** 2 + process.sigma(t) ** 2)
    parts = norm.logpdf((x[:, None, :] - process.alpha(t) * data.means[None]) / std[None, :, None]).sum(-1)
    return jax.nn.logsumexp(parts + (jnp.log(data.weights) - x.shape[1] * jnp.log(std))[None], axis=1)


def exact(data: Mixture, process: GaussianProcess, prediction: str = "x0") -> Denoiser:
    """The exact denoiser, speaking in the given prediction type."""
    x0 = data.denoiser(process)
    model = lambda x, t: process.convert(x0(x, t), "x0", prediction, x, t)
    return Denoiser(process, model, prediction)


def compiled(denoiser: Denoiser, x: jax.Array, **options) -> tuple[jax.Array, jax.Array | None, jax.Array]:
    """`log_prob` under jit: its value, stderr and evaluations."""

    def run(x):
        likelihood, nfe = log_prob(jax.random.key(1), denoiser, x, **options)
        assert likelihood.kind == "ode"
        return likelihood.value, likelihood.stderr, nfe

    return jax.jit(run)(x)


@pytest.mark.parametrize("row", ROWS)
def test_log_prob_is_the_closed_form(row):
    assert_closed_form(*ROWS[row])


@pytest.mark.slow
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("row", ROWS | MORE)
def test_log_prob_is_the_closed_form_of_every_process_and_prediction(row, prediction):
    """Where a type cannot be converted at t = 1, the prior sits where the noise is a thousand times the signal."""
    with jax.enable_x64(True):
        make = (ROWS | MORE)[row][0]
        process = make()
        convertible = bool(process.can_convert(prediction, jnp.array(1.0)))
        ends = {} if convertible else {"t_max": float(process.time_of(jnp.array(-2 * np.log(1e3))))}
    assert_closed_form(make, prediction, ends)


def assert_closed_form(make, prediction, ends):
    with jax.enable_x64(True):
        process, data = make(), two_moons_like()
        x = jax.jit(data.sample, static_argnums=1)(jax.random.key(0), 12)
        t_min = jnp.asarray(ends["t_min"]) if "t_min" in ends else process.time_of(jnp.array(2 * np.log(1e3)))
        value, stderr, nfe = compiled(exact(data, process, prediction), x, rtol=1e-7, atol=1e-7, **ends)
        assert stderr is None
        assert int(nfe) > 10
        # 0.01 for the prior, as above; the solver's error is far below it.
        truth = jax.jit(lambda x, t: density(data, process, x, t))(x, t_min)
        np.testing.assert_allclose(value, truth, atol=0.01)


def test_default_settings_in_float32_hold_a_hundredth_of_a_nat():
    process, data = vp(0.1, 40.0), two_moons_like()
    x = jax.jit(data.sample, static_argnums=1)(jax.random.key(0), 64)
    value, _, _ = compiled(exact(data, process, "eps"), x)
    t_min = process.time_of(jnp.array(2 * np.log(1e3)))
    np.testing.assert_allclose(value, density(data, process, x, t_min), atol=0.02)


def test_density_integrates_to_one():
    """The midpoint rule on a 2-D mixture; its error falls like a Gaussian in spacing/std, here 0.06/0.1."""
    process, data = rectified_flow(), two_moons_like()
    axis = jnp.arange(-1.65, 1.65, 0.06)
    x = jnp.stack(jnp.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    value, _, _ = compiled(exact(data, process), x, rtol=1e-4, atol=1e-4)
    assert float(jnp.exp(value).sum() * 0.06**2) == pytest.approx(1.0, abs=2e-3)


def test_hutchinson_agrees_with_the_exact_trace_within_its_stderr():
    process, data = rectified_flow(), two_moons_like()
    x = jax.jit(data.sample, static_argnums=1)(jax.random.key(0), 64)
    truth, _, _ = compiled(exact(data, process), x)
    for noise in (jax.random.rademacher, jax.random.normal):
        estimate, stderr, _ = compiled(exact(data, process), x, probes=64, noise=noise)
        assert stderr.shape == (64,)
        assert bool((stderr > 0).all())
        z = (estimate - truth) / stderr
        assert float((z**2).mean()) == pytest.approx(1.0, abs=4 * np.sqrt(2.2 / 64))  # 2.2: variance of t(63) squared


def test_encode_and_decode_are_inverse_and_encode_gives_the_prior():
    process, data = vp(0.1, 40.0), two_moons_like()
    denoiser, x = exact(data, process, "v"), data.sample(jax.random.key(0), 2000)
    z, _ = jax.jit(lambda x: encode(denoiser, x))(x)
    back, _ = jax.jit(lambda z: decode(denoiser, z))(z)
    np.testing.assert_allclose(back, x, atol=2e-3)
    np.testing.assert_allclose(z.mean(0), jnp.zeros(2), atol=4 / np.sqrt(2000))
    np.testing.assert_allclose(jnp.cov(z.T), jnp.eye(2), atol=4 * np.sqrt(2 / 2000))


def test_the_chain_of_ddpm_is_as_smooth_as_its_limit():
    """Its log alpha is a table; the solver must not notice."""
    x = two_moons_like().sample(jax.random.key(0), 8)
    evaluations = [
        int(compiled(exact(two_moons_like(), process, "eps"), x, rtol=1e-4, atol=1e-4)[2]) for process in (ddpm(), vp())
    ]
    assert evaluations[0] <= 1.2 * evaluations[1]


def test_the_flow_ends_where_the_prediction_can_be_converted():
    """Without signal at t = 1 the prior of predicted noise sits lower, with the noise that there is."""
    data, process = two_moons_like(), rectified_flow()
    with jax.enable_x64(True):
        ends = {"t_max": 0.95, "rtol": 1e-7, "atol": 1e-7}
        denoiser, z = exact(data, process, "eps"), 0.95 * jax.random.normal(jax.random.key(0), (6, 2))
        flat = lambda z: decode(denoiser, z[None], **ends).x[0]
        x, matrix = jax.jit(jax.vmap(lambda z: (flat(z), jax.jacrev(flat)(z))))(z)
        value, _, _ = compiled(denoiser, x, **ends)
        known = norm.logpdf(z, scale=0.95).sum(1) - jnp.linalg.slogdet(matrix)[1]
        np.testing.assert_allclose(value, known, atol=1e-5)


@pytest.mark.parametrize(
    ("prediction", "end", "message"),
    [("eps", {}, "'eps' has no velocity at t_max=1"), ("x0", {"t_min": 0.0}, "'x0' has no velocity at t_min=0")],
)
def test_a_flow_that_ends_where_it_cannot_is_refused(prediction, end, message):
    denoiser = exact(two_moons_like(), rectified_flow(), prediction)
    with pytest.raises(ValueError, match=message):
        jax.jit(lambda x: log_prob(jax.random.key(0), denoiser, x, **end))(jnp.zeros((2, 2)))


def test_one_probe_does_not_know_its_error():
    process, data = rectified_flow(), two_moons_like()
    value, stderr, _ = compiled(exact(data, process), jnp.zeros((2, 2)), probes=1, rtol=1e-2, atol=1e-2)
    assert bool(jnp.isfinite(value).all())
    assert bool(jnp.isnan(stderr).all())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"probes": 0}, "at least 1 probe"),
        ({"t_min": 0.6, "t_max": 0.5}, "t_min < t_max"),
        ({"t_max": 1.5}, "t_max <= 1"),
        ({"t_min": -0.1}, "0 <= t_min"),
        ({"rtol": 0.0}, "tolerances must be positive"),
    ],
)
def test_misuse_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        log_prob(jax.random.key(0), exact(two_moons_like(), vp()), jnp.zeros((2, 2)), **options)


def test_uniform_density_costs_eight_bits():
    """p = 2^-D on [-1, 1]^D gives each byte 1/256, whatever the draw."""
    x = jax.random.randint(jax.random.key(0), (5, 4, 3), 0, 256).astype(jnp.uint8)
    flat = lambda key, x: jnp.full(x.shape[0], -12 * np.log(2.0)) + 0.0 * x.sum((1, 2))
    value = dequantized_log_prob(jax.random.key(1), flat, x)
    np.testing.assert_allclose(bits_per_dim(value, 12), jnp.full(5, 8.0), rtol=1e-6)


def test_offsets_stay_in_their_byte():
    u, log_q = uniform_offset(jax.random.key(0), jnp.full((64, 1000), 255, jnp.uint8))
    assert float(u.min()) >= 0.0
    assert float(u.max()) < 1.0
    assert float(u.mean()) == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / 64_000))
    np.testing.assert_array_equal(log_q, jnp.zeros(64))


def slanted(key: jax.Array, x: jax.Array) -> jax.Array:
    """p(x) = (1 + 0.9 x)/2 on [-1, 1], independent axes."""
    del key
    return jnp.log(0.5 * (1 + 0.9 * x)).sum(-1)


def byte_mass(b: np.ndarray) -> np.ndarray:
    """Its exact mass of a byte: the integral of a line."""
    low = b / 128 - 1
    return 0.5 * (1 / 128 + 0.45 * ((low + 1 / 128) ** 2 - low**2))


def test_dequantisation_bounds_the_probability_of_bytes():
    b = np.arange(256)
    assert byte_mass(b).sum() == pytest.approx(1.0, rel=1e-9)
    x = jnp.asarray(b, jnp.uint8)[:, None]
    likelihood = elbo(jax.random.key(0), lambda key: dequantized_log_prob(key, slanted, x), samples=256)
    # Jensen's gap is half the variance of log p within the byte, least digits included.
    low = b / 128 - 1
    gap = (
        np.log(byte_mass(b))
        - np.array([np.log(0.5 * (1 + 0.9 * (v + (np.arange(4000) + 0.5) / 4000 / 128))).mean() for v in low])
        + np.log(128)
    )
    assert (gap > 0).all()
    z = (np.asarray(likelihood.value) - (np.log(byte_mass(b)) - gap)) / np.maximum(likelihood.stderr, 1e-7)
    assert np.abs(z).max() < 5.0


def test_the_best_dequantiser_makes_it_exact():
    """q(u | b) = p(x)/(128 P(b)), drawn by its inverse distribution function, for every single draw."""
    with jax.enable_x64(True):
        b = jnp.arange(256)
        x = b.astype(jnp.uint8)[:, None]
        mass = jnp.asarray(byte_mass(np.arange(256)))[:, None]

        def best(key, x):
            low = x / 128 - 1
            target = jax.random.uniform(key, x.shape) * mass  # of 0.5 (w + 0.45 ((low + w)^2 - low^2)), w = u/128
            slope, curve = 0.5 * (1 + 0.9 * low), 0.225
            w = 2 * target / (slope + jnp.sqrt(slope**2 + 4 * curve * target))
            return 128 * w, jnp.log(0.5 * (1 + 0.9 * (low + w)) / 128 / mass).sum(-1)

        value = dequantized_log_prob(jax.random.key(0), slanted, x, dequantizer=best)
        np.testing.assert_allclose(value, jnp.log(mass[:, 0]), rtol=1e-9)


def test_only_bytes_are_dequantised():
    with pytest.raises(TypeError, match="uint8 bytes, got float32"):
        dequantized_log_prob(jax.random.key(0), slanted, jnp.zeros((2, 3)))


def test_elbo_averages_draws_and_says_how_well():
    draws = elbo(jax.random.key(0), lambda key: 3.0 + 2.0 * jax.random.normal(key, (500,)), samples=400)
    assert draws.kind == "elbo"
    np.testing.assert_allclose(draws.stderr, jnp.full(500, 0.1), rtol=0.2)
    assert float(((draws.value - 3.0) / draws.stderr).std()) == pytest.approx(1.0, abs=4 / np.sqrt(2 * 500))
    with pytest.raises(ValueError, match="at least 1 sample"):
        elbo(jax.random.key(0), lambda key: jnp.zeros(2), samples=0)

"""The variational bound against closed forms, its invariance to the schedule, and the schedule's own gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact import gaussian

from genjax_models.core.likelihood import bits_per_dim, elbo
from genjax_models.families.diffusion.vdm import decoder_log_prob, pinned, prior_kl, vdm_loss
from genjax_models.processes import (
    PREDICTIONS,
    Denoiser,
    cosine,
    init_monotone,
    learned,
    linear_log_snr,
    shift_log_snr,
    sigmoid,
    ve,
)

LOW, HIGH, STD, DIM = -6.0, 7.0, 0.5, 4
PROCESSES = {
    "linear": lambda: linear_log_snr(LOW, HIGH),
    "cosine": lambda: cosine(LOW, HIGH),
    "sigmoid": lambda: sigmoid(log_snr_min=LOW, log_snr_max=HIGH),
    "learned": lambda: learned(monotone()),
    "ve": lambda: ve(float(np.exp(-HIGH / 2)), float(np.exp(-LOW / 2))),
    "shifted": lambda: shift_log_snr(linear_log_snr(LOW + 2, HIGH + 2), float(np.e)),
}


def monotone(seed: int = 3, hidden: int = 16):
    """A schedule far from linear."""
    params = init_monotone(jax.random.key(seed), log_snr_min=LOW, log_snr_max=HIGH, hidden=hidden)
    return params._replace(third=params.third + 5.0)


def exact(process, prediction="eps", std=STD, mean=0.0):
    data = gaussian(mean, std, DIM)
    return lambda x, t: process.convert(data.denoiser(process)(x, t), "x0", prediction, x, t)


def information(std: float, low: float, high: float) -> float:
    r"""$\frac12\int s^2 e^\lambda/(1 + s^2 e^\lambda)\,d\lambda$ an axis, in closed form."""
    return 0.5 * (np.log1p(std**2 * np.exp(high)) - np.log1p(std**2 * np.exp(low)))


@pytest.mark.parametrize("name", PROCESSES)
def test_diffusion_term_is_the_information_and_knows_only_the_ends(name):
    """I-MMSE: with the exact model of N(0, s^2) it is I(x; z_0) - I(x; z_1), on every schedule."""
    process = PROCESSES[name]()
    n = 20_000
    x = gaussian(0.0, STD, DIM).sample(jax.random.key(0), n)
    loss = jax.jit(lambda x: vdm_loss(jax.random.key(1), exact(process), x, process=process))(x)
    term = loss.aux["diffusion"]
    assert loss.value.shape == (n,)
    assert float(term.mean()) == pytest.approx(
        DIM * information(STD, LOW, HIGH), abs=4 * float(term.std()) / np.sqrt(n)
    )
    np.testing.assert_allclose(loss.value, sum(loss.aux.values()), rtol=1e-5)


@pytest.mark.slow
def test_discrete_model_has_its_sum_and_falls_to_the_continuous():
    r"""$L_T = \frac12 \sum_i (e^{\gamma_i - \gamma_{i-1}} - 1)\,\mathrm{mmse}(\gamma_i)$ per axis (eq. 14)."""
    process, n = linear_log_snr(LOW, HIGH), 20_000
    x = gaussian(0.0, STD, DIM).sample(jax.random.key(0), n)
    closed = []
    for steps in (1, 4, 32):
        snr = np.exp(np.linspace(HIGH, LOW, steps + 1))
        mmse = STD**2 * snr[1:] / (1 + STD**2 * snr[1:])
        closed.append(DIM * 0.5 * float(((snr[:-1] / snr[1:] - 1) * mmse).sum()))
        term = vdm_loss(jax.random.key(1), exact(process), x, process=process, num_steps=steps).aux["diffusion"]
        assert float(term.mean()) == pytest.approx(closed[-1], abs=4 * float(term.std()) / np.sqrt(n))
    assert closed[0] > closed[1] > closed[2] > DIM * information(STD, LOW, HIGH)


def test_the_bound_does_not_depend_on_the_prediction_type():
    process = cosine(LOW, HIGH)
    x = gaussian(0.2, STD, DIM).sample(jax.random.key(0), 16)

    @jax.jit
    def losses(x):
        run = lambda p: vdm_loss(jax.random.key(1), exact(process, p, mean=0.2), x, process=process, prediction=p)
        return [run(p).value for p in PREDICTIONS]

    losses = losses(x)
    for loss in losses[1:]:
        np.testing.assert_allclose(loss, losses[0], rtol=2e-3)


def test_prior_is_the_kl_of_two_normals():
    """Of N(alpha x, sigma^2) from N(0, sigma^2), summed: (alpha x / sigma)^2 / 2."""
    x = jax.random.normal(jax.random.key(0), (5, 3))
    np.testing.assert_allclose(prior_kl(linear_log_snr(-2.0, 5.0), x), 0.5 * np.exp(-2.0) * (x**2).sum(1), rtol=1e-4)


@pytest.mark.parametrize("log_snr", [2.0, 9.0, 14.0])
def test_the_decoder_sums_to_one_over_bytes_and_follows_bayes(log_snr):
    """P(x | z_0) for one z_0 and all 256 values of x, each told by the noise that leads from it to z_0."""
    with jax.enable_x64(True):
        process = linear_log_snr(-5.0, log_snr)
        middles = (jnp.arange(256) + 0.5) / 128 - 1
        zero = jnp.zeros(())
        z = 0.3 * process.alpha(zero) + 0.7 * process.sigma(zero)
        eps = (z - process.alpha(zero) * middles) / process.sigma(zero)
        log_p = jax.jit(lambda eps: decoder_log_prob(process, middles[:, None], eps))(eps[:, None])
        assert float(jnp.exp(log_p).sum()) == pytest.approx(1.0, rel=1e-9)
        np.testing.assert_allclose(log_p - log_p.max(), -0.5 * (eps**2 - (eps**2).min()), atol=1e-9)


def test_elbo_of_uniform_bytes_is_the_normals_cross_entropy():
    """The exact model of N(0, 1/3), on bytes of these moments: log2(256) and the negentropy of the uniform law.

    At t = 0 the noise is 1.4 bytes wide: enough for the decoder to be Bayes' rule, whence no gap, but for the bytes
    near the two ends, fewer than 2 in 100, where it costs less than half a bit.
    """
    process, n = linear_log_snr(-10.0, 9.0), 4096
    middles = (jnp.arange(256, dtype=jnp.float32) + 0.5) / 128 - 1
    x = middles[jax.random.randint(jax.random.key(0), (n, DIM), 0, 256)]
    model = exact(process, std=float(np.sqrt(1 / 3)))
    bound = elbo(jax.random.key(1), lambda key: -vdm_loss(key, model, x, process=process).value, samples=16)
    bits = np.asarray(bits_per_dim(bound.value, DIM))
    assert bits.mean() == pytest.approx(8 + 0.5 * np.log2(2 * np.pi * np.e / 12), abs=4 * float(bits.std()) / 64 + 0.01)
    assert bound.stderr.shape == (n,)


@jax.jit
def objectives(params, key, x):
    """Values and gradients: of the squared diffusion term with all that sees the schedule moving, of the surrogate, of
    the plain bound."""

    def squared(params):
        process = learned(params)
        return (vdm_loss(key, exact(process), x, process=process).aux["diffusion"] ** 2).mean()

    def surrogate(params):
        process, schedule = pinned(params)
        return vdm_loss(key, exact(process), x, process=process, schedule=schedule).value.mean()

    def bound(params):
        process = learned(params)
        return vdm_loss(key, exact(process), x, process=process).value.mean()

    return [jax.value_and_grad(f)(params) for f in (squared, surrogate, bound)]


@pytest.mark.slow
def test_the_schedule_receives_the_gradient_of_the_square_and_the_ends_that_of_the_bound():
    with jax.enable_x64(True):
        params, key = monotone(hidden=4), jax.random.key(1)
        x = gaussian(0.0, STD, DIM).sample(jax.random.key(0), 64)
        (_, of_square), (value, ours), (plain, of_bound) = objectives(params, key, x)
        assert float(value) == pytest.approx(float(plain), rel=1e-12)
        np.testing.assert_allclose(ours.ends, of_bound.ends, rtol=1e-8)
        for mine, theirs in zip(ours[1:], of_square[1:], strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-8)
        # and the square's own gradient by finite differences, along one direction of the inner parameters
        direction = params._replace(ends=jnp.zeros(2), first=jnp.array([0.3, -0.2]), second=0.1 * params.second)
        moved = lambda h: objectives(jax.tree.map(lambda p, d: p + h * d, params, direction), key, x)[0][0]
        difference = (moved(1e-5) - moved(-1e-5)) / 2e-5
        along = sum(float((g * d).sum()) for g, d in zip(ours, direction, strict=True))
        assert along == pytest.approx(float(difference), rel=1e-5)


def test_a_network_that_sees_only_the_time_counts_as_one_of_the_noise_level():
    """The gradient is of L^2 for eps_hat(x, gamma), whichever way the network is told gamma."""
    with jax.enable_x64(True):
        params, key = monotone(hidden=4), jax.random.key(1)
        x = gaussian(0.0, STD, DIM).sample(jax.random.key(0), 32)
        by_level = lambda x, gamma: 0.5 * jnp.tanh(x * jnp.exp(0.1 * gamma))
        start = learned(params)

        def of_time(x, t):
            return by_level(x, -start.log_snr(t)[:, None])  # knows the schedule as it was, and the time

        def squared(params):
            process = learned(params)
            model = lambda x, t: by_level(x, -process.log_snr(t)[:, None])
            return (vdm_loss(key, model, x, process=process).aux["diffusion"] ** 2).mean()

        def surrogate(params):
            process, schedule = pinned(params)
            return vdm_loss(key, of_time, x, process=process, schedule=schedule).value.mean()

        ours, theirs = jax.jit(lambda params: (jax.grad(surrogate)(params), jax.grad(squared)(params)))(params)
        for mine, other in zip(ours[1:], theirs[1:], strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-8)


def test_following_it_lowers_the_variance_and_not_the_bound():
    params = monotone(hidden=8)
    x = gaussian(0.0, STD, DIM).sample(jax.random.key(0), 512)

    @jax.jit
    def step(params, key):
        def surrogate(params):
            process, schedule = pinned(params)
            return vdm_loss(key, exact(process), x, process=process, schedule=schedule).value.mean()

        gradient = jax.grad(surrogate)(params)
        size = jnp.sqrt(sum(jnp.vdot(g, g) for g in gradient[1:]))
        return params._replace(
            **{k: getattr(params, k) - 0.05 * getattr(gradient, k) / size for k in params._fields[1:]}
        )

    @jax.jit
    def term(params):
        process = learned(params)
        many = jnp.tile(x, (16, 1))
        return vdm_loss(jax.random.key(9), exact(process), many, process=process).aux["diffusion"]

    before = term(params)
    for i in range(150):
        params = step(params, jax.random.key(i))
    after = term(params)
    assert float(after.var()) < 0.8 * float(before.var())
    assert float(after.mean()) == pytest.approx(float(before.mean()), abs=4 * float(before.std()) / np.sqrt(512))


def test_misuse_is_named():
    x, process = jnp.zeros((2, 3)), cosine()
    with pytest.raises(ValueError, match="at least 1 step"):
        vdm_loss(jax.random.key(0), lambda x, t: x, x, process=process, num_steps=0)
    with pytest.raises(ValueError, match="in continuous time only"):
        vdm_loss(jax.random.key(0), lambda x, t: x, x, process=process, schedule=process, num_steps=10)
    with pytest.raises(ValueError, match="unknown prediction type"):
        vdm_loss(jax.random.key(0), lambda x, t: x, x, process=process, prediction="noise")


def test_denoiser_of_the_same_model_samples():
    """What the loss trains is what `Denoiser` runs: the exact model's noise at a known level."""
    process = cosine(LOW, HIGH)
    x, t = jax.random.normal(jax.random.key(0), (6, DIM)), jnp.full(6, 0.4)
    eps = Denoiser(process, exact(process), "eps")(x, t, "eps")
    alpha, sigma = process.alpha(t[0]), process.sigma(t[0])
    np.testing.assert_allclose(eps, sigma * x / ((alpha * STD) ** 2 + sigma**2), rtol=1e-4)

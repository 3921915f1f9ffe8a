r"""Variational diffusion models: the evidence bound in terms of the log-SNR alone.

With $\gamma(t) = -\lambda(t)$, rising from data to noise, and $\hat\epsilon$ the model's noise,

$$-\log P(x) \le
\underbrace{\tfrac12 e^{-\gamma(1)} \lVert x \rVert^2}_{\text{prior}}
+ \underbrace{E\left[-\log P(x \mid z_0)\right]}_{\text{reconstruction}}
+ \underbrace{\tfrac12 E_{t, \epsilon}\left[
    \gamma'(t)\,\lVert \epsilon - \hat\epsilon(z_t, t) \rVert^2\right]}_{\text{diffusion}}$$

in nats (Kingma et al., eqs. 11 and 17; in T steps $\gamma'$ becomes $T\,(e^{\gamma(t) - \gamma(s)} - 1)$, eq. 14). The
prior is what `process.sample_prior` draws, $N(0, \sigma(1)^2 I)$. Given $z_0$ each byte is independent,
$P(x \mid z_0) \propto N(z_0; \alpha_0 x, \sigma_0^2)$ over the 256 values.

**The schedule** changes the bound through its ends alone; what lies between them changes the variance of the estimate
$L$. To lower it follow $\nabla E[L^2]$ (app. I.2). Per example the schedule enters by two numbers,
$L = \gamma'(t)\,h(\gamma(t))$, where $h$ is half the squared error at a given noise level, so

$$\nabla L^2 = 2 L h\,\nabla \gamma'(t) + 2 L \dot h\,\nabla \gamma(t), \qquad
\dot h = \gamma' \frac{dh}{d\gamma} = \frac{dh}{dt},$$

the last at a fixed schedule: a backward pass to `t` gives it, however the network is conditioned on the noise level.

References:
  Kingma et al., Variational Diffusion Models, 2021, https://arxiv.org/abs/2107.00630
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.dequantization import BIN
from genjax_models.core.types import Array, Key, LossOutput, Model
from genjax_models.processes.denoiser import Denoiser
from genjax_models.processes.gaussian import GaussianProcess
from genjax_models.processes.learned import Monotone, learned
from genjax_models.processes.times import stratified_time


def vdm_loss(
    key: Key,
    model: Model,
    x: Array,
    *,
    process: GaussianProcess,
    schedule: GaussianProcess | None = None,
    prediction: str = "eps",
    time: Callable[[Key, int], Array] = stratified_time,
    num_steps: int | None = None,
) -> LossOutput:
    r"""One draw of the bound above, $-\log P(x)$ or more, in nats.

    Args:
      key: one typed PRNG key, consumed.
      model: `(x_t [B, ...], t [B]) -> prediction [B, ...]`, already bound to its parameters.
      x: 8-bit data, `[B, ...]` float, the middles `(2b + 1)/256 - 1` of the bytes' intervals.
      process: any process with a finite log-SNR at t = 0: `linear_log_snr`, `cosine`, `learned`, ... Gradients of
        the bound flow into its parameters.
      schedule: the same process once more, to be trained for low variance: its parameters receive the gradient of
        the squared diffusion term and nothing else, at the price of one more backward pass. The value is the
        bound all the same. For a `learned` process take both from `pinned`.
      prediction: what the network outputs, a key of `PREDICTIONS`.
      time: draws the times in [0, 1).
      num_steps: T of the discrete model; None is the continuous one.

    Returns:
      `LossOutput` with `value` `[B]`, the bound summed over the data axes, nats, and in `aux` its terms `prior`,
      `reconstruction` and `diffusion`. `core.likelihood.elbo` averages draws of `-value` to a `Likelihood`.

    Raises:
      ValueError: if there is no step, the prediction type is unknown, or a discrete model is given a `schedule`.
    """
    if num_steps is not None and num_steps < 1:
        raise ValueError(f"a discrete model needs at least 1 step, got {num_steps}")
    if num_steps is not None and schedule is not None:
        raise ValueError("a schedule is trained for low variance in continuous time only: leave num_steps at None")
    key_t, key_eps, key_0 = jax.random.split(key, 3)
    eps, eps_0 = (jax.random.normal(k, x.shape, x.dtype) for k in (key_eps, key_0))
    t = time(key_t, x.shape[0])

    def half_error(process: GaussianProcess, t: Array) -> Array:
        x_t = process.add_noise(x, eps, t)
        return 0.5 * sum_over_data((eps - Denoiser(process, model, prediction)(x_t, t, "eps")) ** 2)

    if num_steps is None:
        speed = _gamma_and_speed(process, t)[1]
    else:
        step = jnp.maximum(jnp.ceil(t * num_steps), 1.0)
        t, s = step / num_steps, (step - 1.0) / num_steps
        speed = num_steps * jnp.expm1(process.log_snr(s) - process.log_snr(t))
    error = half_error(process, t)
    terms = {
        "prior": prior_kl(process, x),
        "reconstruction": -decoder_log_prob(process, x, eps_0),
        "diffusion": speed * error,
    }
    value = sum(terms.values(), jnp.zeros_like(error))
    if schedule is not None:
        frozen = jax.lax.stop_gradient(process)
        _, pull = jax.vjp(lambda t: half_error(frozen, t), t)
        gamma, own_speed = _gamma_and_speed(schedule, t)
        stop = jax.lax.stop_gradient
        # grad L^2, as the gradient of a term that is linear in the schedule's values and has the value zero
        square = stop(2.0 * speed * error) * (stop(error) * own_speed + stop(pull(jnp.ones_like(error))[0]) * gamma)
        value = value + (square - stop(square))
    return LossOutput(value, terms)


def pinned(params: Monotone) -> tuple[GaussianProcess, GaussianProcess]:
    """A learned schedule as VDM trains it: `(process, schedule)` for `vdm_loss`.

    The first passes gradients to the ends of the log-SNR alone, which minimise the bound; the second to all other
    parameters, which minimise the variance. A network that is conditioned on the log-SNR takes it from the first.
    """
    frozen = jax.lax.stop_gradient(params)
    return learned(frozen._replace(ends=params.ends)), learned(params._replace(ends=frozen.ends))


def fourier_channels(x: Array, exponents: tuple[int, ...] = (7, 8)) -> Array:
    r"""`x` with the sines, then the cosines, of $2^n \pi x$ as further channels: C become C (1 + 2 N).

    They show a network the fine differences that decide a likelihood (app. C, with n = 7 and 8 on data in [-1, 1]).
    """
    angles = [2.0**n * jnp.pi * x for n in exponents]
    return jnp.concatenate([x, *map(jnp.sin, angles), *map(jnp.cos, angles)], axis=-1)


def prior_kl(process: GaussianProcess, x: Array) -> Array:
    r"""$KL(q(z_1 \mid x)\,\Vert\,N(0, \sigma(1)^2 I)) = \tfrac12 \mathrm{SNR}(1) \lVert x \rVert^2$: `[B]`, nats."""
    return 0.5 * jnp.exp(process.log_snr(jnp.ones((), x.dtype))) * sum_over_data(x**2)


def decoder_log_prob(process: GaussianProcess, x: Array, eps: Array) -> Array:
    r"""$\log P(x \mid z_0)$ at $z_0 = \alpha_0 x + \sigma_0 \epsilon$, `x` in the middle of bytes: `[B]`."""
    values = (jnp.arange(256, dtype=x.dtype) + 0.5) * BIN - 1.0
    scale = jnp.exp(0.5 * process.log_snr(jnp.zeros((), x.dtype)))
    offsets = eps[..., None] + scale * (x[..., None] - values.reshape((1,) * x.ndim + (256,)))
    return sum_over_data(-0.5 * eps**2 - jax.nn.logsumexp(-0.5 * offsets**2, axis=-1))


def _gamma_and_speed(process: GaussianProcess, t: Array) -> tuple[Array, Array]:
    return jax.jvp(lambda t: -process.log_snr(t), (t,), (jnp.ones_like(t),))

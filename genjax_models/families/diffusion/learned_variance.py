r"""Improved DDPM: the reverse variance is learned, and the whole chain's bound is computed.

The network outputs $[B, ..., 2C]$: its usual prediction, then $v$. A step back from $t$ to $s$ draws from a normal with
the posterior's mean, $x_0$ replaced by the prediction, and the log-variance between DDPM's two choices (eq. 15)

$$\log \Sigma = v \log \beta + (1 - v) \log \tilde\beta, \qquad
\beta = \sigma_{ts}^2, \quad \tilde\beta = \sigma_{ts}^2 \sigma_s^2 / \sigma_t^2.$$

At s = 0, where $\tilde\beta$ vanishes, the one of the step before takes its place. The bound on the T-step chain is

$$-\log P(x) \le KL(q(x_1 \mid x) \Vert p(x_1))
+ \sum_{i=2}^{T} KL(q(x_s \mid x_t, x) \Vert p_\theta(x_s \mid x_t)) - \log P_\theta(x \mid x_{1/T}),
\qquad t = \tfrac{i}{T},\; s = \tfrac{i-1}{T},$$

the last a normal integrated over the byte's interval, the outermost two reaching to infinity (Ho et al., eq. 13).

References:
  Nichol and Dhariwal, Improved Denoising Diffusion Probabilistic Models, 2021, https://arxiv.org/abs/2102.09672
  Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
"""

import jax
import jax.numpy as jnp
from jax.scipy.special import log_ndtr

from genjax_models.core.arrays import expand_as, mean_over_data, sum_over_data
from genjax_models.core.dequantization import BIN
from genjax_models.core.likelihood import bits_per_dim, normal_kl
from genjax_models.core.types import Array, Key, LossOutput, Model
from genjax_models.families.diffusion.samplers.ancestral import posterior_mean, posterior_variance, transition_variance
from genjax_models.families.diffusion.vdm import prior_kl
from genjax_models.processes.denoiser import Denoiser
from genjax_models.processes.gaussian import GaussianProcess
from genjax_models.processes.times import discrete_time
from genjax_models.solvers.driver import Sampler, nothing


def hybrid_loss(
    key: Key,
    model: Model,
    x: Array,
    *,
    process: GaussianProcess,
    num_steps: int = 1000,
    prediction: str = "eps",
    vlb_weight: float = 1e-3,
) -> LossOutput:
    r"""$L_\mathrm{simple} + 0.001\,L_\mathrm{vlb}$ (eq. 16): the first trains the prediction, the second only $v$.

    Args:
      key: one typed PRNG key, consumed.
      model: `(x_t [B, ..., C], t [B]) -> [B, ..., 2C]`, already bound to its parameters.
      x: 8-bit data, `[B, ..., C]` float, the middles `(2b + 1)/256 - 1` of the bytes' intervals.
      process: the corruption process.
      num_steps: T.
      prediction: what the first half of the output is, a key of `PREDICTIONS`.
      vlb_weight: weight of the bound, which counts in bits/dim here, as in the authors' code.

    Returns:
      `LossOutput` with `value` `[B]`, and in `aux` the error `mse`, averaged over the data axes, and `vlb`: T times the
      bound's term at the time drawn, bits/dim.

    Raises:
      ValueError: if there are fewer than 2 steps, the output is not twice as wide as `x`, or the type is unknown.
    """
    _check_steps(num_steps)
    key_t, key_eps = jax.random.split(key)
    t = discrete_time(key_t, x.shape[0], num_steps=num_steps)
    eps = jax.random.normal(key_eps, x.shape, x.dtype)
    x_t = process.add_noise(x, eps, t)
    output, v = _halves(model, x_t, t)
    mse = mean_over_data((output - process.target(prediction, x, eps, t)) ** 2)
    x0 = process.convert(jax.lax.stop_gradient(output), prediction, "x0", x_t, t)
    terms = vlb_terms(process, x, x_t, x0, v, t, num_steps=num_steps)
    vlb = num_steps * bits_per_dim(-terms, x[0].size)
    return LossOutput(mse + vlb_weight * vlb, {"mse": mse, "vlb": vlb})


iddpm_loss = hybrid_loss
"""By the name of its paper."""


def variational_bound(
    key: Key,
    model: Model,
    x: Array,
    *,
    process: GaussianProcess,
    num_steps: int = 1000,
    prediction: str = "eps",
) -> LossOutput:
    r"""The bound above over the whole chain: a scan over all T steps, with one draw of the noise at each.

    Arguments and errors are those of `hybrid_loss`.

    Returns:
      `LossOutput` with `value` `[B]`, $-\log P(x)$ or more, nats, and in `aux` its terms `prior`, `diffusion` and
      `reconstruction`. `core.likelihood.elbo` averages draws of `-value` to a `Likelihood`.
    """
    _check_steps(num_steps)

    def body(total: Array, i: Array) -> tuple[Array, None]:
        t = jnp.full(x.shape[:1], i / num_steps, x.dtype)
        x_t = process.add_noise(x, jax.random.normal(jax.random.fold_in(key, i), x.shape, x.dtype), t)
        output, v = _halves(model, x_t, t)
        x0 = process.convert(output, prediction, "x0", x_t, t)
        term = vlb_terms(process, x, x_t, x0, v, t, num_steps=num_steps)
        return total.at[jnp.minimum(i, 2) - 1].add(term), None

    steps = jnp.arange(1, num_steps + 1)
    (reconstruction, diffusion), _ = jax.lax.scan(body, jnp.zeros((2, x.shape[0]), x.dtype), steps)
    prior = prior_kl(process, x)
    parts = {"prior": prior, "diffusion": diffusion, "reconstruction": reconstruction}
    return LossOutput(prior + diffusion + reconstruction, parts)


def vlb_terms(
    process: GaussianProcess, x: Array, x_t: Array, x0: Array, v: Array, t: Array, *, num_steps: int
) -> Array:
    r"""The term of the bound that belongs to the step from `t` to $s = t - 1/T$.

    Args:
      process: the corruption process.
      x: 8-bit data, `[B, ..., C]`.
      x_t: its noisy version at `t`, `[B, ..., C]`.
      x0: the clean data predicted from that, `[B, ..., C]`.
      v: the network's second half, `[B, ..., C]`; published networks give $2v - 1$.
      t: times on the grid $\{1/T, ..., 1\}$, `[B]`.
      num_steps: T.

    Returns:
      `[B]` nats, summed over the data axes: at t = 1/T the decoder's negative log-likelihood, elsewhere the KL.
    """
    step = jnp.round(t * num_steps)
    t, s = step / num_steps, (step - 1) / num_steps
    low, _ = (expand_as(bound, x) for bound in log_variance_bounds(process, t, s))
    mean, log_variance = posterior_mean(process, x0, x_t, t, s), _log_variance(process, v, t, s)
    kl = normal_kl(posterior_mean(process, x, x_t, t, s), low, mean, log_variance)
    nll = -discretized_normal_log_prob(x, mean, jnp.exp(0.5 * log_variance))
    return sum_over_data(jnp.where(expand_as(step == 1, x), nll, kl))


def learned_variance_ancestral() -> Sampler:
    """Ancestral sampling with the learned variance, on any grid: fewer steps keep the bound's own choice of noise.

    The denoiser's model is the one with `2C` outputs and `denoiser.prediction` the type of the first half. The last
    step, onto t = 0, adds no noise.
    """

    def step(key: Key, denoiser: Denoiser, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        process = denoiser.process
        output, v = _halves(denoiser.model, x, jnp.broadcast_to(t, x.shape[:1]))
        x0 = process.convert(output, denoiser.prediction, "x0", x, t)
        noise = jnp.exp(0.5 * _log_variance(process, v, t, s)) * jax.random.normal(key, x.shape, x.dtype)
        return posterior_mean(process, x0, x, t, s) + jnp.where(s > 0, noise, 0.0), carry

    return Sampler(nothing, step, stochastic=True)


def without_variance(model: Model) -> Model:
    """The first half of a model's output: what every other sampler takes of a network with learned variance."""
    return lambda x, t: _halves(model, x, t)[0]


def log_variance_bounds(process: GaussianProcess, t: Array, s: Array) -> tuple[Array, Array]:
    r"""$\log\tilde\beta$ and $\log\beta$, shaped like `t`; at s = 0 the first is that of the step from 2t to t."""
    first = s <= 0
    low = posterior_variance(process, jnp.where(first, jnp.minimum(2.0 * t, 1.0), t), jnp.where(first, t, s))
    return jnp.log(low), jnp.log(transition_variance(process, t, s))


def discretized_normal_log_prob(x: Array, mean: Array, std: Array) -> Array:
    """The log-mass that normals give to the intervals of bytes, elementwise, nats.

    Args:
      x: the middles `(2b + 1)/256 - 1` of the intervals, any shape.
      mean: means of the normals, of that shape.
      std: their standard deviations, likewise.
    """
    low, high = (x - 0.5 * BIN - mean) / std, (x + 0.5 * BIN - mean) / std
    bottom, top = x < -1.0 + BIN, x > 1.0 - BIN
    # The smaller tail of the two, in which the difference of the distribution functions keeps its digits.
    mirrored = low > 0
    near = log_ndtr(jnp.where(mirrored, -low, high))
    far = log_ndtr(jnp.where(mirrored, -high, low))
    inside = near + jnp.log(-jnp.expm1(far - near))
    return jnp.where(bottom, log_ndtr(high), jnp.where(top, log_ndtr(-low), inside))


def _log_variance(process: GaussianProcess, v: Array, t: Array, s: Array) -> Array:
    low, high = (expand_as(bound, v) for bound in log_variance_bounds(process, t, s))
    return low + v * (high - low)


def _halves(model: Model, x: Array, t: Array) -> tuple[Array, Array]:
    output = model(x, t)
    if output.shape != (*x.shape[:-1], 2 * x.shape[-1]):
        raise ValueError(f"a model with learned variance maps {x.shape} to twice the channels, got {output.shape}")
    first, second = jnp.split(output, 2, axis=-1)
    return first, second


def _check_steps(num_steps: int) -> None:
    if num_steps < 2:
        raise ValueError(f"a chain with learned variance needs at least 2 steps, got {num_steps}")

r"""The probability-flow ODE as a continuous normalising flow: likelihood, encoding and decoding of any denoiser.

Data and noise are the two ends of $dx/dt = u_\theta(x, t)$, $u$ being the prediction as a velocity, so

$$\log p(x) = \log N(z; 0, \sigma(t_\mathrm{max})^2 I)
+ \int_{t_\mathrm{min}}^{t_\mathrm{max}} \nabla \cdot u_\theta(x_t, t)\,dt,
\qquad x_{t_\mathrm{min}} = x, \quad z = x_{t_\mathrm{max}}$$

(Song et al., eq. 39, with $t_\mathrm{max} = 1$). The prior is the noise that sampling starts from, so $p$ is the
density of the model's samples, also where the process leaves some signal.

**The ends.** The noise cannot be inferred from the sample at $\sigma = 0$, nor the data at $\alpha = 0$. The solve
therefore starts at `t_min`, by default the time at which $\sigma/\alpha$ reaches 0.001 (0 for a process that starts
with more), and what is evaluated is the density of $x_{t_\mathrm{min}}$: of data scaled by $\alpha(t_\mathrm{min})$
and blurred by $\sigma(t_\mathrm{min})$. A process without signal at t = 1 needs `t_max` below 1 if the network
predicts `eps` or `score`; its noise is then $N(0, \sigma(t_\mathrm{max})^2 I)$.

References:
  Song et al., Score-Based Generative Modeling through SDEs, 2021, app. D.2, https://arxiv.org/abs/2011.13456
  Grathwohl et al., FFJORD, 2019, https://arxiv.org/abs/1810.01367
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import at_least_float32, sum_over_data
from genjax_models.core.jacobian import basis, quadratic_forms
from genjax_models.core.likelihood import averaged
from genjax_models.core.types import Array, Key, Likelihood
from genjax_models.processes.denoiser import Denoiser
from genjax_models.solvers.adaptive import Solution, adaptive


def log_prob(
    key: Key,
    denoiser: Denoiser,
    x: Array,
    *,
    probes: int | None = None,
    noise: Callable[..., Array] = jax.random.rademacher,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    t_min: float | None = None,
    t_max: float = 1.0,
) -> tuple[Likelihood, Array]:
    """The log-density of `x` under the probability flow.

    Args:
      key: one typed PRNG key, consumed by the probes.
      denoiser: any process, any prediction type.
      x: data `[B, ...]` float; for bytes see `core.dequantization`.
      probes: None takes the exact divergence, D backward passes an evaluation. A number takes Hutchinson's estimate
        with that many, each held fixed along the path.
      noise: `(key, shape, dtype) -> probes`; Rademacher's have the least variance, `jax.random.normal` is FFJORD's.
      rtol: relative tolerance of the solver, see `solvers.adaptive`.
      atol: absolute tolerance.
      t_min: where the data sits, see above.
      t_max: where the prior sits.

    Returns:
      A pair: `Likelihood` of kind `ode`, with `stderr` over the probes (None if the divergence is exact, NaN for a
      single probe, which cannot tell); and the number of network evaluations. NaN where the solver gave up.

    Raises:
      ValueError: if `probes` is below 1, the times are not `0 <= t_min < t_max <= 1`, or the prediction cannot be
        converted at one of them.
    """
    if probes is not None and probes < 1:
        raise ValueError(f"Hutchinson's estimate needs at least 1 probe, got {probes}")
    x = at_least_float32(x)
    start, end = _ends(denoiser, x, t_min, t_max)
    directions = basis(x) if probes is None else noise(key, (probes, *x.shape), x.dtype)

    def field(state: tuple[Array, Array], t: Array) -> tuple[Array, Array]:
        velocity, forms = quadratic_forms(lambda x: denoiser(x, t, "velocity"), state[0], directions)
        return velocity, forms.sum(axis=1, keepdims=True) if probes is None else forms

    gained = jnp.zeros((x.shape[0], probes or 1), x.dtype)
    (z, gained), nfe = adaptive(field, (x, gained), start, end, rtol=rtol, atol=atol)
    sigma = denoiser.process.sigma(end)
    prior = sum_over_data(jax.scipy.stats.norm.logpdf(z / sigma) - jnp.log(sigma))
    draws = prior[None] + gained.T
    return (Likelihood(draws[0], "ode") if probes is None else averaged(draws, "ode")), nfe


def encode(
    denoiser: Denoiser,
    x: Array,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    t_min: float | None = None,
    t_max: float = 1.0,
) -> Solution:
    """The noise `[B, ...]` that the probability flow makes of data `x`, and the network evaluations it took.

    Arguments and errors are those of `log_prob`.
    """
    start, end = _ends(denoiser, x, t_min, t_max)
    return adaptive(lambda x, t: denoiser(x, t, "velocity"), x, start, end, rtol=rtol, atol=atol)


def decode(
    denoiser: Denoiser,
    z: Array,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    t_min: float | None = None,
    t_max: float = 1.0,
) -> Solution:
    """The data `[B, ...]` that the probability flow makes of noise `z`: the inverse of `encode`, and a sampler."""
    start, end = _ends(denoiser, z, t_min, t_max)
    return adaptive(lambda x, t: denoiser(x, t, "velocity"), z, end, start, rtol=rtol, atol=atol)


def _ends(denoiser: Denoiser, x: Array, t_min: float | None, t_max: float) -> tuple[Array, Array]:
    if not 0.0 <= (t_min or 0.0) < t_max <= 1.0:
        raise ValueError(f"expected 0 <= t_min < t_max <= 1, got t_min={t_min} and t_max={t_max}")
    dtype = jnp.promote_types(x.dtype, jnp.float32)
    with jax.ensure_compile_time_eval():  # where the process is learned, its values are known at run time only
        start = denoiser.process.least_time(dtype) if t_min is None else jnp.asarray(t_min, dtype)
        end = jnp.asarray(t_max, dtype)
        for name, t in (("t_min", start), ("t_max", end)):
            possible = denoiser.process.can_convert(denoiser.prediction, t)
            if not isinstance(possible, jax.core.Tracer) and not possible:
                raise ValueError(
                    f"{denoiser.prediction!r} has no velocity at {name}={float(t):g}: move it off that end"
                )
    return start, end

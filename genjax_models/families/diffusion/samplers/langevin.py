r"""Langevin dynamics $x + \epsilon\,\nabla\log p_t(x) + \sqrt{2\epsilon}\,z$, alone or between a sampler's steps.

References:
  Song and Ermon, Generative Modeling by Estimating Gradients of the Data Distribution, 2019,
  https://arxiv.org/abs/1907.05600
  Song et al., Score-Based Generative Modeling through SDEs, 2021, algorithms 1 to 5, https://arxiv.org/abs/2011.13456
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.processes.denoiser import Denoiser
from genjax_models.solvers.driver import Sampler, nothing

Corrector = Callable[[Key, Denoiser, Array, Array], Array]
"""`(key, denoiser, x, t) -> x`: some steps of a Markov chain at a fixed time."""


def langevin_corrector(snr: float = 0.16, num_steps: int = 1) -> Corrector:
    r"""Langevin steps whose size keeps the ratio of the score's step to the noise at `snr`.

    $\epsilon = 2\,(\mathrm{snr}\,\lVert z\rVert / \lVert\nabla\log p_t\rVert)^2$ with both norms averaged
    over the batch, as in the authors' code: were they each example's own, the step would depend on the state and bias
    the chain. (Algorithms 4 and 5, without the latter's factor $1 - \beta_i$.)

    Raises:
      ValueError: if `snr` is not positive, or there is no step.
    """
    _check("snr", snr, num_steps)

    def correct(key: Key, denoiser: Denoiser, x: Array, t: Array) -> Array:
        norm = lambda a: jnp.sqrt(sum_over_data(a**2)).mean()
        return _chain(key, denoiser, x, t, num_steps, lambda score, z: 2.0 * (snr * norm(z) / norm(score)) ** 2)

    return correct


def predictor_corrector(predictor: Sampler, corrector: Corrector, evaluations: int = 1) -> Sampler:
    """Each step of `predictor`, such as `reverse_diffusion()`, followed by `corrector` at the time it has reached.

    A step to t = 0 is not corrected: there the score may be infinite.

    Args:
      predictor: any sampler.
      corrector: such as `langevin_corrector()`.
      evaluations: network evaluations of the corrector, for the count of the two.
    """

    def step(key: Key, denoiser: Denoiser, carry: PyTree, x: Array, t: Array, s: Array) -> tuple[Array, PyTree]:
        key_predict, key_correct = jax.random.split(key)
        x, carry = predictor.step(key_predict, denoiser, carry, x, t, s)
        return jax.lax.cond(s > 0.0, lambda: corrector(key_correct, denoiser, x, s), lambda: x), carry

    total = None if predictor.evaluations is None else predictor.evaluations + evaluations
    return predictor._replace(step=step, evaluations=total, stochastic=True, steps_from_x0_and_eps=False)


def annealed_langevin(step_size: float = 0.2, num_steps: int = 100) -> Sampler:
    r"""NCSN's sampler: at each level of the grid after the first, `num_steps` steps of size $\delta\,\sigma_s^2$.

    The paper's $\alpha_i = \epsilon\,\sigma_i^2/\sigma_L^2$ moves x by half its size: `step_size` is
    $\epsilon/(2\sigma_L^2)$. For processes whose noise does not vanish at t = 0, such as `ve`.

    Raises:
      ValueError: if `step_size` is not positive, or there is no step.
    """
    _check("step_size", step_size, num_steps)

    def step(key: Key, denoiser: Denoiser, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        del t
        epsilon = step_size * denoiser.process.sigma(s) ** 2
        return _chain(key, denoiser, x, s, num_steps, lambda score, z: epsilon), carry

    return Sampler(nothing, step, num_steps, needs_noise=True, stochastic=True)


def _check(name: str, value: float, num_steps: int) -> None:
    if not value > 0.0 or num_steps < 1:
        raise ValueError(f"expected a positive {name} and at least 1 step, got {value} and {num_steps}")


def _chain(
    key: Key, denoiser: Denoiser, x: Array, t: Array, num_steps: int, size: Callable[[Array, Array], Array]
) -> Array:
    """`num_steps` steps at time `t`, of the size that `(score, z)` gives."""

    def body(i: int, x: Array) -> Array:
        score = denoiser(x, t, "score")
        z = jax.random.normal(jax.random.fold_in(key, i), x.shape, x.dtype)
        epsilon = size(score, z)
        return x + epsilon * score + jnp.sqrt(2.0 * epsilon) * z

    return jax.lax.fori_loop(0, num_steps, body, x)

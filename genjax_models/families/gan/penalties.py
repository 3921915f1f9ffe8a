r"""What is added to a discriminator's loss: penalties of its gradient by the data, and of its inconsistency.

$$\begin{aligned}
\text{R1, R2:} &\quad \tfrac12 \lVert \nabla \ell(x) \rVert^2 \text{ at the data, at the fakes} \\
\text{WGAN-GP:} &\quad (\lVert \nabla \ell(\hat x) \rVert - 1)^2, \quad
  \hat x = x + a\,(\tilde x - x),\ a \sim U[0, 1],\ \tilde x \text{ a fake} \\
\text{DRAGAN:} &\quad \text{the same with } \tilde x = x + \tfrac12 s\,u,\ u \sim U[0, 1]^d,\ s^2 = \mathrm{Var}(x) \\
\text{CR, bCR:} &\quad (\ell(x) - \ell(T(x)))^2 \text{ for an augmentation } T
\end{aligned}$$

Norms are over all numbers of an example; a discriminator of patches has the mean of its logits as the logit of an
image. The gradient with respect to one example must not depend on the others, so the discriminator must have no batch
normalisation.

References:
  Gulrajani et al., Improved Training of Wasserstein GANs, 2017, https://arxiv.org/abs/1704.00028
  Kodali et al., On Convergence and Stability of GANs (DRAGAN), 2017, https://arxiv.org/abs/1705.07215
    (the noise is that of the authors' code)
  Mescheder et al., Which Training Methods for GANs do actually Converge?, 2018,
    https://arxiv.org/abs/1801.04406 (R1, R2)
  Zhang et al., Consistency Regularization for Generative Adversarial Networks, 2020, https://arxiv.org/abs/1910.12027
  Zhao et al., Improved Consistency Regularization for GANs, 2021, https://arxiv.org/abs/2002.04724 (bCR)
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import expand_as, mean_over_data, sum_over_data
from genjax_models.core.types import Array, Key

Discriminator = Callable[[Array], Array]
"""`x [B, ...] -> logits [B]`, or `[B, h, w]` of patches, bound to its parameters and its condition."""


def squared_gradient(discriminate: Discriminator, x: Array) -> Array:
    r"""$\lVert \nabla \ell(x) \rVert^2$ of each example, `[B]`."""
    gradient = jax.grad(lambda x: mean_over_data(discriminate(x)).sum())(x)
    return sum_over_data(gradient**2)


def zero_centred_penalty(discriminate: Discriminator, x: Array) -> Array:
    r"""$\frac12 \lVert \nabla \ell(x) \rVert^2$, `[B]`: R1 at data, R2 at fakes; the papers' $\gamma$ multiplies it.

    Args:
      discriminate: `x -> logits`; the penalty is differentiated by its parameters.
      x: where, `[B, ...]`; fakes by `stop_gradient`, or from outside of what is differentiated.
    """
    return 0.5 * squared_gradient(discriminate, x)


def unit_norm_penalty(discriminate: Discriminator, x: Array) -> Array:
    r"""$(\lVert \nabla \ell(x) \rVert - 1)^2$, `[B]`; 1, with a gradient of zero, where $\ell$ is flat."""
    squared = squared_gradient(discriminate, x)
    return (jnp.sqrt(jnp.maximum(squared, jnp.finfo(squared.dtype).tiny)) - 1.0) ** 2


def gradient_penalty(key: Key, discriminate: Discriminator, real: Array, fake: Array) -> Array:
    """WGAN-GP's penalty at random points of straight lines from each real example to a fake, `[B]`.

    Args:
      key: one typed PRNG key, consumed.
      discriminate: `x -> logits`; the penalty is differentiated by its parameters.
      real: `[B, ...]` float.
      fake: of the same shape.

    Raises:
      ValueError: if the two differ in shape.
    """
    if real.shape != fake.shape:
        raise ValueError(f"lines lead from real to fake examples of one shape, got {real.shape} and {fake.shape}")
    a = expand_as(jax.random.uniform(key, real.shape[:1], real.dtype), real)
    return unit_norm_penalty(discriminate, real + a * (fake - real))


def dragan_penalty(key: Key, discriminate: Discriminator, real: Array) -> Array:
    """DRAGAN's penalty around the data, `[B]`: arguments are those of `gradient_penalty`.

    The standard deviation is that of all numbers of the batch, on one device.
    """
    key_line, key_noise = jax.random.split(key)
    noise = 0.5 * jnp.std(real) * jax.random.uniform(key_noise, real.shape, real.dtype)
    return gradient_penalty(key_line, discriminate, real, real + noise)


def consistency_penalty(logits: Array, augmented: Array) -> Array:
    r"""$(\ell(x) - \ell(T(x)))^2$, `[B]`: CR on data; balanced (bCR) with a second one on fakes.

    Args:
      logits: of examples, `[B]`, or `[B, h, w]` of patches, averaged after the square.
      augmented: of the same examples augmented.
    """
    return mean_over_data((logits - augmented) ** 2)


Penalty = Callable[[Key, Discriminator, Array, Array], Array]
"""`(key, discriminate, real [B, ...], fake [B, ...]) -> [B]`."""

PENALTIES: dict[str, Penalty] = {
    "gradient_penalty": gradient_penalty,
    "dragan": lambda key, discriminate, real, fake: dragan_penalty(key, discriminate, real),
    "r1": lambda key, discriminate, real, fake: zero_centred_penalty(discriminate, real),
    "r2": lambda key, discriminate, real, fake: zero_centred_penalty(discriminate, fake),
    "r1_r2": lambda key, discriminate, real, fake: (
        zero_centred_penalty(discriminate, real) + zero_centred_penalty(discriminate, fake)
    ),
}
"""Penalties of gradients by name, with arguments in common; `r1_r2` is R3GAN's."""

r"""What is missing of an example, given the rest: Gibbs steps between the latent variables and the missing elements.

With $x = (x_o, x_m)$, in turns

$$z' \sim q(z \mid x), \quad \text{taken with probability }
\min\!\left(1, \frac{p(x \mid z')\,p(z')\,q(z \mid x)}{p(x \mid z)\,p(z)\,q(z' \mid x)}\right), \qquad
x_m \sim p(x_m \mid z).$$

Always taken, this is the pseudo-Gibbs sampler of Rezende et al., which is exact only if the encoder is; with the
acceptance test the chain converges to the model's $p(x_m \mid x_o)$, whatever the encoder (Mattei and Frellsen).

References:
  Rezende et al., Stochastic Backpropagation and Approximate Inference, 2014, app. F, https://arxiv.org/abs/1401.4082
  Mattei and Frellsen, Leveraging the Exact Likelihood of Deep Latent Variable Models, 2018, https://arxiv.org/abs/1802.04826
"""

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import expand_as
from genjax_models.core.densities import Density
from genjax_models.core.types import Array, Key
from genjax_models.families.vae.elbo import Decoder, log_prior
from genjax_models.families.vae.likelihoods import ObservationModel
from genjax_models.families.vae.posteriors import Encoder


def impute(
    key: Key,
    encode: Encoder,
    decode: Decoder,
    x: Array,
    observed: Array,
    *,
    likelihood: ObservationModel,
    prior: Density | None = None,
    steps: int = 100,
) -> Array:
    """Draw the missing elements of each example, by one chain an example.

    Args:
      key: one typed PRNG key, consumed.
      encode: `x -> Posterior`, already bound to its parameters.
      decode: `z -> raw`, likewise.
      x: data `[B, ...]`, as `likelihood` takes it; where it is missing, the start of the chain.
      observed: bool, as `x`: what is known.
      likelihood: what the raw output means; elements must be independent given z.
      prior: of the latent variables; None is the standard normal.
      steps: turns of the chain, at least 1.

    Returns:
      `[B, ...]`: `x` where it is observed, a draw elsewhere.

    Raises:
      ValueError: if there is no step.
    """
    if steps < 1:
        raise ValueError(f"a chain needs at least 1 step, got {steps}")

    def joint(z: Array, x: Array) -> Array:
        return likelihood.log_prob(decode(z), x) + log_prior(prior, z)

    def turn(carry: tuple[Array, Array], key: Key) -> tuple[tuple[Array, Array], None]:
        x, z = carry
        key_z, key_accept, key_x = jax.random.split(key, 3)
        posterior = encode(x)
        proposal, log_q = posterior.sample(key_z)
        log_ratio = joint(proposal, x) - log_q - joint(z, x) + posterior.log_prob(z)
        accepted = jnp.log(jax.random.uniform(key_accept, log_ratio.shape)) < log_ratio
        z = jnp.where(expand_as(accepted, z), proposal, z)
        return (jnp.where(observed, x, likelihood.sample(key_x, decode(z))), z), None

    key_start, key_turns = jax.random.split(key)
    start, _ = encode(x).sample(key_start)
    (x, _), _ = jax.lax.scan(turn, (x, start), jax.random.split(key_turns, steps))
    return x

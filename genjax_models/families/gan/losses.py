r"""The games: what discriminator and generator minimise, of logits $r = \ell(x)$ of real and $f = \ell(G(z))$ of fake.

| game | discriminator | generator | discriminator's least mean, of $p$ real and $q$ fake |
|---|---|---|---|
| minimax | $s(-r) + s(f)$ | $-s(f)$ | $2\log 2 - 2\,JSD(p, q)$ |
| non_saturating | $s(-r) + s(f)$ | $s(-f)$ | the same |
| least_squares | $\frac12(r - 1)^2 + \frac12 f^2$ | $\frac12(f - 1)^2$ | $\frac14 - \frac18\int (p - q)^2 / (p + q)$ |
| hinge | $\max(0, 1 - r) + \max(0, 1 + f)$ | $-f$ | $2 - 2\,TV(p, q)$ |
| wasserstein | $f - r$ | $-f$ | $-W_1(p, q)$, over 1-Lipschitz critics |
| relativistic | $s(f - r)$ | $s(r - f)$ | $\log 2 - JSD(p \otimes q, q \otimes p)$ |
| relativistic_average | $s(\bar f - r) + s(f - \bar r)$ | $s(\bar r - f) + s(r - \bar f)$ | |

with $s$ the softplus, so that $s(-\ell) = -\log\sigma(\ell)$, and bars for means over the batch. The integral under
`least_squares` is the Pearson divergence $\chi^2(p + q \Vert 2q)$ of Mao et al.

References:
  Goodfellow et al., Generative Adversarial Networks, 2014, https://arxiv.org/abs/1406.2661
  Mao et al., Least Squares Generative Adversarial Networks, 2017, https://arxiv.org/abs/1611.04076
  Lim and Ye, Geometric GAN, 2017, https://arxiv.org/abs/1705.02894 (hinge)
  Arjovsky et al., Wasserstein GAN, 2017, https://arxiv.org/abs/1701.07875
  Jolicoeur-Martineau, The relativistic discriminator, 2018, https://arxiv.org/abs/1807.00734
  Wang et al., ESRGAN, 2018, https://arxiv.org/abs/1809.00219 (relativistic average)
  Huang et al., The GAN is dead; long live the GAN! (R3GAN), 2024, https://arxiv.org/abs/2501.05441 (relativistic)
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import mean_over_data
from genjax_models.core.checks import check_same_shape
from genjax_models.core.types import Array

Formula = Callable[[Array, Array], Array]
"""`(real logits, fake logits) -> loss`, all of one shape: `[B]` of images, or `[B, h, w]` of patches."""


def of_pairs(formula: Formula) -> Formula:
    """A formula that refuses real and fake logits of different shapes, whose differences would broadcast."""

    @functools.wraps(formula)
    def checked(real: Array, fake: Array) -> Array:
        check_same_shape("fake logits", fake, real)
        return formula(real, fake)

    return checked


@of_pairs
def minimax_discriminator(real: Array, fake: Array) -> Array:
    """The cross-entropy of real against fake, elementwise; 2 log 2 at chance."""
    return jax.nn.softplus(-real) + jax.nn.softplus(fake)


def minimax_generator(fake: Array) -> Array:
    r"""$\log(1 - \sigma(f))$, elementwise: the true opponent, without a gradient where the fakes are found out."""
    return -jax.nn.softplus(fake)


def non_saturating_generator(fake: Array) -> Array:
    r"""$-\log\sigma(f)$, elementwise."""
    return jax.nn.softplus(-fake)


@of_pairs
def least_squares_discriminator(real: Array, fake: Array) -> Array:
    """Half the squared distances of real from 1 and of fake from 0, elementwise (Mao et al., eq. 9)."""
    return 0.5 * (real - 1.0) ** 2 + 0.5 * fake**2


def least_squares_generator(fake: Array) -> Array:
    """Half the squared distance from 1, elementwise."""
    return 0.5 * (fake - 1.0) ** 2


@of_pairs
def hinge_discriminator(real: Array, fake: Array) -> Array:
    """How far real falls short of a margin of 1, and fake of -1, elementwise."""
    return jax.nn.relu(1.0 - real) + jax.nn.relu(1.0 + fake)


@of_pairs
def wasserstein_discriminator(real: Array, fake: Array) -> Array:
    """The critic's scores, fake less real, elementwise: it needs a gradient penalty or clipped weights."""
    return fake - real


def critic_generator(fake: Array) -> Array:
    """Minus the score, elementwise: of the hinge and of the Wasserstein game."""
    return -fake


@of_pairs
def relativistic_discriminator(real: Array, fake: Array) -> Array:
    """The cross-entropy of which of a pair is real, elementwise (R3GAN's RpGAN)."""
    return jax.nn.softplus(fake - real)


@of_pairs
def relativistic_average_discriminator(real: Array, fake: Array) -> Array:
    """Whether real is more so than the average fake, and fake less so than the average real, elementwise.

    The averages are over this batch (and its patches), on one device: `shard_map`, `pmap` and accumulation hand over a
    part of the whole one.
    """
    return jax.nn.softplus(jnp.mean(fake) - real) + jax.nn.softplus(fake - jnp.mean(real))


def exchanged(loss: Formula) -> Formula:
    """The generator's side of a relativistic game: the discriminator's with real and fake exchanged."""
    return lambda real, fake: loss(fake, real)


class Game(NamedTuple):
    """What the players minimise, `(real, fake) -> [B]` of logits `[B]`, or `[B, h, w]` with a mean over patches.

    Attributes:
      discriminator: of logits of data, and of fakes through which no gradient need go.
      generator: of the same; only a relativistic one looks at the real logits.
      boundary: the logit of the best discriminator where real and fake are equally likely, `None` where there is none.
      probability: whether the best discriminator's logit is the log-odds of real against fake.
    """

    discriminator: Formula
    generator: Formula
    boundary: float | None = None
    probability: bool = False


def game(discriminator: Formula, generator: Formula, boundary: float | None = None, probability: bool = False) -> Game:
    """A `Game` of two elementwise formulas: patches of an image are averaged after them."""
    return Game(
        lambda real, fake: mean_over_data(discriminator(real, fake)),
        lambda real, fake: mean_over_data(generator(real, fake)),
        boundary,
        probability,
    )


GAMES: dict[str, Game] = {
    "minimax": game(minimax_discriminator, lambda real, fake: minimax_generator(fake), 0.0, True),
    "non_saturating": game(minimax_discriminator, lambda real, fake: non_saturating_generator(fake), 0.0, True),
    "least_squares": game(least_squares_discriminator, lambda real, fake: least_squares_generator(fake), 0.5),
    "hinge": game(hinge_discriminator, lambda real, fake: critic_generator(fake), 0.0),
    "wasserstein": game(wasserstein_discriminator, lambda real, fake: critic_generator(fake)),
    "relativistic": game(relativistic_discriminator, exchanged(relativistic_discriminator)),
    "relativistic_average": game(relativistic_average_discriminator, exchanged(relativistic_average_discriminator)),
}
"""By the names of the table above."""

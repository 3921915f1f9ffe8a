r"""Averages of the parameters along training: how much of the old average the `n`-th update keeps.

.. math:: \hat\theta_n = \beta_n \hat\theta_{n-1} + (1 - \beta_n)\,\theta_n, \qquad n = 1, 2, \dots

* constant: :math:`\beta_n = \beta`;
* warm-up: :math:`\beta_n = \min(\beta, (1 + n) / (10 + n))`, which discounts the random initialisation;
* power function: :math:`\beta_n = (1 - 1/n)^{\gamma + 1}`. The average is then
  :math:`\propto \int_0^t \tau^\gamma\,\theta(\tau)\,d\tau`, a profile that stretches with the run, and its relative
  width is :math:`\sigma_\text{rel} = \sqrt{(\gamma + 1) / ((\gamma + 2)^2 (\gamma + 3))}`;
* post hoc: two power functions side by side, from which `posthoc_ema` makes one of any width after training.

References:
  Karras et al., Analyzing and Improving the Training Dynamics of Diffusion Models (EDM2), 2023,
  https://arxiv.org/abs/2312.02696, section 3.1 and appendix C.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from genjax_models.core.errors import UserError
from genjax_models.core.types import Array
from genjax_models.training.names import pick

Decay = Callable[[Array], Array]
"""Number of the update, `[]` int from 1 -> the share of the old average that is kept, `[]` in [0, 1].

Where several averages are tracked side by side it is `[tracks]`, and so is the first axis of every array they hold.
"""

TRACKS = (0.05, 0.10)
"""Relative widths of the averages that are tracked for a choice after training (EDM2, section 3.2)."""


def constant(decay: float) -> Decay:
    """The same decay at every update; the average looks back about `1 / (1 - decay)` updates."""
    return lambda n: jnp.full_like(n, decay, dtype=jnp.float32)


def warmup(decay: float) -> Decay:
    """A decay that grows as `(1 + n) / (10 + n)` until it reaches `decay`."""
    return lambda n: jnp.minimum(decay, (1 + n) / (10 + n))


def power_function(sigma_rel: float) -> Decay:
    """The profile of EDM2, with a width of `sigma_rel` times the length of the run.

    Args:
      sigma_rel: relative standard deviation of the profile, in (0, 1/sqrt(12)); 0.05 to 0.1 is usual.

    Raises:
      UserError: if `sigma_rel` lies outside that range.
    """
    exponent = gamma_of(sigma_rel) + 1
    return lambda n: (1 - 1 / n) ** exponent


def posthoc(sigma_rel: float) -> Decay:
    """The averages from which `posthoc_ema.reconstruct` makes one of width `sigma_rel`, or of another width.

    Raises:
      UserError: if `sigma_rel` lies outside (0, 1/sqrt(12)); it decides nothing else while training.
    """
    gamma_of(sigma_rel)
    decays = [power_function(width) for width in TRACKS]
    return lambda n: jnp.stack([decay(n) for decay in decays])


def tracks_of(decay: Decay | None) -> tuple[int, ...]:
    """The axes that an average has before those of the parameters: `()`, or `(tracks,)`."""
    return () if decay is None else jax.eval_shape(decay, jnp.ones((), jnp.int32)).shape


def gamma_of(sigma_rel: float) -> float:
    r"""The exponent :math:`\gamma > 0` of the profile whose relative width is `sigma_rel`.

    With :math:`s = \sigma_\text{rel}^{-2}` it solves :math:`\gamma^3 + 7\gamma^2 + (16 - s)\gamma + 12 - s = 0`.
    """
    if not 0 < sigma_rel < 12**-0.5:
        raise UserError(f"ema.sigma_rel must lie between 0 and {12**-0.5:.4f}, got {sigma_rel}; 0.05 to 0.1 is usual")
    s = sigma_rel**-2.0
    return float(np.roots([1, 7, 16 - s, 12 - s]).real.max())


def make_ema(section: ConfigDict) -> Decay | None:
    """The decay that a config section asks for, or `None` for `kind="none"`.

    Args:
      section: fields `kind` (`none`, `constant`, `warmup`, `power` or `posthoc`), `decay` for the second and third,
        `sigma_rel` for the last two.

    Raises:
      UserError: if `kind` is unknown or a value is out of range.
    """
    if not 0 <= section.decay < 1:
        raise UserError(f"ema.decay must lie in [0, 1), got {section.decay}")
    makers = {
        "none": lambda: None,
        "constant": lambda: constant(section.decay),
        "warmup": lambda: warmup(section.decay),
        "power": lambda: power_function(section.sigma_rel),
        "posthoc": lambda: posthoc(section.sigma_rel),
    }
    return pick("ema.kind", section.kind, makers)()

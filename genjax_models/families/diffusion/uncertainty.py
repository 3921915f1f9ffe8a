r"""EDM2's learned uncertainty: the noise levels of one network are tasks, each weighed by its own expected loss.

$$L(u) = E_t\left[\frac{L_t}{e^{u(t)}} + u(t)\right]$$

At its minimum over $u$, $e^{u(t)}$ is the mean of $L_t$, so that every noise level contributes gradients of the same
size. $u$ is a small network, needed in training alone.

References:
  Karras et al., Analyzing and Improving the Training Dynamics of Diffusion Models, 2024, https://arxiv.org/abs/2312.02696
  Kendall et al., Multi-Task Learning Using Uncertainty to Weigh Losses, 2018, https://arxiv.org/abs/1705.07115
"""

from collections.abc import Callable

import jax.numpy as jnp

from genjax_models.core.types import Array, LossOutput


def uncertainty_loss(loss: LossOutput, u: Callable[[Array], Array]) -> LossOutput:
    """The loss above, of a loss that was drawn at the times `loss.aux["t"]`.

    Args:
      loss: of `denoising_loss`, with any weighting.
      u: `t [B] -> [B]`, the log of the loss that is to be expected at each time; trained along with the model.

    Returns:
      `LossOutput` with the new `value` `[B]`, and `aux` with the loss before it as `weighted`.

    Raises:
      ValueError: if the loss does not say at which times it was drawn.
    """
    if "t" not in loss.aux:
        raise ValueError("uncertainty_loss needs the times of the loss: no 't' in its aux")
    log_loss = u(loss.aux["t"])
    return LossOutput(loss.value * jnp.exp(-log_loss) + log_loss, {**loss.aux, "weighted": loss.value})

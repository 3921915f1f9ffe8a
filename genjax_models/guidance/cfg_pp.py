r"""CFG++: guide the clean data, but renoise with the unconditional noise.

$$\hat x_0 = \hat x_{0,\varnothing} + \lambda\,(\hat x_{0,c} - \hat x_{0,\varnothing}),
\qquad \hat\epsilon = \hat\epsilon_\varnothing$$

References:
  Chung et al., CFG++: Manifold-constrained Classifier Free Guidance, 2024, algorithm 2, https://arxiv.org/abs/2406.08070
"""

from typing import NamedTuple

from genjax_models.core.types import Array
from genjax_models.processes.denoiser import Denoiser
from genjax_models.processes.gaussian import GaussianProcess


class CFGPlusPlus(NamedTuple):
    """A denoiser for first-order samplers that step from `x0_and_eps`: `ddim()` and `dpm_singlestep(1)`.

    Other samplers use only one of its predictions, or reuse one in later steps, which is not the paper's method.

    Attributes:
      conditional: a denoiser bound to the wanted condition.
      unconditional: the same, bound to the null condition.
      guidance_scale: the paper's interpolation, between 0 and 1 (dimensionless).
    """

    conditional: Denoiser
    unconditional: Denoiser
    guidance_scale: float

    @property
    def process(self) -> GaussianProcess:
        """The corruption process of both."""
        return self.conditional.process

    @property
    def prediction(self) -> str:
        """What the networks predict."""
        return self.conditional.prediction

    def __call__(self, x: Array, t: Array, target: str = "x0") -> Array:
        """The guided prediction as type `target`, `[B, ...]`."""
        null = self.unconditional(x, t, target)
        return null + self.guidance_scale * (self.conditional(x, t, target) - null)

    def x0_and_eps(self, x: Array, t: Array) -> tuple[Array, Array]:
        """The guided clean data and the unconditional noise, each `[B, ...]`."""
        x0, eps = self.unconditional.x0_and_eps(x, t)
        return x0 + self.guidance_scale * (self.conditional(x, t, "x0") - x0), eps

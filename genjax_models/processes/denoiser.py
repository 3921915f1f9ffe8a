"""A network, its process and its prediction type in one callable that answers in any prediction type."""

from typing import NamedTuple

import jax.numpy as jnp

from genjax_models.core.checks import predict
from genjax_models.core.types import Array, Model
from genjax_models.processes.gaussian import GaussianProcess


class Denoiser(NamedTuple):
    """What samplers call: `denoiser(x, t, "velocity")`, whatever the network itself predicts.

    Attributes:
      process: the corruption process the network was trained on.
      model: `(x_t [B, ...], t [B]) -> prediction [B, ...]`, bound to its parameters.
      prediction: the type of that prediction, a key of `PREDICTIONS`.
    """

    process: GaussianProcess
    model: Model
    prediction: str

    def __call__(self, x: Array, t: Array, target: str = "x0") -> Array:
        """The model's belief about `x` `[B, ...]` at time `t` (scalar or `[B]`), as type `target`, in the form of `x`.

        Raises:
          ValueError: if the model's output has another shape, or a type is unknown.
        """
        return self.process.convert(self._predict(x, t), self.prediction, target, x, t).astype(x.dtype)

    def x0_and_eps(self, x: Array, t: Array) -> tuple[Array, Array]:
        """The clean data and the noise that the model sees in `x`, from one evaluation, each `[B, ...]`."""
        prediction = self._predict(x, t)
        convert = lambda target: self.process.convert(prediction, self.prediction, target, x, t).astype(x.dtype)
        return convert("x0"), convert("eps")

    def _predict(self, x: Array, t: Array) -> Array:
        return predict(self.model, x, jnp.broadcast_to(t, x.shape[:1]))

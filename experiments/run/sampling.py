"""Many samples from one compiled call of a sampler, for `evaluate` and `sample`."""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from experiments.run.tasks import capability
from genjax_models.core.arrays import at_least_float32
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key
from genjax_models.modalities import modality_of
from genjax_models.training import Experiment, Inference, SampleRequest, parallel


def sampler(experiment: Experiment) -> Callable[[Key, Inference, SampleRequest], np.ndarray]:
    """`Experiment.sample`, compiled, to stored values on the host: `[num, ...]`, or the path `[keep, num, ...]`.

    Raises:
      UserError: from the experiment, if it cannot sample; from the function, if a sample is not finite.
    """
    draw, to_stored = capability(experiment, "sample"), modality_of(experiment.spec).to_stored

    def finish(drawn: Array, examples: Array) -> tuple[Array, Array]:
        # Numbers whose squares overflow are no results either: of images they would become black and white.
        real = jnp.issubdtype(drawn.dtype, jnp.floating)
        good = jnp.isfinite(jnp.square(at_least_float32(examples))) if real else jnp.ones_like(examples, bool)
        return to_stored(drawn), good.reshape(len(good), -1).all(axis=1)

    # Two programs: fused into the sampler's, the second has cost the compiler half an hour.
    compiled, finished = parallel.compile_fn(draw), parallel.compile_fn(finish)

    def checked(key: Key, model: Inference, request: SampleRequest) -> np.ndarray:
        drawn = compiled(key, model, request)
        stored, good = parallel.to_host(finished(drawn, jnp.moveaxis(drawn, 1, 0) if request.keep else drawn))
        if not good.all():
            bad, of = int((~good).sum()), len(good)
            raise UserError(
                f"{bad} of {of} samples ({bad / of:.0%}) are not finite: the model has diverged, or its sampler or "
                "guidance does not suit it; nothing was written"
            )
        return stored

    return checked


def draw_samples(
    key: Key, experiment: Experiment, model: Inference, request: SampleRequest, *, batch: int, what: str = "sampling"
) -> np.ndarray:
    """Generate the samples of a request in calls of `batch`, all of one compiled size.

    Args:
      key: one typed PRNG key; the i-th call uses `fold_in(key, i)`, so a larger `num` begins with the same ones.
      experiment: what was trained.
      model: its variables.
      request: what is wanted; where it has no condition, each call goes through the classes anew.
      batch: samples a call.
      what: text of the progress bar.

    Returns:
      Stored values `[num, ...]`, see `modalities`: bytes of images, vectors as they are.

    Raises:
      UserError: if none is requested, the model cannot sample, or a sample is not finite.
    """
    num = request.num
    if num < 1:
        raise UserError(f"{num} samples were requested: request at least 1")
    call, batch = sampler(experiment), min(batch, num)
    found = []
    for i in tqdm(range(-(-num // batch)), desc=what, leave=False, disable=None):
        rows = np.arange(i * batch, (i + 1) * batch) % num
        cond = None if request.cond is None else {name: np.asarray(x)[rows] for name, x in request.cond.items()}
        found.append(call(jax.random.fold_in(key, i), model, replace(request, num=batch, cond=cond)))
    return np.concatenate(found)[:num]

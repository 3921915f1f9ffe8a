"""Many samples from one compiled call of a sampler, for `evaluate` and `sample`."""

from dataclasses import replace

import jax
import numpy as np
from tqdm import tqdm

from experiments.run.tasks import capability
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key
from genjax_models.modalities import modality_of
from genjax_models.training import Experiment, Inference, SampleRequest, parallel


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
      UserError: if none is requested, or the model cannot sample.
    """
    num = request.num
    if num < 1:
        raise UserError(f"{num} samples were requested: request at least 1")
    draw, batch, to_stored = capability(experiment, "sample"), min(batch, num), modality_of(experiment.spec).to_stored

    def call(key: Key, model: Inference, request: SampleRequest) -> Array:
        return to_stored(draw(key, model, request))

    compiled = parallel.compile_fn(call)
    found = []
    for i in tqdm(range(-(-num // batch)), desc=what, leave=False, disable=None):
        rows = np.arange(i * batch, (i + 1) * batch) % num
        cond = None if request.cond is None else {name: np.asarray(x)[rows] for name, x in request.cond.items()}
        found.append(np.asarray(compiled(jax.random.fold_in(key, i), model, replace(request, num=batch, cond=cond))))
    return np.concatenate(found)[:num]

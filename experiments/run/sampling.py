"""Many samples from one compiled call of a sampler, for `evaluate` and `sample`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.modalities.image import to_uint8
from genjax_models.training import Experiment, TrainState, parallel
from genjax_models.training.posthoc_ema import reconstruct
from genjax_models.training.tasks import capability


def averaged(state: TrainState, config: ConfigDict, workdir: Path | None = None) -> Mapping[str, PyTree]:
    """The parameters to sample with: their average where the run keeps one.

    A post-hoc average has the width `config.train.ema.sigma_rel`, whatever it was while training. Without the folder of
    the run it is made of the two current averages alone, which is quick and less exact.

    Raises:
      UserError: if that width is out of range, or a snapshot cannot be read.
    """
    if state.ema is None:
        return state.params
    section = config.train.ema
    return reconstruct(state, section.sigma_rel, workdir) if section.kind == "posthoc" else state.ema


def settling(experiment: Experiment) -> Callable[[Mapping[str, PyTree], PyTree], Mapping[str, PyTree]]:
    """`(params, extra) -> params` to sample with, compiled; `experiment.settle`, or what it was given."""
    return parallel.compile_fn(experiment.settle) if experiment.settle else lambda params, extra: params


def settled(experiment: Experiment, state: TrainState, config: ConfigDict, workdir: Path) -> Mapping[str, PyTree]:
    """What a finished state samples with: its averaged parameters, settled."""
    return settling(experiment)(averaged(state, config, workdir), state.extra)


def draw_samples(
    key: Key,
    experiment: Experiment,
    params: Mapping[str, PyTree],
    num: int,
    *,
    batch: int,
    label: int | None = None,
    what: str = "sampling",
    **options: Any,
) -> np.ndarray:
    """Generate `num` examples in calls of `batch`, all of one compiled size.

    Args:
      key: one typed PRNG key; the i-th call uses `fold_in(key, i)`, so a larger `num` begins with the same ones.
      experiment: what was trained.
      params: its parameters.
      num: how many.
      batch: examples a call.
      label: the class of all of them; by default a conditional model goes through its classes.
      what: text of the progress bar.
      **options: static arguments of `experiment.sample`: `sampler`, `steps`, `guidance`.

    Returns:
      Images as `[num, H, W, C]` uint8, vectors as they are.

    Raises:
      UserError: if none is asked for, or the model cannot sample.
    """
    if num < 1:
        raise UserError(f"{num} samples were asked for: ask for at least 1")
    draw, batch = capability(experiment, "sample"), min(batch, num)
    labels = None if label is None else np.full(batch, label, np.int32)

    def call(key: Key, params: Mapping[str, PyTree]) -> Array:
        x = draw(key, params, batch, label=labels, **options)
        return to_uint8(x) if x.ndim == 4 else x

    compiled = parallel.compile_fn(call)
    calls = tqdm(range(-(-num // batch)), desc=what, leave=False, disable=None)
    return np.concatenate([np.asarray(compiled(jax.random.fold_in(key, i), params)) for i in calls])[:num]

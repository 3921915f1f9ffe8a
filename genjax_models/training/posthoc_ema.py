r"""Averages of the parameters whose length is chosen after training.

A power-function average of exponent :math:`\gamma` at step :math:`t` weighs the parameters of time :math:`\tau` by

.. math:: p_{\gamma, t}(\tau) = \frac{(\gamma + 1)\,\tau^\gamma}{t^{\gamma + 1}}, \qquad 0 \le \tau \le t.

Two of them, of different :math:`\gamma`, are tracked while training, and both are written down from time to time. Any
other profile :math:`p` is then a combination :math:`\sum_i x_i\,p_i` of those that were written, by least squares,

.. math:: \min_x \Big\| \sum_i x_i\,p_i - p \Big\|^2 \quad\Longleftrightarrow\quad
          \sum_j \langle p_i, p_j \rangle\, x_j = \langle p_i, p \rangle,

and its average is the same combination of the averages. The inner products have a closed form: with
:math:`t_a \le t_b`,

.. math:: \langle p_a, p_b \rangle
          = \frac{(\gamma_a + 1)(\gamma_b + 1)}{(\gamma_a + \gamma_b + 1)\,t_b} \left(\frac{t_a}{t_b}\right)^{\gamma_b}.

The averages of `ema.power_function` are these integrals exactly, of parameters that stay what they are from one step to
the next.

References:
  Karras et al., Analyzing and Improving the Training Dynamics of Diffusion Models (EDM2), 2023,
  https://arxiv.org/abs/2312.02696, section 3.2, appendix C and algorithm 3
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import flax.serialization
import jax
import numpy as np

from genjax_models.core.trees import check_like, load_tree, save_tree
from genjax_models.core.types import PyTree
from genjax_models.training import parallel
from genjax_models.training.ema import TRACKS, gamma_of
from genjax_models.training.state import TrainState
from genjax_models.training.workdir import check_room, writing

FOLDER = "snapshots"
"""Where a run's folder holds them, `<step>.safetensors` each: the tree of `state.ema`, both tracks."""


def inner_product(gamma_a: np.ndarray, step_a: np.ndarray, gamma_b: np.ndarray, step_b: np.ndarray) -> np.ndarray:
    """Inner products of profiles, elementwise in float64; the arguments broadcast, and steps are positive."""
    gamma_a, step_a, gamma_b, step_b = (np.asarray(a, np.float64) for a in (gamma_a, step_a, gamma_b, step_b))
    later = np.maximum(step_a, step_b)
    ratio = np.minimum(step_a, step_b) / later
    exponent = np.where(step_a < step_b, gamma_b, gamma_a)
    return (gamma_a + 1) * (gamma_b + 1) / (gamma_a + gamma_b + 1) * ratio**exponent / later


def coefficients(
    sigma_rels: Iterable[float], steps: Sequence[int] | np.ndarray, sigma_rel: float, step: int
) -> np.ndarray:
    """What each tracked average contributes to another one.

    Args:
      sigma_rels: relative widths of the averages, N of them.
      steps: when each was taken, from 1.
      sigma_rel: the width that is wanted.
      step: when it is wanted; averages taken later contribute little.

    Returns:
      `[N]` float64 with sum 1, so that parameters that never change stay what they are.

    Raises:
      UserError: if a width lies outside (0, 1/sqrt(12)).
    """
    gammas, times = np.array([gamma_of(s) for s in sigma_rels]), np.asarray(steps, np.float64)
    gram = inner_product(gammas[:, None], times[:, None], gammas[None, :], times[None, :])
    wanted = inner_product(gammas, times, np.array(gamma_of(sigma_rel)), np.array(step))
    norm = np.sqrt(np.diag(gram))
    # Unit profiles keep the condition number low; least squares does not mind profiles that are nearly the same.
    x = np.linalg.lstsq(gram / np.outer(norm, norm), wanted / norm, rcond=None)[0] / norm
    return x / x.sum()


def combine(weights: Iterable[float], trees: Iterable[PyTree]) -> PyTree:
    """The weighted sum of trees of arrays, taken in float64 one tree at a time, in the dtypes of the trees."""
    total = None
    for weight, tree in zip(weights, trees, strict=True):
        part = jax.tree.map(lambda x, w=weight: w * np.asarray(x, np.float64), tree)
        total = part if total is None else jax.tree.map(np.add, total, part)
    return jax.tree.map(lambda x, like: x.astype(like.dtype), total, tree)


def save_snapshot(workdir: Path, state: TrainState) -> None:
    """Write the tracks of a state into the run's folder, or write them again; every process must ask.

    Raises:
      UserError: if they cannot be written.
    """
    ema = flax.serialization.to_state_dict(parallel.to_host(state.ema))
    if jax.process_index() == 0:
        folder = workdir / FOLDER
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            check_room(folder, sum(x.nbytes for x in jax.tree.leaves(ema)))
            save_tree(folder / f"{int(state.step)}.safetensors", ema, {"sigma_rel": ", ".join(map(str, TRACKS))})


def reconstruct(state: TrainState, sigma_rel: float, workdir: Path | None = None) -> dict[str, PyTree]:
    """The average of another width, at the step of `state`.

    Args:
      state: of a run with `ema.kind="posthoc"`; its own tracks are used beside the snapshots.
      sigma_rel: relative width of the average. Between the tracks and somewhat beyond them, twenty snapshots over the
        run give its profile to within a per cent.
      workdir: the run's folder, whose snapshots of earlier steps are used; without it there are the two tracks alone.

    Returns:
      A tree like `state.params`, and placed as it is.

    Raises:
      UserError: if the width lies outside (0, 1/sqrt(12)), or a snapshot cannot be read.
    """
    step = int(state.step)
    files = {} if workdir is None else {path.stem: path for path in (workdir / FOLDER).glob("*.safetensors")}
    earlier = sorted(int(name) for name in files if name.isdigit() and int(name) < step)
    steps = np.repeat([*earlier, step], len(TRACKS))
    weights = coefficients(TRACKS * (len(earlier) + 1), steps, sigma_rel, step)

    own = flax.serialization.to_state_dict(parallel.to_host(state.ema))

    def snapshot(path: Path) -> PyTree:
        tree, _ = load_tree(path)
        check_like(path, tree, own)
        return tree

    trees = chain((snapshot(files[str(n)]) for n in earlier), [own])
    tracks = (jax.tree.map(lambda x, i=i: x[i], tree) for tree in trees for i in range(len(TRACKS)))
    average = flax.serialization.from_state_dict(state.params, combine(weights, tracks))
    return jax.tree.map(lambda x, like: jax.device_put(x, like.sharding), average, state.params)

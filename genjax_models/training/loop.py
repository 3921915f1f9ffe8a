"""The training loop: resume or start, step, log, save, stop cleanly. It is independent of family and network."""

import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
from flax.errors import FlaxError
from jax.sharding import Mesh
from jax.stages import Lowered, Wrapped
from ml_collections import ConfigDict

from genjax_models.core.errors import UserError
from genjax_models.core.types import PyTree
from genjax_models.training import parallel
from genjax_models.training import workdir as folder
from genjax_models.training.checkpoint import Checkpoints, restore, saved_steps, set_aside
from genjax_models.training.clock import Clock
from genjax_models.training.config import TRAINING
from genjax_models.training.ema import make_ema, tracks_of
from genjax_models.training.experiment import Experiment, initial_state
from genjax_models.training.interruption import Interruption
from genjax_models.training.lock import locked
from genjax_models.training.logging import RunLog
from genjax_models.training.names import pick
from genjax_models.training.posthoc_ema import save_snapshot
from genjax_models.training.prefetch import Prefetch
from genjax_models.training.readout import LAG, NonFiniteError, Readout
from genjax_models.training.settings import check
from genjax_models.training.state import TrainState
from genjax_models.training.step import train_step

log = logging.getLogger("genjax_models")


class Batches(Protocol):
    """An endless iterator over this process's share of each batch, whose position can be saved as JSON."""

    def __next__(self) -> PyTree: ...
    def get_state(self) -> Any: ...
    def set_state(self, state: Any) -> None: ...


class Hook(NamedTuple):
    """Something to do between steps, such as drawing samples or measuring a validation loss.

    Attributes:
      every: after how many steps; after the last one in any case, and only then if 0.
      measures: names of the metrics that it returns, for `keep_best.metric`.
      run: `(step, state, log) -> metrics of that step, or None`. It runs in every process and must not keep `state`,
        whose buffers the next step reuses.
    """

    every: int
    run: Callable[[int, TrainState, RunLog], Mapping[str, float] | None]
    measures: tuple[str, ...] = ()


def fit(
    experiment: Experiment,
    config: ConfigDict,
    workdir: Path | str,
    data: Batches,
    *,
    hooks: Sequence[Hook] = (),
    mesh: Mesh | None = None,
) -> TrainState:
    """Train until `config.train.steps`, from where `workdir` left off.

    A resumed run does exactly what the uninterrupted one would have done: parameters, averages, optimiser, order of
    the data, and every later metric. SIGTERM and SIGINT finish the step, save, and exit.

    Args:
      experiment: what to train.
      config: its section `train` is that of `training_config()`; all of it is recorded in `workdir`.
      workdir: the run's folder, made if it is not there.
      data: batches; each array is `[batch_size / processes, ...]`.
      hooks: what to do between steps, in this order.
      mesh: the devices, all of them by default.

    Returns:
      The final state.

    Raises:
      UserError: if the config, the batch, the folder or a checkpoint is not as it must be; found before compiling.
      NonFiniteError: if a step was not finite and `config.train.nonfinite` is `stop`; the state before it is saved, and
        no earlier checkpoint is removed.
      SystemExit: after a signal, with status 128 + its number; the state is saved.
    """
    train, workdir = config.train, Path(workdir)
    folder.check_name(workdir)
    check(TRAINING, train, prefix="config.train")
    if jax.config.jax_disable_jit:  # type: ignore[attr-defined]
        raise UserError("the training step is compiled before it is called: unset JAX_DISABLE_JIT")
    with locked(workdir):
        return _fit(experiment, config, workdir, data, hooks, mesh)


def _fit(
    experiment: Experiment,
    config: ConfigDict,
    workdir: Path,
    data: Batches,
    hooks: Sequence[Hook],
    mesh: Mesh | None,
) -> TrainState:
    """`fit`, in a folder that is locked."""
    train = config.train
    mesh = parallel.make_mesh() if mesh is None else mesh
    stop = pick("train.nonfinite", train.nonfinite, {"stop": True, "skip": False})
    batch = _check(train, data, mesh)
    create, shapes, shardings = _layout(experiment, config, mesh)
    step_fn = partial(train_step, players=experiment.players, accumulate=train.accumulate, ema=make_ema(train.ema))
    jitted = parallel.compile(step_fn, mesh, mode=train.parallel.mode, state=shapes, fsdp=train.parallel.fsdp)

    hooks = [*hooks, *_snapshots(train.ema, workdir)]
    lowered = _lowered(jitted, shapes, batch)
    _check_best(train.keep_best, [*lowered.out_info[1], *(name for hook in hooks for name in hook.measures)])
    saved = workdir / "checkpoints"
    folder.claim(workdir, config.to_dict(), started=bool(saved_steps(saved)))
    restored = restore(saved, parallel.abstract(shapes, shardings))
    start = 0 if restored is None else int(restored.state.step)
    set_aside(saved, after=start)
    with Checkpoints(saved, keep_last=train.keep_last, keep_best=train.keep_best) as checkpoints:
        if restored is None:
            state = parallel.init_sharded(create, jax.random.key(train.seed), shardings)
            if experiment.warm_start is not None:
                state = jax.device_put(experiment.warm_start(state, workdir), shardings)
        else:
            state = restored.state
            data.set_state(restored.data)
        if start >= train.steps:
            return state
        step = lowered.compile()
        with RunLog(workdir, start=start, steps=train.steps) as run_log:
            clock = Clock(start, train.steps, train.batch_size)
            watch = experiment.watch
            readout = Readout(run_log, clock, log_every=train.log_every, last=train.steps, stop=stop, watch=watch)
            batches = Prefetch(data, partial(parallel.put_batch, mesh=mesh))
            return _train(step, state, start, train, batches, hooks, checkpoints, readout)


def _lowered(jitted: Wrapped, shapes: TrainState, batch: PyTree) -> Lowered:
    """The step for these shapes, traced.

    Raises:
      UserError: if a network or an objective refuses them; its message is kept.
    """
    try:
        return jitted.lower(shapes, batch)
    except (ValueError, TypeError, FlaxError) as error:
        if isinstance(error, UserError):
            raise
        reason = str(error).strip().split("\n", maxsplit=1)[0]
        raise UserError(f"the step of this config cannot be taken: {reason}") from error


def _train(
    take_step: Callable,
    state: TrainState,
    start: int,
    train: ConfigDict,
    batches: Prefetch,
    hooks: Sequence[Hook],
    checkpoints: Checkpoints,
    readout: Readout,
) -> TrainState:
    """The steps from `start` on."""
    metrics: Mapping = {}
    clock, run_log = readout.clock, readout.run_log
    with Interruption() as interruption:
        for step in range(start + 1, train.steps + 1):
            with clock.waiting(metrics):
                batch = next(batches)
            state, metrics = take_step(state, batch)
            measured: dict[str, float] = {}
            for hook in hooks:
                if _due(hook.every, step, train.steps):
                    with clock.paused():
                        try:
                            measured |= hook.run(step, state, run_log) or {}
                        except UserError:
                            checkpoints.save(step, state, data=batches.get_state(), remove=False)
                            raise
            readout.push(step, metrics, measured)
            run_log.advance()
            saving = _due(train.checkpoint_every, step, train.steps)
            stopping = interruption.requested(step, train.log_every)
            try:
                values = readout.drain(leave=0 if saving or stopping or measured else LAG)
            except NonFiniteError:
                checkpoints.save(step, state, data=batches.get_state(), remove=False)
                raise
            if saving or stopping:
                with clock.paused():
                    checkpoints.save(step, state, data=batches.get_state(), metrics=values if saving else None)
            if stopping:
                log.warning("stopped after step %d, which is saved; the same command resumes from there", step)
                raise SystemExit(128 + (interruption.signal or signal.SIGTERM))
    return state


def load_state(
    experiment: Experiment,
    config: ConfigDict,
    workdir: Path | str,
    *,
    step: int | None = None,
    mesh: Mesh | None = None,
) -> TrainState:
    """The state of a run, for sampling and evaluation.

    Args:
      experiment: what was trained.
      config: the config it was trained with.
      workdir: the run's folder.
      step: which checkpoint; the newest that is whole by default.
      mesh: where to put it, over all devices by default.

    Raises:
      UserError: if there is no such checkpoint, none that can be read, or the folder's config is of another model.
    """
    if (Path(workdir) / "config.json").exists():  # a run's, and not a library user's own checkpoints
        folder.check_same_model(Path(workdir), config.to_dict())
    mesh = parallel.make_mesh() if mesh is None else mesh
    _, shapes, shardings = _layout(experiment, config, mesh)
    restored = restore(Path(workdir) / "checkpoints", parallel.abstract(shapes, shardings), step=step)
    if restored is None:
        raise UserError(f"{workdir} holds no checkpoint; train first, with --workdir={workdir}")
    return restored.state


def _layout(experiment: Experiment, config: ConfigDict, mesh: Mesh) -> tuple[Callable, TrainState, TrainState]:
    """How to make the initial state, its shapes, and where its arrays live."""
    decay = make_ema(config.train.ema)
    create = partial(initial_state, experiment=experiment, ema=decay is not None, tracks=tracks_of(decay))
    shapes = jax.eval_shape(create, jax.random.key(0))
    return create, shapes, parallel.state_shardings(shapes, mesh, fsdp=config.train.parallel.fsdp)


def _snapshots(section: ConfigDict, workdir: Path) -> list[Hook]:
    """What writes the averages from which another is made after training.

    Only at multiples of `snapshot_every`, not after the last step, which the checkpoint holds: a run that is made
    longer then has the snapshots of one that was long from the start.
    """

    def write(step: int, state: TrainState, log: RunLog) -> None:
        if section.snapshot_every and step % section.snapshot_every == 0:
            save_snapshot(workdir, state)

    return [Hook(section.snapshot_every, write)] if section.kind == "posthoc" else []


def _check_best(keep_best: ConfigDict, measured: Sequence[str]) -> None:
    if keep_best.count and keep_best.metric not in measured:
        known = ", ".join(sorted(measured))
        raise UserError(f"train.keep_best.metric={keep_best.metric!r} is never measured; what is: {known}")


def _due(every: int, step: int, steps: int) -> bool:
    return step == steps or (every > 0 and step % every == 0)


def _check(train: ConfigDict, data: Batches, mesh: Mesh) -> PyTree:
    """Refuse settings and batches that cannot work, before anything is compiled; returns the shapes of a batch."""
    parallel.check_batch(train.batch_size, mesh, train.accumulate)
    position = data.get_state()
    batch = parallel.put_batch(next(data), mesh)
    data.set_state(position)
    for path, x in jax.tree.leaves_with_path(batch):
        if x.ndim == 0 or x.shape[0] != train.batch_size:
            name = jax.tree_util.keystr(path)
            raise UserError(f"the data set gives batch{name} of shape {x.shape}, expected [{train.batch_size}, ...]")
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), batch)

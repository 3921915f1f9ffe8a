r"""The one home of jit, meshes, mapped axes and distributed start-up.

A mesh has a single axis, `data`. Batches are split over it; the state is replicated, or with `fsdp` its large
arrays are split over it too. Three ways to compile a step give the same update:

* `jit`: the program sees the whole batch and XLA places the collectives. The reference.
* `shard_map`, `pmap`: the program sees one shard, and `mean` averages gradients over the shards. Each shard
  draws from its own key, so stochastic losses agree with `jit` in distribution, not in numbers.

In the mapped modes, check_vma is off. With it on, differentiating a per-shard loss with respect to replicated
parameters already sums over the shards, and a `pmean` after it leaves a gradient too large by their number.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jax.stages import Wrapped

from genjax_models.core.cpu import compiler_options
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.training.names import pick
from genjax_models.training.state import TrainState

AXIS = "data"
FSDP_MIN_SIZE = 2**14
"""Arrays with fewer elements stay replicated: gathering them would cost more than they take."""

Step = Callable[..., tuple[TrainState, dict[str, Array]]]
Mode = Literal["jit", "shard_map", "pmap"]


def initialize_distributed(
    coordinator: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Join this process to the others; call it before anything touches a device. Alone it does nothing.

    Args:
      coordinator: `host:port` of process 0, or `auto` to ask the cluster (TPU pod, Slurm, Open MPI, Kubernetes).
        Missing arguments come from `JAX_COORDINATOR_ADDRESS`, `JAX_NUM_PROCESSES` and `JAX_PROCESS_ID`.
      num_processes: how many processes there are.
      process_id: which one this is, from 0.

    Raises:
      UserError: if the description is incomplete.
    """
    coordinator = coordinator or os.environ.get("JAX_COORDINATOR_ADDRESS")
    if coordinator is None:
        return
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    if coordinator == "auto":
        arguments: tuple = ()
    else:
        count = num_processes if num_processes is not None else _environ_int("JAX_NUM_PROCESSES")
        index = process_id if process_id is not None else _environ_int("JAX_PROCESS_ID")
        arguments = (coordinator, count, index)
    try:
        jax.distributed.initialize(*arguments)
    except (ValueError, TypeError) as error:
        raise UserError(
            f"cannot join the other processes: {error}; give host:port, their number and this one's"
        ) from None


def _environ_int(name: str) -> int | None:
    text = os.environ.get(name)
    try:
        return None if text is None else int(text)
    except ValueError:
        raise UserError(f"{name} must be a whole number, got {text!r}") from None


def enable_compilation_cache() -> None:
    """Keep compiled programs under the user's cache folder, so that the next start is fast.

    A folder that the user chose (`JAX_COMPILATION_CACHE_DIR`, or jax.config) is left as it is.
    """
    if jax.config.jax_compilation_cache_dir is not None:  # type: ignore[attr-defined]
        return
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    jax.config.update("jax_compilation_cache_dir", str(Path(home) / "genjax_models" / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def make_mesh(count: int | None = None) -> Mesh:
    """A mesh with the single axis `data` over the first `count` devices, or over all of them.

    Raises:
      UserError: if there are fewer devices.
    """
    devices = jax.devices()
    if count is not None and not 1 <= count <= len(devices):
        raise UserError(f"{count} devices were requested, but this run has {len(devices)} ({devices[0].platform})")
    return Mesh(np.asarray(devices[:count]), (AXIS,))


def check_batch(batch_size: int, mesh: Mesh, accumulate: int = 1) -> None:
    """Refuse a batch that cannot be shared out evenly.

    Raises:
      UserError: if `batch_size` is not a positive multiple of devices times microbatches.
    """
    parts = mesh.size * accumulate
    if batch_size <= 0 or batch_size % parts:
        raise UserError(
            f"train.batch_size={batch_size} is not a multiple of {mesh.size} devices x {accumulate} microbatches; "
            f"the nearest size that fits is {max(1, round(batch_size / parts)) * parts}"
        )


def put_batch(batch: PyTree, mesh: Mesh) -> PyTree:
    """Turn this process's share of a batch (numpy, `[B / processes, ...]`) into arrays `[B, ...]` over the mesh.

    Arrays that are on devices already stay where they are.
    """
    sharding = NamedSharding(mesh, P(AXIS))

    def put(x: Any) -> Array:
        return x if isinstance(x, jax.Array) else jax.make_array_from_process_local_data(sharding, np.asarray(x))

    return jax.tree.map(put, batch)


def state_shardings(state: TrainState, mesh: Mesh, *, fsdp: bool = False) -> TrainState:
    """Where each array of the state lives.

    Args:
      state: a state or its shapes (from `jax.eval_shape`).
      mesh: the devices.
      fsdp: split every large array of `params`, `opt_state` and `ema` over the largest of its axes that the devices
        divide. The step counter, the key and `extra` are replicated always.

    Returns:
      A `TrainState` of `NamedSharding`.
    """

    def place(path: tuple, x: Array) -> NamedSharding:
        split = fsdp and path[0].name in ("params", "opt_state", "ema") and x.size >= FSDP_MIN_SIZE
        axes = [i for i, n in enumerate(x.shape) if n % mesh.size == 0] if split else []
        if not axes:
            return NamedSharding(mesh, P())
        largest = max(axes, key=lambda i: x.shape[i])
        return NamedSharding(mesh, P(*(AXIS if i == largest else None for i in range(x.ndim))))

    return jax.tree.map_with_path(place, state)


def abstract(state: TrainState, shardings: TrainState) -> TrainState:
    """Shapes, dtypes and places of a state, without its arrays: the target of a restore."""
    return jax.tree.map(lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s), state, shardings)


def init_sharded(init: Callable[[Key], TrainState], key: Key, shardings: TrainState) -> TrainState:
    """Run `init(key)` so that every array is born on its own devices and is never whole on one."""
    return jax.jit(init, out_shardings=shardings, compiler_options=compiler_options())(key)


def compile(step: Step, mesh: Mesh, *, mode: Mode = "jit", state: TrainState, fsdp: bool = False) -> Wrapped:
    """Compile a training step for a mesh.

    Args:
      step: `(state, batch, *, mean) -> (state, metrics)`, such as `partial(train_step, players=...)`.
      mesh: from `make_mesh`.
      mode: `jit`, `shard_map` or `pmap`. In the mapped modes floating leaves of `extra` are averaged over the shards.
      state: a state or its shapes; fixes the shardings.
      fsdp: split large parameters too; `jit` only.

    Returns:
      `(state, batch) -> (state, metrics)`; the state that goes in is donated and must not be used again.

    Raises:
      UserError: if the mode is unknown, or does not support the other settings.
    """
    modes = {"jit": _global, "shard_map": _shard_map, "pmap": _pmap}
    mapped = pick("parallel.mode", mode, modes)
    if fsdp and mode != "jit":
        raise UserError(f"parallel.fsdp needs parallel.mode='jit', got {mode!r}, which keeps the state replicated")
    if mode == "pmap" and jax.process_count() > 1:
        raise UserError("parallel.mode='pmap' runs in one process; use 'jit' or 'shard_map' on several hosts")
    places = state_shardings(state, mesh, fsdp=fsdp)
    return jax.jit(
        mapped(step, mesh),
        in_shardings=(places, NamedSharding(mesh, P(AXIS))),
        out_shardings=(places, NamedSharding(mesh, P())),
        donate_argnums=0,
        compiler_options=compiler_options(),
    )


def _global(step: Step, mesh: Mesh) -> Step:
    return step


def _shard_map(step: Step, mesh: Mesh) -> Step:
    specs: Any = {"in_specs": (P(), P(AXIS)), "out_specs": (P(), P())}
    return jax.shard_map(partial(_on_shard, step), mesh=mesh, check_vma=False, **specs)


def _pmap(step: Step, mesh: Mesh) -> Step:
    mapped = jax.pmap(
        partial(_on_shard, step), AXIS, in_axes=(None, 0), out_axes=(None, None), devices=list(mesh.devices.flat)
    )
    stack = lambda x: x.reshape((mesh.size, x.shape[0] // mesh.size, *x.shape[1:]))
    return lambda state, batch: mapped(state, jax.tree.map(stack, batch))


def _on_shard(step: Step, state: TrainState, batch: PyTree) -> tuple[TrainState, dict[str, Array]]:
    """One shard's step: its own stream of keys, and means over all shards."""
    own = replace(state, key=jax.random.fold_in(state.key, jax.lax.axis_index(AXIS)))
    new, metrics = step(own, batch, mean=_mean_over_shards)
    return replace(new, key=state.key), metrics


def _mean_over_shards(tree: PyTree) -> PyTree:
    average = lambda x: jax.lax.pmean(x, AXIS) if jnp.issubdtype(x.dtype, jnp.floating) else x
    return jax.tree.map(average, tree)


def compile_fn(fn: Callable) -> Wrapped:
    """`jit` with this machine's compiler options, for samplers and evaluation."""
    return jax.jit(fn, compiler_options=compiler_options())


def to_host(tree: PyTree) -> PyTree:
    """Arrays as numpy, whole in every process, wherever their parts live; every process must ask."""
    if alone():
        return jax.device_get(tree)
    return multihost_utils.process_allgather(tree, tiled=True)


def alone() -> bool:
    """Whether this is the only process."""
    return jax.process_count() == 1


def any_process(flag: bool) -> bool:
    """Whether `flag` is true in any process; all of them must ask at the same step."""
    if alone():
        return flag
    return bool(multihost_utils.process_allgather(np.asarray(flag)).any())

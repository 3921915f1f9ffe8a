r"""How straight flows in the plane are: I-CFM, OT-CFM, SB-CFM and rectified flows, on the protocol of Tong et al.

    python -m experiments.toy_paths --config=configs/flow_matching/tong2023_toy.py --workdir=runs/toy_paths

Every flow is the same network regressed on pairs (x0, eps); methods differ in the pairs, which are made once. For each
task and method, over several seeds that train at once:

* W2 between samples (Runge-Kutta, and one Euler step) and as many test points; above its floor, data against data;
* the normalised path energy $|\mathbb{E}[E] - W_2^2| / W_2^2$, with $W_2$ between the same test points and the starts.

Energy and distance share their starting points, so that part of the sampling noise drops out of the difference; what
the test points add stays, the same for all methods. Prints a table and writes `eval.json`, `table.md` and
`paths/<task>.png` into the run's folder.

References:
  Tong et al., Improving and Generalizing Flow-Based Generative Models with Minibatch OT, 2023, section 5.1 and the
    authors' repository, atong01/conditional-flow-matching, folder `runner`, https://arxiv.org/abs/2302.00482
  Liu et al., Flow Straight and Fast, 2023, https://arxiv.org/abs/2209.03003
"""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from experiments.config import sections
from experiments.run import command
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput, Model, PyTree
from genjax_models.data import toy
from genjax_models.evaluation.table import render, with_spread
from genjax_models.evaluation.wasserstein import wasserstein
from genjax_models.families.flow_matching import (
    Coupling,
    Source,
    bridge_loss,
    euler,
    independent,
    make_pairs,
    minibatch_ot,
    normalized_path_energy,
    path_energy,
    reflow_loss,
    rk4,
    schroedinger_bridge,
    smoothed,
)
from genjax_models.nets import PlainMLP
from genjax_models.processes import Denoiser, rectified_flow
from genjax_models.report import save_paths
from genjax_models.solvers import sample, uniform_grid
from genjax_models.training import Player, init_state, make_optimizer, parallel, train_step
from genjax_models.training.config import OPTIMIZER
from genjax_models.training.names import pick
from genjax_models.training.settings import POSITIVE, Open, Section, Setting, at_least, check, defaults
from genjax_models.training.workdir import claim, write_atomically, write_json, writing

PREVIEW = 256
"""Paths of each panel of the pictures."""

Pairs = tuple[Array, Array]
Loss = Callable[[Key, Model, Pairs], LossOutput]


class Task(NamedTuple):
    """Two distributions in the plane and the paths between them: from `source` at t = 1 to `data` at t = 0."""

    source: toy.ToyDensity
    data: toy.ToyDensity


def _given(points: Array) -> Source:
    """The source that has been drawn from already."""
    return lambda key, shape: points


NORMAL = toy.gaussian_mixture(np.zeros((1, 2)), 1.0)
TASKS = {
    # scikit-learn's moons (noise 0.05), doubled and moved to the left by 1.
    "moons": Task(NORMAL, toy.affine(toy.moons(0.03), 10 / 3, (0.0, 0.5))),
    # Radius 5, standard deviation 1.
    "8 Gaussians": Task(NORMAL, toy.affine(toy.eight_gaussians(0.16), 6.25, (0.0, 0.0))),
    # Radius 12, standard deviation 1.5; scikit-learn's moons (noise 0.1) with 0.375, the mean of all coordinates, taken
    # from each and 7 as the standard deviation of all.
    "8 Gaussians to moons": Task(
        toy.affine(toy.eight_gaussians(0.1), 15.0, (0.0, 0.0)), toy.affine(toy.moons(0.06), 16.14, (1.21, -1.21))
    ),
}
COUPLINGS: dict[str, Callable[[ConfigDict, Source], Coupling]] = {
    "I-CFM": lambda config, source: smoothed(partial(independent, source=source), config.sigma),
    "OT-CFM": lambda config, source: smoothed(partial(minibatch_ot, source=source), config.sigma),
    "SB-CFM": lambda config, source: schroedinger_bridge(config.bridge_sigma, source),
    "1-rectified flow": lambda config, source: partial(independent, source=source),
}
RECTIFIED, REFLOWED = "1-rectified flow", "2-rectified flow"


FIELDS: Section = {
    **sections.experiment("experiments.toy_paths"),
    "tasks": Setting(tuple(TASKS), "pairs of distributions", smoke=lambda tasks: tasks[:1]),
    "seeds": Setting(5, "that train at once", at_least(1), smoke=2),
    "net": Open({"width": 64, "depth": 3}, "fields of `PlainMLP`"),
    "sigma": Setting(0.1, "width of the tube about each line, I-CFM and OT-CFM", at_least(0)),
    "bridge_sigma": Setting(1.0, "diffusivity of SB-CFM", POSITIVE),
    "pairs": Setting(20_480, "of each method and seed", at_least(1), smoke=128),
    "coupling_batch": Setting(256, "points of one plan of transport", at_least(1), smoke=32),
    "train": {
        "steps": Setting(5_000, "of every method", at_least(1), smoke=20),
        "batch_size": Setting(256, "pairs a step", at_least(1), smoke=32),
        "optimizer": OPTIMIZER,
    },
    "sample_steps": Setting(32, "of rk4, for samples, energies and the pairs of reflow", at_least(1), smoke=4),
    "eval": {"num": Setting(1_000, "test points", at_least(1), smoke=64)},
    **sections.EXPECTED,
}


def get_config() -> ConfigDict:
    """The authors' settings but for what `configs/flow_matching/tong2023_toy.py` lists."""
    config = defaults(FIELDS)
    config.train.optimizer.update({"learning_rate": 2e-3, "weight_decay": 1e-5, "clip_norm": 0.0})
    config.train.optimizer.schedule.update({"name": "cosine", "warmup_steps": 100})
    return config


def couple(key: Key, x: Array, eps: Array, *, coupling: Callable[[Source], Coupling], batch: int) -> Pairs:
    """Pairs the draws `x` and `eps` `[S, N, D]` of all seeds, one batch after the other; each `[S, N, D]`."""
    blocks = [points.reshape(-1, batch, points.shape[-1]) for points in (x, eps)]
    keys = jax.random.split(key, len(blocks[0]))
    pairs = jax.lax.map(lambda block: coupling(_given(block[2]))(block[0], block[1]), (keys, *blocks))
    return jax.tree.map(lambda points: points.reshape(x.shape), pairs)


def train(
    key: Key, params: PyTree, pairs: Pairs, *, net: PlainMLP, loss: Loss, config: ConfigDict
) -> tuple[PyTree, Array]:
    """Regress the network on pairs `[N, D]`, all in one scan; batches are drawn with replacement.

    Returns:
      The parameters, and the number of steps whose gradient was not finite.
    """
    key_rows, key_state = jax.random.split(key)

    def objective(key: Key, params: PyTree, extra: PyTree, batch: Pairs, step: Array) -> tuple[LossOutput, PyTree]:
        return loss(key, model(net, params["model"]), batch), extra

    players = (Player("model", objective, make_optimizer(config.optimizer, config.steps)),)

    def step(state: Any, _: None) -> tuple[Any, Array]:
        rows = jax.random.randint(jax.random.fold_in(key_rows, state.step), (config.batch_size,), 0, len(pairs[0]))
        state, metrics = train_step(state, jax.tree.map(lambda points: points[rows], pairs), players=players)
        return state, metrics["nonfinite"]

    state, nonfinite = jax.lax.scan(step, init_state(key_state, {"model": params}, players), length=config.steps)
    return state.params["model"], nonfinite.sum()


def model(net: PlainMLP, params: PyTree) -> Model:
    """The network as a plain callable."""
    return lambda x, t: cast(Array, net.apply({"params": params}, x, t))


class Programs(NamedTuple):
    """What is compiled once and serves all tasks; parameters, keys and points carry a leading axis of seeds."""

    init: Callable[[Array], PyTree]
    couple: Mapping[str, Callable[[Key, Array, Array], Pairs]]
    train: Mapping[str, Callable[[Array, PyTree, Pairs], tuple[PyTree, Array]]]
    reflow: Callable[[PyTree, Array], Pairs]
    travel: Callable[[PyTree, Array], tuple[Array, Array, Array]]
    paths: Callable[[PyTree, Array], Array]


def make_programs(config: ConfigDict) -> Programs:
    """Bind the config; nothing is compiled before its first call."""
    net, grid, key = PlainMLP(**config.net), uniform_grid(config.sample_steps), jax.random.key(0)  # rk4 draws nothing
    denoiser = lambda params: Denoiser(rectified_flow(), model(net, params), "velocity")
    over_seeds = lambda f: parallel.compile_fn(jax.vmap(f))

    def travel(params: PyTree, eps: Array) -> tuple[Array, Array, Array]:
        """Samples `[N, 2]`, samples of one Euler step, and the energy of each path `[N]`."""
        flow = denoiser(params)
        samples = sample(key, flow, eps, grid, rk4())
        one_step = sample(key, flow, eps, uniform_grid(1), euler())
        return samples, one_step, path_energy(key, flow, eps, grid, rk4())

    def paths(params: PyTree, eps: Array) -> Array:
        path = sample(key, denoiser(params), eps, grid, rk4(), keep=config.sample_steps)[1]
        return jnp.concatenate([eps[None], path])

    fit = lambda loss: over_seeds(partial(train, net=net, loss=loss, config=config.train))
    lines, bridges = fit(reflow_loss), fit(partial(_bridges, sigma=config.bridge_sigma))
    return Programs(
        init=over_seeds(lambda key: net.init(key, jnp.zeros((1, 2)), jnp.zeros(1))["params"]),
        couple={
            name: parallel.compile_fn(partial(couple, coupling=partial(make, config), batch=config.coupling_batch))
            for name, make in COUPLINGS.items()
        },
        train=dict.fromkeys([*COUPLINGS, REFLOWED], lines) | {"SB-CFM": bridges},
        reflow=over_seeds(
            lambda params, eps: make_pairs(key, denoiser(params), eps.shape, grid, rk4(), source=_given(eps))
        ),
        travel=over_seeds(travel),
        paths=parallel.compile_fn(paths),
    )


def _bridges(key: Key, model: Model, pairs: Pairs, *, sigma: float) -> LossOutput:
    return bridge_loss(key, model, pairs[0], sigma=sigma, coupling=lambda key, x: pairs)


def measure_task(name: str, config: ConfigDict, programs: Programs) -> tuple[list[dict], dict[str, np.ndarray]]:
    """Train and measure every method on one task.

    Returns:
      A row a metric and method, with the value of each seed, the mean and its standard error; and by method the paths
      `[T, N, 2]` of the first seed.

    Raises:
      UserError: if there is no such task, or a gradient was not finite.
    """
    task = pick("tasks", name, TASKS)
    seeds = jax.vmap(jax.random.key)(jnp.arange(config.seeds))
    keys = lambda stream: jax.vmap(jax.random.fold_in, (0, None))(seeds, stream)
    draw = lambda density, stream, n: jax.vmap(lambda key: density.sample(key, n))(keys(stream))
    num = config.eval.num
    x, eps = draw(task.data, 0, config.pairs), draw(task.source, 1, config.pairs)
    test, start, other = draw(task.data, 2, num), draw(task.source, 3, num), draw(task.data, 4, num)
    optimal = _distances(start, test)
    rows = [_row(name, "data", "W2", _distances(test, other))]
    pictures: dict[str, np.ndarray] = {}
    trained: dict[str, PyTree] = {}
    for stream, method in enumerate([*COUPLINGS, REFLOWED], 6):
        if method == REFLOWED:
            params, pairs = trained[RECTIFIED], programs.reflow(trained[RECTIFIED], eps)
        else:
            params, pairs = programs.init(keys(5)), programs.couple[method](jax.random.key(stream), x, eps)
        trained[method], nonfinite = programs.train[method](keys(stream), params, pairs)
        if nonfinite.any():
            raise UserError(f"{name}, {method}: a gradient was not finite; lower config.train.optimizer.learning_rate")
        samples, one_step, energy = programs.travel(trained[method], start)
        npe = [normalized_path_energy(e, w**2) for e, w in zip(energy, optimal, strict=True)]
        rows += [
            _row(name, method, "NPE", np.array(npe)),
            _row(name, method, "W2", _distances(test, samples)),
            _row(name, method, "W2, one Euler step", _distances(test, one_step)),
        ]
        first = jax.tree.map(lambda leaf: leaf[0], trained[method])
        pictures[method] = np.asarray(programs.paths(first, start[0, :PREVIEW]))
        print(f"{name}, {method}: " + ", ".join(f"{row['metric']} {row['value']:.3g}" for row in rows[-3:]), flush=True)
    return rows, pictures


def table(rows: list[dict]) -> str:
    """The rows as a Markdown table, a line a task and method."""
    metrics = list(dict.fromkeys(row["metric"] for row in rows if row["method"] != "data"))
    return render([["task", "method", *metrics], *_lines(rows, metrics)])


def _lines(rows: list[dict], metrics: list[str]) -> Iterator[list[str]]:
    for task, method in dict.fromkeys((row["task"], row["method"]) for row in rows):
        own = {row["metric"]: row for row in rows if (row["task"], row["method"]) == (task, method)}
        cells = [with_spread(own[m]["value"], own[m]["stderr"]) if m in own else "" for m in metrics]
        yield [task, method, *cells]


def _row(task: str, method: str, metric: str, values: np.ndarray) -> dict[str, Any]:
    stderr = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    seeds = [round(float(value), 6) for value in values]
    return {"task": task, "method": method, "metric": metric, "value": float(values.mean()), "stderr": stderr} | {
        "seeds": seeds
    }


def _distances(x: Array, y: Array) -> np.ndarray:
    """W2 of each seed."""
    return np.array([wasserstein(a, b) for a, b in zip(np.asarray(x), np.asarray(y), strict=True)])


def main() -> None:
    """Train and measure all tasks; write the table and the pictures."""
    start = time.perf_counter()
    config, workdir = command.read_config(), command.workdir()
    check(FIELDS, config)
    parallel.enable_compilation_cache()
    if config.pairs % config.coupling_batch:
        raise UserError(f"pairs={config.pairs} must be a multiple of coupling_batch={config.coupling_batch}")
    claim(workdir, config.to_dict(), started=(workdir / "eval.json").exists())
    programs, rows = make_programs(config), []
    for name in config.tasks:
        measured, pictures = measure_task(name, config, programs)
        rows += measured
        with writing(workdir):
            save_paths(pictures, workdir / "paths" / f"{name.replace(' ', '_')}.png")
    result = {"n": config.eval.num, "rows": rows, "seconds": round(time.perf_counter() - start, 1)}
    with writing(workdir):
        write_json(workdir / "eval.json", result)
        write_atomically(workdir / "table.md", table(rows) + "\n")
    print(f"{table(rows)}\n{result['seconds']} s; numbers: {workdir / 'eval.json'}; paths: {workdir / 'paths'}")


if __name__ == "__main__":
    command.run(main)

r"""Which modes a generative model keeps: 8 and 25 Gaussians, over several seeds that train at once.

    python -m experiments.toy_modes --config=configs/gan/srivastava2017_toy.py --workdir=runs/toy_modes

Every method is an experiment of this library on points of the plane, trained and sampled through the functions that
`experiments.train` uses, with an axis of seeds in front. A sample is good within three standard deviations of a mode's
centre; a mode is kept if a good sample lies there. A seed has *collapsed* if it keeps less than half of the modes, and
*diverged* if fewer than a tenth of its samples are good, or a step was not finite.

Prints a table and writes `eval.json`, `table.md` and `samples/<method>.png` into the run's folder.

References:
  Srivastava et al., VEEGAN, 2017, https://arxiv.org/abs/1705.07761
  Lin et al., PacGAN, 2018, https://arxiv.org/abs/1712.04086
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from experiments import flow_matching, flows, gan
from experiments.config import recipes, sections
from experiments.run import command
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array
from genjax_models.data import load, toy
from genjax_models.evaluation.mode_coverage import mode_coverage
from genjax_models.evaluation.table import render, with_spread
from genjax_models.report import save_points
from genjax_models.training import SampleRequest, parallel, train_step
from genjax_models.training.ema import make_ema, tracks_of
from genjax_models.training.experiment import Experiment, initial_state
from genjax_models.training.names import pick
from genjax_models.training.settings import SEED, Section, Setting, at_least, check, defaults
from genjax_models.training.workdir import claim, write_atomically, write_json, writing

PREVIEW = 1_000
"""Points of each panel of the pictures."""


class Task(NamedTuple):
    """A mixture of Gaussians in the plane."""

    data: str
    centres: np.ndarray
    std: float


TASKS = {
    "8 Gaussians": Task("eight_gaussians", toy.circle_of_eight(), 0.05),
    "25 Gaussians": Task("twenty_five_gaussians", toy.grid_of_twenty_five(), 0.03),
}


def game(name: str, *penalties: tuple[str, float, int], n_critic: int = 1, b1: float = 0.5) -> ConfigDict:
    """A GAN of perceptrons."""
    config = gan.get_config()
    config.update({"latent": 2, "game": name, "penalties": penalties, "n_critic": n_critic})
    config.generator.update({"widths": (128, 128), "activation": "relu"})
    config.discriminator.update({"widths": (128, 128), "activation": "leaky_relu"})
    for section in (config.train.optimizer, config.discriminator_optimizer):
        section.update({"learning_rate": 1e-3, "b1": b1, "b2": 0.9})
        section.schedule.name = "cosine"
    return config


def likelihood_flow() -> ConfigDict:
    """RQ-NSF (C)."""
    config = recipes.vectors(flows.vector_config(), "twenty_five_gaussians")
    config.flow.update({"name": "spline_coupling", "options": ConfigDict({"depth": 4, "bins": 8})})
    return config


METHODS: dict[str, Callable[[], ConfigDict]] = {
    "NS": lambda: game("non_saturating"),
    "LS": lambda: game("least_squares"),
    "hinge": lambda: game("hinge"),
    "WGAN-GP": lambda: game("wasserstein", ("gradient_penalty", 0.1, 1), n_critic=5),
    "R3GAN": lambda: game("relativistic", ("r1_r2", 0.1, 1), b1=0.0),
    "flow": likelihood_flow,
    "flow matching": lambda: recipes.vectors(
        flow_matching.get_config(), "twenty_five_gaussians", recipes.SMALL | {"width": 128}
    ),
}
"""The GANs share networks, rates and batches; WGAN-GP has the papers' five moves of the critic and its weight, R3GAN's
weight is for data of our scale."""


FIELDS: Section = {
    **sections.experiment("experiments.toy_modes"),
    "tasks": Setting(tuple(TASKS), "mixtures of Gaussians", smoke=lambda tasks: tasks[:1]),
    "methods": Setting(tuple(METHODS), "that are compared", smoke=lambda methods: (methods[0], methods[-1])),
    "seeds": Setting(5, "that train at once", at_least(1), smoke=2),
    "train": {
        "steps": Setting(20_000, "of every method", at_least(1), smoke=20),
        "batch_size": Setting(256, "points a step", at_least(1), smoke=32),
    },
    "eval": {
        "num": Setting(2_500, "samples of a seed", at_least(1), smoke=64),
        "seed": Setting(0, "of training and samples", SEED),
    },
    **sections.EXPECTED,
}


def get_config() -> ConfigDict:
    """Five seeds of each method on both mixtures."""
    return defaults(FIELDS)


def experiment_of(config: ConfigDict, method: str, task: Task) -> tuple[ConfigDict, Experiment]:
    """The method's own config on the task's data, and what it builds.

    Raises:
      UserError: if there is no such method.
    """
    own = pick("methods", method, METHODS)()
    own.data.name = task.data
    own.train.update({"steps": config.train.steps, "batch_size": config.train.batch_size})
    schedule = own.train.optimizer.schedule
    schedule.warmup_steps = min(schedule.warmup_steps, config.train.steps // 10)
    return own, command.build_experiment(own)


def trained(config: ConfigDict, experiment: Experiment, x: Array, num: int) -> Callable[[Array], tuple[Array, Array]]:
    """`key -> (samples [num, 2], number of steps that were not finite)`: a whole run on the points `x` in one scan.

    Batches are drawn with replacement.
    """
    ema, size = make_ema(config.train.ema), config.train.batch_size

    def run(key: Array) -> tuple[Array, Array]:
        key_rows, key_state, key_sample = jax.random.split(key, 3)

        def step(state: Any, _: None) -> tuple[Any, Array]:
            rows = jax.random.randint(jax.random.fold_in(key_rows, state.step), (size,), 0, len(x))
            batch = {"x": x[rows]}
            state, metrics = train_step(state, batch, players=experiment.players, ema=ema)
            return state, jnp.stack([value for name, value in metrics.items() if name.endswith("nonfinite")]).sum()

        start = initial_state(key_state, experiment, ema=ema is not None, tracks=tracks_of(ema))
        state, nonfinite = jax.lax.scan(step, start, length=config.train.steps)
        params = state.params if state.ema is None else state.ema
        assert experiment.sample is not None
        model = experiment.finalize(params, state.extra)
        return experiment.sample(key_sample, model, SampleRequest(num)), nonfinite.sum()

    return run


def measure(task: Task, samples: np.ndarray, nonfinite: np.ndarray) -> dict[str, np.ndarray]:
    """Of samples `[S, N, 2]`: each metric `[S]`."""
    found: dict[str, list[float]] = {name: [] for name in ("modes", "good", "reverse KL", "collapsed", "diverged")}
    for points, bad in zip(samples, nonfinite, strict=True):
        finite = bool(np.isfinite(points).all())
        coverage = mode_coverage(points if finite else np.full((1, 2), 1e6), task.centres, task.std)
        diverged = bad > 0 or not finite or coverage.high_quality < 0.1
        values = (coverage.modes, coverage.high_quality, coverage.reverse_kl)
        flags = (coverage.modes < len(task.centres) / 2, diverged)
        for metric, value in zip(found, (*values, *flags), strict=True):
            found[metric].append(float(value))
    return {metric: np.array(values) for metric, values in found.items()}


def row(task: str, method: str, found: dict[str, np.ndarray], seconds: float) -> dict[str, Any]:
    """The means over the seeds with their standard errors, rates as shares, and the seeds themselves."""
    count = len(found["modes"])
    error = lambda values: float(values.std(ddof=1) / np.sqrt(count)) if count > 1 else None
    return {
        "task": task,
        "method": method,
        "mean": {metric: float(values.mean()) for metric, values in found.items()},
        "stderr": {metric: error(values) for metric, values in found.items()},
        "seeds": {metric: values.tolist() for metric, values in found.items()},
        "seconds": round(seconds, 1),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    header = ["task", "method", "modes", "good samples", "reverse KL", "collapsed", "diverged"]
    lines = []
    for own in rows:
        mean, stderr, count = own["mean"], own["stderr"], len(own["seeds"]["modes"])
        measured = [with_spread(mean[name], stderr[name]) for name in ("modes", "good", "reverse KL")]
        rates = [f"{round(mean[name] * count)} of {count}" for name in ("collapsed", "diverged")]
        lines.append([own["task"], own["method"], *measured, *rates])
    return render([header, *lines])


def main() -> None:
    """Train and measure all methods on all tasks; write the table and the pictures."""
    start = time.perf_counter()
    config, workdir = command.read_config(), command.workdir()
    check(FIELDS, config)
    parallel.enable_compilation_cache()
    if config.seeds < 1 or config.eval.num < 1:
        raise UserError(f"seeds={config.seeds} and eval.num={config.eval.num} must be at least 1")
    tasks = {name: pick("tasks", name, TASKS) for name in config.tasks}
    built = {(t, m): experiment_of(config, m, task) for t, task in tasks.items() for m in config.methods}
    claim(workdir, config.to_dict(), started=(workdir / "eval.json").exists())
    keys = jax.vmap(jax.random.key)(config.eval.seed + jnp.arange(config.seeds))
    rows: list[dict[str, Any]] = []
    for name, task in tasks.items():
        x, pictures = load(task.data, "train").x, {"data": load(task.data, "test").x[:PREVIEW]}
        for method in config.methods:
            begin = time.perf_counter()
            run = parallel.compile_fn(jax.vmap(trained(*built[name, method], jnp.asarray(x), config.eval.num)))
            samples, nonfinite = (np.asarray(array) for array in run(keys))
            pictures[method] = samples[0, :PREVIEW]
            rows.append(row(name, method, measure(task, samples, nonfinite), time.perf_counter() - begin))
            print(table(rows[-1:]).splitlines()[-1], flush=True)
        with writing(workdir):
            save_points(pictures, workdir / "samples" / f"{name.replace(' ', '_')}.png")
    result = {"n": config.eval.num, "rows": rows, "seconds": round(time.perf_counter() - start, 1)}
    with writing(workdir):
        write_json(workdir / "eval.json", result)
        write_atomically(workdir / "table.md", table(rows) + "\n")
    print(f"{table(rows)}\n{result['seconds']} s; numbers: {workdir / 'eval.json'}")


if __name__ == "__main__":
    command.run(main)

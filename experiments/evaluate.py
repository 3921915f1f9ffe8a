"""Measure a trained run: every metric for every (sampler, steps) of `config.eval.rows`, beside real images' own.

    python -m experiments.evaluate --config=configs/<family>/<paper>_<dataset>.py --workdir=runs/<name>

Prints the table, writes `eval.json` and one picture a row into the run's folder.
"""

import json
import time
from pathlib import Path

import jax
from absl import flags

from experiments import command
from experiments.drawing import averaged, draw_images
from genjax_models.data import load
from genjax_models.evaluation.features import load_feature_net
from genjax_models.evaluation.table import markdown, measure, to_json
from genjax_models.report import save_grid
from genjax_models.training import parallel
from genjax_models.training.loop import load_state
from genjax_models.training.workdir import write_atomically, writing

PREVIEW = 100
"""Images of each row's picture."""

WEIGHTS = flags.DEFINE_string("weights", None, "weights file of a feature net that is not embedded")


def main() -> None:
    """Evaluate the newest checkpoint."""
    config, workdir = command.read_config(), Path(command.workdir())
    parallel.enable_compilation_cache()
    experiment = command.build_experiment(config)
    params = averaged(load_state(experiment, config, workdir))
    net = load_feature_net(config.eval.features, path=WEIGHTS.value)
    real = net(load(config.data.name, "train").x)

    generated, seconds = {}, {}
    for sampler, steps in config.eval.rows:
        name = f"{sampler} {steps}"
        start = time.perf_counter()
        images = draw_images(
            jax.random.key(config.eval.seed),
            experiment,
            params,
            config.eval.num,
            batch=config.eval.batch,
            what=name,
            sampler=sampler,
            steps=steps,
        )
        seconds[name] = time.perf_counter() - start
        picture = workdir / "samples" / f"{sampler}_{steps}.png"
        with writing(workdir):
            save_grid(images[:PREVIEW], picture)
        generated[name] = net(images)

    table = measure(real, generated, evaluator=net.name, seed=config.eval.seed)
    with writing(workdir):
        write_atomically(
            workdir / "eval.json", json.dumps({"rows": to_json(table), "seconds": seconds}, indent=2) + "\n"
        )
    print(markdown(table))
    print(f"\nsamples: {picture}\nnumbers: {workdir / 'eval.json'}")


if __name__ == "__main__":
    command.run(main)

"""Measure a trained run on its newest checkpoint.

    python -m experiments.evaluate --config=configs/<family>/<paper>_<dataset>.py --workdir=runs/<name>

Held-out terms are means over the test split; `config.eval.likelihood` test examples get their likelihood, in bits a
dimension and nats. What can sample images is also measured by every metric, for every (sampler, steps) of
`config.eval.rows`, beside the same metric of real images, on the features `config.eval.features`; empty, there are
none. Prints both, writes `eval.json`, and for each row a picture into `samples/`.
"""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from absl import flags
from ml_collections import ConfigDict

from experiments.gaussian_path.guides import draws_labels
from experiments.run import command
from experiments.run.held_out import summary, test_likelihoods, test_scores
from experiments.run.sampling import draw_samples, settled
from genjax_models.core.types import PyTree
from genjax_models.data import load
from genjax_models.evaluation.features import load_feature_net
from genjax_models.evaluation.table import Classes, markdown, measure, to_json
from genjax_models.report import save_grid
from genjax_models.training import Experiment, parallel
from genjax_models.training.loop import load_state
from genjax_models.training.workdir import write_atomically, writing

PREVIEW = 100
"""Images of each row's picture."""

WEIGHTS = flags.DEFINE_string("weights", None, "weights file of a feature net that is not embedded")


def main() -> None:
    """Evaluate the newest checkpoint."""
    config, workdir = command.read_config(), command.workdir()
    parallel.enable_compilation_cache()
    experiment = command.build_experiment(config)
    state = load_state(experiment, config, workdir)
    params = settled(experiment, state, config, workdir)
    result: dict[str, Any] = {"step": int(state.step), "ema": config.train.ema.to_dict()}
    if experiment.validate is not None:
        result["held_out"], _ = test_scores(experiment, params, state.extra, config.data.name)
        terms = ", ".join(f"{name} {value:.4f}" for name, value in result["held_out"].items())
        print(f"held-out means over the test split: {terms}")
    if "eval" in config and config.eval.likelihood:
        nats, kind = test_likelihoods(
            experiment,
            params,
            config.data.name,
            config.eval.likelihood,
            batch=config.eval.batch,
            seed=config.eval.seed,
        )
        found = summary(nats, kind, dims=math.prod(config.data.shape), seed=config.eval.seed)
        result["likelihood"] = found
        print(
            f"test likelihood: {found['bits_per_dim']:.3f} ± {found['stderr']:.3f} bits/dim, "
            f"{found['nats']:.3f} ± {found['nats_stderr']:.3f} nats (kind {kind}, n {len(nats)}, seed {found['seed']})"
        )
    if experiment.sample is not None and config.eval.features and config.eval.rows:
        result |= measured_samples(experiment, config, params, workdir)
    with writing(workdir):
        write_atomically(workdir / "eval.json", json.dumps(result, indent=2) + "\n")
    print(f"numbers: {workdir / 'eval.json'}")


def measured_samples(
    experiment: Experiment, config: ConfigDict, params: Mapping[str, PyTree], workdir: Path
) -> dict[str, Any]:
    """Draw for every row of the table, measure against the training images, print, and save a picture a row."""
    net, dataset = load_feature_net(config.eval.features, path=WEIGHTS.value), load(config.data.name, "train")
    real = net(dataset.x)
    generated, seconds = {}, {}
    for sampler, steps in config.eval.rows:
        name = f"{sampler} {steps}"
        start = time.perf_counter()
        images = draw_samples(
            jax.random.key(config.eval.seed),
            experiment,
            params,
            config.eval.num,
            batch=config.eval.batch,
            what=name,
            sampler=sampler,
            steps=steps,
        )
        seconds[name] = round(time.perf_counter() - start, 1)
        picture = workdir / "samples" / f"{sampler}_{steps}.png"
        with writing(workdir):
            save_grid(images[:PREVIEW], picture)
        generated[name] = net(images)
    classes = None
    if draws_labels(config) and config.data.name.startswith(config.eval.features):  # `mnist` knows `mnist_5k`
        classes = Classes(dataset.label, np.arange(config.eval.num) % config.eval.batch % config.data.num_classes)
    table = measure(real, generated, evaluator=net.name, seed=config.eval.seed, classes=classes)
    print(f"{markdown(table)}\nsamples: {picture}")
    return {"samples": to_json(table), "seconds": seconds}


if __name__ == "__main__":
    command.run(main)

"""Measure a trained run on its newest checkpoint.

    python -m experiments.evaluate --config=configs/<family>/<paper>_<dataset>.py --workdir=runs/<name>

Held-out terms are means over the test split; `config.eval.likelihood` test examples get their likelihood, in bits a
dimension (a character or a token of text) and nats. What can sample images is also measured by every metric, for every
(sampler, steps) of `config.eval.rows`, beside the same metric of real images, on the features `config.eval.features`;
empty, there are none. Prints both, writes `eval.json`, and for each row a picture into `samples/`.
"""

import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from ml_collections import ConfigDict

from experiments.config.data import dataset_of
from experiments.run import command
from experiments.run.held_out import summary, test_likelihoods, test_scores
from experiments.run.inference import finalized
from experiments.run.rehearsal import check_features
from experiments.run.sampling import draw_samples
from genjax_models.core.types import Condition
from genjax_models.evaluation.features import load_feature_net
from genjax_models.evaluation.table import Classes, markdown, measure, to_json
from genjax_models.modalities import modality_of
from genjax_models.training import Experiment, Inference, SampleRequest, parallel
from genjax_models.training.loop import load_state
from genjax_models.training.workdir import whole, write_json, writing

PREVIEW = 100
"""Images of each row's picture."""

WEIGHTS = flags.DEFINE_string("weights", None, "weights file of a feature net that is not embedded")


def main() -> None:
    """Evaluate the newest checkpoint."""
    config, workdir = command.read_config(), command.workdir()
    parallel.enable_compilation_cache()
    experiment = command.build_experiment(config)
    state = load_state(experiment, config, workdir)
    model = finalized(experiment, state, config, workdir)
    result: dict[str, Any] = {"step": int(state.step), "ema": config.train.ema.to_dict()}
    if experiment.validate is not None:
        result["held_out"], _ = test_scores(experiment, model, config)
        terms = ", ".join(f"{name} {value:.4f}" for name, value in result["held_out"].items())
        print(f"held-out means over the test split: {terms}")
    if "eval" in config and config.eval.likelihood:
        dataset, section = dataset_of(config, "test"), config.eval
        nats, kind = test_likelihoods(
            experiment, model, dataset, section.likelihood, batch=section.batch, seed=section.seed
        )
        found = summary(nats, kind, spec=experiment.spec, seed=section.seed)
        result["likelihood"] = found
        print(
            f"test likelihood: {found['bits_per_dim']:.3f} ± {found['stderr']:.3f} {found['unit']}, "
            f"{found['nats']:.3f} ± {found['nats_stderr']:.3f} nats (kind {kind}, n {len(nats)}, seed {found['seed']})"
        )
    if experiment.sample is not None and config.eval.features and config.eval.rows:
        result |= measured_samples(experiment, config, model, workdir)
    with writing(workdir):
        write_json(workdir / "eval.json", result)
    print(f"numbers: {workdir / 'eval.json'}")


def held_out_conditions(experiment: Experiment, config: ConfigDict) -> tuple[Condition | None, np.ndarray | None]:
    """What evaluated samples are conditioned on, and their classes `[num]`.

    A class alone runs through all classes. Where there are other fields, conditions are those of held-out examples.
    """
    names, spec, num = experiment.conditions, experiment.spec, config.eval.num
    if set(names) <= {"label"}:
        return None, np.arange(num) % config.eval.batch % spec.num_classes if names else None
    test = dataset_of(config, "test")
    rows = test.take(np.arange(num) % test.size)
    return {name: jnp.asarray(rows[name]) for name in names}, rows.get("label")


def measured_samples(experiment: Experiment, config: ConfigDict, model: Inference, workdir: Path) -> dict[str, Any]:
    """Draw for every row of the table, measure against the training images, print, and save a picture a row.

    Raises:
      UserError: if the feature network measures data of another kind.
    """
    modality, field = modality_of(experiment.spec), experiment.spec.field
    check_features(experiment, config)
    net, dataset = load_feature_net(config.eval.features, path=WEIGHTS.value), dataset_of(config, "train")
    real = net(dataset.x)
    cond, label = held_out_conditions(experiment, config)
    generated, seconds = {}, {}
    for sampler, steps in config.eval.rows:
        name = f"{sampler} {steps}"
        start = time.perf_counter()
        request = SampleRequest(config.eval.num, cond, sampler=sampler, steps=steps)
        key = jax.random.key(config.eval.seed)
        images = draw_samples(key, experiment, model, request, batch=config.eval.batch, what=name)
        seconds[name] = round(time.perf_counter() - start, 1)
        picture = workdir / "samples" / f"{sampler}_{steps}{modality.preview(field)}"
        with writing(workdir):
            picture.parent.mkdir(parents=True, exist_ok=True)
            with whole(picture) as partial:
                modality.writer(picture, field)(images[:PREVIEW], partial, field)
        generated[name] = net(images)
    classes = None
    if label is not None and config.data.name.startswith(config.eval.features):  # `mnist` knows `mnist_5k`
        classes = Classes(dataset.label, label)
    table = measure(real, generated, evaluator=net.name, seed=config.eval.seed, classes=classes)
    print(f"{markdown(table)}\nsamples: {picture}")
    return {"samples": to_json(table), "seconds": seconds, "sampling": config.sample.to_dict()}


if __name__ == "__main__":
    command.run(main)

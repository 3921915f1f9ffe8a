"""The anomaly score of another data set under a trained model.

    python -m experiments.anomaly --config=configs/<family>/<paper>_<dataset>.py --workdir=runs/<name> --other=mnist_5k

The score of an example is minus its log-likelihood. Prints the mean of both test splits, and how well the score
separates them: the chance that an example of the other set scores higher than one of the model's own (the area under
the ROC curve; 0.5 is none, and below it the model finds the other set *more* likely, as Nalisnick et al. warn).
Writes `anomaly.json`.

References:
  Nalisnick et al., Do Deep Generative Models Know What They Don't Know?, 2019, https://arxiv.org/abs/1810.09136
"""

from typing import Any

import numpy as np
from absl import flags

from experiments.config.data import dataset_of, spec_of
from experiments.run import command, inference
from experiments.run.held_out import summary, test_likelihoods
from experiments.run.tasks import capability
from genjax_models.core.errors import UserError
from genjax_models.data import data_spec, load
from genjax_models.evaluation.auroc import auroc
from genjax_models.training import parallel
from genjax_models.training.workdir import write_json, writing

OTHER = flags.DEFINE_string("other", None, "data set whose examples are compared with the model's own")
NUM = flags.DEFINE_integer("num", 1000, "test examples of each set", lower_bound=2)


def main() -> None:
    """Score the newest checkpoint's own test split, and the other set's."""
    config, workdir = command.read_config(), command.workdir()
    if not OTHER.value:
        raise UserError("no other data set given: add --other=<name>, see python -m genjax_models.data list")
    if OTHER.value == config.data.name or config.get("condition"):
        raise UserError("an unconditional model, and a set that is not its own, are needed: choose another")
    ours, theirs = spec_of(config), data_spec(OTHER.value)
    if (ours.field.kind, ours.shape) != (theirs.field.kind, theirs.shape):
        raise UserError(f"examples of {OTHER.value} have the shape {theirs.shape}, not {ours.shape}: choose another")
    parallel.enable_compilation_cache()
    experiment = command.build_experiment(config)
    capability(experiment, "log_prob")
    model = inference.load(experiment, config, workdir)
    scores: dict[str, np.ndarray] = {}
    result: dict[str, Any] = {}
    section = config.eval
    for name, dataset in ((ours.name, dataset_of(config, "test")), (OTHER.value, load(OTHER.value, "test"))):
        nats, kind = test_likelihoods(experiment, model, dataset, NUM.value, batch=section.batch, seed=section.seed)
        scores[name], found = -nats, summary(nats, kind, spec=ours, seed=section.seed)
        result[name] = found
        print(
            f"{name}: {found['bits_per_dim']:.3f} ± {found['stderr']:.3f} {found['unit']} (kind {kind}, n {found['n']})"
        )
    result["auroc"] = auroc(scores[config.data.name], scores[OTHER.value])
    print(f"chance that {OTHER.value} scores higher: {result['auroc']:.3f}")
    with writing(workdir):
        write_json(workdir / "anomaly.json", result)


if __name__ == "__main__":
    command.run(main)

"""Write a trained run's parameters as one safetensors file, with its config and test scores in the metadata.

    python -m experiments.export --config=configs/<family>/<paper>_<dataset>.py --workdir=runs/<name> --out=<file>

The parameters are the averaged ones where the run keeps an average. Where networks have collections, such as batch
statistics, the file has these as `collections/...` and the parameters as `params/...`. The scores are the means of the
experiment's `validate` over the whole test split.
"""

import json
from pathlib import Path

import flax.serialization
import jax
from absl import flags

from experiments.run import command
from experiments.run.held_out import test_scores
from experiments.run.inference import finalized
from genjax_models.core.errors import UserError
from genjax_models.core.trees import save_tree
from genjax_models.training.loop import load_state
from genjax_models.training.workdir import writing

OUT = flags.DEFINE_string("out", None, "the safetensors file to write")


def main() -> None:
    """Export the newest checkpoint."""
    config, workdir = command.read_config(), command.workdir()
    if not OUT.value:
        raise UserError("no file to write given: add --out=<name>.safetensors")
    experiment = command.build_experiment(config)
    state = load_state(experiment, config, workdir)
    model = finalized(experiment, state, config, workdir)
    scores, num = test_scores(experiment, model, config)
    metadata = {"config": config.to_json(), "step": str(int(state.step)), "num_test": str(num)}
    metadata |= {f"test_{name}": f"{value:.4f}" for name, value in scores.items()}
    generation = model.extra.get("generation")  # of a GAN: its generator's variables, standing statistics among them
    params = model.params | ({"generator": generation} if generation else {})
    tree = flax.serialization.to_state_dict(params["model"] if params.keys() == {"model"} else params)
    if jax.tree.leaves(model.extra.get("collections")):
        tree = {"params": tree, "collections": flax.serialization.to_state_dict(model.extra["collections"])}
    with writing(Path(OUT.value).parent):
        save_tree(OUT.value, tree, metadata)
    print(json.dumps({name: value for name, value in metadata.items() if name != "config"}))
    print(f"{sum(x.size for x in jax.tree.leaves(tree)):,} numbers in {OUT.value}")


if __name__ == "__main__":
    command.run(main)

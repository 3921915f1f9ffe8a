"""Fill in what is missing of test images, with a trained model.

    python -m experiments.impute --config=configs/<family>/<paper>_<dataset>.py --workdir=runs/<name> --observed=top

Draws the missing part given the observed one, `--num` times from different images, writes a picture whose rows are
what is seen, what the model makes of it, and the original, and prints the squared error of the missing pixels by
the mean of `--draws` draws, beside that of the mean training image.
"""

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from experiments.config.data import dataset_of, spec_of
from experiments.run import command, inference
from experiments.run.tasks import capability
from genjax_models.core.errors import UserError
from genjax_models.data.masks import HALVES, half_observed
from genjax_models.modalities.image import to_float, to_uint8
from genjax_models.report import save_grid
from genjax_models.training import parallel
from genjax_models.training.workdir import whole, writing

OBSERVED = flags.DEFINE_enum("observed", "top", HALVES, "the half of each image that is seen")
NUM = flags.DEFINE_integer("num", 16, "how many images", lower_bound=1)
DRAWS = flags.DEFINE_integer("draws", 8, "draws of each image that are averaged", lower_bound=1)
SEED = flags.DEFINE_integer("seed", 0, "of the draws", lower_bound=0, upper_bound=2**32 - 1)
GREY = 96
"""The byte that marks a missing pixel."""


def main() -> None:
    """Impute with the newest checkpoint."""
    config, workdir = command.read_config(), command.workdir()
    if spec_of(config).field.kind != "image":
        raise UserError("only images are imputed on the command line: call Experiment.impute for vectors")
    parallel.enable_compilation_cache()
    experiment = command.build_experiment(config)
    impute = parallel.compile_fn(capability(experiment, "impute"))
    model = inference.load(experiment, config, workdir)
    test, train = (dataset_of(config, split) for split in ("test", "train"))
    batch = test.take(np.arange(min(NUM.value, test.size)))
    seen = half_observed(OBSERVED.value, batch["x"].shape)
    keys = jax.random.split(jax.random.key(SEED.value), DRAWS.value)
    draws = np.stack([np.asarray(impute(key, model, batch, seen)) for key in keys])
    path = workdir / "samples" / f"imputed_{OBSERVED.value}.png"
    with writing(workdir):
        rows = [np.where(seen, batch["x"], GREY), np.asarray(to_uint8(draws[0])), batch["x"]]
        with whole(path) as partial:
            save_grid(np.concatenate(rows), partial, columns=len(batch["x"]))
    x, others = (np.asarray(to_float(jnp.asarray(images))) for images in (batch["x"], train.x))
    error = float(np.mean((draws.mean(axis=0) - x)[~seen] ** 2))
    base = float(np.mean((others.mean(axis=0, keepdims=True) - x)[~seen] ** 2))
    print(
        f"squared error of the missing pixels: {error:.4f} by the mean of {len(draws)} draws, {base:.4f} by the mean "
        f"training image (n {len(x)}); {path}"
    )


if __name__ == "__main__":
    command.run(main)

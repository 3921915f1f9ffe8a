"""Look around in the latent space of a trained model.

    python -m experiments.latents --config=configs/<family>/<paper>_<dataset>.py --workdir=runs/<name> --what=mix

`--what` is one of

* `reconstruct`: held-out images, and what their latent variables decode to; of a GAN this is the projection.
* `interpolate`: paths between held-out images, one a row, along great circles of latent variables, or straight through
  styles; of a conditional model all of a row is decoded under the class of its first image.
* `mix`: generators with styles; the first row's coarse styles under the first column's fine ones, `--crossover` layers
  being coarse; all of class 0 where there are classes.

Draws into `samples/<what>.png`; `reconstruct` also prints the error of each image, a root mean square in [-1, 1].
"""

from absl import flags

from experiments.latent_views import between, mix, reconstruct
from experiments.run import command
from experiments.run.sampling import settled
from genjax_models.core.errors import UserError
from genjax_models.report import save_grid
from genjax_models.training import parallel
from genjax_models.training.loop import load_state
from genjax_models.training.names import pick
from genjax_models.training.workdir import writing

WHAT = flags.DEFINE_string("what", "interpolate", "`reconstruct`, `interpolate` or `mix`")
NUM = flags.DEFINE_integer("num", 8, "images a row, or columns and rows of a mixture")
CROSSOVER = flags.DEFINE_integer("crossover", None, "layers of a mixture that are coarse; half of them by default")
SEED = flags.DEFINE_integer("seed", 0, "of the latent variables")

VIEWS = {"reconstruct": reconstruct, "interpolate": between, "mix": mix}


def main() -> None:
    """Draw the view of the newest checkpoint."""
    config, workdir = command.read_config(), command.workdir()
    view = pick("--what", WHAT.value, VIEWS)
    if NUM.value < 2:
        raise UserError(f"--num={NUM.value} must be at least 2")
    if len(config.data.shape) != 3:
        raise UserError(f"only images can be looked at, not data of shape {tuple(config.data.shape)}")
    parallel.enable_compilation_cache()
    experiment = command.build_experiment(config)
    params = settled(experiment, load_state(experiment, config, workdir), config, workdir)
    options = {"crossover": CROSSOVER.value} if view is mix else {}
    images = view(config, experiment, params, num=NUM.value, seed=SEED.value, **options)
    picture = workdir / "samples" / f"{WHAT.value}.png"
    with writing(workdir):
        save_grid(images, picture, columns=NUM.value + (WHAT.value == "mix"))
    print(f"{WHAT.value}: {picture}")


if __name__ == "__main__":
    command.run(main)

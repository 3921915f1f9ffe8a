"""Pictures of a trained model's latent space.

    python -m experiments.latents --config=configs/<family>/<paper>_<dataset>.py --workdir=runs/<name> --what=mix

`--what` is one of

* `reconstruct`: held-out images, and what their latent variables decode to; of a GAN this is the projection.
* `interpolate`: paths between held-out images, one a row, along great circles of latent variables, or straight through
  styles; a conditional model decodes all of a row under the condition of its first image.
* `mix`: generators with styles; the first row's coarse styles under the first column's fine ones, `--crossover` layers
  being coarse; all of class 0 where there are classes.

Draws into `samples/<what>.png`; `reconstruct` also prints the error of each image, a root mean square in [-1, 1].
"""

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from ml_collections import ConfigDict

from experiments import gan
from experiments.config.data import data_of, dataset_of, spec_of
from experiments.gan import game
from experiments.gan.networks import Networks
from experiments.run import command, inference
from experiments.run.tasks import capability
from experiments.vae.autoencoder import interpolate
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array
from genjax_models.families.vae import lerp, slerp
from genjax_models.modalities.image import to_float, to_uint8
from genjax_models.report import save_grid
from genjax_models.training import Experiment, Inference, parallel
from genjax_models.training.names import pick
from genjax_models.training.workdir import whole, writing

WHAT = flags.DEFINE_string("what", "interpolate", "`reconstruct`, `interpolate` or `mix`")
NUM = flags.DEFINE_integer("num", 8, "images a row, or columns and rows of a mixture", lower_bound=2)
CROSSOVER = flags.DEFINE_integer("crossover", None, "layers of a mixture that are coarse; half of them by default")
SEED = flags.DEFINE_integer("seed", 0, "of the latent variables", lower_bound=0, upper_bound=2**32 - 1)


def reconstruct(config: ConfigDict, experiment: Experiment, model: Inference, *, num: int, seed: int) -> np.ndarray:
    """Images over their reconstructions."""
    encode, decode = capability(experiment, "encode"), capability(experiment, "decode")
    batch = held_out(config, slice(num))
    cond = data_of(config).condition(batch)

    def run(model: Inference) -> Array:
        key_encode, key_decode = jax.random.split(jax.random.key(seed))
        return decode(key_decode, model, encode(key_encode, model, batch), cond)

    x, found = to_float(jnp.asarray(batch["x"])), parallel.compile_fn(run)(model)
    errors = np.sqrt(np.square(np.asarray(found - x)).mean(axis=(1, 2, 3)))
    print(f"root-mean-square errors: {', '.join(f'{error:.3f}' for error in errors)}; mean {errors.mean():.3f}")
    return np.asarray(to_uint8(jnp.concatenate([x, found])))


def between(config: ConfigDict, experiment: Experiment, model: Inference, *, num: int, seed: int) -> np.ndarray:
    """A row for each pair of images; ends are reconstructions. Styles, which are not normal, are walked straight."""
    for task in ("encode", "decode"):
        capability(experiment, task)
    first, second = held_out(config, slice(num)), held_out(config, slice(num, 2 * num))
    options = {"cond": data_of(config).condition(first)}
    along = lerp if styled_networks(config) else slerp

    def run(model: Inference) -> Array:
        return interpolate(experiment, jax.random.key(seed), model, first, second, num, along=along, **options)

    path = np.asarray(to_uint8(parallel.compile_fn(run)(model)))
    return path.swapaxes(0, 1).reshape(-1, *path.shape[2:])


def mix(
    config: ConfigDict,
    experiment: Experiment,
    model: Inference,
    *,
    num: int,
    seed: int,
    crossover: int | None = None,
) -> np.ndarray:
    """A grid whose first row and column show the sources of the styles.

    Raises:
      UserError: if the generator has none, or there are fewer layers.
    """
    networks = styled_networks(config)
    if networks is None:
        raise UserError("only generators with styles can mix them: choose a config of StyleGAN")
    variables = model.extra["generation"]["variables"]
    cond = data_of(config).example(2 * num)
    w = networks.styles(variables, networks.prior(jax.random.key(seed), 2 * num), cond)
    layers = w.shape[1]
    crossover = layers // 2 if crossover is None else crossover
    if not 0 < crossover < layers:
        raise UserError(
            f"--crossover={crossover} must lie between 1 and {layers - 1}: the generator has {layers} layers"
        )
    coarse, fine = w[:num], w[num:]
    keep = (jnp.arange(layers) < crossover)[None, None, :, None]
    grid = jnp.where(keep, coarse[None], fine[:, None])  # row by row
    mixed = jnp.concatenate([fine[:, None], grid], axis=1).reshape(-1, *w.shape[1:])
    images = parallel.compile_fn(lambda w: to_uint8(networks.synthesize(variables, w)))
    first, rest = np.asarray(images(coarse)), np.asarray(images(mixed))
    return np.concatenate([np.full_like(first[:1], 255), first, rest])


def styled_networks(config: ConfigDict) -> Networks | None:
    """The networks of a GAN whose generator has styles."""
    networks = game.make_parts(config).networks if config.experiment == gan.__name__ else None
    return networks if networks and networks.styled else None


def held_out(config: ConfigDict, rows: slice) -> dict[str, np.ndarray]:
    """Images of the test split.

    Raises:
      UserError: if it has fewer.
    """
    dataset = dataset_of(config, "test")
    if rows.stop > dataset.size:
        raise UserError(f"--num={rows.stop - (rows.start or 0)} is too many: the test split has {dataset.size} images")
    return dataset.take(np.arange(dataset.size)[rows])


VIEWS = {"reconstruct": reconstruct, "interpolate": between, "mix": mix}


def main() -> None:
    """Draw a picture of the newest checkpoint."""
    config, workdir = command.read_config(), command.workdir()
    view = pick("--what", WHAT.value, VIEWS)
    if spec_of(config).field.kind != "image":
        raise UserError(f"only images can be shown, and data set {config.data.name} has none")
    parallel.enable_compilation_cache()
    experiment = command.build_experiment(config)
    model = inference.load(experiment, config, workdir)
    options = {"crossover": CROSSOVER.value} if view is mix else {}
    images = view(config, experiment, model, num=NUM.value, seed=SEED.value, **options)
    picture = workdir / "samples" / f"{WHAT.value}.png"
    with writing(workdir), whole(picture) as partial:
        save_grid(images, partial, columns=NUM.value + (WHAT.value == "mix"))
    print(f"{WHAT.value}: {picture}")


if __name__ == "__main__":
    command.run(main)

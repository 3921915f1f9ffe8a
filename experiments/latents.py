"""Look around in the latent space of a trained model.

    python -m experiments.latents --config=configs/<family>/<paper>_<dataset>.py --workdir=runs/<name> --what=mix

`--what` is one of

* `reconstruct`: held-out images, and what their latent variables decode to; of a GAN this is the projection.
* `interpolate`: paths between held-out images, one a row, along great circles of latent variables; of a conditional
  model all of a row is decoded under the class of its first image.
* `mix`: generators with styles; the first row's coarse styles under the first column's fine ones, `--crossover` layers
  being coarse; all of class 0 where there are classes.

Draws into `samples/<what>.png`; `reconstruct` also prints the error of each image, a root mean square in [-1, 1].
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from ml_collections import ConfigDict

from experiments import command, gan
from experiments.autoencoder import interpolate
from experiments.drawing import settled
from experiments.gan_heads import make_head
from experiments.gan_networks import make_networks
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, PyTree
from genjax_models.data import load
from genjax_models.data.preprocess import to_float, to_uint8
from genjax_models.report import save_grid
from genjax_models.training import Experiment, parallel
from genjax_models.training.loop import load_state
from genjax_models.training.names import pick
from genjax_models.training.tasks import capability
from genjax_models.training.workdir import writing

WHAT = flags.DEFINE_string("what", "interpolate", "`reconstruct`, `interpolate` or `mix`")
NUM = flags.DEFINE_integer("num", 8, "images a row, or columns and rows of a mixture")
CROSSOVER = flags.DEFINE_integer("crossover", None, "layers of a mixture that are coarse; half of them by default")
SEED = flags.DEFINE_integer("seed", 0, "of the latent variables")


def reconstruct(config: ConfigDict, experiment: Experiment, params: Mapping[str, PyTree]) -> np.ndarray:
    """Images over their reconstructions."""
    encode, decode = capability(experiment, "encode"), capability(experiment, "decode")
    batch = held_out(config, slice(NUM.value))
    label = batch["label"] if config.conditional else None

    def run(params: Mapping[str, PyTree]) -> Array:
        key_encode, key_decode = jax.random.split(jax.random.key(SEED.value))
        return decode(key_decode, params, encode(key_encode, params, batch), label=label)

    x, found = to_float(jnp.asarray(batch["x"])), parallel.compile_fn(run)(params)
    errors = np.sqrt(np.square(np.asarray(found - x)).mean(axis=(1, 2, 3)))
    print(f"root-mean-square errors: {', '.join(f'{error:.3f}' for error in errors)}; mean {errors.mean():.3f}")
    return np.asarray(to_uint8(jnp.concatenate([x, found])))


def between(config: ConfigDict, experiment: Experiment, params: Mapping[str, PyTree]) -> np.ndarray:
    """A row for each pair of images; ends are reconstructions."""
    for task in ("encode", "decode"):
        capability(experiment, task)
    first, second = held_out(config, slice(NUM.value)), held_out(config, slice(NUM.value, 2 * NUM.value))
    options = {"label": first["label"]} if config.conditional else {}

    def run(params: dict[str, PyTree]) -> Array:
        return interpolate(experiment, jax.random.key(SEED.value), params, first, second, NUM.value, **options)

    path = np.asarray(to_uint8(parallel.compile_fn(run)(params)))
    return path.swapaxes(0, 1).reshape(-1, *path.shape[2:])


def mix(config: ConfigDict, experiment: Experiment, params: Mapping[str, PyTree]) -> np.ndarray:
    """A grid whose first row and column show the sources of the styles.

    Raises:
      UserError: if the generator has none, or there are fewer layers.
    """
    networks = make_networks(config, make_head(config).prior) if config.experiment == gan.__name__ else None
    if networks is None or not networks.styled:
        raise UserError("only generators with styles can mix them: choose a config of StyleGAN")
    num, variables = NUM.value, params["generator"]["variables"]
    label = jnp.zeros(2 * num, jnp.int32)
    w = networks.styles(variables, networks.prior(jax.random.key(SEED.value), 2 * num), label)
    layers = w.shape[1]
    crossover = layers // 2 if CROSSOVER.value is None else CROSSOVER.value
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


VIEWS = {"reconstruct": reconstruct, "interpolate": between, "mix": mix}


def held_out(config: ConfigDict, rows: slice) -> dict[str, np.ndarray]:
    """Images of the test split.

    Raises:
      UserError: if it has fewer.
    """
    dataset = load(config.data.name, "test")
    if rows.stop > dataset.size:
        raise UserError(f"--num={NUM.value} is too many: the test split has {dataset.size} images")
    return dataset.take(np.arange(dataset.size)[rows])


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
    images = view(config, experiment, settled(experiment, load_state(experiment, config, workdir), config, workdir))
    picture = workdir / "samples" / f"{WHAT.value}.png"
    with writing(workdir):
        save_grid(images, picture, columns=NUM.value + (WHAT.value == "mix"))
    print(f"{WHAT.value}: {picture}")


if __name__ == "__main__":
    command.run(main)

"""Pictures of a model's latent space, for the command `latents`: reconstructions, paths, mixtures of styles."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from experiments import gan
from experiments.gan.heads import make_head
from experiments.gan.networks import Networks, make_networks
from experiments.vae.autoencoder import interpolate
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, PyTree
from genjax_models.data import load
from genjax_models.families.vae import lerp, slerp
from genjax_models.modalities.image import to_float, to_uint8
from genjax_models.training import Experiment, parallel
from genjax_models.training.tasks import capability


def reconstruct(
    config: ConfigDict, experiment: Experiment, params: Mapping[str, PyTree], *, num: int, seed: int
) -> np.ndarray:
    """Images over their reconstructions."""
    encode, decode = capability(experiment, "encode"), capability(experiment, "decode")
    batch = held_out(config, slice(num))
    label = batch["label"] if config.conditional else None

    def run(params: Mapping[str, PyTree]) -> Array:
        key_encode, key_decode = jax.random.split(jax.random.key(seed))
        return decode(key_decode, params, encode(key_encode, params, batch), label=label)

    x, found = to_float(jnp.asarray(batch["x"])), parallel.compile_fn(run)(params)
    errors = np.sqrt(np.square(np.asarray(found - x)).mean(axis=(1, 2, 3)))
    print(f"root-mean-square errors: {', '.join(f'{error:.3f}' for error in errors)}; mean {errors.mean():.3f}")
    return np.asarray(to_uint8(jnp.concatenate([x, found])))


def between(
    config: ConfigDict, experiment: Experiment, params: Mapping[str, PyTree], *, num: int, seed: int
) -> np.ndarray:
    """A row for each pair of images; ends are reconstructions. Styles, which are not normal, are walked straight."""
    for task in ("encode", "decode"):
        capability(experiment, task)
    first, second = held_out(config, slice(num)), held_out(config, slice(num, 2 * num))
    options = {"label": first["label"]} if config.conditional else {}
    along = lerp if styled_networks(config) else slerp

    def run(params: dict[str, PyTree]) -> Array:
        return interpolate(experiment, jax.random.key(seed), params, first, second, num, along=along, **options)

    path = np.asarray(to_uint8(parallel.compile_fn(run)(params)))
    return path.swapaxes(0, 1).reshape(-1, *path.shape[2:])


def mix(
    config: ConfigDict,
    experiment: Experiment,
    params: Mapping[str, PyTree],
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
    variables = params["generator"]["variables"]
    label = jnp.zeros(2 * num, jnp.int32)
    w = networks.styles(variables, networks.prior(jax.random.key(seed), 2 * num), label)
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
    networks = make_networks(config, make_head(config).prior) if config.experiment == gan.__name__ else None
    return networks if networks and networks.styled else None


def held_out(config: ConfigDict, rows: slice) -> dict[str, np.ndarray]:
    """Images of the test split.

    Raises:
      UserError: if it has fewer.
    """
    dataset = load(config.data.name, "test")
    if rows.stop > dataset.size:
        raise UserError(f"--num={rows.stop - (rows.start or 0)} is too many: the test split has {dataset.size} images")
    return dataset.take(np.arange(dataset.size)[rows])

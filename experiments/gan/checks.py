"""What a GAN's config must not ask for, found before the first step."""

from collections.abc import Mapping

from ml_collections import ConfigDict

from genjax_models.core.errors import UserError
from genjax_models.core.types import PyTree


def check(config: ConfigDict) -> None:
    """Refuse settings that contradict each other, before anything is built.

    Raises:
      UserError: the message names the setting to change.
    """
    names = [name for name, _, _ in config.penalties]
    if len(set(names)) < len(names):
        raise UserError(f"penalties name one of {names} twice: give each once, with the sum of the weights")
    if config.consistency and config.augment.name == "none":
        raise UserError("consistency is under an augmentation: set augment.name to diff or ada")
    if config.train.steps < config.n_critic:
        raise UserError(
            f"train.steps={config.train.steps} is over before the generator moves: n_critic={config.n_critic}"
        )
    _check_growth(config)


def _check_growth(config: ConfigDict) -> None:
    stages, sections = config.growth.stages, (config.generator, config.discriminator)
    if not stages:
        return
    fits = all("Progressive" in own.name and len(own.get("channels", ())) == stages + 1 for own in sections)
    if not fits:
        raise UserError(
            f"growth.stages={stages} wants two progressive networks with {stages + 1} entries of channels each, the "
            "first of which is there from the beginning"
        )
    grown = 2 * stages * config.growth.steps
    if config.train.steps < grown:
        raise UserError(
            f"networks are grown after 2 * growth.stages * growth.steps = {grown} steps, but "
            f"train.steps={config.train.steps}: say more, or grow faster"
        )


def check_variables(config: ConfigDict, discriminator: Mapping[str, PyTree]) -> None:
    """Refuse a discriminator that its penalties, or its game, have no meaning for.

    Raises:
      UserError: the message names the setting to change.
    """
    if config.penalties and "batch_stats" in discriminator:
        raise UserError("penalties are of each example's gradient: choose a discriminator without batch norm")
    bounded = config.clip or config.penalties or "spectral" in discriminator
    if config.game == "wasserstein" and not bounded:
        raise UserError("a critic must be kept smooth: add a gradient_penalty to penalties, or set clip")

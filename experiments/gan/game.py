"""Generative adversarial networks: a generator and a discriminator, each with an optimiser of its own.

The discriminator moves first, on every batch; the generator on every `config.n_critic`-th. State that is no parameter
(singular vectors, path lengths, the strength of the augmentation) lies in `extra`; batch norms take each batch's own
moments while training, and `sampling.finalize` gives them standing ones.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from experiments.config import sections
from experiments.config.data import data_of
from experiments.gan import checks, sampling
from experiments.gan.augmentation import Augmentation, make_augmentation
from experiments.gan.heads import Head, make_head
from experiments.gan.networks import Networks, make_networks
from genjax_models.core.arrays import mean_over_data
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.families.gan import (
    GAMES,
    PENALTIES,
    Penalty,
    clip_weights,
    consistency_penalty,
    lazy_with_state,
    nearest_distance,
    path_length_penalty,
)
from genjax_models.training import Experiment, Player, make_optimizer
from genjax_models.training.config import OPTIMIZER, TRAINING
from genjax_models.training.names import pick
from genjax_models.training.settings import POSITIVE, SHARE, Range, Section, Setting, at_least, defaults, one_of
from genjax_models.training.state import Objective

COLLAPSED, DIVERGED, EXPLODED = 0.1, 10.0, 1e3
"""What the log warns of: the first two of the `spread` of fakes, the last of the size of logits."""
TRIPLES: Range = (
    "triples (name, weight of at least 0, steps of at least 1)",
    lambda penalties: all(
        name in PENALTIES and weight >= 0 and isinstance(every, int) and every >= 1 for name, weight, every in penalties
    ),
)
NEIGHBOURS = 64
"""Examples of a batch among which `spread` looks for the nearest."""


TASKS: tuple[str, ...] = ("sample", "encode", "decode")
"""What it can do, see `experiments.run.tasks`."""

FIELDS: Section = {
    **sections.experiment("experiments.gan"),
    **sections.DATA,
    **sections.CONDITION,
    "latent": Setting(64, "numbers of z", at_least(1)),
    "generator": sections.network("Perceptron", "from z to data"),
    "discriminator": sections.network("PerceptronDiscriminator", "from data to a logit"),
    "discriminator_optimizer": OPTIMIZER,  # the generator's is train.optimizer
    "game": Setting("non_saturating", "what both sides minimise", one_of(*GAMES)),
    "n_critic": Setting(1, "moves of the discriminator for one of the generator", at_least(1)),
    "clip": Setting(0.0, "bound of every weight of the critic; 0: none", at_least(0)),
    "penalties": Setting((), "of the discriminator: (name, weight, every so many steps)", TRIPLES),
    "consistency": Setting(0.0, "weight of the discriminator's consistency under `augment`", at_least(0)),
    "augment": {
        "name": Setting("none", "augmentation of all that the discriminator sees: none, diff or ada"),
        "options": sections.options("of this augmentation"),
    },
    "path_length": {
        "weight": Setting(0.0, "of the path length regularisation of generators with styles", at_least(0)),
        "every": Setting(4, "moves of the generator between two", at_least(1)),
    },
    "mixing": Setting(0.0, "probability of a second style in the later layers", SHARE),
    "growth": {
        "stages": Setting(0, "of progressive growing", at_least(0)),
        "steps": Setting(1000, "over which a stage fades in, and for which it then stays", at_least(1), smoke=3),
    },
    "head": {
        "name": Setting("none", "on the discriminator's features: none, auxiliary or info"),
        "weight": Setting(1.0, "of its terms", at_least(0)),
        "options": sections.options("of this head"),
    },
    "train": TRAINING,
    "sample": sections.sampling("prior", truncation=Setting(0.7, "psi of the sampler `truncated`", at_least(0))),
    "projection": {
        "steps": Setting(200, "of Adam, from an image to latent variables", at_least(1)),
        "learning_rate": Setting(0.1, "of Adam", POSITIVE),
    },
    "eval": sections.evaluation(("prior", 1)),
    **sections.EXPECTED,
}


def get_config() -> ConfigDict:
    """DCGAN's rates and the non-saturating game, between perceptrons."""
    config = defaults(FIELDS)
    set_dcgan_rates(config.train.optimizer, config.discriminator_optimizer)
    return config


def set_dcgan_rates(*optimizers: ConfigDict) -> None:
    """Adam of both players as Radford et al. (2016) have it."""
    for section in optimizers:
        section.update({"name": "adam", "learning_rate": 2e-4, "b1": 0.5, "clip_norm": 0.0})


class Parts(NamedTuple):
    """What both players need.

    Attributes:
      config: the config.
      networks: generator and discriminator.
      head: what stands on the discriminator's features.
      augment: the augmentation of all that the discriminator sees.
    """

    config: ConfigDict
    networks: Networks
    head: Head
    augment: Augmentation

    def fakes(
        self, key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple:
        """As many fakes as the batch has examples, of their conditions: `(x, z, state of the generator afterwards)`."""
        key_z, key_x = jax.random.split(key)
        z = self.networks.prior(key_z, len(batch["x"]))
        variables = variables_of(params, extra, "generator")
        x, state = self.networks.generate(key_x, variables, z, self.networks.data.condition(batch), step=step)
        return x, z, state


def variables_of(params: Mapping[str, PyTree], extra: PyTree, player: str) -> PyTree:
    """What a player's network is applied with: its weights, and its other collections."""
    return {"params": params[player]["net"]} | extra[player]


def images_of(parts: Parts, key: Key, batch: Mapping[str, Array]) -> Array:
    """The batch as the discriminator's input, mirrored at random and dequantised as set in `config.train`."""
    key_flip, key_x = jax.random.split(key)
    return parts.networks.data.values(parts.config.train, batch["x"], key_flip=key_flip, key_noise=key_x)


def with_mean(value: Array) -> tuple[Array, Array]:
    """A penalty, and what the log shows of it until it is due again."""
    return value, value.mean()


def spread(fake: Array, real: Array) -> Array:
    """The mean distance of a fake to the nearest other over that of real examples, the same number `[B]` times."""
    near = lambda x: nearest_distance(x[:NEIGHBOURS]).mean()
    return jax.lax.stop_gradient(jnp.full(len(fake), near(fake) / near(real)))


def total(terms: Mapping[str, Array]) -> Array:
    """The sum of terms `[B]`."""
    return jnp.sum(jnp.stack(list(terms.values())), axis=0)


def discriminator_objective(parts: Parts) -> Objective:
    """Its side of the game, penalties of its gradient, consistency under augmentation, and its head's part."""
    config, networks = parts.config, parts.networks
    game = pick("game", config.game, GAMES)
    penalties = [(pick("penalties", name, PENALTIES), name, weight, every) for name, weight, every in config.penalties]

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_x, key_fake, key_augment, key_penalty = jax.random.split(key, 4)
        cond, own = networks.data.condition(batch), variables_of(params, extra, "discriminator")
        fake, z, _ = parts.fakes(key_fake, params, extra, batch, step)
        real = networks.as_grown(images_of(parts, key_x, batch), step)
        discriminate = lambda x: networks.discriminate(own, x, cond, step=step)
        seen_real, seen_fake = parts.augment.both(key_augment, real, fake, extra["augment"])
        first, second = (real, fake) if config.consistency else (seen_real, seen_fake)
        (on_real, state), (on_fake, _) = discriminate(first), discriminate(second)
        terms = {"game": game.discriminator(on_real.logits, on_fake.logits)}

        def penalize(penalty: Penalty, key: Key, real: Array, fake: Array) -> Array:
            """The gradient is with respect to the images before augmentation."""
            key_penalty, key_seen = jax.random.split(key)
            show = lambda x: x if config.consistency else parts.augment.apply(key_seen, x, extra["augment"])
            return penalty(key_penalty, lambda x: discriminate(show(x))[0].logits, real, fake)

        last = {}
        for i, (penalty, name, weight, every) in enumerate(penalties):
            compute = partial(penalize, penalty, jax.random.fold_in(key_penalty, i), real, fake)
            measure = lambda _, compute=compute: with_mean(compute())
            due, last[name] = lazy_with_state(step, every, measure, extra["last"][name])
            terms[name] = weight * due
        augmented = on_real.logits
        if config.consistency:
            augmented = discriminate(seen_real)[0].logits
            again = (augmented, on_real.logits), (discriminate(seen_fake)[0].logits, on_fake.logits)
            terms["consistency"] = config.consistency * sum(consistency_penalty(*pair) for pair in again)
        if parts.head.width:
            head = lambda output: parts.head.apply(params["discriminator"]["head"], output)
            terms["head"] = parts.head.discriminator(head(on_real), head(on_fake), batch.get("label"), z)
        extra = extra | {
            "discriminator": state,
            "step": step + 1,
            "augment": parts.augment.update(extra["augment"], augmented),
            "last": extra["last"] | last,
        }
        shown = {"real_logit": mean_over_data(on_real.logits), "fake_logit": mean_over_data(on_fake.logits)}
        shown |= {name: jnp.full(len(z), weight * last[name]) for _, name, weight, _ in penalties}
        return LossOutput(total(terms), terms | shown), extra

    return objective


def generator_objective(parts: Parts) -> Objective:
    """Its side of the game, its part of the head's, and the regularisation of path lengths, of half as many images."""
    config, networks = parts.config, parts.networks
    game = pick("game", config.game, GAMES)

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_x, key_fake, key_augment, key_path = jax.random.split(key, 4)
        cond, other = networks.data.condition(batch), variables_of(params, extra, "discriminator")
        fake, z, state = parts.fakes(key_fake, params, extra, batch, step)
        real = networks.as_grown(images_of(parts, key_x, batch), step)
        seen = (real, fake) if config.consistency else parts.augment.both(key_augment, real, fake, extra["augment"])
        on_real, on_fake = (networks.discriminate(other, x, cond, step=step)[0] for x in seen)
        terms = {"game": game.generator(on_real.logits, on_fake.logits)}
        if parts.head.width:
            predicted = parts.head.apply(params["discriminator"]["head"], on_fake)
            terms["head"] = parts.head.generator(predicted, batch.get("label"), z)
        extra, shown = extra | {"generator": state}, {"spread": spread(fake, real)}
        if config.path_length.weight:
            key_w, key_noise, key_y = jax.random.split(key_path, 3)
            own, half = variables_of(params, extra, "generator"), jax.tree.map(lambda x: x[::2], dict(batch))
            w = networks.styles(own, networks.prior(key_w, len(half["x"])), networks.data.condition(half))
            generate = lambda w: networks.synthesize(own, w, key=key_noise)

            def penalty(state: tuple[Array, Array]) -> tuple[Array, tuple[Array, Array]]:
                value, mean = path_length_penalty(key_y, generate, w, state[0])
                return jnp.full(len(z), value.mean()), (mean, value.mean())

            move, weight = step // config.n_critic, config.path_length.weight
            state = extra["path_length"], extra["last"]["path_length"]
            due, (mean, last) = lazy_with_state(move, config.path_length.every, penalty, state)
            terms["path_length"] = weight * due
            extra = extra | {"path_length": mean, "last": extra["last"] | {"path_length": last}}
            shown["path_length"] = jnp.full(len(z), weight * last)
        return LossOutput(total(terms), terms | shown), extra

    return objective


def watch(metrics: Mapping[str, float]) -> str | None:
    """What is wrong with a game: fakes that are alike or far apart, or logits that leave all bounds."""
    spreads = [value for name, value in metrics.items() if name.endswith("/spread")]
    logits = [abs(value) for name, value in metrics.items() if name.endswith("_logit")]
    for value in spreads:
        if value < COLLAPSED:
            return f"collapse: fakes differ by {value:.1%} of what real examples do; try another game, penalty or rate"
        if value > DIVERGED:
            return f"divergence: fakes differ {value:.0f} times as much as real examples; lower the learning rates"
    for value in logits:
        if value > EXPLODED:
            return f"divergence: logits of size {value:.0f}; lower the learning rates, or add a penalty"
    return None


def make_parts(config: ConfigDict, *, across_devices: bool = False) -> Parts:
    """What both players need; `across_devices` as in `make_networks`.

    Raises:
      UserError: if a name is unknown, a network cannot be built, or options do not suit it.
    """
    data = data_of(config)
    head = make_head(config, data)
    networks = make_networks(config, data, head.prior, across_devices=across_devices)
    return Parts(config, networks, head, make_augmentation(config, data))


def build(config: ConfigDict) -> Experiment:
    """Bind both networks to their game.

    Raises:
      UserError: if a name is unknown, a network cannot be built, or settings contradict each other.
    """
    checks.check(config)
    parts, trained = make_parts(config, across_devices=True), make_parts(config)
    networks, data = trained.networks, trained.networks.data
    if not networks.styled and (config.path_length.weight or config.mixing):
        raise UserError("path_length.weight and mixing are of generators with styles: set both to 0")
    rows = (config.sample.sampler, *(row[0] for row in config.eval.rows))
    if config.head.name == "info" and not networks.styled and "truncated" in rows:
        raise UserError("codes cannot be truncated: leave the samplers at prior")
    if not networks.styled and not config.sample.truncation:
        raise UserError("sample.truncation=0 is for generators with styles: set it above 0")

    def initial(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        key_networks, key_head = jax.random.split(key)
        variables = dict(zip(("generator", "discriminator"), parts.networks.init(key_networks), strict=True))
        checks.check_variables(config, variables["discriminator"])
        x, cond = jnp.zeros((2, *data.spec.shape)), data.example(2)
        output = jax.eval_shape(lambda: networks.discriminate(variables["discriminator"], x, cond)[0])
        params: dict[str, PyTree] = {name: {"net": own.pop("params")} for name, own in variables.items()}
        params["discriminator"]["head"] = parts.head.init(key_head, output.features.shape[-1])
        return params, variables | {
            "step": jnp.zeros((), jnp.int32),
            "augment": jnp.zeros(()),
            "path_length": jnp.zeros(()),
            "last": {name: jnp.zeros(()) for name in ("path_length", *(name for name, _, _ in config.penalties))},
        }

    discriminate, generate = discriminator_objective(parts), generator_objective(parts)
    tx = make_optimizer(config.discriminator_optimizer, config.train.steps)
    if config.clip:
        tx = optax.chain(tx, clip_weights(config.clip))
    n = config.n_critic
    own = make_optimizer(config.train.optimizer, -(-config.train.steps // n))
    return Experiment(
        spec=data.spec,
        init=initial,
        conditions=data.conditions,
        players=(Player("discriminator", discriminate, tx), Player("generator", generate, own, n)),
        sample=sampling.sampler(networks),
        encode=sampling.projector(networks),
        decode=sampling.decoder(networks),
        finalize=lambda params, extra: sampling.finalize(networks, params, extra),
        watch=watch,
    )

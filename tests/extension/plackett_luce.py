"""Rankings conditioned on who ranks: the default config, and the experiment it describes."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from experiments.config import sections
from experiments.config.data import check_one_step, data_of
from experiments.config.networks import Collections, build_network, initialize
from genjax_models.core.errors import UserError
from genjax_models.core.types import Likelihood
from genjax_models.data.catalog import SETS, Set
from genjax_models.evaluation.features import FEATURE_NETS
from genjax_models.modalities import MODALITIES
from genjax_models.training import Experiment, Player, make_optimizer
from genjax_models.training.config import TRAINING
from genjax_models.training.names import pick
from genjax_models.training.settings import Open, defaults

from .precedence import load_precedence
from .rank_likelihood import gumbel_sort, log_prob, plackett_luce_loss
from .rankings import RANKING, read, spec

MODALITIES[RANKING.name] = RANKING
SETS["rankings"] = Set("5,000 rankings of four foods", spec, read, prepared=False)
FEATURE_NETS["precedence"] = load_precedence

TASKS = ("sample", "log_prob")
SAMPLERS = {"gumbel_sort": gumbel_sort}
FIELDS = {
    **sections.experiment("extension.plackett_luce"),
    "data": Open({"name": "rankings"}, "a data set of rankings"),
    **sections.CONDITION,
    "net": Open({"name": "extension.plackett_luce.LinearScores"}, "the network by its import path"),
    "train": TRAINING,
    "sample": sections.sampling("gumbel_sort"),
    "eval": sections.evaluation(("gumbel_sort", 1), features="precedence", num=500, likelihood=1000),
    **sections.EXPECTED,
}


class LinearScores(nn.Module):
    """A score for each item, linear in the conditions."""

    items: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x, t=None, cond=None, *, train=False):
        """Rankings `x` `[B, K]`, of which only the number counts, and conditions `[B, D]` -> scores `[B, K]`."""
        bias = self.param("bias", nn.initializers.zeros, (self.items,))
        scores = jnp.broadcast_to(bias, (x.shape[0], self.items))
        for name, value in (cond or {}).items():
            scores += nn.Dense(self.items, use_bias=False, dtype=self.dtype, name=name)(value)
        return scores


def get_config():
    """Scores that are linear in the voter."""
    config = defaults(FIELDS)
    config.condition = ("voter",)
    config.train.steps = 300
    config.train.optimizer.learning_rate = 0.03
    return config


def build(config):
    """Bind the config's network to the likelihood of rankings."""
    data = data_of(config)
    spec = data.spec
    if spec.field.kind != "ranking":
        raise UserError(f"config.data={spec.name} is of {spec.field.kind}: this experiment models rankings")
    net = build_network("net", config.net, train=config.train, items=spec.field.size)
    pick("sampler", config.sample.sampler, SAMPLERS)

    def scores(params, collections, cond):
        return lambda x: collections.apply("net", net, params, x, None, cond)

    def trained(model, cond):
        return scores(model.params["model"], Collections(model.extra["collections"]), cond)

    def init(key):
        start = initialize(net, key, jnp.zeros((1, *spec.shape), jnp.int32), None, data.example())
        return {"model": start.params}, {"collections": {"net": start.collections}}

    def objective(key, params, extra, batch, step):
        key_loss, key_flip, key_noise = jax.random.split(key, 3)
        x = data.values(config.train, batch["x"], key_flip=key_flip, key_noise=key_noise)
        collections = Collections(extra["collections"], train=True)
        output = plackett_luce_loss(key_loss, scores(params["model"], collections, data.condition(batch)), x)
        return output, {"collections": collections.latest}

    def measure(key, model, batch):
        return Likelihood(log_prob(trained(model, data.condition(batch))(batch["x"]), batch["x"]), "exact")

    def draw(key, model, request):
        check_one_step(request)
        cond = data.requested(request)
        sampler = pick("sampler", request.sampler or config.sample.sampler, SAMPLERS)
        return sampler(key, trained(model, cond)(jnp.zeros((request.num, *spec.shape), jnp.int32)))

    return Experiment(
        spec=spec,
        init=init,
        players=(Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps)),),
        conditions=data.conditions,
        sample=draw,
        log_prob=measure,
        validate=lambda key, model, batch: {"loss": -measure(key, model, batch).value},
    )

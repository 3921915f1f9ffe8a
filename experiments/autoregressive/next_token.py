"""Autoregressive models of tokens: the default config, and the experiment it describes.

The network is one that gives all logits of a sequence at once, and those of the next token from a cache: it has the
methods `next_logits` and `empty_caches` of `TokenTransformer`.
"""

import math
from collections.abc import Mapping

import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.config import sections
from experiments.config.data import check_one_step, data_of
from experiments.config.networks import Collections, build_network, initialize
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Condition, Key, Likelihood, LossOutput, PyTree
from genjax_models.families import autoregressive
from genjax_models.families.autoregressive import CachedModel, Logits
from genjax_models.training import Experiment, Inference, Player, SampleRequest, make_optimizer
from genjax_models.training.config import TRAINING
from genjax_models.training.names import pick
from genjax_models.training.settings import Open, Section, Setting, at_least, defaults

SAMPLERS = {"ancestral": "one pass from the first token to the last"}


TASKS: tuple[str, ...] = ("sample", "log_prob")
FIELDS: Section = {
    **sections.experiment("experiments.autoregressive"),
    "data": Open({"name": "kjv", "length": 64}, "a data set of tokens by its name, and its options"),
    "net": sections.network("TokenTransformer", width=128, depth=4, heads=4),
    **sections.CONDITION,
    "train": TRAINING,
    "sample": sections.sampling(
        "ancestral", temperature=Setting(1.0, "divides the logits; 1 samples the model, 0 is greedy", at_least(0))
    ),
    "eval": sections.evaluation(("ancestral", 1), features="", likelihood=1_000_000),
    **sections.EXPECTED,
}


def get_config() -> ConfigDict:
    """A causal transformer on the characters of the King James Bible."""
    return defaults(FIELDS)


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the next-token loss.

    Raises:
      UserError: if there is no such network or sampler, or the modelled field of the data are no tokens.
    """
    data = data_of(config)
    spec, modality = data.spec, data.modality
    if spec.field.kind != "tokens":
        raise UserError(
            f"config.data.name={spec.name} is modelled as {spec.field.kind}: autoregressive models take tokens, "
            "such as those of kjv"
        )
    (length,), temperature = spec.shape, config.sample.temperature
    shape = {"vocabulary": spec.field.size, "length": length}
    net = build_network("net", config.net, train=config.train, **shape, **data.network_fields())
    if not (hasattr(net, "next_logits") and hasattr(net, "empty_caches")):
        raise UserError(f"config.net.name={config.net.name} does not sample token by token: choose TokenTransformer")
    sections.check_samplers(config, SAMPLERS)

    def logits_of(collections: Collections, params: PyTree, cond: Condition | None) -> Logits:
        return lambda x: collections.apply("net", net, params, x, None, cond)

    def trained(model: Inference, batch: Mapping[str, Array]) -> Logits:
        return logits_of(Collections(model.extra["collections"]), model.params["model"], data.condition(batch))

    def cached(model: Inference, cond: Condition | None) -> CachedModel:
        collections = Collections(model.extra["collections"])

        def step(cache: PyTree, token: Array | None) -> tuple[Array, PyTree]:
            return collections.apply("net", net, model.params["model"], token, cache, cond, method="next_logits")

        def init(num: int) -> tuple[Array, PyTree]:
            empty = collections.apply("net", net, model.params["model"], num, method="empty_caches")
            return step(empty, None)

        return CachedModel(init, step)

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        x = jnp.zeros((1, length), spec.field.dtype)
        start = initialize(net, key, x, None, data.example())
        return {"model": start.params}, {"collections": {"net": start.collections}}

    def terms(output: LossOutput) -> dict[str, Array]:
        return {f"bits_per_{modality.unit(spec.field)}": output.aux["nats_per_token"] / math.log(2.0)}

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        """Nats a token are what is minimised, so that learning rates and clipping suit any length."""
        x = modality.to_model(batch["x"])
        collections = Collections(extra["collections"], train=True)
        output = autoregressive.next_token_loss(logits_of(collections, params["model"], data.condition(batch)), x)
        loss = LossOutput(output.aux["nats_per_token"], terms(output))
        return loss, {"collections": collections.latest}

    def validate(key: Key, model: Inference, batch: Mapping[str, Array]) -> dict[str, Array]:
        return terms(autoregressive.next_token_loss(trained(model, batch), modality.to_model(batch["x"])))

    def measure(key: Key, model: Inference, batch: Mapping[str, Array]) -> Likelihood:
        return autoregressive.log_prob(trained(model, batch), modality.to_model(batch["x"]))

    def draw(key: Key, model: Inference, request: SampleRequest) -> Array:
        """The samples int32 `[num, L]`, in one pass."""
        pick("sampler", request.sampler or config.sample.sampler, SAMPLERS)
        check_one_step(request)
        own = cached(model, data.requested(request))
        return autoregressive.sample(key, own, request.num, length, temperature=temperature)

    return Experiment(
        spec=spec,
        init=init,
        players=(Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps)),),
        conditions=data.conditions,
        sample=draw,
        log_prob=measure,
        validate=validate,
    )

"""What the families on Gaussian paths share: network, objective, sampling and likelihood from one config.

A family's own module differs in its default config, in the loss that it hands to `build` here, and in the denoiser
that it makes of the network; the samplers of `registry` run on any of them, through the process's conversions.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from experiments.config import sections
from experiments.config.data import Data, data_of
from experiments.config.networks import Collections, across_devices, build_network, initialize
from experiments.gaussian_path import guides, registry
from genjax_models.core.types import Array, Condition, Key, Likelihood, LossOutput, Model, PyTree
from genjax_models.families.diffusion import decode, dequantized_log_prob, encode, log_prob
from genjax_models.guidance import drop_condition
from genjax_models.processes import Denoiser, GaussianProcess
from genjax_models.solvers import Sampler, sample
from genjax_models.training import (
    Experiment,
    Inference,
    Player,
    SampleRequest,
    make_optimizer,
)
from genjax_models.training.config import TRAINING
from genjax_models.training.names import pick
from genjax_models.training.settings import POSITIVE, SHARE, Section, Setting, at_least


class Network(Protocol):
    """A network that is bound to its condition and awaits its parameters."""

    def __call__(self, params: PyTree, **condition: Array) -> Model:
        """The model; `condition` are further fields of it, such as `guidance` `[B]`."""
        ...


class Bound(NamedTuple):
    """What a loss sees of one batch beside the data.

    Attributes:
      net: the network with the batch's condition and dropout; it may be called with several sets of parameters.
      params: those of the player `model`.
      extra: what else the run carries, see `TrainState`.
      cond: the batch's condition, `None` for an unconditional model.
      step: `[]` int32, steps taken so far.
    """

    net: Network
    params: PyTree
    extra: PyTree
    cond: Condition | None
    step: Array


Loss = Callable[[Key, Bound, Array], LossOutput]
MakeDenoiser = Callable[[PyTree, Network], Denoiser]


FIELDS: Section = {
    **sections.DATA,
    "net": sections.network("DiT", patch_size=2, width=128, depth=4, heads=4),
    **sections.CONDITION,
    "condition_dropout": {
        "each": Setting(0.1, "share of examples in which a field of it is replaced by its null value", SHARE),
        "together": Setting(0.0, "share of examples in which all fields are", SHARE),
    },
    "process": Setting("rectified_flow", "the corruption process by its name"),
    "process_options": sections.options("of the process, and its transforms", zero_terminal_snr=False, shift=1.0),
    "prediction": Setting("velocity", "what the network predicts"),
    "time": {"name": Setting("uniform", "how training times are drawn"), "options": sections.options()},
    "train": TRAINING,
    "sample": sections.sampling(
        "euler",
        50,
        options=sections.options('of samplers, by name: {"ddim": {"eta": 0.5}}'),
        grid={"name": Setting("uniform", "the times that a sampler goes through"), "options": sections.options()},
        guidance=Setting(1.0, "scale of the guidance: 1 is none, to a classifier Bayes' rule, CFG++ takes 0 to 1"),
        field_guidance=Setting((), "a scale for each of several fields, in order; () is none", guides.SCALES),
        guide=guides.FIELDS,
        threshold=Setting("none", "keeps the predicted clean data within [-1, 1]: none, static or dynamic"),
    ),
    "eval": sections.evaluation(("euler", 50)),
    "likelihood": {
        "probes": Setting(1, "of the divergence of the probability flow; 0: the exact trace", at_least(0)),
        "rtol": Setting(1e-4, "relative tolerance of the solver", POSITIVE),
        "atol": Setting(1e-4, "absolute tolerance of the solver", POSITIVE),
    },
    **sections.EXPECTED,
}
"""The fields of all families on Gaussian paths."""


def ode_likelihood(config: ConfigDict, process: GaussianProcess) -> Callable[[Key, Denoiser, Array], Likelihood]:
    """The probability flow's likelihood with the settings of `config.likelihood`, nats; bytes are dequantised."""
    options = {name: config.likelihood[name] for name in ("probes", "rtol", "atol")}
    options["probes"] = options["probes"] or None
    options["t_max"] = registry.noise_end(config, process)

    def likelihood(key: Key, denoiser: Denoiser, x: Array) -> Likelihood:
        density = lambda key, x: log_prob(key, denoiser, x, **options)[0].value
        value = dequantized_log_prob(key, density, x) if x.dtype == jnp.uint8 else density(key, x)
        return Likelihood(value, "ode")

    return likelihood


def bound(
    net: nn.Module,
    collections: Collections,
    preprocess: Callable[[Array], Array],
    cond: Condition | None,
    **options: Any,
) -> Network:
    """A network with its collections and a condition; what it sees of a noisy example is preprocessed."""

    def network(params: PyTree, **condition: Array) -> Model:
        own = dict(cond or {}) | condition or None
        return lambda x, t: collections.apply("net", net, params, preprocess(x), t, own, **options)

    return network


def build(
    config: ConfigDict,
    process: GaussianProcess | None,
    loss: Loss,
    denoiser: MakeDenoiser,
    *,
    likelihood: Callable[[Key, Denoiser, Array], Likelihood] | None = None,
    samplers: Mapping[str, Callable[..., Sampler]] = registry.SAMPLERS,
    preprocess: Callable[[Array], Array] = lambda x: x,
    numbers: tuple[str, ...] = (),
    init: Callable[[PyTree], PyTree] = lambda params: params,
    extra: Callable[[PyTree, PyTree], PyTree] = lambda params, collections: {},
    update: Callable[[Bound], PyTree] = lambda bound: bound.extra,
) -> Experiment:
    """An experiment of one player, `model`.

    Args:
      config: with the fields of its family, see `FIELDS`.
      process: the corruption process, `None` if it is learned.
      loss: the objective of a batch `x` `[B, ...]`.
      denoiser: what the network is to samplers and likelihoods, given the player's parameters.
      likelihood: the log-likelihood of data `[B, ...]`, nats.
      samplers: the algorithms that a config may name.
      preprocess: from a noisy example to what the network sees of it.
      numbers: names of fields `[B]` of the condition that are not of the data, such as `guidance`.
      init: the player's parameters, given the network's.
      extra: the initial extra state beside the network's collections, given the player's parameters and these.
      update: the extra state after a batch, apart from the collections.

    Raises:
      UserError: if a name in the config is unknown, a number out of range, or the guidance not possible.
    """
    data = data_of(config)
    net = build_network("net", config.net, train=config.train, **data.network_fields())
    training_net = across_devices(net, config.train)
    _check(config, samplers)
    modality, shape = data.modality, data.spec.shape
    guide = guides.make_guide(config, data, process)
    sampled = data_of(config, *guides.CONDITIONS.get(config.sample.guide.name, ()))
    t_max = 1.0 if process is None else registry.noise_end(config, process)
    null = {name: jnp.asarray(field.null) for name, field in data.fields.items()}
    rates = dict.fromkeys(data.fields, config.condition_dropout.each)

    def initial(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        cond = {name: jnp.zeros(1) for name in numbers} | dict(data.example() or {}) or None
        start = initialize(net, key, preprocess(jnp.zeros((1, *shape))), jnp.zeros(1), cond)
        params, collections = init(start.params), {"net": start.collections}
        return {"model": params}, {"collections": collections} | extra(params, collections)

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_x, key_flip, key_cond, key_dropout, key_loss = jax.random.split(key, 5)
        x = data.values(config.train, batch["x"], key_flip=key_flip, key_noise=key_x)
        cond = data.condition(batch)
        if cond is not None:
            cond = drop_condition(key_cond, cond, null, rates, config.condition_dropout.together)
        collections = Collections(extra["collections"], train=True)
        network = bound(training_net, collections, preprocess, cond, rngs={"dropout": key_dropout})
        batch_bound = Bound(network, params["model"], extra, cond, step)
        output = loss(key_loss, batch_bound, x)
        return output, update(batch_bound) | {"collections": collections.latest}

    def make_denoiser(model: Inference, cond: Condition | None = None) -> Denoiser:
        collections = Collections(model.extra["collections"])
        return denoiser(model.params["model"], bound(net, collections, preprocess, cond))

    def validate(key: Key, model: Inference, batch: Mapping[str, Array]) -> dict[str, Array]:
        cond = data.condition(batch)
        network = bound(net, Collections(model.extra["collections"]), preprocess, cond)
        batch_bound = Bound(network, model.params["model"], model.extra, cond, jnp.asarray(config.train.steps))
        return {"loss": loss(key, batch_bound, modality.to_model(batch["x"])).value}

    def measure(key: Key, model: Inference, batch: Mapping[str, Array]) -> Likelihood:
        assert likelihood is not None
        return likelihood(key, make_denoiser(model, data.condition(batch)), batch["x"])

    def to_noise(key: Key, model: Inference, batch: Mapping[str, Array]) -> Array:
        return encode(make_denoiser(model, data.condition(batch)), modality.to_model(batch["x"]), t_max=t_max).x

    def to_data(key: Key, model: Inference, z: Array, cond: Condition | None = None) -> Array:
        return modality.clip(decode(make_denoiser(model, cond), z, t_max=t_max).x)

    return Experiment(
        spec=data.spec,
        init=initial,
        players=(Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps)),),
        conditions=sampled.conditions,
        sample=sampler_of(config, sampled, guide, samplers, make_denoiser),
        log_prob=measure if likelihood else None,
        encode=to_noise if likelihood else None,
        decode=to_data if likelihood else None,
        validate=validate,
        denoiser=make_denoiser,
    )


def sampler_of(
    config: ConfigDict,
    data: Data,
    guide: guides.Guide,
    samplers: registry.Samplers,
    make_denoiser: Callable[[Inference, Condition | None], Denoiser],
) -> Callable[[Key, Inference, SampleRequest], Array]:
    """`Experiment.sample`, of what `data` say that samples are conditioned on.

    Raises:
      UserError: if the threshold of `config.sample` is unknown.
    """
    threshold = pick("sample.threshold", config.sample.threshold, registry.THRESHOLDS)

    def draw(key: Key, model: Inference, request: SampleRequest) -> Array:
        """The samples `[num, ...]` in the range of the data; with `keep`, their path `[keep, num, ...]` instead."""
        cond = data.requested(request)
        guidance = guides.guidance_of(config) if request.guidance is None else request.guidance
        denoised = threshold(guide(partial(make_denoiser, model), cond, guidance))
        name = request.sampler or config.sample.sampler
        steps = config.sample.steps if request.steps is None else request.steps
        algorithm = registry.make_sampler(config, name, samplers)
        with jax.ensure_compile_time_eval():
            grid = registry.sampling_grid(config, denoised.process, name, steps, samplers)
        key_x, key_steps = jax.random.split(key)
        x_init = denoised.process.sigma(grid[0]) * jax.random.normal(key_x, (request.num, *data.spec.shape))
        if request.keep:
            _, drawn = sample(key_steps, denoised, x_init, grid, algorithm, keep=request.keep)
        else:
            drawn = sample(key_steps, denoised, x_init, grid, algorithm)
        return data.modality.clip(drawn)

    return draw


def _check(config: ConfigDict, samplers: Mapping[str, Callable[..., Sampler]]) -> None:
    """Refuse names that there are not, and numbers out of range."""
    for field, name in [
        ("sample.sampler", config.sample.sampler),
        *(("eval.rows", row[0]) for row in config.eval.rows),
        *(("sample.options", name) for name in config.sample.get("options", {})),
    ]:
        pick(field, name, samplers)
        registry.make_sampler(config, name, samplers)

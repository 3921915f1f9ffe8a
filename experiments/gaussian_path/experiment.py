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

from experiments.config.data import (
    condition_of,
    example_condition,
    model_values,
    network_fields,
    requested_condition,
    spec_of,
)
from experiments.config.networks import Collections, across_devices, build_network, initialize
from experiments.gaussian_path import guides, registry
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Condition, Key, Likelihood, LossOutput, Model, PyTree
from genjax_models.families.diffusion import decode, dequantized_log_prob, encode, log_prob
from genjax_models.guidance import drop_condition
from genjax_models.modalities import modality_of
from genjax_models.processes import Denoiser, GaussianProcess
from genjax_models.solvers import Sampler, sample
from genjax_models.training import (
    Experiment,
    Inference,
    Player,
    SampleRequest,
    make_optimizer,
    training_config,
)
from genjax_models.training.names import pick


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


def default_config() -> ConfigDict:
    """The fields that both families have; `net` may be replaced as a whole, since networks differ in theirs."""
    return ConfigDict(
        {
            "data": {"name": "digits"},
            "net": {"name": "genjax_models.nets.DiT", "patch_size": 2, "width": 128, "depth": 4, "heads": 4},
            "condition": (),  # names of fields of the data: ("label",)
            # Shares of examples whose condition is replaced by null values, for classifier-free guidance: of each field
            # on its own, and of all fields together.
            "condition_dropout": {"each": 0.1, "together": 0.0},
            "process": "rectified_flow",
            "process_options": {"zero_terminal_snr": False, "shift": 1.0},  # and those of the process itself
            "prediction": "velocity",
            "time": {"name": "uniform", "options": ConfigDict()},
            "train": training_config(),
            "sample": {
                "sampler": "euler",
                "steps": 50,
                "options": ConfigDict(),  # of samplers, by name: {"ddim": {"eta": 0.5}}
                "grid": {"name": "uniform", "options": ConfigDict()},
                "guidance": 1.0,  # its scale: 1 is none, to a classifier Bayes' rule, CFG++ takes 0 to 1
                "field_guidance": (),  # or pairs of a field and its scale, in order: (("label", 2.0), ("text", 3.0))
                "guide": guides.default_config(),
                "threshold": "none",  # keep the predicted clean data within [-1, 1]: static, dynamic
            },
            "eval": {
                "features": "digits",  # whose features the metrics compare
                "num": 1000,  # generated images a row
                "batch": 250,  # images a compiled call of the sampler
                "seed": 0,
                "rows": (("euler", 50),),  # (sampler, steps) of each row of the table
                "likelihood": 0,  # test images whose likelihood is measured; the first ones
            },
            "likelihood": {"probes": 1, "rtol": 1e-4, "atol": 1e-4},  # of the probability flow; 0 probes: exact trace
            "expected": ConfigDict(),  # the numbers a user should see, with where they were measured
        }
    )


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
      config: as `default_config()`, with the fields of its family.
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
      UserError: if a name in the config is unknown, a number out of range, or guidance asked for that cannot be.
    """
    spec, names = spec_of(config), tuple(config.condition)
    net = build_network("net", config.net, train=config.train, **network_fields(spec, names))
    training_net = across_devices(net, config.train)
    _check(config, samplers)
    modality, field = modality_of(spec), spec.field
    guide = guides.make_guide(config, process)
    threshold = pick("sample.threshold", config.sample.threshold, registry.THRESHOLDS)
    sampled_on = guides.conditions_of_samples(config)
    t_max = 1.0 if process is None else registry.noise_end(config, process)
    null = {name: jnp.asarray(f.null) for name, f in spec.conditions(names).items()}
    rates = dict.fromkeys(names, config.condition_dropout.each)

    def bind(collections: Collections, net: nn.Module, cond: Condition | None, **options: Any) -> Network:
        def network(params: PyTree, **condition: Array) -> Model:
            own = dict(cond or {}) | condition or None
            return lambda x, t: collections.apply("net", net, params, preprocess(x), t, own, **options)

        return network

    def initial(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        cond = {name: jnp.zeros(1) for name in numbers} | dict(example_condition(spec, names) or {}) or None
        start = initialize(net, key, preprocess(jnp.zeros((1, *field.shape))), jnp.zeros(1), cond)
        params, collections = init(start.params), {"net": start.collections}
        return {"model": params}, {"collections": collections} | extra(params, collections)

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_x, key_flip, key_cond, key_dropout, key_loss = jax.random.split(key, 5)
        x = model_values(config, modality, batch["x"], key_flip=key_flip, key_noise=key_x)
        cond = condition_of(names, batch)
        if cond is not None:
            cond = drop_condition(key_cond, cond, null, rates, config.condition_dropout.together)
        collections = Collections(extra["collections"], train=True)
        network = bind(collections, training_net, cond, rngs={"dropout": key_dropout})
        bound = Bound(network, params["model"], extra, cond, step)
        output = loss(key_loss, bound, x)
        return output, update(bound) | {"collections": collections.latest}

    def make_denoiser(model: Inference, cond: Condition | None = None) -> Denoiser:
        return denoiser(model.params["model"], bind(Collections(model.extra["collections"]), net, cond))

    def draw(key: Key, model: Inference, request: SampleRequest) -> Array:
        """The samples `[num, ...]` in the range of the data; with `keep`, their path `[keep, num, ...]` instead."""
        cond = requested_condition(spec, sampled_on, request)
        guidance = guides.guidance_of(config) if request.guidance is None else request.guidance
        denoised = threshold(guide(partial(make_denoiser, model), cond, guidance))
        name = request.sampler or config.sample.sampler
        steps = config.sample.steps if request.steps is None else request.steps
        algorithm = registry.make_sampler(config, name, samplers)
        with jax.ensure_compile_time_eval():
            grid = registry.sampling_grid(config, denoised.process, name, steps, samplers)
        key_x, key_steps = jax.random.split(key)
        x_init = denoised.process.sigma(grid[0]) * jax.random.normal(key_x, (request.num, *field.shape))
        if request.keep:
            _, drawn = sample(key_steps, denoised, x_init, grid, algorithm, keep=request.keep)
        else:
            drawn = sample(key_steps, denoised, x_init, grid, algorithm)
        return modality.clip(drawn)

    def validate(key: Key, model: Inference, batch: Mapping[str, Array]) -> dict[str, Array]:
        cond = condition_of(names, batch)
        network = bind(Collections(model.extra["collections"]), net, cond)
        bound = Bound(network, model.params["model"], model.extra, cond, jnp.asarray(config.train.steps))
        return {"loss": loss(key, bound, modality.to_model(batch["x"])).value}

    def measure(key: Key, model: Inference, batch: Mapping[str, Array]) -> Likelihood:
        assert likelihood is not None
        return likelihood(key, make_denoiser(model, condition_of(names, batch)), batch["x"])

    def to_noise(key: Key, model: Inference, batch: Mapping[str, Array]) -> Array:
        return encode(make_denoiser(model, condition_of(names, batch)), modality.to_model(batch["x"]), t_max=t_max).x

    def to_data(key: Key, model: Inference, z: Array, cond: Condition | None = None) -> Array:
        return modality.clip(decode(make_denoiser(model, cond), z, t_max=t_max).x)

    return Experiment(
        spec=spec,
        init=initial,
        players=(Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps)),),
        conditions=sampled_on,
        sample=draw,
        log_prob=measure if likelihood else None,
        encode=to_noise if likelihood else None,
        decode=to_data if likelihood else None,
        validate=validate,
        denoiser=make_denoiser,
    )


def _check(config: ConfigDict, samplers: Mapping[str, Callable[..., Sampler]]) -> None:
    """Refuse names that there are not, and numbers out of range."""
    for field, name in [
        ("sample.sampler", config.sample.sampler),
        *(("eval.rows", row[0]) for row in config.eval.rows),
        *(("sample.options", name) for name in config.sample.get("options", {})),
    ]:
        pick(field, name, samplers)
        registry.make_sampler(config, name, samplers)
    for name, share in config.condition_dropout.items():
        if not 0 <= share <= 1:
            raise UserError(f"condition_dropout.{name}={share} is a share: say 0 to 1")
    if config.get("likelihood", {}).get("probes", 0) < 0:
        raise UserError(f"likelihood.probes={config.likelihood.probes} must be at least 1, or 0 for the exact trace")

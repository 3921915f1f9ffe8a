"""What the families on Gaussian paths share: network, objective, sampling and likelihood from one config.

A family's own module differs in its default config, in the loss that it hands to `build` here, and in the denoiser
that it makes of the network; the samplers of `choices` run on any of them, through the process's conversions.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.parts import choices, guides
from experiments.parts.networks import build_network
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, Likelihood, LossOutput, Model, PyTree
from genjax_models.data.preprocess import dequantize, random_flip, to_float
from genjax_models.families.diffusion import decode, dequantized_log_prob, encode, log_prob
from genjax_models.guidance import drop_condition
from genjax_models.processes import Denoiser, GaussianProcess
from genjax_models.solvers import Sampler, sample
from genjax_models.training import Experiment, Player, make_optimizer, training_config
from genjax_models.training.names import pick


class Network(Protocol):
    """A network that is bound to its labels and awaits its parameters."""

    def __call__(self, params: PyTree, **condition: Array) -> Model:
        """The model, which may be told more of each example than its label, such as `guidance` `[B]`."""
        ...


class Bound(NamedTuple):
    """What a loss sees of one batch beside the data.

    Attributes:
      net: the network with the batch's labels and dropout; it may be called with several sets of parameters.
      params: those of the player `model`.
      extra: what else the run carries, see `TrainState`.
      label: the batch's classes `[B]`, `None` for an unconditional model.
      step: `[]` int32, steps taken so far.
    """

    net: Network
    params: PyTree
    extra: PyTree
    label: Array | None
    step: Array


Loss = Callable[[Key, Bound, Array], LossOutput]
MakeDenoiser = Callable[[PyTree, Network], Denoiser]


def default_config() -> ConfigDict:
    """The fields that both families have; `net` may be replaced as a whole, since networks differ in theirs."""
    return ConfigDict(
        {
            "data": {"name": "digits", "shape": (8, 8, 1), "num_classes": 10},
            "net": {"name": "genjax_models.nets.DiT", "patch_size": 2, "width": 128, "depth": 4, "heads": 4},
            "conditional": False,  # on the class label
            "label_dropout": 0.1,  # share of labels replaced by the null class, for classifier-free guidance
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
    options["t_max"] = choices.noise_end(config, process)

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
    samplers: Mapping[str, Callable[..., Sampler]] = choices.SAMPLERS,
    read: Callable[[Array], Array] = lambda x: x,
    told: tuple[str, ...] = (),
    init: Callable[[PyTree], PyTree] = lambda params: params,
    extra: Callable[[PyTree], PyTree] = lambda params: {},
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
      read: what the network reads of a noisy example.
      told: names of numbers that the network is told of an example beside its time and label.
      init: the player's parameters, given the network's.
      extra: the initial extra state, given the player's parameters.
      update: the extra state after a batch.

    Raises:
      UserError: if a name in the config is unknown, a number out of range, or guidance asked for that cannot be.
    """
    net = build_network("net", config.net, num_classes=config.data.num_classes if config.conditional else 0)
    _check(config, samplers)
    guide = guides.make_guide(config, process)
    threshold = pick("sample.threshold", config.sample.threshold, choices.THRESHOLDS)
    shape, num_classes = tuple(config.data.shape), config.data.num_classes
    t_max = 1.0 if process is None else choices.noise_end(config, process)

    def bind(label: Array | None, **options: Any) -> Network:
        labels = {} if label is None else {"label": label}

        def network(params: PyTree, **condition: Array) -> Model:
            cond = labels | condition or None
            return lambda x, t: cast(Array, net.apply({"params": params}, read(x), t, cond, **options))

        return network

    def initial(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        cond = {name: jnp.zeros(1) for name in told} | (
            {"label": jnp.zeros(1, jnp.int32)} if config.conditional else {}
        )
        params = init(net.init(key, read(jnp.zeros((1, *shape))), jnp.zeros(1), cond or None)["params"])
        return {"model": params}, extra(params)

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_x, key_flip, key_label, key_dropout, key_loss = jax.random.split(key, 5)
        x = dequantize(key_x, batch["x"]) if config.train.dequantize else to_float(batch["x"])
        x = random_flip(key_flip, x) if config.train.flip else x
        label = None
        if config.conditional:
            rates = {"label": config.label_dropout}
            label = drop_condition(key_label, {"label": batch["label"]}, {"label": num_classes}, rates)["label"]
        bound = Bound(bind(label, train=True, rngs={"dropout": key_dropout}), params["model"], extra, label, step)
        return loss(key_loss, bound, x), update(bound)

    def make_denoiser(params: Mapping[str, PyTree], label: Array | None = None, **condition: Array) -> Denoiser:
        return denoiser(params["model"], partial(bind(label), **condition))

    def draw(
        key: Key,
        params: Mapping[str, PyTree],
        num: int,
        *,
        label: Array | None = None,
        sampler: str | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        keep: int = 0,
    ) -> Array:
        """Generate `num` examples `[num, ...]` in [-1, 1]; with `keep`, their path `[keep, num, ...]` instead."""
        guidance = config.sample.guidance if guidance is None else guidance
        if guides.draws_labels(config):
            label = jnp.arange(num) % num_classes if label is None else label
        elif label is not None:
            raise UserError(guides.UNCONDITIONAL)
        denoised = threshold(guide(partial(make_denoiser, params), label, guidance))
        name = sampler or config.sample.sampler
        algorithm = choices.make_sampler(config, name, samplers)
        with jax.ensure_compile_time_eval():
            grid = choices.sampling_grid(
                config, denoised.process, name, config.sample.steps if steps is None else steps, samplers
            )
        key_x, key_steps = jax.random.split(key)
        x_init = denoised.process.sigma(grid[0]) * jax.random.normal(key_x, (num, *shape))
        if keep:
            _, drawn = sample(key_steps, denoised, x_init, grid, algorithm, keep=keep)
        else:
            drawn = sample(key_steps, denoised, x_init, grid, algorithm)
        return jnp.clip(drawn, -1.0, 1.0)

    def validate(key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array]) -> dict[str, Array]:
        label = batch["label"] if config.conditional else None
        bound = Bound(bind(label), params["model"], extra, label, jnp.asarray(config.train.steps))
        return {"loss": loss(key, bound, to_float(batch["x"])).value}

    def measure(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array]) -> Likelihood:
        assert likelihood is not None
        return likelihood(key, make_denoiser(params, batch["label"] if config.conditional else None), batch["x"])

    def to_noise(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array]) -> Array:
        denoiser = make_denoiser(params, batch["label"] if config.conditional else None)
        return encode(denoiser, to_float(batch["x"]), t_max=t_max).x

    def to_data(key: Key, params: Mapping[str, PyTree], z: Array, *, label: Array | None = None) -> Array:
        return jnp.clip(decode(make_denoiser(params, label), z, t_max=t_max).x, -1.0, 1.0)

    return Experiment(
        init=initial,
        players=(Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps)),),
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
        choices.make_sampler(config, name, samplers)
    if not 0 <= config.label_dropout <= 1:
        raise UserError(f"label_dropout={config.label_dropout} is a share: say 0 to 1")
    if config.get("likelihood", {}).get("probes", 0) < 0:
        raise UserError(f"likelihood.probes={config.likelihood.probes} must be at least 1, or 0 for the exact trace")

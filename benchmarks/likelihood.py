"""The probability flow's likelihood against torchdiffeq and flow_matching: one network, one accuracy, in float32.

    python -m benchmarks.likelihood            # a quiet machine, please
    python -m benchmarks.likelihood --quick    # does it run at all

The flow is a velocity with random weights, from data at t = 0 to noise at t = 1. In the plane the trace of its Jacobian
is exact; on images it is Hutchinson's estimate with one Rademacher probe, the same for all. Each solver adapts its
steps in its own way, and one tolerance means many accuracies: ours, Tsitouras' pair, bounds the error of every example,
theirs, `dopri5`, an average over the batch. So ours is asked for a looser tolerance, which leaves its worst log-density
no further than theirs from a reference, ours at a tight one. The distances are printed and recorded, and evaluations of
the network stand beside the times. torchdiffeq solves FFJORD's dynamics; flow_matching is
`ODESolver.compute_likelihood`.
"""

import argparse
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from benchmarks import networks
from benchmarks.harness import Work, compare, report, save

GOAL = 1 / 3


class Task(NamedTuple):
    """What all do.

    Attributes:
      weights: a torch state dictionary, of diffusers' UNet or of the layers of a perceptron.
      x: data, `[B, 2]` or `[B, H, W, 1]`.
      probes: like `x`; None for the exact trace.
      tolerance: of the others' solver, relative and absolute.
      our_tolerance: of ours, for no larger a worst error.
      reference: the tolerance at which ours is taken for the truth.
      agree: how far a log-density may be from it, relative and absolute.
    """

    weights: dict[str, np.ndarray]
    x: np.ndarray
    probes: np.ndarray | None
    tolerance: float
    our_tolerance: float
    reference: float
    agree: float

    @property
    def facts(self) -> dict[str, int]:
        """What a contestant reports to have worked on."""
        return {"parameters": sum(value.size for value in self.weights.values()), "batch": len(self.x)}


def plane(batch: int) -> Task:
    """Three hidden layers of width 64, as in the plane's examples of FFJORD and torchcfm, and a field that bends."""
    rng = np.random.default_rng(0)
    sizes = [3, 64, 64, 64, 2]
    weights = {}
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        weights[f"{2 * i}.weight"] = rng.normal(size=(fan_out, fan_in), scale=2.0 * fan_in**-0.5).astype(np.float32)
        weights[f"{2 * i}.bias"] = rng.normal(size=fan_out).astype(np.float32)
    x = rng.normal(size=(batch, 2)).astype(np.float32)
    return Task(weights, x, None, tolerance=1e-5, our_tolerance=2e-4, reference=1e-6, agree=1e-3)


def images(batch: int) -> Task:
    """The UNet of the other benchmarks, deaf to time's faster frequencies, which random weights would not tame."""
    rng = np.random.default_rng(0)
    weights = networks.weights()
    half = weights["time_embedding.linear_1.weight"].shape[1] // 2
    weights["time_embedding.linear_1.weight"][:, np.tile(np.arange(half) < half // 2, 2)] = 0.0
    shape = (batch, networks.SIDE, networks.SIDE, 1)
    x, probes = rng.normal(size=shape).astype(np.float32), rng.choice([-1.0, 1.0], shape).astype(np.float32)
    return Task(weights, x, probes, tolerance=1e-4, our_tolerance=5e-3, reference=3e-6, agree=1e-3)


def ours(task: Task) -> Work:
    """Our `log_prob`."""
    from genjax_models.core import cpu  # noqa: PLC0415 - each process imports its own library only

    cpu.tune_allocator()
    import jax  # noqa: PLC0415
    import jax.numpy as jnp  # noqa: PLC0415

    from genjax_models.families.diffusion import log_prob  # noqa: PLC0415
    from genjax_models.pretrained.layouts import layer  # noqa: PLC0415
    from genjax_models.processes import Denoiser, rectified_flow  # noqa: PLC0415
    from genjax_models.training import parallel  # noqa: PLC0415

    def perceptron(layers, x, t):
        h = jnp.concatenate([x, t[:, None]], axis=1)
        for i, weights in enumerate(layers):
            h = (jnp.tanh(h) if i else h) @ weights["kernel"] + weights["bias"]
        return h

    if task.x.ndim == 2:
        net = perceptron
        params: Any = [layer(task.weights, name[: -len(".weight")]) for name in task.weights if "weight" in name]
    else:
        unet, params = networks.our_unet(task.weights)
        net = unet.apply

    def evaluate(params, x, probes):
        denoiser = Denoiser(rectified_flow(), lambda x, t: net(params, x, t), "velocity")
        options = {} if probes is None else {"probes": 1, "noise": lambda *_: probes[None]}
        tolerance = {"rtol": task.our_tolerance, "atol": task.our_tolerance}
        likelihood, nfe = log_prob(jax.random.key(0), denoiser, x, t_min=0.0, **tolerance, **options)
        return likelihood.value, nfe

    compiled = parallel.compile_fn(evaluate)
    params, x, probes = jax.device_put((params, task.x, task.probes))
    counts: dict[str, int] = {}

    def run():
        value, nfe = compiled(params, x, probes)
        counts["evaluations"] = int(nfe)
        return value

    return Work(run, task.facts, counts=counts)


def torch_field(task: Task, counts: dict[str, int]) -> tuple[Callable, Any, Any]:
    """The velocity `(x, t) -> dx/dt` that counts its evaluations, the data and the probes, all in torch's layout."""
    import torch  # noqa: PLC0415

    if task.x.ndim == 2:
        sizes = [value.shape for name, value in task.weights.items() if "weight" in name]
        layers = [part for rows, columns in sizes for part in (torch.nn.Linear(columns, rows), torch.nn.Tanh())]
        perceptron = torch.nn.Sequential(*layers[:-1]).requires_grad_(False)
        perceptron.load_state_dict({name: torch.tensor(value) for name, value in task.weights.items()})
        net = lambda x, t: perceptron(torch.cat([x, t.expand(len(x), 1)], dim=1))
    else:
        unet = networks.their_unet(task.weights)
        net = lambda x, t: unet(x, 1000.0 * t).sample

    def field(x, t):
        counts["evaluations"] += 1
        return net(x, t)

    x, probes = (None if a is None else torch.tensor(np.moveaxis(a, -1, 1).copy()) for a in (task.x, task.probes))
    return field, x, probes


def log_normal(z: Any) -> Any:
    """The log-density of unit noise, of each example."""
    import torch  # noqa: PLC0415

    return torch.distributions.Normal(0.0, 1.0).log_prob(z).flatten(1).sum(1)


def torchdiffeq(task: Task) -> Work:
    """FFJORD's dynamics, the state and its log-density, under torchdiffeq."""
    import torch  # noqa: PLC0415
    import torchdiffeq  # noqa: PLC0415

    counts = {"evaluations": 0}
    field, x, probes = torch_field(task, counts)

    def trace(velocity, x):
        if probes is not None:
            return (torch.autograd.grad(velocity, x, probes)[0] * probes).flatten(1).sum(1)
        dims = range(x.shape[1])
        return sum(torch.autograd.grad(velocity[:, i].sum(), x, retain_graph=True)[0][:, i] for i in dims)

    def dynamics(t, state):
        with torch.enable_grad():
            x = state[0].detach().requires_grad_()
            velocity = field(x, t)
            return velocity.detach(), trace(velocity, x)

    def run():
        counts["evaluations"] = 0
        tolerance = {"rtol": task.tolerance, "atol": task.tolerance}
        start = (x, torch.zeros(len(x)))
        with torch.no_grad():
            z, gained = torchdiffeq.odeint(dynamics, start, torch.tensor([0.0, 1.0]), method="dopri5", **tolerance)
            return log_normal(z[-1]) + gained[-1]

    return Work(run, task.facts, counts=counts)


def flow_matching(task: Task) -> Work:
    """flow_matching's solver; its time is our 1 - t, and its probe the sign of `randn_like`."""
    from flow_matching.solver import ODESolver  # noqa: PLC0415

    counts = {"evaluations": 0}
    field, x, probes = torch_field(task, counts)
    solver = ODESolver(lambda x, t: -field(x, 1.0 - t))

    def run():
        counts["evaluations"] = 0
        tolerance = {"rtol": task.tolerance, "atol": task.tolerance}
        options = {"step_size": None, "method": "dopri5", "exact_divergence": probes is None, **tolerance}
        with mock.patch("torch.randn_like", lambda _: -probes):
            return solver.compute_likelihood(x, log_normal, **options)[1].detach()

    return Work(run, task.facts, counts=counts)


def main() -> None:
    """Time all on both tasks, print the tables and write `results/likelihood.json`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny batches, two rounds, nothing written")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    tasks = {
        "plane, exact trace": plane(16 if args.quick else 512),
        "images, one probe": images(2 if args.quick else 8),
    }
    rounds = 2 if args.quick else args.rounds
    results = {}
    for name, task in tasks.items():
        contestants = {side.__name__: partial(side, task) for side in (ours, torchdiffeq, flow_matching)}
        truth = np.asarray(ours(task._replace(our_tolerance=task.reference)).run())
        timings = compare(contestants, rounds=rounds, warmup=1, agree=task.agree, expected=truth)
        results[name] = report(f"likelihood, {name}", timings)
        print(f"goal: at most {GOAL:.2f}")
    if not args.quick:
        save("likelihood", results, ("torch", "torchdiffeq", "flow_matching", "diffusers"))


if __name__ == "__main__":
    main()

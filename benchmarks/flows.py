"""Normalizing flows against zuko, normflows and flowjax, in float32: a training step, and samples.

    python -m benchmarks.flows            # a quiet machine, please
    python -m benchmarks.flows --quick    # does it run at all

Eight coupling layers on eight dimensions, each with two hidden layers of 64 ReLUs: RealNVP is affine, NSF a
rational-quadratic spline of eight bins. A training step is the mean log-density of a batch, its gradient and Adam;
samples are as many as a batch holds. Parameters stand beside the times: they are equal but for flowjax's spline, which
has two more numbers an element, the slopes at both ends. zuko and normflows run in torch's eager mode, which is what
they have; ours and flowjax's are compiled.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Work, compare, report, save

DIMS, LAYERS, WIDTH, BINS, BOUND = 8, 8, 64, 8, 5.0
GOAL = 1.0


def draw(batch: int) -> np.ndarray:
    """A batch of correlated normal variables."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(batch, DIMS)) @ rng.normal(size=(DIMS, DIMS), scale=0.5)).astype(np.float32)


def work(run: Callable[[], Any], parameters: int, batch: int) -> Work:
    """A contestant that has said how many parameters it has."""
    return Work(run, {"layers": LAYERS, "dimensions": DIMS, "batch": batch}, counts={"parameters": parameters})


def ours(kind: str, task: str, batch: int) -> Work:
    """Our layers, in our own `train_step`."""
    from genjax_models.core import cpu  # noqa: PLC0415 - each process imports its own library only

    cpu.tune_allocator()
    import flax.linen as nn  # noqa: PLC0415
    import jax  # noqa: PLC0415
    import optax  # noqa: PLC0415

    from genjax_models.core.densities import standard_normal  # noqa: PLC0415
    from genjax_models.core.types import LossOutput  # noqa: PLC0415
    from genjax_models.families.flows import Conditioner, chain, log_prob, repeat, sample  # noqa: PLC0415
    from genjax_models.families.flows.coupling import coupling  # noqa: PLC0415
    from genjax_models.families.flows.elementwise import affine  # noqa: PLC0415
    from genjax_models.families.flows.splines import rational_quadratic  # noqa: PLC0415
    from genjax_models.training import Player, init_state, parallel, train_step  # noqa: PLC0415

    def network(channels: int) -> Conditioner:
        net = nn.Sequential([nn.Dense(WIDTH), nn.relu, nn.Dense(WIDTH), nn.relu, nn.Dense(channels)])
        return Conditioner(lambda key, h, cond: net.init(key, h), lambda params, h, cond: net.apply(params, h))

    transformer = affine() if kind == "realnvp" else rational_quadratic(BINS, bound=BOUND)
    pair = chain([coupling(transformer, network, channels=DIMS, swap=swap) for swap in (False, True)])
    flow = repeat(pair, LAYERS // 2)
    base, x = standard_normal((DIMS,)), draw(batch)
    params = flow.init(jax.random.key(0), x, None)
    size = sum(leaf.size for leaf in jax.tree.leaves(params))

    if task == "sample":
        draws = parallel.compile_fn(lambda key: sample(key, flow, base, params, batch))
        return work(lambda: jax.block_until_ready(draws(jax.random.key(0))), size, batch)

    def objective(key, params, extra, x, step):
        return LossOutput(-log_prob(flow, base, params["model"], x)), extra

    players = (Player("model", objective, optax.adam(1e-3)),)
    state = init_state(jax.random.key(1), {"model": params}, players, ema=False)
    step = parallel.compile(partial(train_step, players=players), parallel.make_mesh(), state=state)
    states, x = [state], jax.device_put(x)

    def run():
        state, metrics = step(states.pop(), x)
        states.append(jax.block_until_ready(state))
        return float(metrics["loss"])

    return work(run, size, batch)


def torch_work(flow: Any, log_prob: Callable[[Any], Any], sample: Callable[[], Any], task: str, batch: int) -> Work:
    """The same of a torch module."""
    import torch  # noqa: PLC0415

    size = sum(p.numel() for p in flow.parameters())
    if task == "sample":
        return work(torch.no_grad()(lambda: sample().numpy()), size, batch)
    x, optimizer = torch.tensor(draw(batch)), torch.optim.Adam(flow.parameters(), lr=1e-3)

    def run():
        loss = -log_prob(x).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return work(run, size, batch)


def zuko(kind: str, task: str, batch: int) -> Work:
    """zuko's coupling layers; its `NSF` is autoregressive, the paper's coupling layers are these."""
    import torch  # noqa: PLC0415
    from zuko.distributions import DiagNormal  # noqa: PLC0415
    from zuko.flows import Flow, UnconditionalDistribution  # noqa: PLC0415
    from zuko.flows.coupling import GeneralCouplingTransform  # noqa: PLC0415
    from zuko.transforms import MonotonicRQSTransform  # noqa: PLC0415

    spline = {"univariate": MonotonicRQSTransform, "shapes": [(BINS,), (BINS,), (BINS - 1,)]}
    options = {"hidden_features": (WIDTH, WIDTH)} | ({} if kind == "realnvp" else spline)
    masks = [torch.arange(DIMS) % 2 == i % 2 for i in range(LAYERS)]
    base = UnconditionalDistribution(DiagNormal, torch.zeros(DIMS), torch.ones(DIMS), buffer=True)
    flow = Flow([GeneralCouplingTransform(DIMS, mask=mask, **options) for mask in masks], base)
    return torch_work(flow, lambda x: flow().log_prob(x), lambda: flow().sample((batch,)), task, batch)


def normflows(kind: str, task: str, batch: int) -> Work:
    """normflows' layers; the spline's is the one inside `CoupledRationalQuadraticSpline`, with the same network."""
    import normflows as nf  # noqa: PLC0415
    import torch  # noqa: PLC0415
    from normflows.flows.neural_spline.coupling import PiecewiseRationalQuadraticCoupling  # noqa: PLC0415

    class Net(nf.nets.MLP):
        def __init__(self, inputs, outputs):
            super().__init__([inputs, WIDTH, WIDTH, outputs])

        def forward(self, x, context=None):
            return self.net(x)

    layers = []
    for i in range(LAYERS):
        if kind == "realnvp":
            layers += [nf.flows.AffineCouplingBlock(Net(DIMS // 2, DIMS)), nf.flows.Permute(DIMS, mode="swap")]
        else:
            mask = (torch.arange(DIMS) % 2 == i % 2).int()
            options = {"num_bins": BINS, "tails": "linear", "tail_bound": BOUND}
            layers.append(PiecewiseRationalQuadraticCoupling(mask, Net, **options))
    base = nf.distributions.DiagGaussian(DIMS, trainable=False)
    flow = nf.NormalizingFlow(base, layers)
    return torch_work(flow, flow.log_prob, lambda: flow.sample(batch)[0], task, batch)


def flowjax(kind: str, task: str, batch: int) -> Work:
    """flowjax's `coupling_flow`, whose layers are a scan."""
    import equinox as eqx  # noqa: PLC0415
    import jax  # noqa: PLC0415
    import jax.numpy as jnp  # noqa: PLC0415
    import optax  # noqa: PLC0415
    import paramax  # noqa: PLC0415
    from flowjax.bijections import RationalQuadraticSpline  # noqa: PLC0415
    from flowjax.distributions import Normal  # noqa: PLC0415
    from flowjax.flows import coupling_flow  # noqa: PLC0415

    spline = {} if kind == "realnvp" else {"transformer": RationalQuadraticSpline(knots=BINS - 1, interval=BOUND)}
    flow = coupling_flow(
        jax.random.key(0),
        base_dist=paramax.non_trainable(Normal(jnp.zeros(DIMS))),
        flow_layers=LAYERS,
        nn_width=WIDTH,
        nn_depth=2,
        **spline,
    )
    trained, fixed = eqx.partition(flow, eqx.is_inexact_array, is_leaf=lambda x: isinstance(x, paramax.NonTrainable))
    size = sum(leaf.size for leaf in jax.tree.leaves(trained))
    whole = lambda trained: paramax.unwrap(eqx.combine(trained, fixed))

    if task == "sample":
        draws = jax.jit(lambda key: whole(trained).sample(key, (batch,)))
        return work(lambda: jax.block_until_ready(draws(jax.random.key(0))), size, batch)

    optimizer, x = optax.adam(1e-3), jax.device_put(draw(batch))

    @partial(jax.jit, donate_argnums=0)
    def step(state, x):
        trained, opt_state = state
        loss, grads = jax.value_and_grad(lambda trained: -whole(trained).log_prob(x).mean())(trained)
        updates, opt_state = optimizer.update(grads, opt_state)
        return (optax.apply_updates(trained, updates), opt_state), loss

    states = [(trained, optimizer.init(trained))]

    def run():
        state, loss = step(states.pop(), x)
        states.append(jax.block_until_ready(state))
        return float(loss)

    return work(run, size, batch)


def main() -> None:
    """Time all on both flows and both tasks, print the tables and write `results/flows.json`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny batches, two rounds, nothing written")
    parser.add_argument("--rounds", type=int, default=30)
    args = parser.parse_args()
    rounds, batch = (2, 16) if args.quick else (args.rounds, 512)
    results = {}
    for kind in ("realnvp", "nsf"):
        for task in ("train", "sample"):
            sides = (ours, zuko, normflows, flowjax)
            contestants = {side.__name__: partial(side, kind, task, batch) for side in sides}
            results[f"{kind}, {task}"] = report(f"{kind}, {task}", compare(contestants, rounds=rounds))
            print(f"goal: at most {GOAL}")
    if not args.quick:
        save("flows", results, ("torch", "zuko", "normflows", "flowjax", "equinox"))


if __name__ == "__main__":
    main()

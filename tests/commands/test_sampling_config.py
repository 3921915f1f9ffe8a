"""A config from which nothing could be sampled is refused before training, in one line; so is a call's own mistake."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import (
    consistency,
    diffusion,
    flow_matching,
    vae,
)
from experiments.consistency import distillation, latent
from experiments.diffusion import learned_variance, variational
from experiments.flow_matching import reflow, riemannian
from experiments.gaussian_path import registry
from experiments.run.command import build_experiment
from experiments.vae import adversarial, hierarchical
from genjax_models.core.errors import UserError
from genjax_models.families.diffusion import log_prob, samplers
from genjax_models.processes import Denoiser, edm, rectified_flow, weightings
from genjax_models.solvers import sample
from genjax_models.training import Inference, SampleRequest


@pytest.mark.parametrize(
    ("family", "changes", "said"),
    [
        (flow_matching, {"sample.steps": 0}, "config.sample.steps=0 must be an integer, at least 1"),
        (flow_matching, {"sample.grid.name": "karras", "sample.steps": 1}, "at least 2 steps, got 1"),
        (flow_matching, {"sample.grid.options": {"start": 0.2, "end": 0.6}}, "got start=0.2, end=0.6"),
        (flow_matching, {"sample.grid.options": {"strat": 0.9}}, "strat"),
        (flow_matching, {"sample.grid.name": "shifted", "sample.grid.options": {"shift": 1e12}}, "does not descend"),
        (
            flow_matching,
            {"sample.grid.name": "given", "sample.grid.options": {"times": (1.0, 0.0)}},
            "go through 3 times, got 2",
        ),
        (flow_matching, {"sample.threshold": "clip"}, "Known: none, static, dynamic"),
        (flow_matching, {"time.options": {"std": 1.0}}, "config.time.options do not suit uniform"),
        (diffusion, {"time.name": "logit_normal", "time.options": {"std": -1.0}}, "not negative; got 0.0 and -1.0"),
        (diffusion, {"process_options.zero_terminal_snr": True}, "where 'eps' cannot be converted"),
        (diffusion, {"process_options.shift": -2.0}, "factor must be positive"),
        (diffusion, {"process_options": {"shift": 1.0, "zero_terminal_snr": False, "num_step": 3}}, "do not suit ddpm"),
        (flow_matching, {"sample.grid.name": "karas"}, "did you mean 'karras'"),
        (flow_matching, {"sample.sampler": "heunn"}, "did you mean 'heun'"),
        (flow_matching, {"eval.rows": (("eular", 2),)}, "did you mean 'euler'"),
        (flow_matching, {"sample.guidance": 2.0}, "guidance needs a conditional model"),
        (flow_matching, {"prediction": "velocty"}, "did you mean 'velocity'"),
        (flow_matching, {"prediction": "eps"}, "no signal at t = 1, where 'eps' cannot be converted"),
        (learned_variance, {"sample.guidance": 2.0}, "neither threshold nor guidance"),
        (learned_variance, {"train.dequantize": True}, "bytes as they are"),
        (variational, {"sample.steps": 0}, "config.sample.steps=0 must be an integer, at least 1"),
        (reflow, {"train.flip": True}, "as the teacher made them"),
        (vae, {"observation.name": "bernouli"}, "did you mean 'bernoulli'"),
        (vae, {"observation.options": {"log_std": 0.0}}, "do not suit bernoulli"),
        (vae, {"objective.name": "iwa"}, "did you mean 'iwae'"),
        (vae, {"objective.options": {"gamma": 2.0}}, "do not suit elbo"),
        (vae, {"objective.name": "total_correlation", "prior.name": "vamp"}, "normal prior"),
        (vae, {"objective.name": "total_correlation", "prior.name": "maf"}, "normal prior"),
        (vae, {"prior.name": "mad"}, "did you mean 'maf'"),
        (vae, {"prior.name": "autoregressive"}, "set at least 1"),
        (vae, {"prior.name": "real_nvp", "latent": 1}, "does not suit config.latent: a coupling needs at least 2"),
        (vae, {"posterior.name": "iaf", "prior.name": "vamp"}, "want config.posterior.name='gaussian'"),
        (vae, {"sample.sampler": "euler"}, "Known: prior, prior_pixels"),
        (vae, {"train.dequantize": True}, "leave config.train.dequantize at False"),
        (vae, {"decoder.widths": 3, "decoder.name": "genjax_models.nets.ConvDecodr"}, "cannot build config.decoder"),
        (hierarchical, {"posterior": "fre"}, "did you mean 'free'"),
        (adversarial, {"game": "gan"}, "did you mean 'vae_gan'"),
        (flow_matching, {"eval.rows": (("euler", 0),)}, "pairs (sampler, steps of at least 1)"),
        (flow_matching, {"eval.rows": (("edm_heun", 5),)}, "needs a signal, of which there is none at t = 1"),
        (flow_matching, {"sample.guide.interval": (0.8, 0.2)}, "must be a tuple, two ascending times in 0 to 1"),
        (flow_matching, {"condition_dropout.each": 7.0}, "config.condition_dropout.each=7.0 must be a number, 0 to 1"),
        (flow_matching, {"likelihood.probes": -1}, "config.likelihood.probes=-1 must be an integer, at least 0"),
        (reflow, {"pairs.sampler": "heunn"}, "did you mean 'heun'"),
        (reflow, {"pairs.sampler": "ancestral"}, "forgets which noise"),
        (reflow, {"pairs.steps": 0}, "config.pairs.steps=0 must be an integer, at least 1"),
        (distillation, {"teacher.process": "vp"}, "share process: set config.process to vp"),
        (distillation, {"teacher.sigma_data": 0.8}, "set config.sigma_data to 0.8"),
        (consistency, {"eval.rows": (("multistep", 5),), "sample.grid.options": {"end": 0.0}}, "options.end=0.22"),
        (consistency, {"sample.grid.options": {"end": 0.3}}, "or end above it"),
        (consistency, {"process_options.zero_terminal_snr": True}, "preserve the variance"),
        (latent, {"condition": ()}, "guidance is towards a condition"),
        (latent, {"guidance_scales": (0.5, 2.0)}, "must be a tuple, two numbers, ascending from 1"),
        (latent, {"guidance_scales": (1.0,)}, "must be a tuple, two numbers, ascending from 1"),
        (latent, {"sample.guide.name": "classifier_free"}, "takes the scale itself"),
        (latent, {"teacher.condition_dropout": {"each": 0.0, "together": 0.0}}, "never saw null conditions"),
        (riemannian, {"train.flip": True}, "config.train.flip=True has no meaning for data of vector"),
        (riemannian, {"sample.sampler": "geodesic_heun"}, "did you mean 'geodesic_euler'"),
        (latent, {"sample.guidance": 9.0}, "was never trained: say 1.0 to 5.0"),
        (consistency, {"sample.guide.name": "embedded"}, "only latent consistency models"),
        (diffusion, {"sample.options": {"dim": {"eta": 0.5}}}, "did you mean 'ddim'"),
        (diffusion, {"sample.options": {"ddim": {"eta": 1.5}}}, "eta must lie in [0, 1], got 1.5"),
        (flow_matching, {"sample.options": {"euler": {"eta": 0.5}}}, "config.sample.options.euler do not suit it"),
        (learned_variance, {"sample.options": {"deis": {"order": 7}}}, "between 1 and 4, got 7"),
        (diffusion, {"weighting": "min_snr", "weighting_options": {"k": 1.0}}, "do not suit min_snr"),
        (diffusion, {"weighting": "min_sn"}, "did you mean 'min_snr'"),
        (consistency, {"t_min": 1.5}, "config.t_min=1.5 must be a number, between 0 and 1"),
        (consistency, {"metric": "pseudo_hubr"}, "did you mean 'pseudo_huber'"),
        (consistency, {"curriculum": "double"}, "did you mean 'doubling'"),
        (consistency, {"gap": "inverted"}, "did you mean 'inverse'"),
        (consistency, {"position": "normal"}, "did you mean 'lognormal'"),
        (consistency, {"target_decay": 1.5}, "config.target_decay=1.5 must be a number, 0 to"),
        (consistency, {"sigma_data": -1.0}, "config.sigma_data=-1.0 must be a number, above 0"),
        (consistency, {"intervals": {"first": 50, "last": 10}}, "grow from first to last"),
        (distillation, {"intervals.first": 0}, "config.intervals.first=0 must be an integer, at least 1"),
        (diffusion, {"sigma_data": 0.0}, "config.sigma_data=0.0 must be a number, above 0"),
        (diffusion, {"process": "ve", "process_options": {"sigma_min": 50.0, "sigma_max": 0.01}}, "got 50.0 and 0.01"),
        (diffusion, {"process": "edm", "process_options": {"rho": -1.0}}, "a positive sigma_max and rho"),
        (diffusion, {"process": "vp", "process_options": {"beta_max": -5.0}}, "0 <= beta_min <= beta_max"),
        (diffusion, {"process_options": {"beta_end": 2.0}}, "0 < beta_start <= beta_end < 1"),
        (diffusion, {"process_options": {"num_steps": 0}}, "num_steps of at least 1"),
        (diffusion, {"process": "cosine", "process_options": {"log_snr_min": 20.0}}, "log_snr_min < log_snr_max"),
        (diffusion, {"process": "sigmoid", "process_options": {"start": 1.0, "end": 1.0}}, "start < end"),
        (diffusion, {"process_options.shift": float("nan")}, "must hold finite numbers, got nan"),
        (diffusion, {"time.name": "log_normal_sigma", "time.options": {"mean": float("nan")}}, "hold finite numbers"),
        (flow_matching, {"sample.grid.name": "log_snr"}, "the log-SNR is -inf at start=1.0"),
        (
            diffusion,
            {"process": "trigonometric", "prediction": "score"},
            "set config.prediction to one of x0, v, velocity",
        ),
    ],
)
def test_mistakes_before_training(family, changes, said):
    config = family.get_config()
    config.update_from_flattened_dict(changes)
    with pytest.raises(UserError) as refusal:
        build_experiment(config)
    assert said in str(refusal.value)


def test_noise_may_be_predicted_below_the_end_without_signal():
    config = flow_matching.get_config()
    config.update_from_flattened_dict({"prediction": "eps", "sample.grid.options": {"start": 0.99}})
    flow_matching.build(config)


def test_its_likelihood_and_its_noise_end_there_too():
    config = flow_matching.get_config()
    config.net = {"name": "genjax_models.nets.MLP", "width": 8, "depth": 1}
    config.update_from_flattened_dict({"prediction": "eps", "sample.grid.options": {"start": 0.9}})
    config.likelihood.update({"rtol": 1e-2, "atol": 1e-2})
    experiment = flow_matching.build(config)
    model = Inference(*experiment.init(jax.random.key(0)))
    batch = {"x": jax.random.randint(jax.random.key(1), (2, 8, 8, 1), 0, 256).astype(jnp.uint8)}
    assert bool(jnp.isfinite(experiment.log_prob(jax.random.key(2), model, batch).value).all())
    assert bool(jnp.isfinite(experiment.encode(jax.random.key(2), model, batch)).all())


def test_a_network_that_does_not_listen_is_refused():
    config = latent.get_config()
    config.net = {"name": "genjax_models.nets.UViT", "width": 16, "depth": 1, "heads": 1}
    with pytest.raises(UserError, match="'guidance' is unknown: the network takes label"):
        build_experiment(config)


def test_runs_from_before_the_options_are_read():
    config = diffusion.get_config()
    del config.sample.options, config.weighting_options
    diffusion.build(config)


def test_angles_have_a_density_by_half_turns():
    """It integrates to one over the square [-1, 1]^2, whatever the network; classes and guidance there are none."""
    config = riemannian.get_config()
    config.net.update({"width": 16, "depth": 1})
    experiment = riemannian.build(config)
    params, extra = experiment.init(jax.random.key(0))
    params = jax.tree.map(lambda a: a + 0.1 * jax.random.normal(jax.random.key(1), a.shape), params)
    model = Inference(params, extra)
    axis = -1.0 + 2.0 * jnp.arange(40) / 40
    points = jnp.stack(jnp.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    value = jax.jit(lambda x: experiment.log_prob(jax.random.key(0), model, {"x": x}).value)(points)
    assert float(value.std()) > 0.1
    assert float(jnp.exp(value).mean() * 4) == pytest.approx(1.0, abs=1e-3)
    path = experiment.sample(jax.random.key(0), model, SampleRequest(5, steps=4, keep=2))
    np.testing.assert_array_equal(path[-1], experiment.sample(jax.random.key(0), model, SampleRequest(5, steps=4)))
    assert float(abs(path).max()) <= 1.0
    for asked, said in (
        ({"guidance": 3.0}, "no condition to guide by"),
        ({"cond": {"label": jnp.zeros(5, jnp.int32)}}, "not trained with a condition"),
    ):
        with pytest.raises(UserError, match=said):
            experiment.sample(jax.random.key(0), model, SampleRequest(5, **asked))


def test_no_probes_are_the_exact_trace():
    config = flow_matching.get_config()
    config.data.name = "moons"
    config.net = {"name": "genjax_models.nets.MLP", "width": 8, "depth": 1}
    config.likelihood.probes = 0
    experiment = flow_matching.build(config)
    params, extra = experiment.init(jax.random.key(0))
    params = jax.tree.map(lambda a: a + 0.3 * jax.random.normal(jax.random.key(1), a.shape), params)
    model = Inference(params, extra)
    batch = {"x": jax.random.normal(jax.random.key(2), (4, 2))}
    found = experiment.log_prob(jax.random.key(3), model, batch).value
    known, _ = log_prob(jax.random.key(4), experiment.denoiser(model), batch["x"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found, known.value, rtol=1e-5)


def test_mistakes_of_a_call():
    experiment = flow_matching.build(flow_matching.get_config())
    model = Inference({"model": {}}, {"collections": {}})
    draw = lambda **options: jax.eval_shape(
        lambda: experiment.sample(jax.random.key(0), model, SampleRequest(2, **options))
    )
    mistakes = (
        ({"steps": 0}, "at least 1 step"),
        ({"sampler": "rk5"}, "did you mean 'rk4'"),
        ({"sampler": "plms"}, "signal"),
    )
    for options, said in mistakes:
        with pytest.raises(UserError, match=said):
            draw(**options)


def _exact_flow(mean: float, std: float) -> Denoiser:
    """The velocity of normal data."""

    def velocity(x, t):
        t = t[:, None]
        score = (x - (1 - t) * mean) / ((1 - t) ** 2 * std**2 + t**2)
        return t * score - (mean + (1 - t) * std**2 * score)

    return Denoiser(rectified_flow(), velocity, "velocity")


@pytest.mark.parametrize("name", registry.SAMPLERS)
def test_every_sampler_runs_on_pure_noise_or_is_refused(name):
    config = flow_matching.get_config()
    if registry.SAMPLERS[name]().needs_signal:
        with pytest.raises(UserError, match="needs a signal"):
            registry.sampling_grid(config, rectified_flow(), name, 20)
        config.sample.grid.options = {"start": 0.99}
    if registry.SAMPLERS[name]().needs_noise:
        with pytest.raises(UserError, match="needs noise"):
            registry.sampling_grid(config, rectified_flow(), name, 20)
        config.sample.grid.options = {"end": 0.02}
    grid = registry.sampling_grid(config, rectified_flow(), name, 20)
    x = grid[0] * jax.random.normal(jax.random.key(0), (2000, 1))
    drawn = jax.jit(lambda: sample(jax.random.key(1), _exact_flow(0.4, 0.5), x, grid, registry.SAMPLERS[name]()))()
    assert float(drawn.mean()) == pytest.approx(0.4, abs=0.05)
    assert float(drawn.std()) == pytest.approx(0.5, abs=0.1)


def test_samplers_and_weightings_take_their_options():
    config = diffusion.get_config()
    config.sample.options = {
        "ddim": {"eta": 0.5},
        "edm_stochastic": {"s_churn": 0.3},
        "predictor_corrector": {"snr": 0.1},
    }
    process, x = registry.PROCESSES["vp"](), jnp.ones((4, 2))
    denoiser = Denoiser(process, lambda x, t: 0.3 * x, "x0")

    def step(sampler):
        return sample(jax.random.key(0), denoiser, x, jnp.array([0.5, 0.4]), sampler)

    np.testing.assert_array_equal(step(registry.make_sampler(config, "ddim")), step(samplers.ddim(0.5)))
    np.testing.assert_array_equal(step(registry.make_sampler(config, "edm_stochastic")), step(samplers.edm_heun(0.3)))
    corrected = samplers.predictor_corrector(samplers.reverse_diffusion(), samplers.langevin_corrector(0.1))
    np.testing.assert_array_equal(step(registry.make_sampler(config, "predictor_corrector")), step(corrected))

    config.update({"weighting": "p2", "weighting_options": {"k": 0.5, "gamma": 2.0}})
    t = jnp.array([0.2, 0.7])
    np.testing.assert_array_equal(
        registry.make_weighting(config)(process, "eps", t), weightings.p2(0.5, 2.0)(process, "eps", t)
    )


def test_sampling_starts_at_the_noise_of_its_grid():
    """A silent network's clean data are its input, times the share of data in it."""
    config = diffusion.edm_config()
    config.net = {"name": "genjax_models.nets.MLP", "width": 8, "depth": 1}
    config.sample.update({"sampler": "ddim", "steps": 1})
    config.sample.grid.update({"name": "uniform", "options": {"start": 0.5}})
    config.eval.rows = (("ddim", 1),)
    experiment = diffusion.build(config)
    params, extra = experiment.init(jax.random.key(0))
    silent = Inference(jax.tree.map(jnp.zeros_like, params), extra)
    x = experiment.sample(jax.random.key(1), silent, SampleRequest(64))
    sigma = float(edm().sigma(jnp.array(0.5)))
    assert float(x.std()) == pytest.approx(sigma * 0.5**2 / (sigma**2 + 0.5**2), rel=0.05)

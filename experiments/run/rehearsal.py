"""What a run will call after its training starts, traced before it does: shapes alone, nothing is computed."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from genjax_models.core.errors import UserError
from genjax_models.data import ArrayDataset
from genjax_models.evaluation.features import EMBEDDED, FEATURE_NETS, load_feature_net
from genjax_models.modalities import modality_of
from genjax_models.training import Experiment, Inference, SampleRequest
from genjax_models.training.experiment import initial_state
from genjax_models.training.names import pick


def rehearse(experiment: Experiment, config: ConfigDict, dataset: ArrayDataset) -> None:
    """Trace finalisation, previews, the rows of the table, held-out scores and likelihoods of a config.

    Args:
      experiment: built from the config.
      config: the run's.
      dataset: the training set, whose first examples stand for held-out ones.

    Raises:
      UserError: if one of them cannot be called; the line names it.
    """
    check_features(experiment, config)

    def finished(key: jax.Array) -> Inference:
        state = initial_state(key, experiment, ema=False)
        return experiment.finalize(state.params, state.extra)

    key = jax.random.key(0)
    model = _traced("finalisation", finished, key)
    batch = {name: jnp.asarray(x) for name, x in dataset.take(np.arange(min(4, dataset.size))).items()}
    if experiment.sample is not None:
        modality = modality_of(experiment.spec)
        steps_of = {name: steps for name, steps in config.eval.rows} if "eval" in config else {}
        requests = [SampleRequest(modality.preview_num)]
        requests += [SampleRequest(4, sampler=name, steps=steps) for name, steps in steps_of.items()]
        for request in requests:
            what = "the preview" if request.sampler is None else f"the row ({request.sampler!r}, {request.steps})"
            _traced(what, experiment.sample, key, model, request)
    if experiment.validate is not None and experiment.test_set is None:
        _traced("held-out scores", experiment.validate, key, model, batch)
    if experiment.log_prob is not None and "eval" in config and config.eval.likelihood:
        _traced("the likelihood", experiment.log_prob, key, model, batch)


def check_features(experiment: Experiment, config: ConfigDict) -> None:
    """Refuse a feature network that there is none of, or that does not measure these data.

    Networks whose weights come from elsewhere are not loaded here.

    Raises:
      UserError: which says what there is.
    """
    name = config.eval.features if "eval" in config else ""
    if not name or experiment.sample is None:
        return
    pick("eval.features", name, FEATURE_NETS)
    if name not in EMBEDDED:
        return
    net, field = load_feature_net(name), experiment.spec.field
    if net.kind != field.kind:
        raise UserError(f"{net.name} measures data of {net.kind}, not of {field.kind}: set config.eval.features")
    if net.image_shape != field.shape:
        raise UserError(
            f"{net.name} measures images of {net.image_shape}, not {field.shape}: choose another config.eval.features, "
            "or '' for none"
        )


def _traced(what: str, f: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return jax.eval_shape(f, *arguments)
    except UserError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = str(error).strip().split("\n", maxsplit=1)[0]
        raise UserError(f"{what} of this config cannot be computed: {reason}") from error

"""Translate held-out images, with a trained model.

    python -m experiments.translate --config=configs/gan/<paper>_<dataset>.py --workdir=runs/<name>

Draws a picture into `samples/`: of pairs the inputs, their translations and what these should be; of unpaired sets, for
each domain, the inputs, their translations, and those translated back. Prints and writes `translate.json`: the errors
of `validate` over the test split, and the scores of the classifier `config.eval.features` (empty: none). It was trained
on images of the set, so it measures translations into the set:

* `accuracy`: how many translations into the set have the class of their input; `accuracy_real`: its accuracy on
  images of the set, an upper bound.
* `agreement`: how many images keep their class around the cycle, or on pairs have that of the target image.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from absl import flags
from ml_collections import ConfigDict

from experiments import image_translation
from experiments.config.data import spec_of
from experiments.config.networks import Collections
from experiments.image_translation import translators
from experiments.run import command
from experiments.run.held_out import BATCH, test_scores
from experiments.run.inference import finalized
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array
from genjax_models.data import epoch
from genjax_models.evaluation.features import FeatureNet, load_feature_net
from genjax_models.modalities.image import to_float, to_uint8
from genjax_models.modalities.modality import clip
from genjax_models.report import save_grid
from genjax_models.training import Inference, parallel
from genjax_models.training.loop import load_state
from genjax_models.training.workdir import whole, write_json, writing

COLUMNS = flags.DEFINE_integer("columns", 12, "of the picture: how many images of each domain it shows", lower_bound=1)

Batch = Mapping[str, Array]


def main() -> None:
    """Translate with the newest checkpoint."""
    config, workdir = command.read_config(), command.workdir()
    if config.experiment != image_translation.__name__:
        known = image_translation.__name__
        raise UserError(f"{config.experiment} does not translate images: choose a config of {known}")
    parallel.enable_compilation_cache()
    experiment = command.build_experiment(config)
    net, dataset = classifier(config), translators.domains(config, "test")
    state = load_state(experiment, config, workdir)
    model = finalized(experiment, state, config, workdir)
    held_out, count = test_scores(experiment, model, config)
    translate = parallel.compile_fn(translations(config))
    with writing(workdir):
        shown = translate(model, dataset.take(np.arange(min(COLUMNS.value, dataset.size))))
        picture = workdir / "samples" / "translated.png"
        with whole(picture) as partial:
            save_grid(rows_of(shown), partial, columns=len(shown["x"]))
    result: dict[str, Any] = {"step": int(state.step), "n": count, "held_out": held_out}
    if net:
        kept = [kept_classes(net, translate(model, batch), batch) for batch in epoch(dataset, BATCH)]
        result["classifier"] = {"name": net.name} | {
            name: float(np.concatenate([part[name] for part in kept]).mean()) for name in kept[0]
        }
    with writing(workdir):
        write_json(workdir / "translate.json", result)
    for title, terms in (("held-out means", held_out), ("classifier", result.get("classifier", {}))):
        numbers = [f"{name} {value:.4f}" for name, value in terms.items() if isinstance(value, float)]
        if numbers:
            print(f"{title} (n {count}): {', '.join(numbers)}")
    print(f"picture: {picture}")


def classifier(config: ConfigDict) -> FeatureNet | None:
    """The classifier that a config names, if any.

    Raises:
      UserError: if the set has no classes, or the classifier is one of other images.
    """
    if not config.eval.features:
        return None
    spec = spec_of(config)
    if not spec.num_classes:
        raise UserError(f"{config.data.name} has no labels for a classifier to find: set --config.eval.features=''")
    net = load_feature_net(config.eval.features)
    if net.image_shape != spec.shape:
        raise UserError(
            f"classifier {net.name} takes images of {net.image_shape}, not {spec.shape}: choose another "
            "config.eval.features, or ''"
        )
    return net


def translations(config: ConfigDict) -> Callable[[Inference, Batch], dict[str, Array]]:
    """`(model, batch) -> images`, of each domain by name: `x`, `y`, and what becomes of them, all in [-1, 1].

    The fields `to_y` and `to_x` are translations, `back_x` and `back_y` those translated back.
    """
    between = translators.translators(config, spec_of(config))

    def run(model: Inference, batch: Batch) -> dict[str, Array]:
        x, y = to_float(jnp.asarray(batch["x"])), to_float(jnp.asarray(batch["y"]))
        collections = Collections(model.extra["collections"])
        if between.backward is None:
            found = {"to_y": between.forward(collections, model.params["generator"], x)}
        else:
            there = partial(between.forward, collections, model.params["generators"])
            back = partial(between.backward, collections, model.params["generators"])
            found = {"to_y": there(x), "to_x": back(y)}
            found |= {"back_x": back(found["to_y"]), "back_y": there(found["to_x"])}
        return {name: clip(image) for name, image in ({"x": x, "y": y} | found).items()}

    return run


def kept_classes(net: FeatureNet, images: Mapping[str, Array], batch: Batch) -> dict[str, np.ndarray]:
    """Who keeps the class, see the module: bool `[B]` each."""
    predicted = lambda name: np.asarray(net(np.asarray(images[name])).logits).argmax(axis=1)
    label = np.asarray(batch["label"])
    if "to_x" in images:
        before, after, other = predicted("x"), predicted("back_x"), np.asarray(batch["label_y"])
        return {"accuracy_real": before == label, "accuracy": predicted("to_x") == other, "agreement": before == after}
    before, after = predicted("y"), predicted("to_y")
    return {"accuracy_real": before == label, "accuracy": after == label, "agreement": before == after}


def rows_of(images: Mapping[str, Array]) -> np.ndarray:
    """The rows of the picture one after the other, `uint8` `[R * B, H, W, 3]`; small images are enlarged."""
    names = ["x", "to_y", "back_x", "y", "to_x", "back_y"] if "to_x" in images else ["x", "to_y", "y"]
    height = max(images[name].shape[1] for name in names)
    rows = []
    for name in names:
        picture = np.asarray(to_uint8(images[name]))
        factor = height // picture.shape[1]
        picture = picture.repeat(factor, axis=1).repeat(factor, axis=2)
        rows.append(np.broadcast_to(picture, (*picture.shape[:3], 3)))
    return np.concatenate(rows)


if __name__ == "__main__":
    command.run(main)

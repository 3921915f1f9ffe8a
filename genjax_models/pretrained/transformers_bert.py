"""The configuration and weights of transformers' `BertModel` as our `Bert` and its parameters.

References:
  https://huggingface.co/docs/transformers/model_doc/bert
"""

from collections.abc import Mapping
from typing import Any

from genjax_models.core.errors import UserError
from genjax_models.core.types import PyTree
from genjax_models.nets.transformer.bert import Bert
from genjax_models.pretrained.layouts import Arrays, layer

ATTRIBUTES = {
    "vocab_size": "vocabulary",
    "max_position_embeddings": "length",
    "type_vocab_size": "segments",
    "hidden_size": "width",
    "num_hidden_layers": "depth",
    "num_attention_heads": "heads",
    "intermediate_size": "hidden",
    "layer_norm_eps": "epsilon",
}
"""Flags of `config.json` that are attributes of `Bert`."""

FIXED: dict[str, Any] = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
    "chunk_size_feed_forward": 0,
}
"""Flags that `Bert` has with one value only, which is also what a file without them means."""

WITHOUT_EFFECT = {
    "_name_or_path",
    "architectures",
    "attention_probs_dropout_prob",
    "bos_token_id",
    "classifier_dropout",
    "dtype",
    "eos_token_id",
    "gradient_checkpointing",
    "hidden_dropout_prob",
    "initializer_range",
    "pad_token_id",
    "tie_word_embeddings",
    "torch_dtype",
    "transformers_version",
    "use_cache",
}
"""Flags that do not change the function at inference."""

EMBEDDINGS = {"tokens": "word_embeddings", "positions": "position_embeddings", "segments": "token_type_embeddings"}
BLOCK = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "out": "attention.output.dense",
    "norm_1": "attention.output.LayerNorm",
    "mlp_in": "intermediate.dense",
    "mlp_out": "output.dense",
    "norm_2": "output.LayerNorm",
}
UNUSED = ("pooler.", "embeddings.position_ids")  # a head for sentence pairs; the numbers 0, 1, 2, ...


def bert_from_config(config: Mapping[str, Any]) -> Bert:
    """The network that a `config.json` describes.

    Raises:
      UserError: that names a flag that is missing, unknown, or has a value that `Bert` does not have.
    """
    for name, value in config.items():
        if name in FIXED and value != FIXED[name]:
            raise UserError(f"the BERT of config.json has {name}={value!r}, expected {FIXED[name]!r}")
        if name not in {*ATTRIBUTES, *FIXED, *WITHOUT_EFFECT}:
            raise UserError(f"config.json has the flag {name}={value!r}, which is not known of a BERT")
    missing = [name for name in ATTRIBUTES if name not in config]
    if missing:
        raise UserError(f"config.json lacks {', '.join(missing)}: it does not describe a BERT")
    return Bert(**{ours: config[theirs] for theirs, ours in ATTRIBUTES.items()})


def bert_from_transformers(arrays: Arrays, depth: int) -> PyTree:
    """The state dictionary as parameters of a `Bert` of `depth` blocks; tests/parity compares the two functions.

    Raises:
      UserError: that names an array that is missing or unknown.
    """
    layers = {"norm": "embeddings.LayerNorm"} | {
        f"{ours}_{i}": f"encoder.layer.{i}.{theirs}" for i in range(depth) for ours, theirs in BLOCK.items()
    }
    tables = {ours: f"embeddings.{theirs}.weight" for ours, theirs in EMBEDDINGS.items()}
    known = {f"{name}.{kind}" for name in layers.values() for kind in ("weight", "bias")} | {*tables.values()}
    unknown = sorted(name for name in arrays if name not in known and not name.startswith(UNUSED))
    missing = sorted(known - arrays.keys())
    if unknown or missing:
        raise UserError(
            f"the weights are not those of a BERT of {depth} blocks: {(missing or unknown)[0]} is "
            f"{'missing' if missing else 'unknown'}"
        )
    embeddings = {ours: {"embedding": arrays[name]} for ours, name in tables.items()}
    return embeddings | {ours: layer(arrays, name) for ours, name in layers.items()}

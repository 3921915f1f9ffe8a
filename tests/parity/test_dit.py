"""Our DiT with diffusers' weights is diffusers' `DiTTransformer2DModel`: output, and gradient of a loss.

In float64, but for the sines of the time, which diffusers takes in float32: hence a tolerance of 1e-5.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.nets import DiT

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.parity


def from_diffusers(model):
    """The parameters of a `DiTTransformer2DModel` under our names.

    diffusers gives each block a copy of the embedding of time and class, which the paper shares between blocks;
    the caller has tied them, so the first one stands for all.
    """
    weights = {name: value.detach().numpy() for name, value in model.named_parameters()}

    def dense(name):
        return {"kernel": weights[f"{name}.weight"].T, "bias": weights[f"{name}.bias"]}

    def block(name):
        q, k, v = (dense(f"{name}.attn1.to_{part}") for part in "qkv")
        qkv = {part: np.concatenate([q[part], k[part], v[part]], axis=-1) for part in ("kernel", "bias")}
        return {
            "modulation": dense(f"{name}.norm1.linear"),
            "attention": {"qkv": qkv, "out": dense(f"{name}.attn1.to_out.0")},
            "mlp_in": dense(f"{name}.ff.net.0.proj"),
            "mlp_out": dense(f"{name}.ff.net.2"),
        }

    emb = "transformer_blocks.0.norm1.emb"
    patch = weights["pos_embed.proj.weight"]
    return {
        "conditioning": {
            "time_in": dense(f"{emb}.timestep_embedder.linear_1"),
            "time_out": dense(f"{emb}.timestep_embedder.linear_2"),
            "label": {"embedding": weights[f"{emb}.class_embedder.embedding_table.weight"]},
        },
        "patch": {
            "kernel": patch.transpose(2, 3, 1, 0).reshape(-1, patch.shape[0]),
            "bias": weights["pos_embed.proj.bias"],
        },
        **{f"block_{i}": block(f"transformer_blocks.{i}") for i in range(len(model.transformer_blocks))},
        "modulation_out": dense("proj_out_1"),
        "out": dense("proj_out_2"),
    }


def test_same_function_and_gradient():
    with jax.enable_x64(True):
        torch.manual_seed(0)
        net = DiT(patch_size=2, width=32, depth=2, heads=4, num_classes=10, freq_shift=1, dtype=jnp.float64)
        model = diffusers.DiTTransformer2DModel(
            num_attention_heads=4,
            attention_head_dim=8,
            in_channels=3,
            num_layers=2,
            sample_size=8,
            patch_size=2,
            num_embeds_ada_norm=10,
            norm_eps=1e-6,
        )
        model = model.double().eval()
        for block in model.transformer_blocks:
            block.norm1.emb = model.transformer_blocks[0].norm1.emb
        params = from_diffusers(model)

        rng = np.random.default_rng(0)
        x = rng.normal(size=(3, 8, 8, 3))
        steps = np.array([3, 500, 999])
        label = np.array([4, 10, 0])
        cond = {"label": jnp.asarray(label)}

        x_torch = torch.tensor(x.transpose(0, 3, 1, 2), requires_grad=True)
        theirs = model(x_torch, torch.tensor(steps), class_labels=torch.tensor(label)).sample
        (theirs**2).sum().backward()

        def loss(params, x):
            y = net.apply({"params": params}, x, jnp.asarray(steps / 1000), cond)
            return (y**2).sum(), y

        (grads, grad_x), ours = jax.grad(loss, argnums=(0, 1), has_aux=True)(params, jnp.asarray(x))
        expected = theirs.detach().numpy().transpose(0, 2, 3, 1)
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
        expected = x_torch.grad.numpy().transpose(0, 2, 3, 1)
        np.testing.assert_allclose(grad_x, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())

        norm = np.sqrt(sum(float((g**2).sum()) for g in jax.tree.leaves(grads)))
        expected_norm = np.sqrt(sum(float((p.grad**2).sum()) for p in model.parameters()))
        np.testing.assert_allclose(norm, expected_norm, rtol=1e-5)

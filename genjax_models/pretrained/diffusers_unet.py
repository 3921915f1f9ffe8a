"""The weights of diffusers' `UNet2DModel`, an ADM or DDPM UNet, as parameters of our `UNet`.

References:
  https://huggingface.co/docs/diffusers/api/models/unet2d
"""

import re

import numpy as np

from genjax_models.core.types import PyTree
from genjax_models.pretrained.layouts import Arrays, layer


def unet_from_diffusers(arrays: Arrays) -> PyTree:
    """The state dictionary as parameters of a `UNet` of the same blocks; tests/parity compares the two functions.

    Raises:
      KeyError: if a layer is missing, that is for another network.
    """
    conditioning = {"time_in": layer(arrays, "time_embedding.linear_1")}
    conditioning["time_out"] = layer(arrays, "time_embedding.linear_2")
    if "class_embedding.weight" in arrays:
        conditioning["label"] = {"embedding": arrays["class_embedding.weight"]}
    params = {
        "conditioning": conditioning,
        "conv_in": layer(arrays, "conv_in"),
        "mid_res_0": _res_block(arrays, "mid_block.resnets.0"),
        "mid_res_1": _res_block(arrays, "mid_block.resnets.1"),
        "norm_out": layer(arrays, "conv_norm_out"),
        "conv_out": layer(arrays, "conv_out"),
    }
    if "mid_block.attentions.0.to_q.weight" in arrays:
        params["mid_attention"] = _attention_block(arrays, "mid_block.attentions.0")
    blocks = {match[0] for name in arrays if (match := re.match(r"(down|up)_blocks\.\d+\.\w+\.\d+", name))}
    levels = 1 + max(int(name.split(".")[1]) for name in blocks)
    for name in blocks:
        blocks_name, i, kind, j = name.split(".")
        way = blocks_name.removesuffix("_blocks")
        ours = f"{way}_{i if way == 'down' else levels - 1 - int(i)}"
        if kind == "resnets":
            params[f"{ours}_res_{j}"] = _res_block(arrays, name)
        elif kind == "attentions":
            params[f"{ours}_attention_{j}"] = _attention_block(arrays, name)
        elif f"{name}.conv.weight" in arrays:
            params[f"{ours}_{way}sample"] = layer(arrays, f"{name}.conv")
        else:
            params[f"{ours}_{way}sample"] = _res_block(arrays, name)
    return params


def _res_block(arrays: Arrays, name: str) -> PyTree:
    names = {"norm_1": "norm1", "conv_1": "conv1", "emb": "time_emb_proj", "norm_2": "norm2", "conv_2": "conv2"}
    block = {ours: layer(arrays, f"{name}.{theirs}") for ours, theirs in names.items()}
    if f"{name}.conv_shortcut.weight" in arrays:
        skip = layer(arrays, f"{name}.conv_shortcut")
        block["skip"] = {"kernel": skip["kernel"][0, 0], "bias": skip["bias"]}
    return block


def _attention_block(arrays: Arrays, name: str) -> PyTree:
    q, k, v = (layer(arrays, f"{name}.to_{part}") for part in "qkv")
    qkv = {part: np.concatenate([q[part], k[part], v[part]], axis=-1) for part in ("kernel", "bias")}
    return {
        "norm": layer(arrays, f"{name}.group_norm"),
        "attention": {"qkv": qkv, "out": layer(arrays, f"{name}.to_out.0")},
    }

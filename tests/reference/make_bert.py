#!/usr/bin/python3
"""Makes bert/ and bert-old/, two small BERTs as Hugging Face's directories hold them, and bert.safetensors: what the same network in PyTorch, in float64,
answers for every length of text. bert: f16 and bf16 beside f32, exact GELU, heads of 6. bert-old: names with "bert.", gamma and beta, a head that is left
alone, GELU by tanh. Run: tests/reference/make_bert.py (python3-torch)."""
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from weft_reference import counter, save  # noqa: E402

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "blue", "shirt", "dress", "##s", "T", "-", "셔츠", "원피스", "빨간", "##색"]


def shapes(c):
    """Hugging Face's names and shapes, in its order."""
    h, i = c["hidden_size"], c["intermediate_size"]
    out = {"embeddings.word_embeddings.weight": (c["vocab_size"], h), "embeddings.position_embeddings.weight": (c["max_position_embeddings"], h),
           "embeddings.token_type_embeddings.weight": (c["type_vocab_size"], h), "embeddings.LayerNorm.weight": (h,), "embeddings.LayerNorm.bias": (h,)}
    for k in range(c["num_hidden_layers"]):
        p = f"encoder.layer.{k}."
        for name, rows, columns in [("attention.self.query", h, h), ("attention.self.key", h, h), ("attention.self.value", h, h), ("attention.output.dense", h, h),
                                    ("attention.output.LayerNorm", h, 0), ("intermediate.dense", i, h), ("output.dense", h, i), ("output.LayerNorm", h, 0)]:
            out[p + name + ".weight"] = (rows, columns) if columns else (rows,)
            out[p + name + ".bias"] = (rows,)
    out["pooler.dense.weight"] = (h, h)
    out["pooler.dense.bias"] = (h,)
    return out


def draw(c, tensor):
    weights = {}
    for k, (name, shape) in enumerate(shapes(c).items()):
        u = counter(tensor + k, int(np.prod(shape))).reshape(shape)
        if "LayerNorm.weight" in name:
            weights[name] = (1 + u * np.float32(0.25)).astype(np.float32)
        elif len(shape) == 1:
            weights[name] = u * np.float32(0.125)
        else:
            weights[name] = (u * np.float32(1 if "embeddings" in name else 2.5 / math.sqrt(shape[1]))).astype(np.float32)
    return weights


def gelu(kind, x):
    return F.gelu(x) if kind == "gelu" else 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def forward(c, w, ids):
    h, heads = c["hidden_size"], c["num_attention_heads"]
    norm = lambda x, name: F.layer_norm(x, (h,), w[name + ".weight"], w[name + ".bias"], c["layer_norm_eps"])
    linear = lambda x, name: F.linear(x, w[name + ".weight"], w[name + ".bias"])
    split = lambda x: x.view(-1, heads, h // heads).transpose(0, 1)
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:len(ids)] + w["embeddings.token_type_embeddings.weight"][0]
    x = norm(x, "embeddings.LayerNorm")
    for k in range(c["num_hidden_layers"]):
        p = f"encoder.layer.{k}."
        q, key, v = (split(linear(x, p + "attention.self." + n)) for n in ("query", "key", "value"))
        a = torch.softmax(q @ key.transpose(1, 2) / math.sqrt(h // heads), -1) @ v
        x = norm(x + linear(a.transpose(0, 1).reshape(-1, h), p + "attention.output.dense"), p + "attention.output.LayerNorm")
        x = norm(x + linear(gelu(c["hidden_act"], linear(x, p + "intermediate.dense")), p + "output.dense"), p + "output.LayerNorm")
    mean = x[1:-1].mean(0) if len(ids) > 2 else torch.zeros(h, dtype=x.dtype)
    return {"mean": mean, "cls": x[0], "pooler": torch.tanh(linear(x[0], "pooler.dense"))}


def ids_of(n, vocabulary):
    """Token t of a text of n tokens; tests/unit/test_bert.c has the same."""
    return torch.tensor([(n * 31 + t * 17 + t * t * 7) % vocabulary for t in range(n)])


def bfloat16(a):
    bits = a.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def answers(c, weights, out, prefix):
    w = {name: torch.from_numpy(a.astype(np.float64)) for name, a in weights.items()}
    rows = [forward(c, w, ids_of(n, c["vocab_size"])) for n in range(1, c["max_position_embeddings"] + 1)]
    for pool in ("mean", "cls", "pooler"):
        out[prefix + pool] = torch.stack([r[pool] for r in rows]).numpy().astype(np.float32)


def write(name, config, tensors):
    path = os.path.join(here, name)
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, "config.json"), "w") as f:
        json.dump(config, f, indent=2)
        f.write("\n")
    with open(os.path.join(path, "vocab.txt"), "w") as f:
        f.write("".join(v + "\n" for v in VOCABULARY))
    save(os.path.join(path, "model.safetensors"), tensors)


def main():
    base = {"model_type": "bert", "layer_norm_eps": 1e-12, "type_vocab_size": 2, "vocab_size": len(VOCABULARY)}
    out = {}
    new = dict(base, hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40, max_position_embeddings=512, hidden_act="gelu")
    weights, stored = draw(new, 0), {}
    for name, a in weights.items():
        if "position" in name:
            stored[name] = bfloat16(a)
            weights[name] = (stored[name].astype(np.uint32) << 16).view(np.float32)
        elif "word" in name or "query" in name:
            stored[name] = a.astype(np.float16)
            weights[name] = stored[name].astype(np.float32)
        else:
            stored[name] = a
    write("bert", new, stored)
    answers(new, weights, out, "")
    old = dict(base, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, max_position_embeddings=20, hidden_act="gelu_new")
    weights = draw(old, 1000)
    stored = {"bert." + n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): a for n, a in weights.items()}
    stored["cls.predictions.bias"] = counter(2000, len(VOCABULARY))
    write("bert-old", old, stored)
    answers(old, weights, out, "old.")
    save(os.path.join(here, "bert.safetensors"), out)


main()

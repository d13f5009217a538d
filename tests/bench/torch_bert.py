#!/usr/bin/python3
"""torch_bert.py [LENGTHS]: sequences a second of a BERT-base of plain PyTorch modules, random weights, beside bench_bert: 32 texts of 32 tokens, and with
LENGTHS (a file, one number of tokens a line) those texts in their order, each batch of 32 padded to its longest. TH: threads (2), REPEATS (5)."""
import math
import os
import sys
import time

import torch
from torch import nn

HIDDEN, HEADS, INNER, LAYERS, VOCABULARY, POSITIONS = 768, 12, 3072, 12, 1000, 512
threads, repeats = int(os.environ.get("TH", "2")), int(os.environ.get("REPEATS", "5"))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.ModuleList(nn.Linear(HIDDEN, HIDDEN) for _ in range(3)), nn.Linear(HIDDEN, HIDDEN)
        self.up, self.down = nn.Linear(HIDDEN, INNER), nn.Linear(INNER, HIDDEN)
        self.norm1, self.norm2 = nn.LayerNorm(HIDDEN, 1e-12), nn.LayerNorm(HIDDEN, 1e-12)

    def forward(self, x, mask):
        b, t, _ = x.shape
        q, k, v = (f(x).view(b, t, HEADS, -1).transpose(1, 2) for f in self.qkv)
        a = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(HIDDEN // HEADS) + mask, -1) @ v
        x = self.norm1(x + self.out(a.transpose(1, 2).reshape(b, t, HIDDEN)))
        return self.norm2(x + self.down(nn.functional.gelu(self.up(x))))


class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.positions, self.norm = nn.Embedding(VOCABULARY, HIDDEN), nn.Embedding(POSITIONS, HIDDEN), nn.LayerNorm(HIDDEN, 1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, lengths):
        t = max(lengths)
        ids = torch.arange(t).expand(len(lengths), t) % VOCABULARY
        seen = torch.arange(t)[None] < torch.tensor(lengths)[:, None]
        mask = torch.zeros(len(lengths), 1, 1, t).masked_fill(~seen[:, None, None], -1e9)
        x = self.norm(self.words(ids) + self.positions(torch.arange(t)))
        for layer in self.layers:
            x = layer(x, mask)
        return (x * seen[..., None]).sum(1) / seen.sum(1, keepdim=True)


def measure(model, name, lengths, n):
    seconds = []
    for _ in range(n):
        start = time.perf_counter()
        for i in range(0, len(lengths), 32):
            model(lengths[i:i + 32])
        seconds.append(time.perf_counter() - start)
    seconds.sort()
    print(f"PyTorch BERT-base f32 th={threads} {name}: best {len(lengths) / seconds[0]:.2f} median {len(lengths) / seconds[len(seconds) // 2]:.2f} seq/s "
          f"({seconds[0] * 1e3:.1f} ms)", flush=True)


def main():
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = Bert().eval()
    with torch.no_grad():
        model([32] * 32)
        measure(model, "32 x 32 tokens", [32] * 32, repeats)
        if len(sys.argv) > 1:
            measure(model, "names", [int(line) for line in open(sys.argv[1])], 1 if repeats < 4 else 2)


main()

#!/usr/bin/python3
"""Makes resnet18.safetensors: what torchvision's ResNet18, in float64, answers for weights and images that are hashes of
their index (so that they need not be stored). Run: tests/reference/make_resnet.py (python3-torch, python3-torchvision)."""
import os
import sys

import numpy as np
import torch
import torchvision

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from weft_reference import counter, save  # noqa: E402

PICK = 64  # stored elements of each gradient


def weights(model):
    k = 0
    for name, p in model.state_dict().items():
        if name.startswith("fc.") or name.endswith("num_batches_tracked"):
            continue
        u = torch.from_numpy(counter(k, p.numel()).astype(np.float64)).reshape(p.shape)
        if p.dim() == 4:
            p.copy_((u * np.float32((6.0 / (p.shape[1] * p.shape[2] * p.shape[3])) ** 0.5).item()).float().double())
        elif name.endswith("running_var") or name.endswith("weight"):
            p.copy_((1 + u * 0.25).float().double())
        else:
            p.copy_((u * 0.125).float().double())
        k += 1


def images(n, h, w, tensor):
    return torch.from_numpy(counter(tensor, n * 3 * h * w).astype(np.float64) * 2).reshape(n, 3, h, w)


def pick(a):
    flat = a.detach().numpy().reshape(-1)
    return flat[[i * flat.size // PICK for i in range(PICK)]].astype(np.float32)


def main():
    torch.manual_seed(0)
    model = torchvision.models.resnet18(weights=None)
    model.fc = torch.nn.Identity()
    model = model.double()
    out = {}
    with torch.no_grad():
        weights(model)
        model.eval()
        out["eval.4x64x64"] = model(images(4, 64, 64, 1000)).numpy().astype(np.float32)
        out["eval.2x97x70"] = model(images(2, 97, 70, 1001)).numpy().astype(np.float32)
    model.train()
    y = model(images(4, 96, 96, 1002))
    d = torch.from_numpy(counter(1003, y.numel()).astype(np.float64)).reshape(y.shape)
    y.backward(d)
    out["train.features"] = y.detach().numpy().astype(np.float32)
    learned = dict(model.named_parameters())
    picks, sums = [], []
    for name, p in learned.items():
        g = p.grad
        picks.append(pick(g))
        c = torch.from_numpy(counter(2000 + len(sums), g.numel()).astype(np.float64)).reshape(g.shape)
        sums.append([g.norm().item(), (g * c).sum().item(), g.abs().max().item()])
    out["grad.picks"] = np.stack(picks)
    out["grad.sums"] = np.array(sums, dtype=np.float32)
    stats = [v.numpy().astype(np.float32) for n, v in model.state_dict().items() if "running" in n]
    out["running"] = np.concatenate(stats)
    save(os.path.join(here, "resnet18.safetensors"), out)


main()

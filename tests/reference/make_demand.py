#!/usr/bin/python3
"""Makes demand.safetensors: what PyTorch, in float64, answers for losses with missing labels (cross-entropy, focal, squared error) and for one
step of the garment network without dropout: outputs, loss, gradients of the two layers and of the first convolution. Weights and inputs are
hashes of their index. Run: tests/reference/make_demand.py (python3-torch, python3-torchvision)."""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
import torchvision

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from weft_reference import counter, save  # noqa: E402

ROWS, CLASSES = 12, 5
N, SIZE, SIDE, HIDDEN = 5, 64, 11, 24
HEADS = [("ce", 3, 1.0), ("focal", 4, 1.0), ("mse", 1, 0.01), ("mse", 1, 0.01)]
PICK = 64


def numbers(tensor, shape, scale=1.0):
    return torch.from_numpy(counter(tensor, int(np.prod(shape))).astype(np.float64) * scale).reshape(shape)


def f32(t):
    return t.detach().numpy().astype(np.float32)


def focal(z, target, gamma, weight):
    """-alpha (1 - p)^gamma log p, the mean over the labels that are there."""
    there = target >= 0
    logp = F.log_softmax(z[there], 1).gather(1, target[there][:, None])[:, 0]
    return (-weight[target[there]] * (1 - logp.exp()) ** gamma * logp).mean()


def losses(out):
    target = torch.tensor([i % (CLASSES + 1) - 1 for i in range(ROWS)])
    ones, weight = torch.ones(CLASSES, dtype=torch.float64), 1 + numbers(2, (CLASSES,), 0.5)
    for name, loss in [
        ("ce", lambda z: F.cross_entropy(z, target, ignore_index=-1)),
        ("focal2", lambda z: focal(z, target, 2.0, ones)),
        ("focal05", lambda z: focal(z, target, 0.5, weight)),
    ]:
        z = numbers(1, (ROWS, CLASSES), 4).requires_grad_()
        value = loss(z)
        value.backward()
        out[f"{name}.loss"] = f32(value.reshape(1))
        out[f"{name}.gradient"] = f32(z.grad)


def fill(p, tensor, scale, about=0.0):
    with torch.no_grad():
        p.copy_((about + numbers(tensor, tuple(p.shape), scale)).float().double())


def network(out):
    net = torchvision.models.resnet18(weights=None)
    net.fc = torch.nn.Identity()
    net = net.double()
    k = 0
    for name, p in net.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        if p.dim() == 4:
            fill(p, k, np.float32((6.0 / (p.shape[1] * p.shape[2] * p.shape[3])) ** 0.5).item())
        else:
            one = name.endswith("running_var") or name.endswith("weight")
            fill(p, k, 0.25 if one else 0.125, 1.0 if one else 0.0)
        k += 1
    width = sum(h[1] for h in HEADS)
    fc1, fc2 = torch.nn.Linear(512 + SIDE, HIDDEN).double(), torch.nn.Linear(HIDDEN, width).double()
    for i, p in enumerate([fc1.weight, fc1.bias, fc2.weight, fc2.bias]):
        fill(p, 3000 + i, 0.125)
    net.train()
    y = fc2(F.relu(fc1(torch.cat([net(numbers(3013, (N, 3, SIZE, SIZE), 2)), numbers(3011, (N, SIDE))], 1))))
    weight = 1 + numbers(3012, (4,), 0.5)
    loss, at = 0, 0
    for k, (kind, n, share) in enumerate(HEADS):
        z = y[:, at : at + n]
        if kind == "mse":
            target = numbers(3020 + k, (N,))
            there = torch.tensor([(r + k) % 4 != 0 for r in range(N)])
            loss = loss + share * F.mse_loss(z[there, 0], target[there])
        else:
            target = torch.tensor([(r + k) % (n + 1) - 1 for r in range(N)])
            one = F.cross_entropy(z, target, ignore_index=-1) if kind == "ce" else focal(z, target, 2.0, weight)
            loss = loss + share * one
        at += n
    loss.backward()
    out["net.output"] = f32(y)
    out["net.loss"] = f32(loss.reshape(1))
    out["net.fc"] = np.concatenate([f32(p.grad).reshape(-1) for p in (fc1.weight, fc1.bias, fc2.weight, fc2.bias)])
    conv = f32(net.conv1.weight.grad).reshape(-1)
    out["net.conv1"] = conv[[i * conv.size // PICK for i in range(PICK)]]


def main():
    out = {}
    losses(out)
    network(out)
    save(os.path.join(here, "demand.safetensors"), out)


main()

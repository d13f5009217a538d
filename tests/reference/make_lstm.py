#!/usr/bin/python3
"""Makes lstm.safetensors: what PyTorch, in float64, answers for LSTM layers (every output, every gradient, that of the input too), for the LSTM
forecaster (forecasts, gradients, one step of Adam, the losses and the weights of 50), and for a small discriminator with dropout and
binary cross-entropy. Run: tests/reference/make_lstm.py (python3-torch)."""
import os
import sys

import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from weft_reference import counter, save  # noqa: E402

# input, hidden, layers, steps, batch
LAYERS = [(1, 64, 1, 30, 16), (3, 20, 2, 7, 5), (2, 33, 3, 9, 11), (70, 16, 1, 3, 1)]
# encoder, lookback, horizon, code, layers, batch
NETS = [("lstm", 30, 10, 64, 1, 32), ("lstm", 12, 3, 20, 2, 37), ("linear", 12, 3, 20, 1, 37), ("cnn", 30, 5, 24, 1, 21)]
LR = 0.001
# rows, in, middle
DISCRIMINATOR = (9, 13, 21)


def numbers(tensor, shape, scale=1.0):
    n = int(np.prod(shape))
    return torch.from_numpy(counter(tensor, n).astype(np.float64) * scale).reshape(tuple(shape))


def f32(t):
    return t.detach().numpy().astype(np.float32)


def flat(tensors):
    return np.concatenate([f32(t).reshape(-1) for t in tensors])


def fill(parameters, tensor, scale):
    at = 0
    whole = counter(tensor, sum(p.numel() for p in parameters)).astype(np.float64) * scale
    with torch.no_grad():
        for p in parameters:
            p.copy_(torch.from_numpy(whole[at : at + p.numel()]).reshape(p.shape))
            at += p.numel()


def layers(out):
    for i, (inputs, hidden, depth, steps, batch) in enumerate(LAYERS):
        lstm = torch.nn.LSTM(inputs, hidden, depth, batch_first=True).double()
        parameters = list(lstm.parameters())
        fill(parameters, 100 + 10 * i, 0.25)
        x = numbers(101 + 10 * i, (batch, steps, inputs)).requires_grad_()
        y, _ = lstm(x)
        (y * numbers(102 + 10 * i, y.shape)).sum().backward()
        out[f"layer.{i}.output"] = f32(y)
        out[f"layer.{i}.gradient"] = flat([p.grad for p in parameters])
        out[f"layer.{i}.input"] = f32(x.grad)


class Net(torch.nn.Module):
    def __init__(self, encoder, lookback, horizon, code, depth):
        super().__init__()
        if encoder == "lstm":
            self.encoder = torch.nn.LSTM(1, code, depth, batch_first=True)
        elif encoder == "linear":
            self.encoder = torch.nn.Linear(lookback, code)
        else:
            self.encoder = Convolutions(lookback, code)
        self.head = torch.nn.Linear(code, horizon)

    def forward(self, x):
        if isinstance(self.encoder, torch.nn.LSTM):
            return self.head(self.encoder(x[..., None])[0][:, -1])
        return self.head(self.encoder(x))


class Convolutions(torch.nn.Module):
    def __init__(self, lookback, code):
        super().__init__()
        self.conv1 = torch.nn.Conv1d(1, 16, 7, stride=2)
        self.conv2 = torch.nn.Conv1d(16, 32, 5, stride=2)
        steps = ((lookback - 7) // 2 + 1 - 5) // 2 + 1
        self.linear = torch.nn.Linear(32 * steps, code)

    def forward(self, x):
        x = torch.relu(self.conv2(torch.relu(self.conv1(x[:, None]))))
        return torch.tanh(self.linear(x.transpose(1, 2).flatten(1)))


def nets(out):
    for i, (encoder, lookback, horizon, code, depth, batch) in enumerate(NETS):
        net = Net(encoder, lookback, horizon, code, depth).double()
        order = list(net.parameters())
        fill(order, 200 + 10 * i, 0.125)
        windows = numbers(201 + 10 * i, (batch, lookback + horizon))
        x, y = windows[:, :lookback], windows[:, lookback:]
        out[f"net.{i}.forecast"] = f32(net(x))
        torch.nn.functional.mse_loss(net(x), y).backward()
        out[f"net.{i}.gradient"] = flat([p.grad for p in order])
        optimizer, losses = torch.optim.Adam(net.parameters(), lr=LR), []
        for step in range(50):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if step == 0:
                out[f"net.{i}.stepped"] = flat(order)
        out[f"net.{i}.losses"] = np.array(losses, np.float32)
        out[f"net.{i}.trained"] = flat(order)


def discriminator(out):
    rows, width, middle = DISCRIMINATOR
    one, two = torch.nn.Linear(width, middle).double(), torch.nn.Linear(middle, 1).double()
    parameters = list(one.parameters()) + list(two.parameters())
    fill(parameters, 300, 0.5)
    x = numbers(301, (rows, width)).requires_grad_()
    mask = (numbers(302, (rows, middle)) > -0.5) / 0.75
    target = (numbers(303, (rows,)) + 1) / 2
    for name, activation in (("relu", torch.relu), ("leaky", lambda v: torch.nn.functional.leaky_relu(v, 0.2)), ("sigmoid", torch.sigmoid)):
        for p in parameters + [x]:
            p.grad = None
        z = two(activation(one(x)) * mask)[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(z, target)
        loss.backward()
        out[f"{name}.loss"] = np.array([loss.item()], np.float32)
        out[f"{name}.input"] = f32(x.grad)
        out[f"{name}.gradient"] = flat([p.grad for p in parameters])
    norm = torch.nn.utils.clip_grad_norm_(parameters, 0.01)
    out["clip.norm"] = np.array([norm.item()], np.float32)
    out["clip.gradient"] = flat([p.grad for p in parameters])


def main():
    out = {}
    layers(out)
    nets(out)
    discriminator(out)
    save(os.path.join(here, "lstm.safetensors"), out)


main()

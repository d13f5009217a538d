#!/usr/bin/python3
"""Makes dlinear.safetensors: what PyTorch, in float64, answers for DLinear as LTSF-Linear builds it (average pooling over edges
repeated, two linear layers): forecasts, gradients, one step of Adam and the losses of 20. Run: tests/reference/make_dlinear.py
(python3-torch)."""
import os
import sys

import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from weft_reference import counter, save  # noqa: E402

# lookback, horizon, kernel, norm (0 none, 1 last, 2 mean), batch
CASES = [(30, 10, 25, 0, 32), (48, 17, 25, 1, 7), (12, 3, 25, 2, 9), (21, 8, 5, 0, 33)]
LR = 0.005


class DLinear(torch.nn.Module):
    def __init__(self, lookback, horizon, kernel, norm):
        super().__init__()
        self.lookback, self.kernel, self.norm = lookback, kernel, norm
        self.Linear_Seasonal = torch.nn.Linear(lookback, horizon)
        self.Linear_Trend = torch.nn.Linear(lookback, horizon)
        self.pool = torch.nn.AvgPool1d(kernel, 1)

    def forward(self, x):
        base = {0: 0 * x[:, :1], 1: x[:, -1:], 2: x.mean(1, keepdim=True)}[self.norm]
        x = x - base
        side = self.kernel // 2
        padded = torch.cat([x[:, :1].expand(-1, side), x, x[:, -1:].expand(-1, side)], 1)
        trend = self.pool(padded[:, None])[:, 0]
        return self.Linear_Seasonal(x - trend) + self.Linear_Trend(trend) + base


def flat(tensors):
    return np.concatenate([t.detach().numpy().reshape(-1) for t in tensors]).astype(np.float32)


def main():
    out = {}
    for i, (lookback, horizon, kernel, norm, batch) in enumerate(CASES):
        model = DLinear(lookback, horizon, kernel, norm).double()
        order = [model.Linear_Seasonal.weight, model.Linear_Trend.weight, model.Linear_Seasonal.bias, model.Linear_Trend.bias]
        with torch.no_grad():
            for k, p in enumerate(order):
                p.copy_(torch.from_numpy(counter(10 * i + k, p.numel()).astype(np.float64)).reshape(p.shape) * 0.25)
        windows = counter(10 * i + 4, batch * (lookback + horizon)).astype(np.float64).reshape(batch, -1)
        windows = torch.from_numpy(windows) + 0.5
        x, y = windows[:, :lookback], windows[:, lookback:]
        forecast = model(x)
        torch.nn.functional.mse_loss(forecast, y).backward()
        out[f"{i}.forecast"] = forecast.detach().numpy().astype(np.float32)
        out[f"{i}.gradient"] = flat([p.grad for p in order])
        optimizer, losses = torch.optim.Adam(model.parameters(), lr=LR), []
        for step in range(20):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if step == 0:
                out[f"{i}.stepped"] = flat(order)
        out[f"{i}.losses"] = np.array(losses, np.float32)
    save(os.path.join(here, "dlinear.safetensors"), out)


main()

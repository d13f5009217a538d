#!/usr/bin/python3
"""PyTorch's side of bench.sh. usage: torch_dlinear.py WIDE.csv BATCH STEPS -> windows a second of DLinear 30 -> 10 trained with Adam, best of three."""
import sys
import time

import numpy as np
import pandas as pd
import torch

path, batch, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(2)
torch.manual_seed(0)
table = pd.read_csv(path).iloc[:, 6:].to_numpy(np.float32)
lookback, horizon, kernel = 30, 10, 25
x = torch.from_numpy(table[:, : int(table.shape[1] * 0.64)].copy())
windows = x.unfold(1, lookback + horizon, 1)
per_series = windows.shape[1]
count = windows.shape[0] * per_series


class DLinear(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.average = torch.nn.AvgPool1d(kernel, 1)
        self.seasonal = torch.nn.Linear(lookback, horizon)
        self.trend = torch.nn.Linear(lookback, horizon)

    def forward(self, v):
        pad = (kernel - 1) // 2
        padded = torch.cat([v[:, :1].expand(-1, pad), v, v[:, -1:].expand(-1, pad)], 1)
        trend = self.average(padded[:, None])[:, 0]
        return self.seasonal(v - trend) + self.trend(trend)


model = DLinear()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_of = torch.nn.MSELoss()
order = torch.randperm(count)
row, start = torch.div(order, per_series, rounding_mode="floor"), order % per_series


def run(n):
    for i in range(n):
        at = slice(i * batch % (count - batch), i * batch % (count - batch) + batch)
        w = windows[row[at], start[at]]
        optimizer.zero_grad()
        loss = loss_of(model(w[:, :lookback]), w[:, lookback:])
        loss.backward()
        optimizer.step()


run(50)
best = 1e9
for _ in range(3):
    began = time.perf_counter()
    run(steps)
    best = min(best, time.perf_counter() - began)
print(f"{steps * batch / best:.0f}")

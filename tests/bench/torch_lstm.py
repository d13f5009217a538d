#!/usr/bin/python3
"""PyTorch's side of bench_lstm. usage: torch_lstm.py BATCH STEPS -> windows a second of training an LSTM (hidden 64, 30 -> 10), two threads, best of five."""
import sys
import time

import torch

batch, steps = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(2)
torch.set_flush_denormal(True)
torch.manual_seed(0)
windows = torch.randn(2000, 293).unfold(1, 40, 1)
lstm, head = torch.nn.LSTM(1, 64, batch_first=True), torch.nn.Linear(64, 10)
optimizer = torch.optim.Adam([*lstm.parameters(), *head.parameters()], lr=1e-3)
loss_of = torch.nn.MSELoss()


def run(steps):
    row, start = torch.randint(0, windows.shape[0], (steps, batch)), torch.randint(0, windows.shape[1], (steps, batch))
    for i in range(steps):
        w = windows[row[i], start[i]]
        optimizer.zero_grad()
        loss_of(head(lstm(w[:, :30, None])[0][:, -1]), w[:, 30:]).backward()
        optimizer.step()


run(max(2, steps // 10))
best = 1e9
for _ in range(5):
    began = time.perf_counter()
    run(steps)
    best = min(best, time.perf_counter() - began)
print(f"{steps * batch / best:.0f}")

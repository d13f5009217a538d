#!/usr/bin/python3
"""PyTorch's side of bench_resnet. usage: torch_resnet.py [plain] -> images a second of torchvision's ResNet18, 224 x 224, batch 32, forward and one training step
(Adam), f32: channels_last, or with plain as PyTorch lays it out by itself. TH: threads (2)."""
import os
import sys
import time

import torch
import torchvision

threads, batch = int(os.environ.get("TH", "2")), 32
layout = torch.contiguous_format if "plain" in sys.argv[1:] else torch.channels_last
torch.set_num_threads(threads)
torch.manual_seed(0)
model = torchvision.models.resnet18().to(memory_format=layout)
images = torch.randn(batch, 3, 224, 224).contiguous(memory_format=layout)
labels = torch.randint(0, 1000, (batch,))
optimizer, loss_of = torch.optim.Adam(model.parameters()), torch.nn.CrossEntropyLoss()


def forward():
    with torch.no_grad():
        model(images)


def step():
    optimizer.zero_grad()
    loss_of(model(images), labels).backward()
    optimizer.step()


def measure(name, run, n):
    seconds = []
    for i in range(n + 1):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    print(f"PyTorch ResNet18 f32 th={threads} {name}: best {batch / min(seconds[1:]):.2f} img/s", flush=True)


model.eval()
measure("forward", forward, 5)
model.train()
measure("train step", step, 3)

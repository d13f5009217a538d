#!/usr/bin/python3
"""Makes adda.safetensors: what PyTorch, in float64, makes of some steps of adversarial adaptation (discriminator, mapping with inverted labels,
reconstruction, labelled windows), all windows in one batch. Run: tests/reference/make_adda.py (python3-torch)."""
import os
import sys

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from weft_reference import counter, save  # noqa: E402

LOOKBACK, HORIZON, CODE, HIDDEN, ROWS, STEPS = 12, 3, 10, 20, 37, 6
LR, ENCODER_LR, SMOOTH, RECONSTRUCT, LABELS = 1e-3, 3e-4, 0.9, 0.5, 0.7


def numbers(tensor, shape, scale=1.0):
    n = int(np.prod(shape))
    return torch.from_numpy(counter(tensor, n).astype(np.float64) * scale).reshape(tuple(shape))


def fill(parameters, tensor, scale):
    at = 0
    whole = counter(tensor, sum(p.numel() for p in parameters)).astype(np.float64) * scale
    with torch.no_grad():
        for p in parameters:
            p.copy_(torch.from_numpy(whole[at : at + p.numel()]).reshape(p.shape))
            at += p.numel()


def flat(parameters):
    return np.concatenate([p.detach().numpy().astype(np.float32).reshape(-1) for p in parameters])


def layers(*widths):
    out = []
    for a, b in zip(widths, widths[1:]):
        out += [torch.nn.Linear(a, b), torch.nn.LeakyReLU(0.2)]
    return torch.nn.Sequential(*out[:-1]).double()


def main():
    source, target = torch.nn.LSTM(1, CODE, batch_first=True).double(), torch.nn.LSTM(1, CODE, batch_first=True).double()
    head, disc, decoder = torch.nn.Linear(CODE, HORIZON).double(), layers(CODE, HIDDEN, HIDDEN, 1), layers(CODE, HIDDEN, LOOKBACK)
    fill(list(source.parameters()) + list(head.parameters()), 400, 0.3)
    target.load_state_dict(source.state_dict())
    fill(list(disc.parameters()), 401, 0.3)
    fill(list(decoder.parameters()), 402, 0.3)
    xs, xt = numbers(403, (ROWS, LOOKBACK + HORIZON)), numbers(404, (ROWS, LOOKBACK + HORIZON)) * 0.5 + 0.3
    labelled = torch.arange(ROWS) % 3 == 0
    codes = source(xs[:, :LOOKBACK, None])[0][:, -1].detach()
    of_encoder = torch.optim.Adam(target.parameters(), lr=ENCODER_LR, betas=(0.5, 0.999))
    of_rest = torch.optim.Adam(list(disc.parameters()) + list(decoder.parameters()), lr=LR, betas=(0.5, 0.999))
    out, rows = {}, []
    for _ in range(STEPS):
        code = target(xt[:, :LOOKBACK, None])[0][:, -1]
        of_rest.zero_grad()
        zs, zt = disc(codes)[:, 0], disc(code.detach())[:, 0]
        loss = (bce(zs, torch.full((ROWS,), SMOOTH).double()) + bce(zt, torch.zeros(ROWS).double())) / 2
        loss.backward()
        for p in decoder.parameters():
            p.grad = None
        of_rest.step()
        right = ((zs > 0).sum() + (zt <= 0).sum()).item() / (2 * ROWS)
        of_rest.zero_grad()
        of_encoder.zero_grad()
        mapping = bce(disc(code)[:, 0], torch.ones(ROWS).double())
        rebuilt = torch.nn.functional.mse_loss(decoder(code), xt[:, :LOOKBACK])
        errors = (head(code)[labelled] - xt[labelled, LOOKBACK:]) ** 2
        (mapping + RECONSTRUCT * rebuilt + LABELS * errors.sum() / (ROWS * HORIZON)).backward()
        for p in disc.parameters():
            p.grad = None
        of_rest.step()
        of_encoder.step()
        rows.append([loss.item(), right, mapping.item(), rebuilt.item(), codes.var(0, unbiased=False).mean().item()])
    out["losses"] = np.array(rows, np.float32)
    out["encoder"] = flat(target.parameters())
    out["discriminator"] = flat(disc.parameters())
    out["decoder"] = flat(decoder.parameters())
    save(os.path.join(here, "adda.safetensors"), out)


main()

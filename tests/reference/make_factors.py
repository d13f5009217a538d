#!/usr/bin/python3
"""Makes factors.safetensors: the Poisson pseudo-likelihood of generated shops by dense Newton steps in float64 (the steps of nn/poisson.h: exponent in
[-8, 4], steps in [-1, 1], stop at 1e-4 or after 12): coefficients of all series together and of each, factors, and rests. Columns are written out here from
their definitions (model/factors.h), not taken from the C code. Run: tests/reference/make_factors.py (python3-numpy)."""
import datetime
import os
import sys

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from weft_reference import counter, save  # noqa: E402

SERIES, DAYS, AHEAD, KAPPA = 4, 800, 14, 8.0
START = datetime.date(2022, 1, 1)
BINS = ((1, 2), (3, 5), (6, 9), (10, 14), (15, 18), (19, 24), (28, 31))


def data():
    """Sales with weekday, promotion, price and season, shut on some days; one series begins late, one sells nothing."""
    n = DAYS + AHEAD
    dates = [START + datetime.timedelta(i) for i in range(n)]
    week = np.array([d.weekday() for d in dates])
    month = np.array([d.month for d in dates])
    y, opened, promo, price = (np.zeros((SERIES, n)) for _ in range(4))
    for s in range(SERIES):
        promo[s] = counter(10 + s, n) > 0.4
        price[s] = np.round(10 + 3 * counter(20 + s, n), 2)
        opened[s] = np.where((week == 6) & (s != 1), 0, np.where(counter(30 + s, n) > 0.9, 0.5, 1))
        mean = (20 + 30 * s) * opened[s] * np.exp(0.1 * week + 0.4 * promo[s] - 0.8 * np.log(price[s] / 10) + 0.05 * month)
        y[s] = np.round(mean * (1 + 0.3 * counter(40 + s, n)))
    y[2, :100] = 0
    y[3] = 0
    return dates, *(a.astype(np.float32) for a in (y, opened, promo, price))


def columns(dates, opened, promo, price, reference):
    week = np.array([d.weekday() for d in dates])
    month = np.array([d.month for d in dates])
    day = np.array([d.day for d in dates])
    n = len(dates)

    def after(x):
        return np.append(x[1:], x[n - 7])

    def before(x):
        return np.append(x[:1], x[:-1])
    out = [week == i for i in range(1, 7)]
    out += [after(opened), before(opened)]
    out += [promo * (week == i) for i in range(7)] + [after(promo), before(promo)]
    out += [np.log(price.astype(np.float64) / reference)]
    out += [(day >= a) & (day <= b) for a, b in BINS]
    out += [month == i for i in range(2, 13)]
    # as the rows hold them
    return np.array(out).astype(np.float32).astype(np.float64)


def newton(parts, ridge, towards, b):
    for _ in range(12):
        g, h = -ridge * (b - towards), np.diag(ridge + 1e-8)
        for x, y, offset in parts:
            mu = np.exp(np.clip(offset + b @ x, -8, 4))
            g = g + x @ (y - mu)
            h = h + (x * mu) @ x.T
        step = np.clip(np.linalg.solve(h, g), -1, 1)
        b = b + step
        if np.abs(step).max() < 1e-4:
            break
    return b


def main():
    dates, y, opened, promo, price = data()
    n, end = len(dates), DAYS
    ago = (end - np.arange(n)) * 86400 / (365.25 * 86400)
    nuisance = [np.ones(n), -ago]
    while end / 365.25 > len(nuisance) + 0.5:
        nuisance.append(np.maximum(0, len(nuisance) - ago))
    nuisance = np.array(nuisance).astype(np.float32).astype(np.float64)
    x, parts, scale, reference = [], [], [], []
    for s in range(SERIES):
        reference.append(price[s, :end].astype(np.float64).mean())
        x.append(columns(dates, opened[s], promo[s], price[s], reference[s]))
        scale.append(max(y[s, end - 728:end].astype(np.float64).mean(), 1e-6))
        rows = (opened[s, :end] > 0) & (np.cumsum(y[s, :end]) > 0)
        all_columns = np.concatenate([x[s], nuisance])[:, :end][:, rows]
        parts.append((all_columns, y[s, :end][rows] / scale[s], np.log(np.maximum(opened[s, :end][rows].astype(np.float64), 1e-3))))
    k, total = len(x[0]), len(x[0]) + len(nuisance)
    pooled = newton(parts, np.full(total, 1e-2), np.zeros(total), np.zeros(total))
    ridge = np.full(total, KAPPA)
    ridge[k:], ridge[k] = 1, 0.01
    own = np.array([newton([p], ridge, pooled, pooled.copy()) for p in parts])
    out = {"y": y, "open": opened, "promo": promo, "price": price, "reference": np.array(reference), "scale": np.array(scale), "pooled": pooled, "own": own}
    factor, rest = np.zeros((SERIES, n)), np.zeros((SERIES, end))
    for s in range(SERIES):
        f = np.exp(np.clip(own[s, :k].astype(np.float32).astype(np.float64) @ x[s], -6, 4))
        is_open = opened[s, end - 364:end] > 0
        factor[s] = f / max(f[end - 364:end][is_open].mean(), 1e-3)
        for t in range(end):
            if opened[s, t] < 0.2 or factor[s, t] < 0.1:
                rest[s, t] = rest[s, max(0, t - 7):t].mean() if t else 1
            else:
                rest[s, t] = y[s, t] / scale[s] / (factor[s, t] * opened[s, t])
    out["factor"], out["rest"] = factor, rest
    save(os.path.join(here, "factors.safetensors"), out)


main()
